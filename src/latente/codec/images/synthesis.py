"""Makes the pixels of a picture whose coefficients come row of tiles by row of tiles; no seams, bounded memory."""

from __future__ import annotations

__all__ = ["Painter"]

import numpy as np
from numpy.typing import NDArray

from latente.codec.images.integers import Decoded
from latente.codec.images.lapped import STRIDE
from latente.codec.images.model import ImageModel

HALO = 6  # positions around a pixel that decide it: 4 of the correction, 1 of the transform, 1 of the filter behind it
WIDE = 96  # columns of positions that are made at a time
Pictures = NDArray[np.uint8]


class Painter:
    """Takes coefficients from the top down and makes pixels as soon as their surroundings are known.

    Args:
        grid: rows and columns of coefficients.
        out: where they go, (n, height, width, channels); one channel gets the mean of three.
        quality: from 0 to QUALITIES.
        model: that makes pixels.
    """

    def __init__(self, grid: tuple[int, int], out: Pictures, quality: int, model: ImageModel) -> None:
        self.grid, self.out, self.quality, self.model = grid, out, quality, model
        self.first, self.made = 0, 0  # the first row that is held, the first whose pixels are not made
        self.values: NDArray[np.float32] | None = None
        self.state: NDArray[np.float32] | None = None

    def add(self, row: list[Decoded]) -> None:
        """Takes a row of tiles, from left to right.

        Args:
            row: the tiles.
        """
        values = np.concatenate([tile.values for tile in row], axis=3)
        state = np.concatenate([tile.state for tile in row], axis=3)
        if self.values is not None and self.state is not None:
            values = np.concatenate([self.values, values], axis=2)
            state = np.concatenate([self.state, state], axis=2)
        end = self.first + values.shape[2]
        until = end if end == self.grid[0] else end - HALO
        if until > self.made:
            self._paint(values, state, until)
        kept = max(0, self.made - HALO) - self.first
        self.values, self.state = values[:, :, kept:].copy(), state[:, :, kept:].copy()
        self.first += kept

    def _paint(self, values: NDArray[np.float32], state: NDArray[np.float32], until: int) -> None:
        """Makes the pixels of all rows of positions before `until`."""
        _, height, width, channels = self.out.shape
        above = max(0, self.made - HALO) - self.first
        below = min(until + HALO, self.first + values.shape[2]) - self.first
        skipped, top = STRIDE * (self.made - self.first - above), STRIDE * self.made
        bottom = min(STRIDE * until, height)
        for left in range(0, self.grid[1], WIDE):
            right = min(left + WIDE, self.grid[1])
            start, end = max(0, left - HALO), min(right + HALO, self.grid[1])
            part = Decoded(values[:, :, above:below, start:end], state[:, :, above:below, start:end])
            edge, at = min(STRIDE * right, width), STRIDE * (left - start)
            x = self.model.synthesise(part, self.quality)
            x = x[:, :, skipped : skipped + bottom - top, at : at + edge - STRIDE * left]
            pixels = (x.mean(dim=1, keepdim=True) if channels == 1 else x).clamp(0, 255).round().byte()
            self.out[:, top:bottom, STRIDE * left : edge] = pixels.permute(0, 2, 3, 1).numpy()
        self.made = until
