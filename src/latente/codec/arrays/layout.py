"""Where the coefficients of the transform lie: bands, passes, parents and neighbours.

A band is what has one part (see `wavelet.segments`) on every axis. Pass t holds the bands whose part numbers sum to t,
so a coefficient's parents (one part coarser along one axis) are always decoded before it. Inside a pass, the
coefficients whose coordinates sum to an even number come first; the others then know all neighbours in their band.
"""

from __future__ import annotations

__all__ = ["LAYOUTS", "Layout", "layout", "make_layout"]

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.codec.arrays.wavelet import segments
from latente.codec.cache import ByteCache

MOST = 256 << 20  # bytes of layouts that are kept: one of the largest block with four axes takes 243 million
Index = NDArray[np.int64]  # 32 bits would halve them, but numpy widens an index before each use, which costs a tenth


@dataclass(frozen=True)
class Layout:
    """Indices of one shape. Coefficients are numbered in the order in which they are coded; `size` stands for none.

    Attributes:
        size: number of coefficients.
        levels: parts of each axis.
        order: flat C-order index of each coefficient, shape (size,).
        passes: (first, first of the second colour, end) of each pass.
        bands: band number of each coefficient: its part numbers as one number of mixed radix.
        parts: for each axis, uint8 part numbers.
        parents: for each axis, the number of the parent along it.
        neighbours: for each axis, the pair of neighbours in the band.
    """

    size: int
    levels: tuple[int, ...]
    order: Index
    passes: tuple[tuple[int, int, int], ...]
    bands: Index
    parts: tuple[NDArray[np.uint8], ...]
    parents: tuple[Index, ...]
    neighbours: tuple[tuple[Index, Index], ...]

    @property
    def bytes(self) -> int:
        """What the indices take in memory."""
        indices: list[NDArray[Any]] = [self.order, self.bands, *self.parts, *self.parents]
        return sum(index.nbytes for index in itertools.chain(indices, *self.neighbours))


@dataclass(frozen=True)
class _Axis:
    """Of each position along an axis: its part, the position of the parent, of the previous and the next in the band.

    -1 stands for none.
    """

    part: Index
    parent: Index
    before: Index
    after: Index


def _axis(n: int) -> _Axis:
    lengths = segments(n)
    part = np.repeat(np.arange(len(lengths)), lengths)
    parent, before, after = (np.full(n, -1) for _ in range(3))
    start = np.concatenate([[0], np.cumsum(lengths)])
    for s, (first, length) in enumerate(zip(start[:-1].tolist(), lengths, strict=True)):
        j = np.arange(length)
        if s:
            up = j if s == 1 else j // 2
            parent[first : first + length] = start[s - 1] + np.minimum(up, lengths[s - 1] - 1)
        before[first + 1 : first + length] = first + j[:-1]
        after[first : first + length - 1] = first + j[1:]
    return _Axis(part, parent, before, after)


@dataclass(frozen=True)
class _Order:
    """The order in which the coefficients of a shape are coded, and the number of each at its place."""

    order: Index
    number: Index

    def there(self, position: Index, axis: int) -> Index:
        """Numbers of the coefficients at other positions along an axis, in the order of coding."""
        found = self.number.take(np.maximum(position, 0), axis)
        found[(slice(None),) * axis + (position < 0,)] = self.number.size
        return found.ravel()[self.order]

    def spread(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values that can be broadcast to the shape, in the order of coding."""
        return np.broadcast_to(values, self.number.shape).ravel()[self.order]


def _along(values: NDArray[Any], axis: int, ndim: int) -> NDArray[Any]:
    return values.reshape([-1 if a == axis else 1 for a in range(ndim)])


def _keys(axes: list[_Axis], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Twice the pass of each coefficient, and 1 more for the second colour; flat."""
    passes = sum(_along(axis.part, a, len(shape)) for a, axis in enumerate(axes))
    colour = sum(_along(np.arange(n), a, len(shape)) for a, n in enumerate(shape)) % 2
    return np.broadcast_to(2 * passes + colour, shape).ravel().astype(np.uint8)


def make_layout(shape: tuple[int, ...]) -> Layout:
    """Makes the layout of a shape; see `layout`."""
    ndim, size = len(shape), math.prod(shape)
    axes = [_axis(n) for n in shape]
    levels = tuple(len(segments(n)) for n in shape)
    key = _keys(axes, shape)
    order = np.argsort(key, kind="stable")
    number = np.empty(size, np.int64)
    number[order] = np.arange(size)
    at = _Order(order, number.reshape(shape))
    band = np.zeros((1,) * ndim, np.int64)
    for a, axis in enumerate(axes):
        band = band * levels[a] + _along(axis.part, a, ndim)
    bounds = np.append(0, np.bincount(key, minlength=2 * sum(levels)).cumsum()).tolist()
    return Layout(
        size,
        levels,
        order,
        tuple(zip(bounds[0::2], bounds[1::2], bounds[2::2], strict=False)),
        at.spread(band),
        tuple(at.spread(_along(axis.part.astype(np.uint8), a, ndim)) for a, axis in enumerate(axes)),
        tuple(at.there(axis.parent, a) for a, axis in enumerate(axes)),
        tuple((at.there(axis.before, a), at.there(axis.after, a)) for a, axis in enumerate(axes)),
    )


LAYOUTS = ByteCache(make_layout, lambda layout: layout.bytes, MOST)


def layout(shape: tuple[int, ...]) -> Layout:
    """The layout of a shape; the latest are kept, for one takes nearly as long to make as to use.

    Example:
        >>> layout((4, 6)).passes[:3]
        ((0, 1, 1), (1, 1, 3), (3, 6, 7))
    """
    return LAYOUTS(shape)
