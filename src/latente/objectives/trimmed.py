"""The samples that fit worst are left out, so that a few anomalies in the training data are not learned."""

from __future__ import annotations

__all__ = ["Trimmed", "kept"]

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from latente.objectives.base import Batch, Losses, Objective, Progress
from latente.objectives.plain import Plain
from latente.parts import is_number, resolve


def kept(loss: Tensor, fraction: float) -> Tensor:
    """Returns weights of loss's shape: 0 for the largest losses along the last axis, else such that their mean is 1.

    Args:
        loss: (..., batch).
        fraction: of the batch that is left out, rounded down; at least one sample stays.

    Example:
        >>> kept(torch.tensor([1.0, 9.0, 2.0, 3.0]), 0.25).round(decimals=2)
        tensor([1.3300, 0.0000, 1.3300, 1.3300])
    """
    batch = loss.shape[-1]
    stay = max(1, batch - int(fraction * batch))
    index = loss.detach().topk(stay, dim=-1, largest=False, sorted=False).indices
    return torch.zeros_like(loss).scatter(-1, index, batch / stay)


@dataclass
class Trimmed(Objective, name="trimmed"):
    """Another objective without the worst fraction of each batch, also in validation: a trimmed mean.

    The samples with the largest losses get no weight, the others one above 1 that keeps the batch's mean comparable.
    Right where some training samples may be anomalies; where there are none it neglects what is rare. With a patience,
    training stops on the trimmed mean of the held-out samples. Source: Rousseeuw (1984), "Least median of squares
    regression" (least trimmed squares).

    Args:
        fraction: of each batch, in [0, 1).
        objective: what is minimised on the others, an objective or its short string; None is the plain one.

    Example:
        >>> Trimmed.from_string("trimmed:0.2")
        Trimmed(fraction=0.2, objective=None)
    """

    fraction: float = 0.1
    objective: Any = None

    @property
    def inner(self) -> Objective:
        """The objective of the samples that stay."""
        return resolve(self.objective, Objective) or Plain()  # type: ignore[type-abstract]

    def __call__(self, module: Any, batch: Batch, progress: Progress) -> Losses:
        losses = self.inner(module, batch, progress)
        return replace(losses, loss=losses.loss * kept(losses.loss, self.fraction))

    def check(self, module: nn.Module) -> None:
        if not is_number(self.fraction, 0, 1) or self.fraction == 1:
            raise ValueError(f"Trimmed: fraction must be in [0, 1); got {self.fraction!r}")
        self.inner.check(module)
