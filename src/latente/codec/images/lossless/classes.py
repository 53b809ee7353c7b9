"""Classes of what a prediction leaves: by scale, and by how far the mean is from a whole number."""

from __future__ import annotations

__all__ = ["CLASSES", "FIRST", "FLAGS", "FRACTION", "LARGEST", "SCALES", "class_of", "first_counts", "split"]

import numpy as np
from numpy.typing import NDArray

from latente.codec.entropy.tokens import DIRECT, SHIFT, alphabet_size
from latente.codec.entropy.tokens import FIRST as FIRST_WITH_BITS

FRACTION = 8  # parts of a grey level in which means are told
SCALES = 41  # of the logistic distribution, from 2^-4 in steps of 2^(1/4)
FINE = 22  # scales so small that the fraction of the mean matters
FRACTIONS = FRACTION // 2 + 1
PER_KIND = FINE * FRACTIONS + SCALES - FINE  # classes of the brightness, as many of colour differences
FIRST = 2 * PER_KIND  # classes of the first pixels: brightness, colours
FLAGS = FIRST + 2  # classes of whether the brightness is the spike
FLAG_STEPS = 33
CLASSES = FLAGS + FLAG_STEPS
LARGEST = 510  # magnitude of what a prediction leaves
OBSERVED = 32  # counts of one value, as in `entropy.coder`
Integers = NDArray[np.int64]


def split(mean: Integers) -> tuple[Integers, Integers, NDArray[np.bool_]]:
    """Returns the nearest whole number, the distance from it, and whether the mean lies below it.

    Args:
        mean: in 1/FRACTION grey levels.

    Example:
        >>> [part.tolist() for part in split(np.array([17, 23, 24]))]
        [[2, 3, 3], [1, 1, 0], [False, True, False]]
    """
    whole = (mean + FRACTION // 2) // FRACTION
    rest = mean - FRACTION * whole
    return whole, np.abs(rest), rest < 0


def class_of(scale: Integers, distance: Integers, colour: int) -> NDArray[np.uint16]:
    """Returns the class of each value.

    Args:
        scale: index, from 0 to SCALES - 1.
        distance: of the mean from a whole number, as `split` returns it.
        colour: 0 is the brightness.
    """
    fine = scale * FRACTIONS + distance
    found = np.where(scale < FINE, fine, FINE * (FRACTIONS - 1) + scale)
    return (found + PER_KIND * (colour > 0)).astype(np.uint16)


def first_counts(weight: int = 12) -> Integers:
    """Returns counts (CLASSES, tokens) of rounded logistic variables, which a model stores.

    Args:
        weight: values that the counts of a class are worth.

    Example:
        >>> counts = first_counts()
        >>> counts.shape, bool((counts[3, 13] > counts[3, 11]))  # a mean above the whole number
        ((293, 73), True)
    """
    counts = np.ones((CLASSES, alphabet_size(LARGEST)), np.int64)
    for scale in range(SCALES):
        for distance in range(FRACTIONS if scale < FINE else 1):
            shares = _shares(2.0 ** (scale / 4 - 4), distance / FRACTION, counts.shape[1])
            for colour in (0, 1):
                row = int(class_of(np.array([scale]), np.array([distance]), colour)[0])
                counts[row] += np.rint(shares * weight * OBSERVED).astype(np.int64)
    for colour in (0, 1):
        counts[FIRST + colour] = counts[PER_KIND * colour + FINE * FRACTIONS + 12]
    for step in range(FLAG_STEPS):
        share = 1 / (1 + 2.0 ** (-(step - FLAG_STEPS // 2) / 2))
        counts[FLAGS + step, [DIRECT, DIRECT + 1]] += np.rint(np.array([1 - share, share]) * weight * OBSERVED).astype(
            np.int64
        )
    return counts


def _shares(scale: float, mean: float, alphabet: int) -> NDArray[np.float64]:
    """Probability of each token for a logistic variable."""
    first: NDArray[np.float64] = np.zeros(alphabet)
    first[: 2 * DIRECT + 1] = np.arange(-DIRECT, DIRECT + 1)
    last = first.copy()
    for token in range(FIRST_WITH_BITS, alphabet):
        e, two = 3 + (token - FIRST_WITH_BITS) // 8, (token - FIRST_WITH_BITS) // 2 % 4
        low = ((4 + two) << (e - 2)) + SHIFT
        high = low + (1 << (e - 2)) - 1
        first[token], last[token] = (low, high) if (token - FIRST_WITH_BITS) % 2 == 0 else (-high, -low)

    def below(x: NDArray[np.float64]) -> NDArray[np.float64]:
        odds: NDArray[np.float64] = 1 / (1 + np.exp(np.clip((mean - x) / scale, -700, 700)))
        return odds

    mass: NDArray[np.float64] = below(last + 0.5) - below(first - 0.5)
    return mass
