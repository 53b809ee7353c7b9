"""Pieces of pictures and signals erased."""

from __future__ import annotations

__all__ = ["Erasing"]

from dataclasses import dataclass

import torch
from torch import Tensor

from latente.corruptions.base import Bounds, Corruption
from latente.parts import is_integer, is_number

UNBOUNDED = (-3.0, 3.0)  # of standardised data
EMPTY = 0.3  # of the pieces get zero, which is black, or the mean of standardised data


@dataclass
class Erasing(Corruption, name="erasing"):
    """Random rectangles of a picture, or pieces of a signal, get one random value a channel; some become zero.

    An autoencoder that has to restore them learns to expect a whole from its surroundings, and no longer copies what
    does not belong there: its residual then points at scratches, stains and missing parts. Sources: Pathak,
    Kraehenbuehl, Donahue, Darrell, Efros (2016), "Context encoders: feature learning by inpainting"; Zhong, Zheng,
    Kang, Li, Yang (2020), "Random erasing data augmentation".

    Args:
        count: pieces of each sample.
        smallest: the shortest side of a piece, as a fraction of the sample's.
        largest: the longest one.

    Example:
        >>> x = torch.ones(2, 1, 8, 8)
        >>> erased = Erasing()(x, torch.Generator().manual_seed(0), (0.0, 1.0))
        >>> 0 < float((erased != x).float().mean()) < 0.8
        True
    """

    count: int = 4
    smallest: float = 0.03
    largest: float = 0.35

    def __call__(self, x: Tensor, generator: torch.Generator | None = None, bounds: Bounds = None) -> Tensor:
        if x.ndim not in (3, 4):
            raise ValueError(
                f"erasing needs pictures (batch, channels, height, width) or signals (batch, channels, time); got "
                f"samples of shape {tuple(x.shape[1:])}. For rows of a table use 'masking'"
            )
        low, high = bounds or UNBOUNDED
        for _ in range(self.count):
            value = low + (high - low) * self._draw(x, generator, x.shape[1])
            value = torch.where(self._draw(x, generator, 1) < EMPTY, torch.zeros_like(value), value)
            x = torch.where(self._inside(x, generator), value, x)
        return x

    def _inside(self, x: Tensor, generator: torch.Generator | None) -> Tensor:
        """Returns (batch, 1, *size): whether a position lies in a piece."""
        inside = torch.ones((), dtype=torch.bool, device=x.device)
        for axis in range(2, x.ndim):
            place = (torch.arange(x.shape[axis], device=x.device) + 0.5) / x.shape[axis]
            place = place.view((-1,) + (1,) * (x.ndim - 1 - axis))
            side = self.smallest + (self.largest - self.smallest) * self._draw(x, generator, 1)
            inside = inside & ((place - self._draw(x, generator, 1)).abs() <= side / 2)
        return inside

    def _draw(self, x: Tensor, generator: torch.Generator | None, channels: int) -> Tensor:
        """Returns (batch, channels, 1, ...), uniform in [0, 1)."""
        shape = (len(x), channels) + (1,) * (x.ndim - 2)
        return torch.rand(shape, generator=generator, device=x.device, dtype=x.dtype)

    def check(self) -> None:
        if not is_integer(self.count, low=1):
            raise ValueError(f"Erasing: count must be an integer of at least 1; got {self.count!r}")
        for name in ("smallest", "largest"):
            if not is_number(getattr(self, name), 0, 1):
                raise ValueError(f"Erasing: {name} must be a number in [0, 1]; got {getattr(self, name)!r}")
        if self.smallest > self.largest:
            raise ValueError(f"Erasing: smallest {self.smallest:g} is above largest {self.largest:g}")
