"""Codes that barely move when the input does."""

from __future__ import annotations

__all__ = ["Contractive", "jacobian_norm"]

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from latente.objectives.base import Batch, Losses, Objective, Progress
from latente.parts import is_integer, is_number


def jacobian_norm(h: Tensor, x: Tensor, probes: int | None = None, generator: torch.Generator | None = None) -> Tensor:
    """Returns (batch,): the squared Frobenius norm of dh/dx, exactly or by random projections.

    With probes v ~ N(0, I) it is the unbiased estimate E ||v^T J||^2 = ||J||_F^2 (Hutchinson, 1990).

    Args:
        h: (batch, features), computed from x.
        x: (batch, *sample_shape), requiring gradients.
        probes: the number of projections; None takes one backward pass for every feature instead, which is exact.
        generator: the source of the probes' randomness.
    """
    if probes is None:
        directions = torch.eye(h.shape[1], device=h.device).unsqueeze(1).expand(-1, len(h), -1)
        scale = 1.0
    else:
        directions = torch.randn((probes, *h.shape), generator=generator, device=h.device)
        scale = 1.0 / probes
    total = h.new_zeros(len(h))
    for direction in directions:
        (gradient,) = torch.autograd.grad(h, x, direction.to(h.dtype), create_graph=True, retain_graph=True)
        total = total + scale * gradient.flatten(1).square().sum(1)
    return total


@dataclass
class Contractive(Objective, name="contractive"):
    """loss = plain + weight * ||d h / d x||_F^2, the encoder's Jacobian at x.

    Source: Rifai, Vincent, Muller, Glorot, Bengio (2011), "Contractive auto-encoders".

    Args:
        weight: of the penalty.
        probes: random projections a batch that estimate the norm without bias; None computes it exactly, at the price
            of a backward pass for every latent unit.

    Raises:
        ValueError: before training, for a negative weight or less than one probe.

    Example:
        >>> from latente import Autoencoder, Trainer
        >>> X = torch.randn(200, 5, generator=torch.Generator().manual_seed(0))
        >>> model = Autoencoder(2, objective=Contractive(0.5), trainer=Trainer(epochs=2), random_state=0).fit(X)
        >>> model.history_.records[-1].penalty > 0
        True
    """

    weight: float = 0.1
    probes: int | None = 1

    def __call__(self, module: Any, batch: Batch, progress: Progress) -> Losses:
        with torch.enable_grad():  # validation runs without
            x = (module.corrupt(batch.x) if module.training else batch.x).detach().requires_grad_()
            h = module.encoder(x).float()
            contraction = self.weight * jacobian_norm(h, x, self.probes, module.generator)
        latent = module.bottleneck(h, module.generator)
        distortion = module.distort(latent.z, batch.target, batch.mask)
        loss = distortion + module.bottleneck.cost(latent, progress.fraction) + contraction
        return Losses(loss, distortion, latent.rate, latent.penalty + contraction)

    def check(self, module: Any) -> None:
        if not is_number(self.weight, low=0) or (self.probes is not None and not is_integer(self.probes, low=1)):
            raise ValueError(
                f"Contractive: weight must be at least 0 and probes at least 1 (or None, exact); got {self!r}"
            )
