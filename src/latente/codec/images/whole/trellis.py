"""Trellis-coded quantisation: two quantisers of twice the spacing, and a machine of eight states that says which is next.

Both quantisers have 0. The first has the even multiples of a spacing beside it, the second the odd ones; a coefficient's
index k stands for 2 k, or for 2 k - sign(k), and its parity moves the state. The encoder searches all paths, so its
choice is among all multiples while an index costs what one of the coarse quantiser does (M. W. Marcellin and T. R. Fischer, 1990;
with 0 in both: H. Schwarz, T. Nguyen, D. Marpe and T. Wiegand, 2019, "Hybrid video coding with trellis-coded
quantization"). The code is G. Ungerboeck's of 1982.

Coefficients whose scale is so small that nearly all are 0 leave the state alone and have the first quantiser.
"""

from __future__ import annotations

__all__ = ["START", "TABLES", "batches", "choose", "expected", "moved", "offsets"]

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from latente.codec.images.context import LARGEST_SCALE, SMALLEST_SCALE
from latente.codec.images.integers import VALUE_BITS
from latente.codec.images.stream import quantised
from latente.codec.images.tables import MOST, SCALES, Tables

STATES, START = 8, 0
PARITY_CHECK = 0o13, 0o04  # polynomials of the code
SPACING = 40  # of the multiples, in 1/64 of a step: 1.25 steps from index to index
PLAIN = 7  # tables below this one leave the state alone
TABLES = 2 * SCALES  # those of the first quantiser, then those of the second
WEIGHT = 6 / math.log(2) * (SPACING / 2**VALUE_BITS) ** 2  # bits that the square of a spacing's error is worth
Symbols = NDArray[np.int64]
States = NDArray[np.intp]
Which = NDArray[np.uint8]


def _next() -> NDArray[np.intp]:
    """(STATES, 2), the state after an index of each parity; odd states have the second quantiser."""
    state, parity = np.arange(STATES)[:, None], np.arange(2)
    first, second = (polynomial >> 1 for polynomial in PARITY_CHECK)
    return (state >> 1) ^ (parity * second) ^ ((state & 1) * first)


NEXT = _next()
FROM = np.array([np.argwhere(state == NEXT) for state in range(STATES)])  # (STATES, 2, 2): two states and parities
SUBSET = 2 * (FROM[:, :, 0] & 1) + FROM[:, :, 1]  # quantiser and parity on the way to each state


def moved(states: States, symbols: Symbols) -> States:
    """Returns the states after one index of each picture.

    Args:
        states: (n,).
        symbols: (n,), indices.

    Example:
        >>> moved(np.array([0, 0, 3]), np.array([0, -1, 2])).tolist()
        [0, 2, 4]
    """
    return NEXT[states, symbols & 1]


def offsets(symbols: Symbols, second: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Returns what indices stand for, in 1/64 of a step.

    Args:
        symbols: indices.
        second: whether each is one of the second quantiser.

    Example:
        >>> offsets(np.array([0, 1, 1, -2]), np.array([True, False, True, True])).tolist()
        [0.0, 80.0, 40.0, -120.0]
    """
    return SPACING * (2.0 * symbols - np.sign(symbols) * second)


def expected() -> NDArray[np.float64]:
    """Returns (TABLES, MOST + 1) probabilities of |k| for logistic variables, quantised to the nearest.

    Example:
        >>> bool(np.allclose(expected().sum(axis=1), 1))
        True
    """
    scales = np.exp2(np.linspace(np.log2(SMALLEST_SCALE), np.log2(LARGEST_SCALE), SCALES))[:, None]
    k, found = np.arange(MOST + 2), []
    for second in (0, 1):
        values = offsets(k, k.astype(bool) & bool(second)) / 2**VALUE_BITS
        edges = np.append(0, (values[1:] + values[:-1]) / 2)
        tails = 1 / (1 + np.exp(np.minimum(edges / scales, 700.0)))
        p = 2 * (tails[:, :-1] - tails[:, 1:])
        found.append(p / p.sum(axis=1, keepdims=True))
    return np.concatenate(found)


def batches(which: Which) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp], bool]]:
    """Yields the rows and columns of what is coded together, and whether it moves states.

    First come all that leave the state alone, by rows; then the others, column by column.

    Args:
        which: (n, size), tables of scales.
    """
    moves = which >= PLAIN
    yield *np.nonzero(~moves), False
    for j in np.flatnonzero(moves.any(axis=0)).tolist():
        rows = np.flatnonzero(moves[:, j])
        yield rows, np.full(len(rows), j), True


def choose(
    rest: NDArray[np.float64], which: Which, states: States, tables: Tables
) -> tuple[Symbols, NDArray[np.bool_], States]:
    """Returns indices, whether each is one of the second quantiser, and the states behind them.

    They are those of the path with the least bits + weight * squared error (A. J. Viterbi, 1967).

    Args:
        rest: (n, size), what means leave, in steps.
        which: (n, size), tables of scales.
        states: (n,), before.
        tables: TABLES of them.
    """
    aim, moves, rows = rest * (2**VALUE_BITS / SPACING), which >= PLAIN, np.arange(len(which))
    symbols = quantised(aim / 2, which, np.full(which.shape[1], 4 * WEIGHT), tables, 1.0)  # as where no state is moved
    second, columns = np.zeros(which.shape, bool), np.flatnonzero(moves.any(axis=0)).tolist()
    costs, best = _subsets(aim[:, columns], which[:, columns], tables)
    spent = np.full((len(which), STATES), np.inf, np.float32)
    spent[rows, states] = 0
    turns = []
    for j, cost in zip(columns, costs, strict=True):
        one, other = (spent[:, FROM[:, i, 0]] + cost[:, SUBSET[:, i]] for i in (0, 1))
        turns.append(other < one)
        spent = np.where(moves[:, j, None], np.minimum(one, other), spent)
    ends = at = spent.argmin(axis=1)
    for j, turn, found in zip(reversed(columns), reversed(turns), best[::-1], strict=True):
        way, moving = turn[rows, at].astype(np.intp), moves[:, j]
        before, subset = FROM[at, way, 0], SUBSET[at, way]
        symbols[moving, j] = found[rows, subset][moving]
        second[moving, j] = (before[moving] & 1).astype(bool)
        at = np.where(moving, before, at)
    return symbols, second, ends


def _subsets(aim: NDArray[np.float64], which: Which, tables: Tables) -> tuple[NDArray[np.float32], Symbols]:
    """(size, n, 4) costs and indices: the best of each quantiser and parity, in the order of SUBSET."""
    aim, which = np.ascontiguousarray(aim.T), np.ascontiguousarray(which.T)
    size, sign = np.abs(aim), np.where(aim < 0, -1, 1)
    costs, best = np.empty((*aim.shape, 4), np.float32), np.empty((*aim.shape, 4), np.int64)
    for second in (0, 1):
        for parity in (0, 1):
            near = 2 * np.rint((size + second - 2 * parity) / 4).astype(np.int64) + parity
            tried = [np.maximum(near - back, parity) for back in (0, 2)]
            cost = [
                WEIGHT * np.square(size - (2 * k - second * (k > 0))) + tables.bits(k, which + np.uint8(SCALES * second))
                for k in tried
            ]
            lower = cost[1] < cost[0]
            costs[..., 2 * second + parity] = np.where(lower, cost[1], cost[0])
            best[..., 2 * second + parity] = np.where(lower, tried[1], tried[0]) * sign
    return costs, best
