"""Codes whose units are ordered by what they are worth."""

from __future__ import annotations

__all__ = ["NestedDropout", "first_units"]

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from latente.latent import Latent
from latente.objectives.base import Batch, Losses, Objective, Progress
from latente.parts import is_number


@dataclass
class NestedDropout(Objective, name="nested_dropout"):
    """The plain objective where samples keep only the first b units of their code: distortion(d(z_1, ..., z_b, 0)).

    b is drawn anew for every sample, each of 1, ..., latent_dim as likely; in evaluation mode all units stay. A
    unit is of use only beside those before it, so the first ones learn what matters most: between linear layers they
    span what PCA's first components span. The code can then be cut at any size. Units that are cut carry no rate
    where the rate splits over units. Source: Rippel, Gelbart, Adams (2014), "Learning ordered representations with
    nested dropout", where b is geometric.

    Args:
        whole: the fraction of the samples that keep all units. Without any, wide codes end worse than they need to.

    Example:
        >>> from latente.parts import resolve
        >>> resolve("nested_dropout:0.5", Objective)
        NestedDropout(whole=0.5)
    """

    whole: float = 0.0

    def __call__(self, module: Any, batch: Batch, progress: Progress) -> Losses:
        latent = module.encode(batch.x)
        if module.training:
            latent = first_units(latent, self._draw(len(latent.z), latent.z.shape[1], module))
        distortion = module.distort(latent.z, batch.target, batch.mask)
        cost = module.bottleneck.cost(latent, progress.fraction)
        return Losses(distortion + cost, distortion, latent.rate, latent.penalty)

    def _draw(self, samples: int, units: int, module: Any) -> Tensor:
        """Returns (samples, 1): how many units each keeps."""
        shape, place = (samples, 1), {"generator": module.generator, "device": module.device}
        kept = torch.randint(1, units + 1, shape, **place)
        return torch.where(torch.rand(shape, **place) < self.whole, units, kept) if self.whole else kept

    def check(self, module: Any) -> None:
        if not is_number(self.whole, 0, 1):
            raise ValueError(f"NestedDropout: whole is a fraction of the samples in [0, 1]; got {self.whole!r}")


def first_units(latent: Latent, kept: Tensor | int) -> Latent:
    """Returns latent variables whose units after the first `kept` are zero and carry no rate.

    Args:
        latent: of z (batch, units).
        kept: how many units stay: one number, or (batch, 1).
    """
    mask = torch.arange(latent.z.shape[1], device=latent.z.device) < kept
    cut = replace(latent, z=latent.z * mask, mode=latent.mode * mask)
    if latent.rate_per_unit is None:
        return cut
    rates = latent.rate_per_unit * mask
    return replace(cut, rate=rates.sum(1), rate_per_unit=rates)
