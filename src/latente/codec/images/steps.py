"""In which order coefficients are coded: groups of channels, each on a part of the grid at a time.

The mean values (three colours) come from coarse to fine: a grid of every eighth position, then what halves its
distances, until every position is known. Other coefficients follow from low to high frequencies, each group on one
colour of a chessboard, then on the other.
"""

from __future__ import annotations

__all__ = ["STEPS", "Step"]

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from latente.codec.images.lapped import CHROMA, LUMA


@dataclass(frozen=True)
class Step:
    """What is coded at once.

    Attributes:
        channels: indices of coefficients.
        grid: the pattern on which they are coded.
        spacing: of the taps by which their neighbours will see them.
    """

    channels: tuple[int, ...]
    grid: str
    spacing: int = 1

    def mask(self, height: int, width: int) -> Tensor:
        """Returns (height, width), True where the step codes.

        Args:
            height: of the grid of coefficients.
            width: of the grid of coefficients.
        """
        i, j = torch.arange(height)[:, None], torch.arange(width)[None, :]
        return PATTERNS[self.grid](i, j).expand(height, width)


def _lattice(i: Tensor, j: Tensor, d: int) -> Tensor:
    """Rows and columns that d divides."""
    return (i % d == 0) & (j % d == 0)


def _centres(i: Tensor, j: Tensor, d: int) -> Tensor:
    """The middles of the squares of a lattice of distance d."""
    return (i % d == d // 2) & (j % d == d // 2)


def _edges(i: Tensor, j: Tensor, d: int) -> Tensor:
    """What a lattice of distance d and its centres leave of that of distance d / 2."""
    return _lattice(i, j, d // 2) & ~_lattice(i, j, d) & ~_centres(i, j, d)


PATTERNS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "all": lambda i, j: (i >= 0) & (j >= 0),
    "black": lambda i, j: (i + j) % 2 == 0,
    "white": lambda i, j: (i + j) % 2 == 1,
    "lattice 8": partial(_lattice, d=8),
    **{f"centres {d}": partial(_centres, d=d) for d in (8, 4, 2)},
    **{f"edges {d}": partial(_edges, d=d) for d in (8, 4, 2)},
}

_COLOURS = tuple(range(LUMA, LUMA + 2 * CHROMA))
MEANS = (0, *_COLOURS[:2])
_PYRAMID = [("lattice 8", 4), ("centres 8", 4), ("edges 8", 2), ("centres 4", 2), ("edges 4", 1), ("centres 2", 1)]
_GROUPS = [tuple(range(1, 6)), tuple(range(6, 15)), tuple(range(15, 36)), tuple(range(36, LUMA)), _COLOURS[2:20]]
STEPS = (
    *(Step(MEANS, grid, spacing) for grid, spacing in (*_PYRAMID, ("edges 2", 1))),
    *(Step(group, grid) for group in _GROUPS for grid in ("black", "white")),
    Step(_COLOURS[20:], "all"),
)
