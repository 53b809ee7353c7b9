"""A lapped transform between pixels and coefficients that starts as the 8 x 8 DCT of an orthonormal colour basis.

Each position of an 8 x 8 grid sees 16 x 16 pixels. The window's border starts as zeros, so at first neighbouring blocks
do not overlap; training lets them (Malvar & Staelin, 1989, "The LOT: transform coding without blocking effects").
"""

from __future__ import annotations

__all__ = ["CHANNELS", "LUMA", "LappedAnalysis", "LappedSynthesis", "dct_filters", "full_precision"]

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

STRIDE = 8
WINDOW = 16
LUMA = 64  # coefficients of the brightness: all
CHROMA = 28  # of each colour difference: the lowest, by diagonals
CHANNELS = LUMA + 2 * CHROMA
SLOW = 0.05  # what a step of the optimiser moves a filter by, over its learning rate: filters start near their end


def _zigzag() -> list[tuple[int, int]]:
    """(row, column) of the frequencies of a block, by ascending diagonals."""
    pairs = [(i, j) for i in range(STRIDE) for j in range(STRIDE)]
    return sorted(pairs, key=lambda p: (p[0] + p[1], p[0] if (p[0] + p[1]) % 2 else -p[0]))


def dct_filters() -> Tensor:
    """Returns (CHANNELS, 3, 16, 16): orthonormal filters; luma by diagonals, then pairs of both colour differences.

    Example:
        >>> filters = dct_filters().flatten(1)
        >>> bool(torch.allclose(filters @ filters.T, torch.eye(CHANNELS), atol=1e-6))
        True
    """
    n = torch.arange(STRIDE, dtype=torch.float64)
    basis = torch.cos(math.pi * (2 * n + 1) * n[:, None] / (2 * STRIDE)) * math.sqrt(2 / STRIDE)
    basis[0] /= math.sqrt(2)
    colours = torch.tensor([[1.0, 1, 1], [1, 0, -1], [-1, 2, -1]], dtype=torch.float64)
    colours /= colours.norm(dim=1, keepdim=True)
    order = _zigzag()
    wanted = [(0, p) for p in order] + [(c, p) for p in order[:CHROMA] for c in (1, 2)]
    filters = torch.zeros(CHANNELS, 3, WINDOW, WINDOW, dtype=torch.float64)
    edge = (WINDOW - STRIDE) // 2
    for k, (colour, (i, j)) in enumerate(wanted):
        block = basis[i][:, None] * basis[j][None, :]
        filters[k, :, edge:-edge, edge:-edge] = colours[colour][:, None, None] * block
    return filters.float()


def full_precision(device: torch.device) -> torch.autocast:
    """Returns a context in which nothing is rounded to 16 bits, for numbers that must be exact to a part of a step.

    Args:
        device: where the computation runs.
    """
    return torch.autocast(device.type, enabled=False)


class _Lapped(nn.Module):
    """Filters that are a fixed start and a learned change.

    Args:
        scale: of the change.
    """

    start: Tensor

    def __init__(self, scale: float = SLOW) -> None:
        super().__init__()
        self.register_buffer("start", dct_filters())
        self.change, self.scale = nn.Parameter(torch.zeros_like(self.start)), scale

    @property
    def filters(self) -> Tensor:
        return self.start + self.scale * self.change


class LappedAnalysis(_Lapped):
    """Pixels (n, 3, 8 h, 8 w) to coefficients (n, CHANNELS, h, w)."""

    def forward(self, x: Tensor) -> Tensor:
        with full_precision(x.device):
            return F.conv2d(x.float(), self.filters, stride=STRIDE, padding=(WINDOW - STRIDE) // 2)


class LappedSynthesis(_Lapped):
    """Coefficients (n, CHANNELS, h, w) to pixels (n, 3, 8 h, 8 w)."""

    def forward(self, y: Tensor) -> Tensor:
        with full_precision(y.device):
            return F.conv_transpose2d(y.float(), self.filters, stride=STRIDE, padding=(WINDOW - STRIDE) // 2)
