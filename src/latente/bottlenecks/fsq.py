"""Finite scalar quantisation."""

from __future__ import annotations

__all__ = ["FSQ"]

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from latente.bottlenecks.base import Bottleneck, BottleneckModule
from latente.latent import Latent
from latente.parts import is_integer

MOST = 1 << 24  # integers up to here are exact in float32


class _FSQ(BottleneckModule):
    levels: Tensor

    def __init__(self, levels: tuple[int, ...]) -> None:
        super().__init__()
        self.features = self.latent_dim = len(levels)
        self.nats = sum(map(math.log, levels))
        self.register_buffer("levels", torch.tensor(levels, dtype=torch.float32))

    def quantise(self, h: Tensor) -> Tensor:
        """Returns the index (batch, latent_dim) of each unit's level, as floats 0 .. levels - 1."""
        return (torch.sigmoid(h) * self.levels - 0.5).clamp(min=0.0).round().minimum(self.levels - 1)

    def values(self, indices: Tensor) -> Tensor:
        """Returns the values in [-1, 1] that the indices stand for."""
        return 2 * indices / (self.levels - 1) - 1

    def forward(self, h: Tensor, generator: torch.Generator | None = None) -> Latent:
        indices = self.quantise(h)
        soft, mode = self.values(torch.sigmoid(h) * self.levels - 0.5), self.values(indices).detach()
        z = mode + (soft - soft.detach())  # exactly on the grid; the gradient passes straight through
        zero = h.new_zeros(len(h))
        return Latent(z=z, mode=mode, rate=zero + self.nats, penalty=zero, codes=indices.long())

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        u = torch.rand(n, self.latent_dim, generator=generator, device=self.levels.device)
        return self.values((u * self.levels).floor())


@dataclass
class FSQ(Bottleneck, name="fsq"):
    """Rounds every latent unit to one of a few levels in [-1, 1]; gradients pass straight through.

    There is no codebook to learn or to collapse. The rate is log of the number of codes, prod(levels), and constant, so
    the loss leaves it out. Source: Mentzer, Minnen, Agustsson, Tschannen (2024), "Finite scalar quantization".

    Args:
        levels: levels of each latent unit, from 2 to 2^24: one integer for all, or latent_dim of them.

    Raises:
        ValueError: by `build`, for levels out of range, or not as many as latent_dim.

    Example:
        >>> latent = FSQ(levels=3).build(2)(torch.tensor([[-5.0, 0.1]]))
        >>> latent.mode, latent.codes, latent.rate  # log 9
        (tensor([[-1.,  0.]]), tensor([[0, 1]]), tensor([2.1972]))
    """

    variadic = True
    levels: int | Sequence[int] = 8

    def build(self, latent_dim: int) -> BottleneckModule:
        levels = tuple(self.levels) if isinstance(self.levels, Sequence) else (self.levels,)
        levels = levels * latent_dim if len(levels) == 1 else levels
        if len(levels) != latent_dim or not all(is_integer(n, low=2, high=MOST) for n in levels):
            raise ValueError(
                f"FSQ: levels must be one integer or latent_dim={latent_dim} integers, each from 2 to {MOST}, which "
                f"are all that float32 counts; got {self.levels!r}"
            )
        return _FSQ(levels)
