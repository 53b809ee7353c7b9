"""How far a clip is from the words that are known."""

from __future__ import annotations

__all__ = ["Novelty", "log_of"]

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

Array = NDArray[Any]
AT_ONCE = 512  # clips
TINY = 1e-12


@dataclass(frozen=True)
class Novelty:
    """Distances to the nearest known clip as the autoencoder rebuilds it, d = min_i ||x - x_hat_i|| / sqrt(size of x).

    So a clip is far when its code is far from those of all known clips, and when the autoencoder cannot rebuild it.
    Distances of new clips of known words are taken to be log-normal, with the moments of `log_distances`:
    p = P(T > (log d - m) / (s sqrt(1 + 1 / n))), T Student's t with n - 1 degrees of freedom.

    Attributes:
        references: (n, d) the reconstructions of known clips.
        log_distances: (m,) of clips of known words that were held out, each to the other clips.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> known, words = rng.normal(size=(40, 3)), np.repeat([0, 1], 20)
        >>> known[words == 1] += 8
        >>> novelty = Novelty.of(known, known, known[:, None], words)
        >>> p_values = novelty.p_values(novelty.distances(np.array([[0.0, 0, 0], [4, 4, 4]])))
        >>> bool(p_values[0] > 0.2), bool(p_values[1] < 0.01)
        (True, True)
    """

    references: Array
    log_distances: Array

    @classmethod
    def of(cls, cepstra: Array, references: Array, varied: Array, words: Array) -> Novelty:
        """Returns the distances of known clips to the others of their word; to its variations for a word's only clip.

        Args:
            cepstra: (n, d) of the clips.
            references: (n, d) their reconstructions.
            varied: (n, count, d) reconstructions of their variations.
            words: (n,) indices.
        """
        found = []
        for word in np.unique(words):
            own = np.flatnonzero(words == word)
            if len(own) == 1:
                found.append(np.sqrt(np.mean((varied[own[0]] - references[own]) ** 2, axis=1)))
                continue
            squares = _squares(cepstra[own], references[own])
            np.fill_diagonal(squares, np.inf)
            found.append(np.sqrt(squares.min(1)))
        return cls(references, log_of(np.concatenate(found)))

    def distances(self, cepstra: Array) -> NDArray[np.float64]:
        """Returns (n,): the distance of each clip to the nearest known one.

        Args:
            cepstra: (n, d).
        """
        parts = [cepstra[i : i + AT_ONCE] for i in range(0, len(cepstra), AT_ONCE)]
        return np.sqrt(np.concatenate([_squares(part, self.references).min(1) for part in parts]))

    def p_values(self, distances: Array) -> NDArray[np.float64]:
        """Returns (n,): how often a clip of a known word is at least as far.

        Args:
            distances: (n,).
        """
        n, spread = len(self.log_distances), self._spread()
        score = (log_of(distances) - self.log_distances.mean()) / spread
        return np.asarray(student.sf(score, max(n - 1, 1)))

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


def log_of(distances: Array) -> NDArray[np.float64]:
    """Returns the logarithms of distances; that of 0 is finite.

    Args:
        distances: (n,).
    """
    return np.asarray(np.log(np.maximum(distances, TINY)))


def _squares(a: Array, b: Array) -> NDArray[np.float64]:
    """Returns (len(a), len(b)): mean squared differences."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    squares = (a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2 * a @ b.T
    return np.maximum(squares, 0.0) / a.shape[1]
