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

from latente.codec.images.whole.covariances import covariances, directions

MOST_CLUSTERS, MOST_TURNED = 32, 800
PER_CLUSTER = 1500  # pictures that each cluster has on average, at least
SAMPLES = 30_000  # on which clusters are found
LEADING = 256  # directions that decide which cluster a picture is in while clusters are found
ROUNDS = 15, 5, 4  # of k-means, of assigning by what a picture costs, and of sharing
SHARED = 0.2  # difference of costs, for each leading direction, at which a cluster's share falls to 1 / e
LEAST_SHARE = 0.03  # shares below count as 0
SURE = 200, 50  # pictures that what clusters have in common counts as in each, while they are found and at the end
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
        return self.costs(x, noise).argmin(1)

    def costs(self, x: Reals, noise: float = NOISE) -> Reals:
        """Returns (n, K), -2 times the logarithm of each picture's density in each cluster, up to a constant.

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
        return costs


def _members(clusters: Clusters) -> Iterator[tuple[int, Clusters]]:
    """Each cluster that is there, and which pictures are in it."""
    for k in np.flatnonzero(np.bincount(clusters)).tolist():
        yield k, np.flatnonzero(clusters == k)


def fit_mixture(x: Reals, rng: np.random.Generator, shape: tuple[int, int, int] | None = None) -> Mixture:
    """Returns the transform that suits pictures.

    Clusters start from k-means in the leading directions. Then pictures go where their Gaussian likelihood with some
    noise is largest, and means and covariances are made anew; at last pictures are shared between clusters, and
    moved and stretched copies of them are counted, too, since a cluster has few pictures for so many directions.

    Args:
        x: (n, D), from 0 to 255.
        rng: chooses samples and first centres.
        shape: (height, width, channels) of pictures; None for rows that are none, which have no copies.
    """
    n, d = x.shape
    clusters, leading = max(1, min(MOST_CLUSTERS, n // PER_CLUSTER)), min(LEADING, d)
    centred = x - x.mean(0)
    basis = directions(centred.T @ centred / n)[1]
    y = x @ basis[:, :leading]
    some, plain = y[rng.permutation(n)[:SAMPLES]], np.eye(leading, dtype=np.float32)
    shares = _whole(_k_means(some, clusters, rng), clusters)
    for _ in range(ROUNDS[1]):
        mixture = _turned(plain, covariances(some, shares, SURE[0]), leading)
        shares = _whole(mixture.nearest(some), clusters)
    mixture = _turned(plain, covariances(some, shares, SURE[0]), leading)
    for _ in range(ROUNDS[2]):
        found = covariances(x, _shared(mixture.costs(y), max(2.0, SHARED * leading)), SURE[1], shape)
        mixture = _turned(basis[:, :leading], found, leading)
        mixture = Mixture(plain, mixture.means, mixture.turns, mixture.spreads)
    return _turned(basis, found, min(MOST_TURNED, d))


def _whole(which: Clusters, clusters: int) -> Reals:
    """(n, K) shares of pictures that are each in one cluster."""
    return np.eye(clusters, dtype=np.float32)[which]


def _shared(costs: Reals, softness: float) -> Reals:
    """(n, K) shares of pictures in clusters: what a Gaussian mixture says for a softness of 2, and softer ones."""
    shares = np.exp((costs.min(axis=1, keepdims=True) - costs) / np.float32(softness))
    shares /= shares.sum(axis=1, keepdims=True)
    shares[shares < LEAST_SHARE] = 0
    found: Reals = shares / shares.sum(axis=1, keepdims=True)
    return found


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


def _turned(basis: Reals, found: tuple[Reals, Reals], turned: int) -> Mixture:
    """The mixture of clusters' means and covariances, in some directions of all, of which the first are turned."""
    means, every = found[0] @ basis, found[1]
    turns, spreads = np.empty((len(means), turned, turned), np.float32), np.empty(means.shape, np.float32)
    for k, covariance in enumerate(every):
        seen = basis.T @ covariance @ basis
        variances, turns[k] = directions(seen[:turned, :turned])
        spreads[k] = np.sqrt(np.maximum(np.append(variances, np.diag(seen)[turned:]), LEAST))
    return Mixture(basis, means, turns, spreads)
