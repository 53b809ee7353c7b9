"""Numbers that stand under the figures."""

from __future__ import annotations

__all__ = ["Between", "Denoised", "Drawn", "Neighbours", "measure_between", "measure_denoised", "measure_drawn",
           "measure_neighbours", "nearest"]  # fmt: skip

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from latente.diagnostics.passed import Floats, decode, pass_through
from latente.estimators import Autoencoder
from latente.metrics import psnr
from latente.training import seeded

NEIGHBOURS = 10
PAIRS = 200  # of samples between which halfway points are looked at
DRAWS = 500  # samples of the prior that are looked at


def nearest(queries: Floats, base: Floats, *, skip: int = 0) -> NDArray[np.float64]:
    """Returns (n,): the squared distance from each query (n, ...) to its nearest sample of the base (m, ...).

    Args:
        queries: scaled samples.
        base: scaled samples.
        skip: how many of the nearest to pass over; 1 where the queries themselves are in the base.
    """
    from sklearn.neighbors import NearestNeighbors

    flat = base.reshape(len(base), -1)
    found = NearestNeighbors(n_neighbors=min(1 + skip, len(flat)), algorithm="brute").fit(flat)
    return np.square(found.kneighbors(queries.reshape(len(queries), -1))[0][:, -1].astype(np.float64))


@dataclass(frozen=True)
class Neighbours:
    """Of the ten nearest neighbours of a sample, the share with its label: in the codes, in PCA's, by chance."""

    code: float
    pca: float
    chance: float


def measure_neighbours(z: Floats, pca: NDArray[Any], labels: NDArray[np.int64]) -> Neighbours:
    """Returns how well neighbours agree.

    Args:
        z: (n, latent_dim), the codes.
        pca: (n, components), PCA's codes of the same samples.
        labels: (n,).
    """
    share = np.bincount(labels) / len(labels)
    return Neighbours(_agreement(z, labels), _agreement(pca, labels), float(np.square(share).sum()))


def _agreement(codes: NDArray[Any], labels: NDArray[np.int64]) -> float:
    from sklearn.neighbors import NearestNeighbors

    k = min(NEIGHBOURS, len(codes) - 1)
    found = NearestNeighbors(n_neighbors=k).fit(codes).kneighbors(return_distance=False)  # without the sample itself
    return float((labels[found] == labels[:, None]).mean())


@dataclass(frozen=True)
class Denoised:
    """PSNR in dB of the mean squared error over samples, after clipping to the data's bounds.

    Attributes:
        noisy: of the corrupted samples.
        restored: of what the model makes of them.
        pca: of what PCA makes of them.
        median: of what a 3 x 3 median filter makes of them; None where samples are no images.
        clean: of the model's reconstructions of clean samples: the most its code allows.
    """

    noisy: float
    restored: float
    pca: float
    median: float | None
    clean: float


def corrupted(model: Autoencoder, x: Floats, seed: int) -> Floats:
    """Returns x after the model's corruption, not clipped."""
    with seeded(seed) as generator:
        device, module = model.module_.device, model.module_
        if device.type != "cpu":
            generator = torch.Generator(device).manual_seed(seed)
        return module.corrupt(torch.from_numpy(x).to(device), generator).float().cpu().numpy()


def clipped(model: Autoencoder, x: Floats) -> Floats:
    """Returns x within the bounds of scaled data, where there are any."""
    return x if model.schema_.bounds is None else np.clip(x, *model.schema_.bounds)


def span(model: Autoencoder, x: Floats) -> float:
    """Returns the range that PSNR refers to: that of the data's bounds or, where there are none, of these samples."""
    low, high = model.schema_.bounds or (float(x.min()), float(x.max()))
    return high - low or 1.0


