"""How near generated samples are to real ones: fidelity, variety, copies; functions of points (n, d)."""

from __future__ import annotations

__all__ = [
    "DensityCoverage", "Memorization", "Neighbors", "PrecisionRecall", "density_coverage", "frechet_distance",
    "frechet_normal", "memorization", "nearest_neighbors", "precision_recall",
]  # fmt: skip

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.metrics.neighbors import code_coverage, code_density, kth_distance
from latente.metrics.points import as_points, same_columns

BLOCK = 1 << 22  # distances held at a time


@dataclass(frozen=True)
class DensityCoverage:
    """Attributes: density, about 1 for real data and unbounded above; coverage, the share of real points, in [0, 1]."""

    density: float
    coverage: float


@dataclass(frozen=True)
class PrecisionRecall:
    """Attributes: precision, the share of fakes among the reals; recall, the share of reals among the fakes."""

    precision: float
    recall: float


@dataclass(frozen=True, eq=False)
class Neighbors:
    """The nearest training sample of each sample.

    Attributes:
        index: (n,), its row.
        distance: (n,), Euclidean, in the samples' units.
    """

    index: NDArray[np.int64]
    distance: NDArray[np.float64]

    def __repr__(self) -> str:
        low, high = self.distance.min(), self.distance.max()
        return f"Neighbors(of {len(self.index)} samples, at distances of {low:.3g} to {high:.3g})"


@dataclass(frozen=True, eq=False)
class Memorization:
    """How near samples come to training samples, beside how near held-out data comes to them by itself.

    Attributes:
        index: (n,), the row of each sample's nearest training sample.
        distance: (n,), how far it is.
        ratio: (n,), that distance relative to the held-out median: far below 1 is a near copy.
        median_ratio: the median of `ratio`: about 1 for samples of the data's own distribution.
        near_copies: the share of samples nearer to a training sample than 99% of the held-out data is: about 0.01 for
            samples of the data's own distribution.
    """

    index: NDArray[np.int64]
    distance: NDArray[np.float64]
    ratio: NDArray[np.float64]
    median_ratio: float
    near_copies: float

    def __repr__(self) -> str:
        summary = f"median_ratio={self.median_ratio:.3g}, near_copies={self.near_copies:.3g}"
        return f"Memorization(of {len(self.index)} samples, {summary})"


def frechet_distance(a: Any, b: Any) -> float:
    """Returns the Fréchet distance of two sets of points, each taken as a normal distribution.

        ||m_a - m_b||^2 + tr(S_a + S_b - 2 (S_a S_b)^(1/2))

    with the unbiased covariances S. In squared units of the points; its estimate is too large by a term that shrinks
    with the number of points, so compare sets of one size, and with the distance between two sets of real data. Of d
    points or fewer the covariance has no full rank; it warns of that. In the features of an Inception network it is the
    FID of Heusel, Ramsauer, Unterthiner, Nessler, Hochreiter (2017), "GANs trained by a two time-scale update rule";
    the formula is of Dowson & Landau (1982).

    Args:
        a: (n, d), at least 2.
        b: (m, d), at least 2.

    Raises:
        ValueError: for shapes that do not fit, values that are not finite, or too few points.

    Example:
        >>> a = np.random.default_rng(0).normal(size=(100, 2))
        >>> round(frechet_distance(a, a + [3.0, 4.0]), 6)
        25.0
    """
    a, b = as_points(a, "a", 2), as_points(b, "b", 2)
    same_columns(a, b, ("a", "b"))
    if min(len(a), len(b)) <= a.shape[1]:
        warnings.warn(
            f"{min(len(a), len(b))} points are too few to know the covariance of {a.shape[1]} columns, so their "
            "Fréchet distance is far too large: take more than there are columns, better ten times as many, or compare "
            "it only with that of as many real points",
            stacklevel=2,
        )
    covariances = [np.atleast_2d(np.cov(points, rowvar=False)) for points in (a, b)]
    return frechet_normal(a.mean(0), covariances[0], b.mean(0), covariances[1])


def frechet_normal(mean_a: Any, covariance_a: Any, mean_b: Any, covariance_b: Any) -> float:
    """Returns the squared Fréchet (2-Wasserstein) distance of two normal distributions; see `frechet_distance`.

    Args:
        mean_a: (d,).
        covariance_a: (d, d), symmetric and positive semidefinite; may be singular.
        mean_b: (d,).
        covariance_b: (d, d), likewise.

    Example:
        >>> frechet_normal([0.0], [[4.0]], [1.0], [[9.0]])    # (0 - 1)^2 + (2 - 3)^2
        2.0
    """
    difference = np.asarray(mean_a, dtype=np.float64) - np.asarray(mean_b, dtype=np.float64)
    first, second = (np.asarray(c, dtype=np.float64) for c in (covariance_a, covariance_b))
    values, vectors = np.linalg.eigh(first)
    half = np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T  # first = half^T half
    # the eigenvalues of S_a S_b are those of half S_b half^T, which is symmetric, so their roots are real
    roots = np.sqrt(np.maximum(np.linalg.eigvalsh(half @ second @ half.T), 0.0))
    return max(0.0, float(difference @ difference + np.trace(first) + np.trace(second) - 2 * roots.sum()))


