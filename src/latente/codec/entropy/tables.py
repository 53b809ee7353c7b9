"""Tables of integer frequencies, made from integers alone.

Everything that decides a probability is an integer: counts, the frequencies made of them, and the tables that the
coding starts with. So encoder and decoder agree on any machine, with any number of threads and any library version.
"""

from __future__ import annotations

__all__ = ["CENTRES", "PRECISION", "THRESHOLDS", "frequencies", "laplace_counts"]

from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from latente.codec.entropy.tokens import DIRECT, FIRST, SHIFT

PRECISION = 24  # the frequencies of a table sum to 2^24
TOTAL = 1 << PRECISION

# A context says what magnitude to expect, in 1/256. These are the borders between classes of contexts.
THRESHOLDS = np.array(
    [4, 8, 14, 22, 32, 45, 60, 80, 105, 140, 190, 256, 340, 450, 600, 800, 1070, 1420, 1900, 2500]
    + [3600, 5100, 7200, 10200, 15400, 23000, 33000, 51000, 77000, 130000]
    + [2**e for e in (18, 19, 20, 21, 22, 23, 24, 25, 26)],
    dtype=np.int64,
)
CENTRES = [2] + [int(a + b) // 2 for a, b in pairwise(THRESHOLDS)] + [2**27]
UNIT = 1 << 40  # fixed point of the powers below


def _power(base: int, exponent: int) -> int:
    """base^exponent for a fixed-point base, rounded down after every step: the same integers everywhere."""
    result = UNIT
    while exponent:
        if exponent & 1:
            result = result * base >> 40
        base = base * base >> 40
        exponent >>= 1
    return result


def _decay(centre: int) -> int:
    """theta of the two-sided geometric law p(v) ~ theta^|v| with mean magnitude centre / 256, in fixed point."""
    low, high = 0, UNIT - 1
    for _ in range(40):
        theta = (low + high) // 2
        # E|v| = 2 theta / (1 - theta^2)
        if 512 * theta * UNIT < centre * (UNIT * UNIT - theta * theta):
            low = theta
        else:
            high = theta
    return low


@lru_cache(maxsize=64)
def laplace_counts(alphabet: int, weight: int = 12 << 5) -> NDArray[np.int64]:
    """Counts that every class of contexts starts with: a two-sided geometric law with the class's mean magnitude.

    Args:
        alphabet: number of tokens.
        weight: what the counts of a class sum to, about; an observed symbol counts 32.

    Returns:
        int64, shape (number of classes, alphabet), all at least 1; not to be written to.
    """
    counts = np.ones((len(CENTRES), alphabet), np.int64)
    for row, centre in zip(counts, CENTRES, strict=True):
        theta = _decay(centre)
        zero = (UNIT - theta) * UNIT // (UNIT + theta)
        for v in range(DIRECT + 1):
            row[[DIRECT - v, DIRECT + v]] += weight * (zero * _power(theta, v) >> 40) >> 40
        for token in range(FIRST, alphabet, 2):
            e, two = 3 + (token - FIRST) // 8, (token - FIRST) // 2 % 4
            first = ((4 + two) << (e - 2)) + SHIFT
            if _power(theta, first) == 0:
                break
            tail = _power(theta, first) - _power(theta, first + (1 << (e - 2)))
            row[token : token + 2] += weight * (tail * UNIT // (UNIT + theta)) >> 40
    counts.setflags(write=False)
    return counts


def frequencies(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Frequencies that sum to 2^24, each at least 1, in proportion to the counts.

    Args:
        counts: non-negative integers, shape (classes, alphabet), a row's sum at least 1.

    Example:
        >>> frequencies(np.array([[0, 1, 3]])).tolist()
        [[1, 4194304, 12582911]]
    """
    free = TOTAL - counts.shape[1]
    table = 1 + counts * free // counts.sum(axis=1, keepdims=True)
    rows = np.arange(len(table))
    table[rows, table.argmax(axis=1)] += TOTAL - table.sum(axis=1)
    return table
