"""In how many directions points spread."""

from __future__ import annotations

__all__ = ["intrinsic_dimension", "participation_ratio"]

from typing import Any

import numpy as np

from latente.metrics.points import as_points


def participation_ratio(codes: Any) -> float:
    """Returns over how many linear directions the variance is spread, from 1 to the number of columns.

        (sum_j l_j)^2 / sum_j l_j^2,   l_j the eigenvalues of the covariance

    d for equal variances in d directions, 1 when all points lie on a line; NaN when all points are equal.

    Args:
        codes: (n, d), n at least 2.

    Raises:
        ValueError: for fewer than 2 points, or values that are not finite.

    Example:
        >>> participation_ratio([[1, 1, 0], [1, -1, 0], [-1, 1, 0], [-1, -1, 0]])
        2.0
    """
    points = as_points(codes, "codes", 2)
    centred = points - points.mean(0)
    largest = np.abs(centred).max()
    if largest == 0:
        return float("nan")
    centred = centred / largest
    covariance = centred.T @ centred if centred.shape[0] >= centred.shape[1] else centred @ centred.T
    return float(np.trace(covariance) ** 2 / np.square(covariance).sum())


def intrinsic_dimension(x: Any) -> float:
    """Returns the dimension of the surface that points lie on, by the ratio of their first two neighbours' distances.

        (n - 1) / sum_i ln(r2_i / r1_i)

    the unbiased maximum-likelihood form of TwoNN. Rows that occur more than once count once. It assumes that density
    is even up to the second neighbour, and needs more points the higher the dimension: above about 10 it reads low.
    NaN when fewer than 3 different points, or only evenly spaced ones, are left. Source: Facco, d'Errico, Rodriguez,
    Laio (2017), "Estimating the intrinsic dimension of datasets by a minimal neighborhood information".

    Args:
        x: (n, ...), in any unit.

    Raises:
        ValueError: for fewer than 3 points, or values that are not finite.

    Example:
        >>> t = np.random.default_rng(0).normal(size=(2000, 2))
        >>> round(intrinsic_dimension(np.column_stack([t, np.sin(t), t[:, 0] * t[:, 1]])), 1)
        2.0
    """
    from sklearn.neighbors import NearestNeighbors

    points = np.unique(as_points(x, "x", 3), axis=0)
    if len(points) < 3:
        return float("nan")
    distances = NearestNeighbors(n_neighbors=2).fit(points - points.mean(0)).kneighbors()[0]
    first, second = distances[:, 0], distances[:, 1]
    apart = first > 0  # rounding can make two different rows one
    total = float(np.log(second[apart] / first[apart]).sum())
    return float((apart.sum() - 1) / total) if total > 0 else float("nan")
