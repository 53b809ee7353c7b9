"""Grey values as probabilities: black and white pixels drawn anew in every step."""

from __future__ import annotations

__all__ = ["Binarized"]

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from latente.objectives.base import Batch, Losses, Objective, Progress
from latente.objectives.plain import Plain
from latente.parts import resolve


@dataclass
class Binarized(Objective, name="binarized"):
    """Another objective on x ~ Bernoulli(grey values), drawn anew for every batch: dynamic binarisation.

    A model of binary data never sees one picture twice, which keeps it from overfitting. Scaled data must lie in
    [0, 1]; the distortion that fits is "bernoulli". Sources: Salakhutdinov & Murray (2008), "On the quantitative
    analysis of deep belief networks"; Burda, Grosse, Salakhutdinov (2016).

    Args:
        objective: what is minimised on the drawn pixels, an objective or its short string; None is the plain one.

    Example:
        >>> Binarized("importance_weighted:50")
        Binarized(objective='importance_weighted:50')
    """

    objective: Any = None

    @property
    def inner(self) -> Objective:
        """The objective on drawn pixels."""
        return resolve(self.objective, Objective) or Plain()  # type: ignore[type-abstract]

    def __call__(self, module: Any, batch: Batch, progress: Progress) -> Losses:
        drawn = torch.bernoulli(batch.x, generator=module.generator)
        clean = batch.target is batch.x
        target = drawn if clean else torch.bernoulli(batch.target, generator=module.generator)
        return self.inner(module, replace(batch, x=drawn, target=target), progress)

    def check(self, module: nn.Module) -> None:
        if getattr(module, "bounds", None) != (0.0, 1.0):
            raise ValueError(
                f"Binarized needs scaled data in [0, 1]; got bounds {getattr(module, 'bounds', None)}. Pass uint8 "
                "pictures, or data=DataSpec(scale='minmax')"
            )
        self.inner.check(module)
