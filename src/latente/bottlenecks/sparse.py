"""Sparse codes."""

from __future__ import annotations

__all__ = ["KSparse", "Sparse"]

from dataclasses import dataclass

import torch
from torch import Tensor

from latente.bottlenecks.base import Bottleneck, BottleneckModule
from latente.latent import Latent
from latente.parts import is_integer, is_number


class _Sparse(BottleneckModule):
    def __init__(self, latent_dim: int, weight: float) -> None:
        super().__init__()
        self.features = self.latent_dim = latent_dim
        self.weight = weight

    def forward(self, h: Tensor, generator: torch.Generator | None = None) -> Latent:
        return Latent(z=h, mode=h, rate=h.new_zeros(len(h)), penalty=self.weight * h.abs().sum(1))


@dataclass
class Sparse(Bottleneck, name="sparse"):
    """z = h with the penalty weight * ||h||_1, which drives most units to zero for any one sample.

    Source: Olshausen & Field (1996) for the cost; Ng (2011), "Sparse autoencoder", for its use here.

    Args:
        weight: of the penalty, in units of the distortion per unit of |h|.

    Raises:
        ValueError: by `build`, for a negative weight.

    Example:
        >>> Sparse(weight=0.1).build(2)(torch.tensor([[3.0, -4.0]])).penalty
        tensor([0.7000])
    """

    weight: float = 0.1

    def build(self, latent_dim: int) -> BottleneckModule:
        if not is_number(self.weight, low=0):
            raise ValueError(f"Sparse: weight must be at least 0; got {self.weight!r}")
        return _Sparse(latent_dim, self.weight)


class _KSparse(BottleneckModule):
    def __init__(self, latent_dim: int, k: int) -> None:
        super().__init__()
        self.features = self.latent_dim = latent_dim
        self.k = k

    def forward(self, h: Tensor, generator: torch.Generator | None = None) -> Latent:
        kept = torch.zeros_like(h).scatter(1, h.abs().topk(self.k, dim=1).indices, 1.0)
        z, zero = h * kept, h.new_zeros(len(h))
        return Latent(z=z, mode=z, rate=zero, penalty=zero)


@dataclass
class KSparse(Bottleneck, name="k_sparse"):
    """Keeps the k largest units (by magnitude) of each sample and sets the others to zero.

    Source: Makhzani & Frey (2014), "k-sparse autoencoders".

    Args:
        k: how many units stay; at most latent_dim.

    Raises:
        ValueError: by `build`, for a k that is not between 1 and latent_dim.

    Example:
        >>> KSparse(k=1).build(3)(torch.tensor([[0.5, -2.0, 1.0]])).z
        tensor([[ 0., -2.,  0.]])
    """

    k: int = 8

    def build(self, latent_dim: int) -> BottleneckModule:
        if not is_integer(self.k, 1, latent_dim):
            raise ValueError(f"KSparse: k must be an integer between 1 and latent_dim={latent_dim}; got {self.k!r}")
        return _KSparse(latent_dim, int(self.k))
