"""The code as it is."""

from __future__ import annotations

__all__ = ["Deterministic"]

from dataclasses import dataclass

import torch
from torch import Tensor

from latente.bottlenecks.base import Bottleneck, BottleneckModule
from latente.latent import Latent


class _Deterministic(BottleneckModule):
    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        self.features = self.latent_dim = latent_dim

    def forward(self, h: Tensor, generator: torch.Generator | None = None) -> Latent:
        zero = h.new_zeros(len(h))
        return Latent(z=h, mode=h, rate=zero, penalty=zero)


@dataclass
class Deterministic(Bottleneck, name="deterministic"):
    """z = h. Only the size of the code limits what passes.

    Example:
        >>> Deterministic().build(2)(torch.tensor([[0.5, -3.0]])).z
        tensor([[ 0.5000, -3.0000]])
    """

    def build(self, latent_dim: int) -> BottleneckModule:
        return _Deterministic(latent_dim)
