"""A function of small pictures, applied to large ones piece by piece without visible seams."""

from __future__ import annotations

__all__ = ["tiled"]

import itertools
from collections.abc import Callable

import torch
from torch import Tensor


def tiled(function: Callable[[Tensor], Tensor], x: Tensor, tile: int, overlap: int) -> Tensor:
    """Returns function(x) for x (channels, *size), computed in overlapping tiles that are blended.

    In an overlap each tile's weight falls linearly to its edge, so that no step can be seen. Where `overlap` is at
    least twice as far as a value acts, and values near the edge count for little, the result is nearly that of the
    whole. Memory is that of one tile.

    Args:
        function: (1, channels, *part) -> the same shape.
        x: one sample.
        tile: the largest part along each axis.
        overlap: positions that two neighbours share, below `tile`.

    Raises:
        ValueError: for an overlap that is no smaller than the tile.
    """
    if not 0 <= overlap < tile:
        raise ValueError(f"overlap must be at least 0 and below the tile of {tile}; got {overlap}")
    size = x.shape[1:]
    if max(size) <= tile:
        return function(x[None])[0]
    total, weights = torch.zeros_like(x), torch.zeros(size, dtype=x.dtype, device=x.device)
    for starts in itertools.product(*(_starts(length, tile, overlap) for length in size)):
        part = tuple(slice(a, min(a + tile, length)) for a, length in zip(starts, size, strict=True))
        weight = torch.ones((), dtype=x.dtype, device=x.device)
        for where, length in zip(part, size, strict=True):
            weight = weight[..., None] * _ramp(where, length, overlap).to(x)
        total[(slice(None), *part)] += weight * function(x[(None, slice(None), *part)])[0]
        weights[part] += weight
    return total / weights


def _starts(length: int, tile: int, overlap: int) -> list[int]:
    """Returns where tiles begin: evenly, so that neighbours share at least `overlap` positions."""
    if length <= tile:
        return [0]
    count = -(-(length - overlap) // (tile - overlap))
    return [round(i * (length - tile) / (count - 1)) for i in range(count)]


def _ramp(part: slice, length: int, overlap: int) -> Tensor:
    """Returns the weights along one axis: 1 inside, falling to the edges that are not edges of the whole."""
    n = part.stop - part.start
    rise = torch.arange(1, n + 1, dtype=torch.float32).div(overlap + 1).clamp(max=1)
    left = torch.ones(n) if part.start == 0 else rise
    right = torch.ones(n) if part.stop == length else rise.flip(0)
    return left * right
