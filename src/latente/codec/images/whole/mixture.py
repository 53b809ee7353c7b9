"""A transform of whole pictures that depends on which of some clusters a picture belongs to.

Every cluster has a mean and a Karhunen-Loeve transform of its own, so that a picture of a shoe is told by coefficients
that are few for shoes (R. D. Dony and S. Haykin, 1995, "Optimally adaptive transform coding"). The leading directions
of all pictures are turned for each cluster; the others are the same for all.
"""

from __future__ import annotations

__all__ = ["Mixture", "fit_mixture"]

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST_CLUSTERS, MOST_TURNED = 32, 512
PER_CLUSTER = 1500  # pictures that each cluster has on average, at least
SAMPLES = 30_000  # on which clusters are found
ROUNDS = 15, 5  # of k-means, and of assigning by what a picture costs
SURE = 200  # pictures that the covariance within all clusters counts as in each
NOISE = 150.0  # variance below which a coefficient tells nothing of a cluster; about a squared error at low qualities
LEAST = 0.05  # variance of a coefficient
Reals = NDArray[np.float32]
Clusters = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Mixture:
    """The transform; values from 0 to 255.

    Attributes:
        basis: (D, D), orthonormal columns, of all pictures.
        means: (K, D), of each cluster, in that basis.
        turns: (K, P, P), orthonormal columns: the cluster's own directions among the first P.
        spreads: (K, D), standard deviations of coefficients.

    Example:
        >>> one = Mixture(*(np.eye(2, dtype=np.float32), np.ones((1, 2), np.float32), np.eye(2, dtype=np.float32)[None],
        ...     np.ones((1, 2), np.float32)))
        >>> y = one.coefficients(np.array([[3.0, 5.0]], np.float32), np.array([0]))
        >>> y.tolist(), one.values(y, np.array([0])).tolist()
        ([[2.0, 4.0]], [[3.0, 5.0]])
    """

    basis: Reals
    means: Reals
    turns: Reals
    spreads: Reals

    def coefficients(self, x: Reals, clusters: Clusters) -> Reals:
        """Returns (n, D) coefficients.

        Args:
            x: (n, D), pictures.
            clusters: (n,), of each.
        """
        y: Reals = x @ self.basis - self.means[clusters]
        p = self.turns.shape[1]
        for k, at in _members(clusters):
            y[at, :p] = y[at, :p] @ self.turns[k]
        return y

    def values(self, y: Reals, clusters: Clusters) -> Reals:
        """Returns (n, D) pictures of coefficients; the inverse of `coefficients`.

        Args:
            y: (n, D).
            clusters: (n,), of each.
        """
        turned, p = y.copy(), self.turns.shape[1]
        for k, at in _members(clusters):
            turned[at, :p] = y[at, :p] @ self.turns[k].T
        turned += self.means[clusters]
        found: Reals = turned @ self.basis.T
        return found

    def nearest(self, x: Reals, noise: float = NOISE) -> Clusters:
        """Returns (n,), the cluster in which each picture is likeliest.

        Args:
            x: (n, D), pictures.
            noise: variance that is added to that of each coefficient.
        """
        costs, p = np.empty((len(x), len(self.means)), np.float32), self.turns.shape[1]
        y = x @ self.basis
        for k, (mean, turn) in enumerate(zip(self.means, self.turns, strict=True)):
            variance = np.square(self.spreads[k]) + np.float32(noise)
            rest = y - mean
            costs[:, k] = np.square(rest[:, :p] @ turn) @ (1 / variance[:p]) + np.log(variance).sum()
            costs[:, k] += np.square(rest[:, p:]) @ (1 / variance[p:])
        return costs.argmin(1)


def _members(clusters: Clusters) -> Iterator[tuple[int, Clusters]]:
    """Each cluster that is there, and which pictures are in it."""
    for k in np.flatnonzero(np.bincount(clusters)).tolist():
        yield k, np.flatnonzero(clusters == k)


def fit_mixture(x: Reals, rng: np.random.Generator) -> Mixture:
    """Returns the transform that suits pictures.

    Clusters start from k-means in the leading directions. Then pictures go where their Gaussian likelihood with some
    noise is largest, and means and covariances are made anew.

    Args:
        x: (n, D), from 0 to 255.
        rng: chooses samples and first centres.
    """
    n, d = x.shape
    clusters, turned = max(1, min(MOST_CLUSTERS, n // PER_CLUSTER)), min(MOST_TURNED, d)
    centred = x - x.mean(0)
    basis = _directions(centred.T @ centred / n)[1]
    some = x[rng.permutation(n)[:SAMPLES]]
    which = _k_means(some @ basis[:, :turned], clusters, rng)
    for _ in range(ROUNDS[1]):
        which = _described(some, which, basis, clusters, turned).nearest(some)
    every = _described(some, which, basis, clusters, turned).nearest(x)
    return _described(x, every, basis, clusters, turned)


def _directions(covariance: Reals) -> tuple[Reals, Reals]:
    """Variances and directions, from the largest variance on."""
    variances, directions = np.linalg.eigh(covariance.astype(np.float64))
    ordered: Reals = np.ascontiguousarray(directions[:, ::-1], dtype=np.float32)
    return variances[::-1].astype(np.float32), ordered


def _k_means(y: Reals, clusters: int, rng: np.random.Generator) -> Clusters:
    """Which of the clusters each sample is in (S. P. Lloyd, 1982); empty ones start anew at a sample."""
    centres = y[rng.permutation(len(y))[:clusters]].copy()
    which = np.zeros(len(y), np.intp)
    for _ in range(ROUNDS[0]):
        which = (np.square(centres).sum(1) - 2 * y @ centres.T).argmin(1)
        for k in range(clusters):
            mine = y[which == k]
            centres[k] = mine.mean(0) if len(mine) > len(y) / clusters / 20 else y[rng.integers(len(y))]
    return which


def _described(x: Reals, which: Clusters, basis: Reals, clusters: int, turned: int) -> Mixture:
    """The mixture of pictures whose clusters are known; covariances are drawn towards that within all clusters."""
    y = x @ basis
    means = np.tile(y.mean(0), (clusters, 1))
    for k, at in _members(which):
        means[k] = y[at].mean(0)
    rest = y - means[which]
    within = rest.T @ rest / len(x)
    turns, spreads = np.empty((clusters, turned, turned), np.float32), np.empty(means.shape, np.float32)
    for k in range(clusters):
        mine = rest[which == k]
        covariance = (mine.T @ mine + SURE * within) / (len(mine) + SURE)
        variances, turns[k] = _directions(covariance[:turned, :turned])
        spreads[k] = np.sqrt(np.maximum(np.append(variances, np.diag(covariance)[turned:]), LEAST))
    return Mixture(basis, means, turns, spreads)
