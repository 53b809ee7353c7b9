"""How far a clip is from the words that are known."""

from __future__ import annotations

__all__ = ["Novelty"]

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student
from sklearn.covariance import ledoit_wolf

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Novelty:
    """Mahalanobis distances to the nearest word, with one covariance for all words.

    A point is a code and the logarithm of its reconstruction's mean squared error. Distances of new clips of known
    words are taken to be log-normal, with the moments of training clips, each held against the others of its word:
    p = P(T > (log d - m) / (s sqrt(1 + 1 / n))), T Student's t with n - 1 degrees of freedom.

    Attributes:
        means: (words, d) of the words.
        precision: (d, d) the inverse of the covariance within words, shrunk.
        log_distances: (n,) of training clips, each left out of its own word's mean.

    Sources: Lee, Lee, Lee, Shin (2018), "A simple unified framework for detecting out-of-distribution samples and
    adversarial attacks"; Ledoit & Wolf (2004), "A well-conditioned estimator for large-dimensional covariance
    matrices".

    Example:
        >>> rng = np.random.default_rng(0)
        >>> codes, words = rng.normal(size=(40, 3)), np.repeat([0, 1], 20)
        >>> codes[words == 1] += 8
        >>> novelty = Novelty.of(codes, np.ones(40), codes[:, None], words)
        >>> p_values = novelty.p_values(novelty.distances(np.array([[0.0, 0, 0], [4, 4, 4]]), np.ones(2)))
        >>> bool(p_values[0] > 0.5), bool(p_values[1] < 0.01)
        (True, True)
    """

    means: Array
    precision: Array
    log_distances: Array

    @classmethod
    def of(cls, codes: NDArray, errors: NDArray, varied: NDArray, words: NDArray) -> Novelty:
        """Returns the distances of training clips.

        Args:
            codes: (n, d) of clips.
            errors: (n,) of their reconstructions.
            varied: (n, count, d) codes of variations of them.
            words: (n,) indices.
        """
        points = _points(codes, errors)
        count = np.bincount(words)
        means = np.stack([points[words == word].mean(0) for word in range(len(count))])
        within = points - means[words]
        around = np.zeros((varied.shape[0] * varied.shape[1], points.shape[1]))
        around[:, :-1] = (varied - codes[:, None]).reshape(len(around), -1)
        scatter = [within[count[words] > 1] * np.sqrt(count / np.maximum(count - 1, 1))[words[count[words] > 1], None]]
        covariance, _ = ledoit_wolf(np.concatenate([*scatter, around]), assume_centered=True)
        precision = np.linalg.pinv(covariance, hermitian=True)
        several = count[words] > 1
        left_out = within[several] * (count / np.maximum(count - 1, 1))[words[several], None]
        alone = around.reshape(*varied.shape[:2], -1)[~several].reshape(-1, points.shape[1])  # the only clip of a word
        distances = _length(np.concatenate([left_out, alone]), precision)
        return cls(means, precision, np.log(np.maximum(distances, 1e-12)))

    def distances(self, codes: NDArray, errors: NDArray) -> Array:
        """Returns (n,): the distance of each clip to the nearest word.

        Args:
            codes: (n, d).
            errors: (n,).
        """
        points = _points(codes, errors)
        return np.min([_length(points - mean, self.precision) for mean in self.means], axis=0)

    def p_values(self, distances: Array) -> Array:
        """Returns (n,): how often a clip of a known word is at least as far.

        Args:
            distances: (n,).
        """
        n, spread = len(self.log_distances), self._spread()
        return student.sf((np.log(np.maximum(distances, 1e-12)) - self.log_distances.mean()) / spread, max(n - 1, 1))

    def threshold(self, rate: float) -> float:
        """Returns the distance that a clip of a known word exceeds at a rate.

        Args:
            rate: between 0 and 1.
        """
        n = len(self.log_distances)
        return float(np.exp(self.log_distances.mean() + self._spread() * student.isf(rate, max(n - 1, 1))))

    def _spread(self) -> float:
        n = len(self.log_distances)
        deviation = float(self.log_distances.std(ddof=1)) if n > 1 else 0.0
        return max(deviation, 1e-3) * float(np.sqrt(1 + 1 / n))


def _points(codes: NDArray, errors: NDArray) -> Array:
    return np.column_stack([codes, np.log(np.maximum(errors, 1e-12))]).astype(np.float64)


def _length(x: Array, precision: Array) -> Array:
    return np.sqrt(np.maximum(np.einsum("nd,de,ne->n", x, precision, x, optimize=True), 0.0))
