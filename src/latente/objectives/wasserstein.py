"""Codes that, all together, follow the prior."""

from __future__ import annotations

__all__ = ["Wasserstein", "mmd"]

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from latente.objectives.base import Batch, Losses, Objective, Progress
from latente.parts import is_number

SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


def mmd(a: Tensor, b: Tensor) -> Tensor:
    """Returns the unbiased squared maximum mean discrepancy of two sets of points, a scalar.

    The kernel is a sum of inverse multiquadrics k(x, y) = C / (C + ||x - y||^2), C = 2 d s for s from 0.1 to 10, which
    suits samples of N(0, I) in d dimensions (Tolstikhin et al., 2018). Formula: Gretton et al. (2012), equation 3.

    Args:
        a: (n, d), n at least 2.
        b: (m, d), m at least 2.

    Example:
        >>> a, b = torch.randn((2, 500, 3), generator=torch.Generator().manual_seed(0))
        >>> bool(mmd(a, b) < 0.01 < mmd(a, b + 1))
        True
    """
    n, m = len(a), len(b)
    aa, bb, ab = _kernel(a, a), _kernel(b, b), _kernel(a, b)
    within = (aa.sum() - aa.diagonal().sum()) / (n * (n - 1)) + (bb.sum() - bb.diagonal().sum()) / (m * (m - 1))
    return within - 2 * ab.mean()


def _kernel(a: Tensor, b: Tensor) -> Tensor:
    with torch.autocast(a.device.type, enabled=False):  # differences of squares need all digits
        squared = (a.square().sum(1, keepdim=True) + b.square().sum(1) - 2 * a @ b.T).clamp(min=0)
        return torch.stack([c / (c + squared) for c in (2 * a.shape[1] * s for s in SCALES)]).sum(0)


@dataclass
class Wasserstein(Objective, name="wasserstein"):
    """loss = plain + weight * MMD^2(codes of the batch, N(0, I)): the Wasserstein autoencoder with MMD.

    Unlike a VAE it matches the codes to the prior as a whole, not each one. Source: Tolstikhin, Bousquet, Gelly,
    Schoelkopf (2018), "Wasserstein auto-encoders".

    Args:
        weight: of the discrepancy.

    Raises:
        ValueError: before training, for a negative weight.

    Example:
        >>> from latente import Autoencoder, Trainer
        >>> X = torch.randn(200, 5, generator=torch.Generator().manual_seed(0))
        >>> model = Autoencoder(2, objective=Wasserstein(), trainer=Trainer(epochs=2), random_state=0).fit(X)
        >>> model.sample(3, random_state=0).shape  # the codes were drawn towards N(0, I)
        (3, 5)
    """

    weight: float = 10.0
    normal_codes = True

    def __call__(self, module: Any, batch: Batch, progress: Progress) -> Losses:
        latent = module.encode(batch.x)
        distortion = module.distort(latent.z, batch.target, batch.mask)
        z = latent.z.flatten(1)
        discrepancy = z.new_zeros(())
        if len(z) > 1:
            prior = torch.randn(z.shape, generator=module.generator, device=z.device, dtype=z.dtype)
            discrepancy = mmd(z, prior)
        match = (self.weight * discrepancy).expand(len(z))
        loss = distortion + module.bottleneck.cost(latent, progress.fraction) + match
        return Losses(loss, distortion, latent.rate, latent.penalty + match, {"mmd": discrepancy.detach()})

    def check(self, module: Any) -> None:
        if not is_number(self.weight, low=0):
            raise ValueError(f"Wasserstein: weight must be at least 0; got {self.weight!r}")
