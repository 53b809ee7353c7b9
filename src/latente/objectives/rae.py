"""Deterministic codes kept small, decoders kept smooth."""

from __future__ import annotations

__all__ = ["RAE"]

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from latente.objectives.base import Batch, Losses, Objective, Progress
from latente.parts import is_number


@dataclass
class RAE(Objective, name="rae"):
    """loss = plain + code_weight * 1/2 ||z||^2 + decoder_weight * R(decoder): the regularised autoencoder.

    R is the sum of the decoder's squared weights ("l2") or the squared Frobenius norm of the decoder's Jacobian at z,
    estimated by one random projection ("gradient"). Source: Ghosh, Sajjadi, Vergari, Black, Schoelkopf (2020),
    "From variational to deterministic autoencoders".

    Args:
        code_weight: keeps the codes near zero.
        decoder_weight: keeps the decoder smooth.
        regularizer: "l2" or "gradient".

    Raises:
        ValueError: before training, for an unknown regularizer or a negative weight.

    Example:
        >>> from latente import Autoencoder, Trainer
        >>> X = torch.randn(200, 5, generator=torch.Generator().manual_seed(0))
        >>> objective = RAE(code_weight=0.1, regularizer="gradient")
        >>> model = Autoencoder(2, objective=objective, trainer=Trainer(epochs=2), random_state=0).fit(X)
        >>> model.history_.records[-1].penalty > 0
        True
    """

    code_weight: float = 0.05
    decoder_weight: float = 1e-4
    regularizer: str = "l2"

    def __call__(self, module: Any, batch: Batch, progress: Progress) -> Losses:
        latent = module.encode(batch.x)
        codes = self.code_weight * 0.5 * latent.z.flatten(1).square().sum(1)
        distortion = module.distort(latent.z, batch.target, batch.mask)
        smooth = self.decoder_weight * self._regularize(module, latent.z)
        penalty = latent.penalty + codes + smooth
        loss = distortion + module.bottleneck.cost(latent, progress.fraction) + codes + smooth
        return Losses(loss, distortion, latent.rate, penalty)

    def _regularize(self, module: Any, z: Tensor) -> Tensor:
        if self.regularizer == "l2":
            return sum((p.square().sum() for p in module.decoder.parameters()), z.new_zeros(())).expand(len(z))
        with torch.enable_grad():  # validation runs without
            z = z if z.requires_grad else z.detach().requires_grad_()
            x_hat = module.decode(z)
            probe = torch.randn(x_hat.shape, generator=module.generator, device=z.device)
            (gradient,) = torch.autograd.grad(x_hat, z, probe, create_graph=True)
            return gradient.flatten(1).square().sum(1)

    def check(self, module: Any) -> None:
        if self.regularizer not in ("l2", "gradient"):
            raise ValueError(f"RAE: regularizer must be 'l2' or 'gradient'; got {self.regularizer!r}")
        if not (is_number(self.code_weight, low=0) and is_number(self.decoder_weight, low=0)):
            raise ValueError(f"RAE: code_weight and decoder_weight must be at least 0; got {self!r}")