def measure_denoised(model: Autoencoder, x: Floats, by_pca: Callable[[Floats], Floats], seed: int) -> Denoised:
    """Returns how well noise is removed.

    Args:
        model: fitted, with a corruption.
        x: (n, *sample_shape), clean scaled samples.
        by_pca: what PCA makes of samples.
        seed: decides the noise.
    """
    noisy = corrupted(model, x, seed)

    def mean(y: Floats) -> float:
        return float(psnr(x.reshape(1, -1), clipped(model, y).reshape(1, -1), span(model, x))[0])

    return Denoised(
        noisy=mean(noisy),
        restored=mean(pass_through(model, noisy).x_hat),
        pca=mean(by_pca(noisy)),
        median=mean(median_filtered(clipped(model, noisy))) if model.schema_.kind == "image" else None,
        clean=mean(pass_through(model, x).x_hat),
    )


def median_filtered(x: Floats) -> Floats:
    """Returns images (n, channels, height, width) after a 3 x 3 median filter."""
    from scipy.ndimage import median_filter

    return median_filter(x, size=(1, 1, 3, 3))


@dataclass(frozen=True)
class Between:
    """Mean squared distances to the nearest sample of the reference.

    Attributes:
        code: of samples decoded halfway between two codes.
        fade: of the mean of the two samples.
        ends: of the reconstructions of the two samples.
        pairs: how many pairs.
        other_labels: whether the two samples of a pair have different labels.
    """

    code: float
    fade: float
    ends: float
    pairs: int
    other_labels: bool


def measure_between(
    model: Autoencoder,
    x: Floats,
    z: Floats,
    labels: NDArray[np.int64] | None,
    base: Floats,
    rng: np.random.Generator,
    *,
    inside: bool,
) -> Between:
    """Returns how far halfway points are from data.

    Args:
        model: fitted.
        x: (n, *sample_shape), scaled samples.
        z: (n, latent_dim), their codes.
        labels: (n,), or None.
        base: (m, *sample_shape), where neighbours are looked for.
        rng: chooses the pairs.
        inside: whether x is part of the base; reconstructions are then held against other samples than their own.
    """
    a, b = (rng.integers(len(x), size=20 * PAIRS) for _ in range(2))
    mixed = labels is not None and len(np.unique(labels)) > 1
    apart = labels[a] != labels[b] if mixed and labels is not None else a != b
    a, b = a[apart][:PAIRS], b[apart][:PAIRS]
    halfway = decode(model, (z[a] + z[b]) / 2)
    ends = decode(model, np.concatenate([z[a], z[b]]))
    return Between(
        code=float(nearest(halfway, base).mean()),
        fade=float(nearest((x[a] + x[b]) / 2, base).mean()),
        ends=float(nearest(ends, base, skip=int(inside)).mean()),
        pairs=len(a),
        other_labels=mixed,
    )


@dataclass(frozen=True)
class Drawn:
    """Mean squared distances, of samples of the prior and of data.

    Attributes:
        sample: from a sample to its nearest neighbour in the reference.
        real: the same for data.
        rebuilt: the same for reconstructions of data.
        sample_spread: between two samples.
        real_spread: between two data.
        draws: how many samples were drawn.
    """

    sample: float
    real: float
    rebuilt: float
    sample_spread: float
    real_spread: float
    draws: int


def measure_drawn(samples: Floats, x: Floats, x_hat: Floats, base: Floats, *, inside: bool) -> Drawn:
    """Returns how samples of the prior compare with data.

    Args:
        samples: (n, *sample_shape), drawn and scaled.
        x: (m, *sample_shape), data.
        x_hat: their reconstructions.
        base: where neighbours are looked for.
        inside: whether x is part of the base.
    """
    return Drawn(
        sample=float(nearest(samples, base).mean()),
        real=float(nearest(x[:DRAWS], base, skip=int(inside)).mean()),
        rebuilt=float(nearest(x_hat[:DRAWS], base, skip=int(inside)).mean()),
        sample_spread=_spread(samples),
        real_spread=_spread(x),
        draws=len(samples),
    )


def _spread(x: Floats) -> float:
    """Returns the mean squared distance between two of the samples: twice their total variance."""
    n = len(x)
    return float(2 * x.reshape(n, -1).var(0, dtype=np.float64).sum() * n / max(1, n - 1))
