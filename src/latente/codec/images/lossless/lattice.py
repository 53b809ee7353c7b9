"""In which order pixels are coded, and which known ones each sees.

Known at first is every 32nd pixel of every 32nd row. Each level halves the distances in three steps: the centres of the
squares, then what lies between known pixels of a row, then what lies between known pixels of a column. So each pixel
lies between known ones (interpolation), and all pixels of a step are coded at once. In a step a pixel is placed on a
grid: position (i, j) stands for pixel (distance * i + row, distance * j + column).
"""

from __future__ import annotations

__all__ = ["DISTANCE", "LEVELS", "STEPS", "Phase", "Step", "Window", "filled", "phase_slices"]

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

LEVELS = 5
DISTANCE = 2**LEVELS
Phase = tuple[int, int]  # (row, column) of a pixel in its square, in halves of the level's distance


@dataclass(frozen=True)
class Window:
    """Positions of one phase that a pixel sees, relative to its own position on the grid.

    Attributes:
        phase: of what is seen.
        rows: first and last offset.
        columns: first and last offset.
    """

    phase: Phase
    rows: tuple[int, int]
    columns: tuple[int, int]

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and columns."""
        return self.rows[1] - self.rows[0] + 1, self.columns[1] - self.columns[0] + 1


def _span(reach: int, target: int, source: int) -> tuple[int, int]:
    """Offsets k with |2 k + source - target| <= reach."""
    return math.ceil((target - source - reach) / 2), math.floor((target - source + reach) / 2)


@dataclass(frozen=True)
class Step:
    """Pixels of one phase.

    Attributes:
        phase: of the pixels.
        known: phases that are known before.
        reach: how far a pixel sees, in halves of the level's distance.
    """

    phase: Phase
    known: tuple[Phase, ...]
    reach: int

    @cached_property
    def windows(self) -> tuple[Window, ...]:
        """What each pixel sees, by phase."""
        (i, j), reach = self.phase, self.reach
        return tuple(Window(p, _span(reach, i, p[0]), _span(reach, j, p[1])) for p in self.known)

    @cached_property
    def nearest(self) -> tuple[tuple[int, int, int], ...]:
        """The four known pixels that are nearest: (index of the window, row in it, column in it)."""
        found: list[tuple[int, int, tuple[int, int, int]]] = []
        for k, window in enumerate(self.windows):
            for row in range(window.shape[0]):
                for column in range(window.shape[1]):
                    down = 2 * (window.rows[0] + row) + window.phase[0] - self.phase[0]
                    right = 2 * (window.columns[0] + column) + window.phase[1] - self.phase[1]
                    found.append((down**2 + right**2, len(found), (k, row, column)))
        return tuple(place for _, _, place in sorted(found)[:4])


STEPS = (
    Step((1, 1), ((0, 0),), 5),
    Step((0, 1), ((0, 0), (1, 1)), 4),
    Step((1, 0), ((0, 0), (1, 1), (0, 1)), 4),
)


def phase_slices(phase: Phase, distance: int) -> tuple[slice, slice]:
    """Rows and columns of the pixels of a phase, at a level that halves this distance.

    Args:
        phase: of the pixels.
        distance: between pixels that were known before the level.

    Example:
        >>> phase_slices((0, 1), 8)
        (slice(0, None, 8), slice(4, None, 8))
    """
    return slice(phase[0] * distance // 2, None, distance), slice(phase[1] * distance // 2, None, distance)


def filled(plane: NDArray[np.int16], base: NDArray[np.int16]) -> NDArray[np.int16]:
    """A phase's pixels on the whole grid: where a picture ends before them the last ones are repeated.

    Args:
        plane: (n, colours, rows, columns).
        base: of the first phase, which has as many rows and columns as any.
    """
    if not plane.size:
        return base
    rows, columns = base.shape[-2] - plane.shape[-2], base.shape[-1] - plane.shape[-1]
    return np.pad(plane, ((0, 0), (0, 0), (0, rows), (0, columns)), mode="edge") if rows or columns else plane
