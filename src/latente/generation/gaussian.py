"""One normal distribution."""

from __future__ import annotations

__all__ = ["GaussianSampler", "NormalDensity"]

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latente.generation.base import Codes, Density, Sampler
from latente.parts import is_number

if TYPE_CHECKING:
    from latente.estimators import Autoencoder


class NormalDensity(Density):
    """Normal distributions with weights: one, or the components of a mixture.

    Args:
        weights: (k,), sum 1.
        means: (k, d).
        factors: (k, d, d), lower triangular L with covariance L L^T.
    """

    def __init__(self, weights: Codes, means: Codes, factors: Codes) -> None:
        self.weights, self.means, self.factors = weights, means, factors

    def sample(self, n: int, temperature: float, rng: np.random.Generator) -> Codes:
        of = rng.choice(len(self.weights), n, p=self.weights) if len(self.weights) > 1 else np.zeros(n, dtype=int)
        noise = rng.standard_normal((n, self.means.shape[1]))
        drawn = self.means[of]
        for k, factor in enumerate(self.factors):
            drawn[of == k] += temperature * noise[of == k] @ factor.T
        return drawn

    def log_density(self, codes: Codes) -> Codes:
        from scipy.linalg import solve_triangular

        d, terms = codes.shape[1], []
        for weight, mean, factor in zip(self.weights, self.means, self.factors, strict=True):
            white = solve_triangular(factor, (codes - mean).T, lower=True)
            log_norm = 0.5 * d * np.log(2 * np.pi) + np.log(np.diag(factor)).sum()
            terms.append(np.log(weight) - log_norm - 0.5 * np.einsum("dn,dn->n", white, white))
        return np.logaddexp.reduce(terms, axis=0)

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {"weights": self.weights, "means": self.means, "factors": self.factors}


@dataclass
class GaussianSampler(Sampler, name="gaussian"):
    """N(m, S) with the mean and the covariance of the codes; temperature T draws from N(m, T^2 S).

    The simplest of the densities that Ghosh, Sajjadi, Vergari, Black, Schoelkopf (2020), "From variational to
    deterministic autoencoders", fit after training.

    Args:
        regularization: added to every variance of the standardised codes; above 0, so that codes in a plane have a
            density too.

    Example:
        >>> import numpy as np
        >>> codes = np.random.default_rng(0).normal([1.0, 5.0], [1.0, 3.0], size=(100_000, 2))
        >>> GaussianSampler().fit(codes).sample(100_000, random_state=0).std(0).round(1).tolist()
        [1.0, 3.0]
    """

    regularization: float = 1e-6

    def check(self) -> None:
        if not is_number(self.regularization, low=0) or self.regularization == 0:
            raise ValueError(f"GaussianSampler: regularization must be above 0; got {self.regularization!r}")

    def _fit(self, codes: Codes, seed: int) -> Density:
        centred = codes - codes.mean(0)
        covariance = centred.T @ centred / len(codes) + self.regularization * np.eye(codes.shape[1])
        return NormalDensity(np.ones(1), codes.mean(0)[None], np.linalg.cholesky(covariance)[None])

    def _restore(self, arrays: Mapping[str, NDArray[Any]], model: Autoencoder | None) -> Density:
        return NormalDensity(arrays["weights"], arrays["means"], arrays["factors"])
