"""How probable residuals are, as tables that are quick to look up."""

from __future__ import annotations

__all__ = ["CELLS", "EDGE", "asinh", "densities_of", "improbable"]

import math

import torch
from torch import Tensor
from torch.nn import functional

CELLS, EDGE, WIDTH = 512, 10.0, 0.3  # of the densities, over asinh(residual)


def asinh(x: Tensor) -> Tensor:
    """Returns asinh of values by functions that processors have for vectors; torch.asinh takes ten times as long."""
    size = x.abs()
    return (size + (size.square() + 1).sqrt()).log().copysign(x)


def densities_of(e: Tensor) -> Tensor:
    """Returns (columns, CELLS): minus the log density of residuals e (n, columns), at middles of cells of asinh(e).

    A column's histogram is smoothed by a normal kernel over asinh(e), so that tails are smoothed more than the middle;
    one further residual is spread over all cells.
    """
    size = 2 * EDGE / CELLS
    cell = ((asinh(e) + EDGE) / size).long().clamp(0, CELLS - 1)
    counts = torch.zeros(e.shape[1], CELLS).scatter_add_(1, cell.T, torch.ones_like(e.T))
    reach = math.ceil(4 * WIDTH / size)
    kernel = (-0.5 * (torch.arange(-reach, reach + 1) * size / WIDTH).square()).exp()
    smooth = functional.conv1d(counts[:, None], (kernel / kernel.sum())[None, None], padding=reach)[:, 0]
    middle = (torch.arange(CELLS) + 0.5) * size - EDGE
    return middle.cosh().log() - ((smooth + 1 / CELLS) / ((len(e) + 1) * size)).log()


def improbable(densities: Tensor, place: Tensor) -> Tensor:
    """Returns minus the log densities, interpolated between the middles of cells, of asinh(e), (..., columns)."""
    place = ((place + EDGE) * (CELLS / (2 * EDGE)) - 0.5).clamp(0, CELLS - 1.001)
    cell = place.long()
    start = cell + CELLS * torch.arange(len(densities))
    values = densities.flatten()
    return torch.lerp(values[start], values[start + 1], place - cell)
