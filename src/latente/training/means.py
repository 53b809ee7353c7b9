"""Means of an epoch's losses."""

from __future__ import annotations

__all__ = ["Means", "measure"]

import torch
from torch import Tensor, nn

from latente.data import Source
from latente.objectives import Losses, Objective, Progress
from latente.training.processes import ALONE, Processes

NAMES = ("loss", "distortion", "rate", "penalty")


class Means:
    """Running means over samples of an epoch's losses, kept on the device.

    Attributes:
        sums: (4,) of loss, distortion, rate and penalty; None before the first batch.
        extra: the sums of the objective's extra scalars.
        samples: how many there were.
    """

    def __init__(self) -> None:
        self.sums: Tensor | None = None
        self.extra: dict[str, Tensor] = {}
        self.samples = 0

    def add(self, losses: Losses) -> None:
        """Adds a batch."""
        n = len(losses.loss)
        with torch.no_grad():
            columns = torch.stack([losses.loss, losses.distortion, losses.rate, losses.penalty])
            sums = columns.sum(1, dtype=torch.float64 if columns.device.type == "cpu" else torch.float32)
            self.sums = sums if self.sums is None else self.sums.add_(sums)
            for name, value in losses.extra.items():
                total = value.detach() * n
                self.extra[name] = self.extra[name] + total if name in self.extra else total
        self.samples += n

    def result(self, processes: Processes = ALONE) -> tuple[dict[str, float], dict[str, float]]:
        """Returns the means of the losses and those of the extra scalars, over all processes."""
        if self.sums is None:
            return dict.fromkeys(NAMES, 0.0), {}
        extra = [self.extra[name].to(self.sums) for name in sorted(self.extra)]
        sums = torch.cat([self.sums, torch.stack(extra)]) if extra else self.sums
        *values, n = processes.sum(torch.cat([sums, sums.new_tensor([self.samples])])).tolist()
        means = [value / n for value in values]
        return dict(zip(NAMES, means, strict=False)), dict(zip(sorted(self.extra), means[len(NAMES) :], strict=True))

    def state(self) -> dict[str, Tensor]:
        """Returns what `load` takes."""
        sums = {} if self.sums is None else {"sums": self.sums.cpu(), "samples": torch.tensor(self.samples)}
        return {**sums, **{f"extra.{name}": total.cpu() for name, total in self.extra.items()}}

    def load(self, state: dict[str, Tensor], device: torch.device) -> None:
        """Takes up what `state` returned."""
        if "sums" in state:
            self.sums, self.samples = state["sums"].to(device), int(state["samples"])
        self.extra = {name[6:]: total.to(device) for name, total in state.items() if name.startswith("extra.")}


@torch.no_grad()
def measure(
    module: nn.Module,
    source: Source,
    objective: Objective,
    batch_size: int,
    progress: Progress,
    processes: Processes = ALONE,
) -> dict[str, float]:
    """Returns the mean losses over a source in evaluation mode; each process measures its share."""
    was_training = module.training
    module.eval()
    means = Means()
    share = processes.share(source)
    for batch in (source if share is None else share).batches(batch_size):
        means.add(objective(module, batch, progress))
    module.train(was_training)
    return means.result(ALONE if share is None else processes)[0]
