"""What separation minimises."""

from __future__ import annotations

__all__ = ["SourceError"]

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from latente.objectives import Batch, Losses, Objective, Progress

BEST = 1e-3  # 30 dB: what is better than that does not count
LEAST = 1e-6  # of a mean square of 0.01
FAINT = 1e-8  # mean square, -80 dB of full scale: stretches below it count less, not as much as all others


@dataclass
class SourceError(Objective, name="source_error"):
    """The mean over the sources of 10 log10(||s - s_hat||^2 + t ||s||^2) - 10 log10 ||s||^2, the negative SNR in dB.

    t = 0.001 bounds it at 30 dB. A silent source counts 10 log10(||s_hat||^2 / ||x||^2 + t) instead, x the mixture.
    With `pairs`, where the target is a second noisy copy and not the sources, it is 2 ||s_hat_1 - target||^2 /
    (||x||^2 + ||target||^2) of the first source, the mean power at least -80 dB of full scale: where the noise has mean
    0 and the copies' noises are independent, the best estimate is that for clean targets, as nearly as the power of a
    stretch does not depend on what the noise of its target happens to be.

    Args:
        pairs: whether targets are second noisy copies, (batch, 1, n).

    Source: Wisdom et al. (2020), "Unsupervised sound separation using mixture invariant training" (the bounded SNR);
    Lehtinen et al. (2018), "Noise2Noise".

    Example:
        >>> target = torch.ones(1, 1, 100)
        >>> SourceError()(lambda x: 0.9 * x[:, None], Batch(target[:, 0], target), Progress()).loss.round(decimals=2)
        tensor([-19.5900])
    """

    pairs: bool = False

    def __call__(self, module: Any, batch: Batch, progress: Progress) -> Losses:
        """Returns the losses of a batch."""
        estimate = module(batch.x)
        if self.pairs:
            target = batch.target[:, 0]
            power = (batch.x.square().mean(1) + target.square().mean(1)) / 2  # of both: one alone may be silent
            loss = (estimate[:, 0] - target).square().mean(1) / power.clamp_min(FAINT)
        else:
            loss = bounded_error(estimate, batch.target, batch.x).mean(1)
        zero = torch.zeros_like(loss)
        return Losses(loss=loss, distortion=loss, rate=zero, penalty=zero)


def bounded_error(estimate: Tensor, target: Tensor, mixture: Tensor) -> Tensor:
    """Returns (batch, sources) in dB.

    Args:
        estimate: (batch, sources, n).
        target: of the same shape.
        mixture: (batch, n).
    """
    power, whole = target.square().mean(2), mixture.square().mean(1, keepdim=True) + 1e-12
    error = (estimate - target).square().mean(2)
    silent = power < LEAST * whole
    against = torch.where(silent, whole, power)
    return 10 * torch.log10(error / against + BEST)
