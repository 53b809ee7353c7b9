"""Neighbours that the multilevel prediction uses: which are known when, and the padded grids they are read from.

A level is a grid of the points whose coordinates are multiples of h; those that are multiples of 2h are known. The
others belong to classes by the parity of their coordinates, in units of h, and the classes are predicted one after the
other, each from everything known so far.
"""

from __future__ import annotations

__all__ = ["Level", "Taps", "taps_of", "walk"]

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

PAD = 3
GROUPS = 10  # pairs of neighbours that a prediction uses at most
Offset = tuple[int, ...]
Slices = tuple[slice, ...]


@dataclass(frozen=True)
class Taps:
    """One class of a level.

    Attributes:
        parity: 1 for each axis along which the class lies between known points.
        pairs: offsets o whose values at +o and -o are added; sorted by distance.
        nearest: number of pairs at the smallest distance.
    """

    parity: Offset
    pairs: tuple[Offset, ...]
    nearest: int


def _classes(split: tuple[bool, ...]) -> list[Offset]:
    """Parities of the classes of a level in the order of coding; axes that are not split always have parity 0."""
    all_ = itertools.product(*[(0, 1) if s else (0,) for s in split])
    return sorted((p for p in all_ if any(p)), key=lambda p: (sum(p), p))


@lru_cache(maxsize=256)
def taps_of(parity: Offset, split: tuple[bool, ...]) -> Taps:
    """The pairs of neighbours of a class that are known before it.

    Example:
        >>> taps_of((1, 0), (True, True)).pairs
        ((-1, 0), (-1, -1), (-1, 1), (-3, 0))
    """
    ndim = len(split)
    rank = (sum(parity), parity)
    offsets = []
    for o in itertools.product((-1, 0, 1), repeat=ndim):
        there = tuple((p + x) % 2 if s else 0 for p, x, s in zip(parity, o, split, strict=True))
        if (sum(there), there) < rank and o < tuple(-x for x in o) and sum(map(abs, o)) <= 3:
            offsets.append(o)
    offsets += [tuple(-3 if a == b else 0 for b in range(ndim)) for a in range(ndim) if parity[a]]
    offsets.sort(key=lambda o: (sum(x * x for x in o), o))
    offsets = offsets[:GROUPS]
    distances = [sum(x * x for x in o) for o in offsets]
    return Taps(parity, tuple(offsets), distances.count(distances[0]))


def _mirrored(n: int) -> list[tuple[int, int]]:
    """(padded position, source position) of the borders of an axis of n points; parity is kept where n > 1."""
    period = max(1, 2 * (n - 1))
    found = []
    for i in [*range(-PAD, 0), *range(n, n + PAD)]:
        j = i % period if n > 1 else 0
        found.append((i + PAD, (period - j if j >= n else j) + PAD))
    return found


def _mirror_borders(padded: NDArray[Any]) -> None:
    """Fills the borders of a padded array from its inside."""
    for axis in range(padded.ndim):
        moved, n = padded.swapaxes(axis, 0), padded.shape[axis] - 2 * PAD
        if n > PAD:
            moved[:PAD] = moved[2 * PAD : PAD : -1]
            moved[PAD + n :] = moved[PAD + n - 2 : n - 2 : -1]
        else:
            for there, source in _mirrored(n):
                moved[there] = moved[source]


@lru_cache(maxsize=4096)
def _counts(shape: tuple[int, ...], split: tuple[bool, ...], parity: Offset) -> tuple[int, ...]:
    return tuple((n + 1 - p) // 2 if s else n for n, p, s in zip(shape, parity, split, strict=True))


@lru_cache(maxsize=16384)
def _window(shape: tuple[int, ...], split: tuple[bool, ...], parity: Offset, offset: Offset) -> Slices:
    result = []
    for count, p, o, s in zip(_counts(shape, split, parity), parity, offset, split, strict=True):
        first = PAD + p + o
        result.append(slice(first, first + 2 * count - 1, 2) if s else slice(first, first + count))
    return tuple(result)


class Level:
    """The padded grids of one level: values and magnitudes of the residuals.

    Args:
        shape: of the grid.
        split: which axes have parities.
    """

    def __init__(self, shape: tuple[int, ...], split: tuple[bool, ...]) -> None:
        self.shape, self.split = shape, split
        self.values = np.zeros(tuple(n + 2 * PAD for n in shape))
        self.mags = np.zeros(tuple(n + 2 * PAD for n in shape), np.int32)

    def counts(self, parity: Offset) -> tuple[int, ...]:
        """Shape of a class."""
        return _counts(self.shape, self.split, parity)

    def window(self, parity: Offset, offset: Offset) -> Slices:
        """Where the neighbours at an offset of all points of a class are in the padded grids."""
        return _window(self.shape, self.split, parity, offset)

    def inside(self) -> tuple[slice, ...]:
        """The grids without their borders."""
        return tuple(slice(PAD, PAD + n) for n in self.shape)

    def pair(self, grid: NDArray[Any], parity: Offset, offset: Offset, at: Any = ()) -> NDArray[Any]:
        """Sum of the neighbours at +offset and -offset of all points of a class, or of those at some places in it."""
        first, second = self.window(parity, offset), self.window(parity, tuple(-o for o in offset))
        return grid[first][at] + grid[second][at]


def walk(
    shape: tuple[int, ...], split: tuple[bool, ...], *, values: bool = True
) -> Iterator[tuple[Level, Taps | None, Slices, Slices]]:
    """Goes through the classes of all levels, from the coarsest grid, one point along every split axis, to the array.

    Args:
        shape: of the array.
        split: which axes have levels.
        values: whether the grids of values are used, or those of the magnitudes alone.

    Yields:
        the level, the class (None for the coarsest grid), where its points are in the whole array, and where in the
        padded grids; the caller fills the grids there before it goes on.
    """
    shapes = [shape]
    while any(s and n > 1 for n, s in zip(shapes[-1], split, strict=True)):
        shapes.append(tuple((n + 1) // 2 if s else n for n, s in zip(shapes[-1], split, strict=True)))
    level, zero = Level(shapes[-1], split), (0,) * len(shape)
    h = 1 << (len(shapes) - 1)
    yield level, None, tuple(slice(None, None, h) if s else slice(None) for s in split), level.inside()
    for smaller in reversed(shapes[:-1]):
        h //= 2
        coarser, level = level, Level(smaller, split)
        for fine, coarse in ((level.values, coarser.values), (level.mags, coarser.mags))[not values :]:
            fine[level.window(zero, zero)] = coarse[coarser.inside()]
            _mirror_borders(fine)
        for parity in _classes(split):
            if all(level.counts(parity)):
                where = tuple(
                    slice(p * h, None, 2 * h) if s else slice(None) for p, s in zip(parity, split, strict=True)
                )
                yield level, taps_of(parity, split), where, level.window(parity, zero)
                _mirror_borders(level.mags)
                if values:
                    _mirror_borders(level.values)
