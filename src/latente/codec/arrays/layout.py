"""Where the coefficients of the transform lie: bands, passes, parents and neighbours.

A band is what has one part (see `wavelet.segments`) on every axis. Pass t holds the bands whose part numbers sum to t,
so a coefficient's parents (one part coarser along one axis) are always decoded before it. Inside a pass, the
coefficients whose coordinates sum to an even number come first; the others then know all neighbours in their band.
"""

from __future__ import annotations

__all__ = ["Layout", "layout"]

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.codec.arrays.wavelet import segments

Index = NDArray[np.int64]


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


def _axis(n: int) -> tuple[Index, Index, Index, Index]:
    """Part number, position of the parent, of the previous and of the next one in the band; -1 for none."""
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
    return part, parent, before, after


def _along(values: NDArray[Any], axis: int, ndim: int) -> NDArray[Any]:
    return values.reshape([-1 if a == axis else 1 for a in range(ndim)])


@lru_cache(maxsize=4)
def layout(shape: tuple[int, ...]) -> Layout:
    """The layout of a shape; cached, for it takes longer to make than to use.

    Example:
        >>> layout((4, 6)).passes[:3]
        ((0, 1, 1), (1, 1, 3), (3, 4, 8))
    """
    ndim, size = len(shape), int(np.prod(shape))
    axes = [_axis(n) for n in shape]
    levels = tuple(len(segments(n)) for n in shape)
    total = sum(_along(part, a, ndim) for a, (part, _, _, _) in enumerate(axes))
    colour = sum(_along(np.arange(n), a, ndim) for a, n in enumerate(shape)) % 2
    key = np.broadcast_to(2 * total + colour, shape).ravel().astype(np.uint8)
    order = np.argsort(key, kind="stable")
    number = np.empty(size, np.int64)
    number[order] = np.arange(size)
    number = number.reshape(shape)

    def there(position: Index, axis: int) -> Index:
        """Numbers of the coefficients at other positions along an axis, in coding order."""
        found = number.take(np.maximum(position, 0), axis)
        found[tuple(slice(None) if a != axis else position < 0 for a in range(ndim))] = size
        return found.ravel()[order]

    def spread(values: NDArray[Any], axis: int) -> NDArray[Any]:
        return np.broadcast_to(_along(values, axis, ndim), shape).ravel()[order]

    band = np.zeros((1,) * ndim, np.int64)
    for a, (part, *_) in enumerate(axes):
        band = band * levels[a] + _along(part, a, ndim)
    bounds = np.append(0, np.bincount(key, minlength=2 * sum(levels)).cumsum()).tolist()
    return Layout(
        size,
        levels,
        order,
        tuple(zip(bounds[0::2], bounds[1::2], bounds[2::2], strict=False)),
        np.broadcast_to(band, shape).ravel()[order],
        tuple(spread(part.astype(np.uint8), a) for a, (part, *_) in enumerate(axes)),
        tuple(there(parent, a) for a, (_, parent, _, _) in enumerate(axes)),
        tuple((there(before, a), there(after, a)) for a, (_, _, before, after) in enumerate(axes)),
    )
