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

    Example:
        >>> from latente import Autoencoder, Trainer
        >>> X = [[float(i), float(i % 7)] for i in range(50)]
        >>> model = Autoencoder(1, objective=Plain(), trainer=Trainer(epochs=2), random_state=0).fit(X)
        >>> record = model.history_.records[-1]
        >>> record.loss == record.distortion  # a deterministic code has no rate
        True
    """

    def __call__(self, module: Any, batch: Batch, progress: Progress) -> Losses:
        latent = module.encode(batch.x)
        distortion = module.distort(latent.z, batch.target, batch.mask)
        cost = module.bottleneck.cost(latent, progress.fraction)
        return Losses(distortion + cost, distortion, latent.rate, latent.penalty)
