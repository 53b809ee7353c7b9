"""What a bottleneck returns."""

from __future__ import annotations

__all__ = ["Latent"]

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Latent:
    """The latent variables of a batch.

    Attributes:
        z: (batch, *latent_shape); what the decoder sees (a sample while training, if the bottleneck is random).
        mode: (batch, *latent_shape); the deterministic code, which `transform` returns.
        rate: (batch,) nats, unweighted; zero where the bottleneck measures no information.
        penalty: (batch,) costs that are no information: commitment, sparsity; already weighted.
        codes: (batch, *groups) integer indices of a quantiser, or None.
        rate_per_unit: (batch, latent_dim) nats where the rate splits over latent units, or None.

    Example:
        >>> import torch
        >>> h = torch.tensor([[0.4, 1.7]])
        >>> Latent(z=h, mode=h.round(), rate=torch.zeros(1), penalty=torch.zeros(1)).mode
        tensor([[0., 2.]])
    """

    z: Tensor
    mode: Tensor
    rate: Tensor
    penalty: Tensor
    codes: Tensor | None = None
    rate_per_unit: Tensor | None = None