def density_coverage(real: Any, fake: Any, k: int = 5) -> DensityCoverage:
    """Returns how densely fakes lie where real points are, and how many real points have a fake nearby.

        density  = 1/(k m) sum_j sum_i 1[ fake j is nearer to real i than its k-th nearest real ]
        coverage = 1/n sum_i 1[ some fake is nearer to real i than its k-th nearest real ]

    For as many fakes from the real distribution, density is about 1 and coverage 1 - 2^-k. Source: Naeem, Oh, Uh, Choi,
    Yoo (2020), "Reliable fidelity and diversity metrics for generative models".

    Args:
        real: (n, d), more than k.
        fake: (m, d), best as many.
        k: which neighbour bounds a neighbourhood.

    Raises:
        ValueError: for shapes that do not fit, values that are not finite, or too few points.

    Example:
        >>> density_coverage([[0.0], [1.0], [10.0], [11.0]], [[0.5], [0.6]], k=1)
        DensityCoverage(density=2.0, coverage=0.5)
    """
    return DensityCoverage(code_density(real, fake, k=k), code_coverage(real, fake, k=k))


def precision_recall(real: Any, fake: Any, k: int = 3) -> PrecisionRecall:
    """Returns the share of fakes inside the support of the real points, and of real points inside that of the fakes.

    The support of points is the union of balls around them that reach to each one's k-th nearest neighbour. A single
    outlier widens it much; density and coverage are less sensitive. Source: Kynkaanniemi, Karras, Laine, Lehtinen, Aila
    (2019), "Improved precision and recall metric for assessing generative models".

    Args:
        real: (n, d), more than k.
        fake: (m, d), more than k.
        k: which neighbour bounds a ball.

    Raises:
        ValueError: for shapes that do not fit, values that are not finite, or too few points.

    Example:
        >>> precision_recall([[0.0], [1.0], [10.0], [11.0]], [[0.5], [0.6]], k=1)
        PrecisionRecall(precision=1.0, recall=0.0)
    """
    return PrecisionRecall(_inside(real, fake, k), _inside(fake, real, k))


def nearest_neighbors(samples: Any, train: Any) -> Neighbors:
    """Returns the nearest training sample of each sample, by Euclidean distance.

    Args:
        samples: (n, ...); what follows n is flattened.
        train: (m, ...), likewise.

    Raises:
        ValueError: for shapes that do not fit, or values that are not finite.

    Example:
        >>> nearest_neighbors([[0.0], [9.0]], [[1.0], [5.0], [8.5]]).index
        array([0, 2])
    """
    from sklearn.neighbors import NearestNeighbors

    asked, base = as_points(samples, "samples"), as_points(train, "train")
    same_columns(asked, base, ("samples", "train"))
    index = NearestNeighbors(n_neighbors=1).fit(base).kneighbors(asked, return_distance=False)[:, 0]
    return Neighbors(index, np.linalg.norm(asked - base[index], axis=1))  # exact, so that a copy has distance 0


def memorization(samples: Any, train: Any, held_out: Any) -> Memorization:
    """Returns how near samples come to training samples, beside how near held-out data comes to them.

    A generator that repeats its training data draws samples much nearer to it than new data of the same kind is.

    Args:
        samples: (n, ...), generated; what follows n is flattened.
        train: (m, ...), what the generator was fitted to.
        held_out: (l, ...), data that it has not seen.

    Raises:
        ValueError: for shapes that do not fit, values that are not finite, or held-out data that is all in `train`.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> train, held_out = rng.normal(size=(2, 500, 3))
        >>> memorization(train[:10], train, held_out).near_copies
        1.0
    """
    ours, theirs = nearest_neighbors(samples, train), nearest_neighbors(held_out, train)
    usual = float(np.median(theirs.distance))
    if usual == 0:
        raise ValueError("half of held_out or more is in train itself; pass data that was not trained on")
    ratio = ours.distance / usual
    limit = np.quantile(theirs.distance, 0.01)
    near = (ours.distance < limit) | (ours.distance == 0)
    return Memorization(ours.index, ours.distance, ratio, float(np.median(ratio)), float(near.mean()))


def _inside(points: Any, queries: Any, k: int) -> float:
    """Returns the share of queries in the union of balls around points that reach to the k-th nearest point."""
    from scipy.spatial.distance import cdist

    radii = kth_distance(points, k=k)
    base, asked = as_points(points, "points"), as_points(queries, "queries")
    same_columns(base, asked, ("points", "queries"))
    rows = max(1, BLOCK // len(base))
    pieces = [asked[i : i + rows] for i in range(0, len(asked), rows)]
    return sum(int((cdist(piece, base) <= radii).any(1).sum()) for piece in pieces) / len(asked)
