"""Kernel density estimation."""

from __future__ import annotations

__all__ = ["BandwidthWarning", "KernelDensitySampler"]

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latente.generation.base import Codes, Density, Sampler
from latente.parts import is_number

if TYPE_CHECKING:
    from latente.estimators import Autoencoder

RULES = ("scott", "silverman", "cv")
HELD_OUT = 500  # codes whose left-out density the cross-validation maximises
FACTORS = np.geomspace(0.005, 3.3, 34)  # tried by it, as multiples of Scott's
SAME = 1e-5  # standard deviations; codes nearer than that are one code, up to rounding
PAIRS = 1 << 21  # distances held at a time
SMALLEST = 1e-6  # added to the covariance of the standardised codes


class _Kernels(Density):
    """1/n sum_i N(c_i, L L^T), the kernels' common covariance."""

    def __init__(self, codes: Codes, factor: Codes) -> None:
        self.codes, self.factor = codes, factor

    def sample(self, n: int, temperature: float, rng: np.random.Generator) -> Codes:
        centres = self.codes[rng.integers(len(self.codes), size=n)]
        return centres + temperature * rng.standard_normal(centres.shape) @ self.factor.T

    def log_density(self, codes: Codes) -> Codes:
        from scipy.linalg import solve_triangular
        from scipy.spatial.distance import cdist
        from scipy.special import logsumexp

        base, asked = (solve_triangular(self.factor, x.T, lower=True).T for x in (self.codes, codes))
        rows = max(1, PAIRS // len(base))
        pieces = [asked[i : i + rows] for i in range(0, len(asked), rows)]
        sums = [logsumexp(-0.5 * cdist(piece, base, "sqeuclidean"), axis=1) for piece in pieces]
        log_norm = 0.5 * codes.shape[1] * np.log(2 * np.pi) + np.log(np.diag(self.factor)).sum()
        return np.concatenate(sums) - np.log(len(base)) - log_norm

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {"codes": self.codes, "factor": self.factor}


class BandwidthWarning(UserWarning):
    """Cross-validation would go on beyond the bandwidths that it tries.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> codes = np.repeat(rng.normal(size=(100, 2)), 2, axis=0) + 1e-3 * rng.normal(size=(200, 2))    # near copies
        >>> with warnings.catch_warnings(record=True) as caught:
        ...     warnings.simplefilter("always")
        ...     sampler = KernelDensitySampler("cv").fit(codes)
        >>> caught[0].category.__name__
        'BandwidthWarning'
    """


@dataclass
class KernelDensitySampler(Sampler, name="kde"):
    """1/n sum_i N(z_i, h^2 S): a normal kernel on every code, S the covariance of all codes.

    A draw is a training code with noise, so a small h repeats the training data. Temperature T scales h: 0 draws
    training codes themselves. All codes are kept, and saved with the sampler.

    Source: Silverman (1986), "Density estimation for statistics and data analysis"; Scott (1992), "Multivariate density
    estimation".

    Args:
        bandwidth: h: "scott", n^(-1/(d+4)); "silverman", (n (d+2) / 4)^(-1/(d+4)); "cv", the one that gives codes that
            are left out, with all that equal them, the highest density, which suits codes in clusters; or a number.

    Warns:
        BandwidthWarning: when "cv" finds the lowest or the highest of the bandwidths it tries best: the narrowest
            repeats the training data.

    Example:
        >>> codes = np.random.default_rng(0).normal(size=(200, 2))
        >>> from scipy.stats import gaussian_kde
        >>> ours = KernelDensitySampler("scott").fit(codes).log_density(codes[:3])
        >>> bool(np.allclose(ours, gaussian_kde(codes.T).logpdf(codes[:3].T), atol=1e-3))
        True
    """

    bandwidth: float | str = "cv"

    def check(self) -> None:
        if self.bandwidth in RULES or (is_number(self.bandwidth, low=0) and self.bandwidth != 0):
            return
        raise ValueError(
            f"KernelDensitySampler: bandwidth must be one of {', '.join(RULES)}, or a number above 0; "
            f"got {self.bandwidth!r}"
        )

    def _fit(self, codes: Codes, seed: int) -> Density:
        n, d = codes.shape
        centred = codes - codes.mean(0)
        factor = np.linalg.cholesky(centred.T @ centred / (n - 1) + SMALLEST * np.eye(d))
        scott = n ** (-1 / (d + 4))
        h = {"scott": scott, "silverman": (n * (d + 2) / 4) ** (-1 / (d + 4))}.get(str(self.bandwidth))
        if self.bandwidth == "cv":
            h = scott * _left_out(codes, factor, scott, np.random.default_rng(seed))
        return _Kernels(codes, (float(self.bandwidth) if h is None else h) * factor)

    def _restore(self, arrays: Mapping[str, NDArray[Any]], model: Autoencoder | None) -> Density:
        return _Kernels(arrays["codes"], arrays["factor"])


def _left_out(codes: Codes, factor: Codes, scott: float, rng: np.random.Generator) -> float:
    """Returns the multiple of Scott's bandwidth under which random codes are most probable given all that differ.

    A code that occurs twice would otherwise be its own best neighbour, whatever the bandwidth.
    """
    from scipy.linalg import solve_triangular
    from scipy.spatial.distance import cdist
    from scipy.special import logsumexp

    white = solve_triangular(factor, codes.T, lower=True).T
    chosen = rng.permutation(len(codes))[:HELD_OUT]
    totals, known = np.zeros(len(FACTORS)), 0
    rows = max(1, PAIRS // len(codes))
    for start in range(0, len(chosen), rows):
        squared = cdist(white[chosen[start : start + rows]], white, "sqeuclidean")
        squared[squared <= SAME**2] = np.inf
        squared = squared[np.isfinite(squared).any(1)]
        known += len(squared)
        for i, h in enumerate(scott * FACTORS):
            totals[i] += (logsumexp(-0.5 / h**2 * squared, axis=1) - codes.shape[1] * np.log(h)).sum()
    if known == 0:  # all codes are equal
        return 1.0
    best = int(totals.argmax())
    if best in (0, len(FACTORS) - 1):
        _warn(float(scott * FACTORS[best]), lowest=best == 0)
    return float(FACTORS[best])


def _warn(h: float, lowest: bool) -> None:
    end, why = ("lowest", "draws nearly repeat the codes") if lowest else ("highest", "draws are spread widely")
    message = (
        f"cross-validation chose h={h:.3g}, the {end} bandwidth that it tries, so {why}. Look at the codes for near "
        "copies or far outliers, or choose a bandwidth yourself: KernelDensitySampler('scott') or a number."
    )
    warnings.warn(message, BandwidthWarning, stacklevel=4)
