"""Distortion plus what the bottleneck costs."""

from __future__ import annotations

__all__ = ["Plain"]

from dataclasses import dataclass
from typing import Any

from latente.objectives.base import Batch, Losses, Objective, Progress


@dataclass
class Plain(Objective, name="plain"):
    """loss = distortion(x_hat, x) + beta * rate + penalty; beta belongs to the bottleneck.

    With a deterministic bottleneck and the squared error it is ||x - d(e(x))||^2; with a Gaussian bottleneck and a
    likelihood it is the negative evidence lower bound.
    """

    def __call__(self, module: Any, batch: Batch, progress: Progress) -> Losses:
        latent = module.encode(batch.x)
        distortion = module.distort(latent.z, batch.target, batch.mask)
        cost = module.bottleneck.cost(latent, progress.fraction)
        return Losses(distortion + cost, distortion, latent.rate, latent.penalty)
