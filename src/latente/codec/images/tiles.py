"""Large pictures in tiles: each is coded by itself, and the pictures are made with a border of their neighbours."""

from __future__ import annotations

__all__ = ["TILE", "Tile", "crop", "tiles_of"]

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latente.codec.images.lapped import STRIDE

TILE = 96  # positions of the grid, in each direction: 768 pixels
SEEN = 5  # positions around a tile that analysis sees
Pictures = NDArray[np.uint8]


@dataclass(frozen=True)
class Tile:
    """A part of the grid of coefficients: rows top to bottom - 1, columns left to right - 1."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.bottom - self.top, self.right - self.left


def tiles_of(height: int, width: int, size: int) -> Iterator[list[Tile]]:
    """Yields the rows of tiles of a grid.

    Args:
        height: of the grid.
        width: of the grid.
        size: of a tile; those at the right and at the bottom are what is left.

    Example:
        >>> [[tile.shape for tile in row] for row in tiles_of(5, 7, 4)]
        [[(4, 4), (4, 3)], [(1, 4), (1, 3)]]
    """
    for top in range(0, height, size):
        bottom = min(top + size, height)
        yield [Tile(top, bottom, left, min(left + size, width)) for left in range(0, width, size)]


def crop(pictures: Pictures, tile: Tile, grid: tuple[int, int], around: int = SEEN) -> tuple[Pictures, Tile]:
    """Returns the pixels of a tile with its surroundings, and where the tile lies in them, in positions.

    Beyond the picture's last row and column the last one is repeated, up to a whole number of positions.

    Args:
        pictures: (n, height, width, channels).
        tile: of the grid.
        grid: its size.
        around: positions on each side that there may be.
    """
    top, left = max(0, tile.top - around), max(0, tile.left - around)
    bottom, right = min(grid[0], tile.bottom + around), min(grid[1], tile.right + around)
    rows = np.minimum(np.arange(STRIDE * top, STRIDE * bottom), pictures.shape[1] - 1)
    columns = np.minimum(np.arange(STRIDE * left, STRIDE * right), pictures.shape[2] - 1)
    inside = Tile(tile.top - top, tile.bottom - top, tile.left - left, tile.right - left)
    return pictures[:, rows[:, None], columns], inside
