"""Means and covariances of clusters that have few pictures for so many directions.

Copies of pictures, moved by a pixel and stretched by 6%, count, too. A copy is linear in its picture, so its covariance
A C A' is made of that of the pictures (P. Y. Simard, Y. LeCun and J. S. Denker, 1993, use what such copies differ by).
Each covariance is then drawn towards one of its own variances and of the correlations within all clusters (after
O. Ledoit and M. Wolf, 2004, "A well-conditioned estimator for large-dimensional covariance matrices").
"""

from __future__ import annotations

__all__ = ["copying", "covariances", "directions"]

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

STRETCHED = 1.06  # by how much copies are wider or higher; others are narrower or lower by as much
COPIES, MOST_COPIES = 600.0, 0.6  # pictures that each kind of copies counts as, and at most this part of the cluster
LEAST = 0.05  # variance of a value
Reals = NDArray[np.float32]


def directions(covariance: Reals) -> tuple[Reals, Reals]:
    """Returns variances and directions, from the largest variance on.

    Args:
        covariance: (D, D).
    """
    variances, found = np.linalg.eigh(covariance.astype(np.float64))
    ordered: Reals = np.ascontiguousarray(found[:, ::-1], dtype=np.float32)
    return variances[::-1].astype(np.float32), ordered


def covariances(x: Reals, shares: Reals, sure: float, shape: tuple[int, int, int] | None = None) -> tuple[Reals, Reals]:
    """Returns (K, D) means and (K, D, D) covariances of clusters.

    Args:
        x: (n, D), pictures.
        shares: (n, K), how far each picture is in each cluster.
        sure: pictures that the correlations within all clusters count as in each.
        shape: (height, width, channels) of pictures; None for no copies.
    """
    counts = shares.sum(axis=0, dtype=np.float64)
    means, sums = np.tile(x.mean(axis=0), (len(counts), 1)), np.zeros((len(counts), x.shape[1], x.shape[1]), np.float32)
    kinds = copying(shape) if shape is not None else []
    for k in np.flatnonzero(counts).tolist():
        at = np.flatnonzero(shares[:, k])
        means[k] = shares[at, k] @ x[at] / np.float32(counts[k])
        rest = (x[at] - means[k]) * np.sqrt(shares[at, k])[:, None]
        sums[k] = rest.T @ rest
        part = min(MOST_COPIES, COPIES / counts[k])
        sums[k] += np.float32(part) * _copied(sums[k], means[k], float(counts[k]), kinds)
        counts[k] *= 1 + part * len(kinds)
    within = sums.sum(axis=0) / np.float32(counts.sum())
    correlations = within / _products(within)
    for k, total in enumerate(sums):
        seen = total / np.float32(counts[k]) if counts[k] else within
        sums[k] = (total + np.float32(sure) * correlations * _products(seen)) / np.float32(counts[k] + sure)
    return means, sums


def _products(covariance: Reals) -> Reals:
    """(D, D) products of standard deviations."""
    deviations = np.sqrt(np.maximum(np.diag(covariance), np.float32(LEAST)))
    found: Reals = np.outer(deviations, deviations)
    return found


def _copied(total: Reals, mean: Reals, count: float, kinds: list[Any]) -> Reals:
    """The sum of (x - mean)(x - mean)' over all copies of a cluster's pictures."""
    found = np.zeros_like(total)
    for kind in kinds:
        away = kind @ mean - mean
        found += kind @ np.ascontiguousarray((kind @ total).T) + np.float32(count) * np.outer(away, away)
    return found


def copying(shape: tuple[int, int, int]) -> list[Any]:
    """Returns sparse matrices (D, D) that make copies of pictures: four moved by a pixel, four stretched.

    Args:
        shape: (height, width, channels).

    Example:
        >>> right = copying((1, 3, 1))[0]
        >>> (right @ np.array([1.0, 2.0, 3.0])).tolist()
        [1.0, 1.0, 2.0]
    """
    height, width, channels = shape
    rows, columns, same = np.arange(height), np.arange(width), sparse.identity(channels)
    pairs: list[tuple[NDArray[Any], NDArray[Any]]] = [(rows, columns - 1), (rows, columns + 1)]
    pairs += [(rows - 1, columns), (rows + 1, columns)]
    for part in (1 / STRETCHED, STRETCHED):
        pairs += [(_stretched(height, part), columns), (rows, _stretched(width, part))]
    found = [sparse.kron(sparse.kron(_reading(i, height), _reading(j, width)), same) for i, j in pairs]
    return [matrix.tocsr().astype(np.float32) for matrix in found]


def _stretched(size: int, part: float) -> NDArray[Any]:
    """Places that are `part` times as far from the middle."""
    middle = (size - 1) / 2
    return np.asarray(middle + (np.arange(size) - middle) * part)


def _reading(places: NDArray[Any], size: int) -> Any:
    """The matrix that reads values at places by linear interpolation, those beyond the ends from the ends."""
    at = np.clip(places, 0, size - 1)
    below = np.minimum(at.astype(np.intp), max(size - 2, 0))
    above = np.minimum(below + 1, size - 1)
    share, row = at - below, np.arange(len(at))
    entries = np.concatenate([1 - share, share]), (np.tile(row, 2), np.concatenate([below, above]))
    return sparse.coo_matrix(entries, shape=(len(at), size)).tocsr()
