"""More samples than there are: each batch is changed at random before anything else."""

from __future__ import annotations

__all__ = ["Augmented"]

from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor, nn

from latente.corruptions import Corruption, Custom, Deformation, resolve_corruption
from latente.objectives.base import Batch, Losses, Objective, Progress
from latente.objectives.plain import Plain
from latente.parts import resolve


@dataclass
class Augmented(Objective, name="augmented"):
    """Another objective on samples that were changed at random: data augmentation.

    What was changed is the target too: it is a new sample to rebuild, where a corruption is something to undo. It helps
    where a network fits the training samples much better than others, and what it does must leave samples that could
    have been in the data. In validation nothing is changed. Clean partners (`fit(noisy, target=clean)`) are changed as
    their samples are.

    Args:
        change: what is done to each sample: a corruption, its short string, or any function of a batch.
        objective: what is minimised on the changed samples, an objective or its short string; None is the plain one.

    Example:
        >>> Augmented("deformation:10").changes
        Deformation(rotation=10, scale=0.05, shift=0.03, bend=0.0, interpolation='bilinear')
    """

    change: Any = "deformation"
    objective: Any = None

    @property
    def changes(self) -> Corruption:
        """What is done to each sample."""
        return resolve_corruption(self.change) or Deformation()

    @property
    def inner(self) -> Objective:
        """The objective on changed samples."""
        return resolve(self.objective, Objective) or Plain()  # type: ignore[type-abstract]

    def __call__(self, module: Any, batch: Batch, progress: Progress) -> Losses:
        if module.training:
            batch = replace(batch, **self._changed(module, batch))
        return self.inner(module, batch, progress)

    def _changed(self, module: Any, batch: Batch) -> dict[str, Tensor]:
        """Returns x and target after the same change."""
        changes, generator, bounds = self.changes, module.generator, getattr(module, "bounds", None)
        if batch.target is batch.x:
            x = changes(batch.x, generator, bounds)
            return {"x": x, "target": x}
        if isinstance(changes, Custom):
            raise ValueError("Augmented cannot make a function change samples and their targets alike; use a part")
        state = generator.get_state()
        x = changes(batch.x, generator, bounds)
        generator.set_state(state)
        return {"x": x, "target": changes(batch.target, generator, bounds)}

    def check(self, module: nn.Module) -> None:
        self.changes.check()
        self.inner.check(module)
