"""Neighbours that the multilevel prediction uses: which are known when, and the padded grids they are read from.

A level is a grid of the points whose coordinates are multiples of h; those that are multiples of 2h are known. The
others belong to classes by the parity of their coordinates, in units of h, and the classes are predicted one after the
other, each from everything known so far.
"""

from __future__ import annotations

__all__ = ["Grid", "Level", "Taps", "Window", "taps_of", "walk"]

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

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


@lru_cache(maxsize=4096)
def _counts(shape: tuple[int, ...], split: tuple[bool, ...], parity: Offset) -> tuple[int, ...]:
    return tuple((n + 1 - p) // 2 if s else n for n, p, s in zip(shape, parity, split, strict=True))


class Window(NamedTuple):
    """Points of a padded grid: the part that holds them, and where they are in it."""

    part: Offset
    slices: Slices


@lru_cache(maxsize=16384)
def _window(shape: tuple[int, ...], split: tuple[bool, ...], parity: Offset, offset: Offset) -> Window:
    part, slices = [], []
    for n, count, p, o, s in zip(shape, _counts(shape, split, parity), parity, offset, split, strict=True):
        first = PAD + p + o
        part.append(first % 2 if s and n > 1 else 0)
        first = first // 2 if s and n > 1 else first
        slices.append(slice(first, first + count))
    return Window(tuple(part), tuple(slices))


@lru_cache(maxsize=4096)
def _borders(n: int, part: int | None) -> tuple[tuple[slice, slice], ...]:
    """Where the borders of an axis of n points are filled, and with what, in a part of the positions or in all.

    Position i of the border gets what is as far on the other side of the first or the last point.
    """
    step, first = (1, 0) if part is None else (2, part)
    places = range(first, n + 2 * PAD, step)
    period, found = max(1, 2 * (n - 1)), []
    for at, i in enumerate(places):
        if not PAD <= i < PAD + n:
            j = (i - PAD) % period if n > 1 else 0
            source = places.index((period - j if j >= n else j) + PAD)
            found.append((slice(at, at + 1), slice(source, source + 1)))
    return tuple(found)


class Grid:
    """A padded grid, kept as its parts by the parity of positions, so that neighbours of a class lie side by side.

    Args:
        shape: of the grid.
        split: which axes have parities.
        dtype: of its values.
    """

    def __init__(self, shape: tuple[int, ...], split: tuple[bool, ...], dtype: type) -> None:
        self.shape, self._split = shape, tuple(s and n > 1 for s, n in zip(split, shape, strict=True))
        self._parts: dict[Offset, NDArray[Any]] = {
            part: np.zeros([self._length(a, r) for a, r in enumerate(part)], dtype)
            for part in itertools.product(*[(0, 1) if s else (0,) for s in self._split])
        }

    def _length(self, axis: int, part: int) -> int:
        padded = self.shape[axis] + 2 * PAD
        return (padded + 1 - part) // 2 if self._split[axis] else padded

    def __getitem__(self, window: Window) -> NDArray[Any]:
        return self._parts[window.part][window.slices]

    def __setitem__(self, window: Window, values: NDArray[Any]) -> None:
        self._parts[window.part][window.slices] = values

    def mirror(self, part: Offset) -> None:
        """Fills the borders of a part from its inside."""
        values = self._parts[part]
        for axis, (n, s) in enumerate(zip(self.shape, self._split, strict=True)):
            moved = values.swapaxes(axis, 0)
            for there, source in _borders(n, part[axis] if s else None):
                moved[there] = moved[source]

    def inside(self, out: NDArray[Any]) -> NDArray[Any]:
        """Writes all but the borders to an array of the grid's shape, and returns it."""
        for part, values in self._parts.items():
            where, source = [], []
            for n, r, s in zip(self.shape, part, self._split, strict=True):
                first = (PAD + r) % 2 if s else 0
                start = (PAD + first) // 2 if s else PAD
                where.append(slice(first, None, 2 if s else 1))
                source.append(slice(start, start + ((n - first + 1) // 2 if s else n)))
            out[tuple(where)] = values[tuple(source)]
        return out


class Level:
    """The padded grids of one level: values and magnitudes of the residuals.

    Args:
        shape: of the grid.
        split: which axes have parities.
    """

    def __init__(self, shape: tuple[int, ...], split: tuple[bool, ...]) -> None:
        self.shape, self.split = shape, split
        self.values = Grid(shape, split, np.float64)
        self.mags = Grid(shape, split, np.int32)

    def counts(self, parity: Offset) -> tuple[int, ...]:
        """Shape of a class."""
        return _counts(self.shape, self.split, parity)

    def window(self, parity: Offset, offset: Offset) -> Window:
        """Where the neighbours at an offset of all points of a class are in the padded grids."""
        return _window(self.shape, self.split, parity, offset)

    def pair(self, grid: Grid, parity: Offset, offset: Offset, at: Any = ()) -> NDArray[Any]:
        """Sum of the neighbours at +offset and -offset of all points of a class, or of those at some places in it."""
        first, second = self.window(parity, offset), self.window(parity, tuple(-o for o in offset))
        return grid[first][at] + grid[second][at]


def walk(
    shape: tuple[int, ...], split: tuple[bool, ...], *, values: bool = True
) -> Iterator[tuple[Level, Taps | None, Slices, Window]]:
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
    yield level, None, tuple(slice(None, None, h) if s else slice(None) for s in split), level.window(zero, zero)
    for smaller in reversed(shapes[:-1]):
        h //= 2
        level = _finer(level, smaller, values)
        for parity in filter(lambda parity: all(level.counts(parity)), _classes(split)):
            window = level.window(parity, zero)
            yield level, taps_of(parity, split), _places(parity, split, h), window
            for grid in (level.mags, level.values)[: 1 + values]:
                grid.mirror(window.part)


def _finer(coarser: Level, shape: tuple[int, ...], values: bool) -> Level:
    """The next level, of whose points those of the coarser one are known."""
    level = Level(shape, coarser.split)
    known = level.window((0,) * len(shape), (0,) * len(shape))
    for fine, coarse in ((level.mags, coarser.mags), (level.values, coarser.values))[: 1 + values]:
        coarse.inside(fine[known])
        fine.mirror(known.part)
    return level


def _places(parity: Offset, split: tuple[bool, ...], h: int) -> Slices:
    """Where the points of a class of the level of distance h are in the whole array."""
    return tuple(slice(p * h, None, 2 * h) if s else slice(None) for p, s in zip(parity, split, strict=True))
