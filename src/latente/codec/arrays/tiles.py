"""Arrays as samples of one shape: the last axes are cut into tiles, padded at the end where they do not fit."""

from __future__ import annotations

__all__ = ["from_tiles", "tile_shape", "to_tiles"]

import math

import numpy as np
from numpy.typing import NDArray

LARGEST = 4096  # values of a sample up to which it is one tile
EDGES = {1: (1024,), 2: (32, 32), 3: (8, 16, 16)}


def tile_shape(sample: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of the tiles for samples of a shape: the whole sample if it is small.

    Example:
        >>> tile_shape((37, 49)), tile_shape((10, 83, 83))
        ((37, 49), (8, 16, 16))
    """
    if math.prod(sample) <= LARGEST:
        return sample
    return EDGES[min(3, len(sample))]


def to_tiles(x: NDArray[np.float64], tile: tuple[int, ...]) -> NDArray[np.float64]:
    """Tiles of an array, shape (leading, tiles, values): the axes before the tiled ones are one, and so are the tiles.

    Args:
        x: at least as many axes as the tile has.
        tile: lengths along the last axes.

    Example:
        >>> to_tiles(np.zeros((5, 7, 9)), (4, 4)).shape
        (5, 6, 16)
    """
    d = len(tile)
    tail = x.shape[x.ndim - d :]
    x = x.reshape(-1, *tail)
    missing = [(0, -n % t) for n, t in zip(tail, tile, strict=True)]
    x = np.pad(x, [(0, 0), *missing], mode="edge")
    counts = [n // t for n, t in zip(x.shape[1:], tile, strict=True)]
    split = x.reshape(len(x), *(m for pair in zip(counts, tile, strict=True) for m in pair))
    order = [0, *range(1, 2 * d, 2), *range(2, 2 * d + 1, 2)]
    return split.transpose(order).reshape(len(x), math.prod(counts), math.prod(tile))


def from_tiles(tiles: NDArray[np.float64], shape: tuple[int, ...], tile: tuple[int, ...]) -> NDArray[np.float64]:
    """The array whose tiles these are; the inverse of `to_tiles`.

    Args:
        tiles: (leading, tiles, values).
        shape: of the array.
        tile: as in `to_tiles`.
    """
    d = len(tile)
    tail = shape[len(shape) - d :]
    counts = [-(-n // t) for n, t in zip(tail, tile, strict=True)]
    x = tiles.reshape(len(tiles), *counts, *tile)
    order = [0, *(a for i in range(d) for a in (1 + i, 1 + d + i))]
    x = x.transpose(order).reshape(len(tiles), *(m * t for m, t in zip(counts, tile, strict=True)))
    return x[(slice(None), *map(slice, tail))].reshape(shape)
