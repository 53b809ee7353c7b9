"""The whole network, and what it is trained for."""

from __future__ import annotations

__all__ = ["ImageModule", "RateDistortion"]

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from latente.codec.images.context import Coded, ContextModel
from latente.codec.images.quality import lambda_of
from latente.codec.images.transforms import Analysis, Synthesis
from latente.objectives import Batch, Losses, Objective, Progress

BALANCE = 0.35  # power of lambda by which a sample's loss is divided, so that no quality drowns the others


class ImageModule(nn.Module):
    """Analysis, context model, synthesis.

    Example:
        >>> x_hat, coded = ImageModule()(torch.full((1, 3, 64, 64), 99.0), torch.tensor([0.5]))
        >>> x_hat.shape, coded.bits.shape
        (torch.Size([1, 3, 64, 64]), torch.Size([1]))
    """

    generator: torch.Generator | None = None

    def __init__(self) -> None:
        super().__init__()
        self.analysis, self.context, self.synthesis = Analysis(), ContextModel(), Synthesis()

    def forward(self, x: Tensor, quality: Tensor) -> tuple[Tensor, Coded]:
        """Returns x_hat and what was coded.

        Args:
            x: (n, 3, 8 h, 8 w), from 0 to 255.
            quality: (n,) in [0, 1].
        """
        coded = self.context(self.analysis(x, quality), quality, self.generator)
        return self.synthesis(coded.values, coded.state, quality), coded


@dataclass
class RateDistortion(Objective, name="rate_distortion"):
    """bits a pixel + lambda * squared error a value, at a random quality for each sample while training.

    lambda is `lambda_of(quality)`; each loss is divided by lambda^0.35, so that all qualities weigh about the same.

    Args:
        quality: of every sample outside training.
    """

    quality: float = 0.5

    def __call__(self, module: Any, batch: Batch, progress: Progress) -> Losses:
        x, n = batch.x, len(batch)
        if module.training:
            quality = torch.rand(n, generator=module.generator, device=x.device)
        else:
            quality = x.new_full((n,), self.quality)
        x_hat, coded = module(x, quality)
        pixels = x.shape[-1] * x.shape[-2]
        weight = lambda_of(quality)
        distortion, rate = (x_hat - x).square().flatten(1).sum(1), coded.bits * math.log(2)
        loss = (coded.bits / pixels + weight * distortion / (3 * pixels)) * weight**-BALANCE
        return Losses(loss=loss, distortion=distortion, rate=rate, penalty=torch.zeros_like(rate))
