"""Single epochs: one that trains, one that only measures."""

from __future__ import annotations

__all__ = ["Means", "Stepper", "TrainingDiverged", "measure"]

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from latente.data import Source
from latente.objectives import Batch, Losses, Objective, Progress
from latente.training.precision import autocast

SPIKE = 5.0  # a gradient is clipped at this multiple of the usual norm


class TrainingDiverged(ArithmeticError):
    """Raised when a loss, a gradient or a weight is not finite; the module then has the last good weights."""


class Means:
    """Running means over samples of an epoch's losses, kept on the device."""

    def __init__(self) -> None:
        self.sums: dict[str, Tensor] = {}
        self.extra: dict[str, Tensor] = {}
        self.samples = 0

    def add(self, losses: Losses) -> None:
        n = len(losses.loss)
        for name in ("loss", "distortion", "rate", "penalty"):
            total = getattr(losses, name).detach().sum()
            self.sums[name] = self.sums[name] + total if name in self.sums else total
        for name, value in losses.extra.items():
            total = value.detach() * n
            self.extra[name] = self.extra[name] + total if name in self.extra else total
        self.samples += n

    def result(self) -> tuple[dict[str, float], dict[str, float]]:
        """Returns the means of the losses and those of the extra scalars."""
        n = max(1, self.samples)
        return ({k: float(v) / n for k, v in self.sums.items()}, {k: float(v) / n for k, v in self.extra.items()})


class Stepper:
    """One optimisation step: loss, gradient, clipping of spikes, update.

    Args:
        module: what is trained.
        objective: what is minimised.
        learning_rate: the peak.
        schedule: (step, total) -> factor of the peak.
        clip: whether gradients far above their usual norm are clipped.
        precision: "float32" or "bfloat16".
    """

    def __init__(
        self,
        module: nn.Module,
        objective: Objective,
        *,
        learning_rate: float,
        schedule: Callable[[int, int], float],
        clip: bool = True,
        precision: str = "float32",
    ) -> None:
        self.module, self.objective, self.schedule = module, objective, schedule
        self.learning_rate, self.clip, self.precision = learning_rate, clip, precision
        self.parameters = [p for p in module.parameters() if p.requires_grad]
        if not self.parameters:
            raise ValueError("there is nothing to train: no parameter of the modules requires a gradient")
        self.device = self.parameters[0].device
        self.optimizer = torch.optim.Adam(self.parameters, lr=learning_rate, fused=True)
        self.usual_norm: Tensor | None = None

    def step(self, batch: Batch, progress: Progress) -> Losses:
        """Takes one step and returns the losses before it.

        Raises:
            TrainingDiverged: when the loss or its gradient is not finite; the weights are then untouched.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate * self.schedule(progress.step, progress.total)
        self.optimizer.zero_grad(set_to_none=True)
        with autocast(self.device, self.precision):
            losses = self.objective(self.module, batch, progress)
        mean = losses.loss.mean()
        mean.backward()
        gradients = [p.grad for p in self.parameters if p.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients, foreach=True)
        if not math.isfinite((mean.detach() + norm).item()):  # one look at the device for both
            raise TrainingDiverged(self._explain(batch, progress, mean.item()))
        if self.clip:
            self._clip_spikes(gradients, norm)
        self.optimizer.step()
        return losses

    @property
    def weights_finite(self) -> bool:
        """Whether all trained weights are finite."""
        return all(bool(torch.isfinite(p).all()) for p in self.parameters)

    @torch.no_grad()
    def _clip_spikes(self, gradients: list[Tensor], norm: Tensor) -> None:
        """Scales the gradient down to a multiple of its running mean norm: acts on spikes, at any scale."""
        usual = norm if not self.usual_norm else self.usual_norm  # a batch without any gradient is no measure
        limit = SPIKE * usual
        torch._foreach_mul_(gradients, (limit / (norm + 1e-12)).clamp(max=1.0))
        self.usual_norm = 0.98 * usual + 0.02 * torch.minimum(norm, limit)

    def _explain(self, batch: Batch, progress: Progress, loss: float) -> str:
        largest = float(batch.x.abs().max())
        what = "the loss is finite but its gradient is not" if math.isfinite(loss) else f"the loss is {loss}"
        where = f"{what} at step {progress.step + 1} of {progress.total}"
        if not math.isfinite(largest):
            return f"{where}: a batch has values that are not finite, so the data or the corruption makes them"
        if largest > 1e4:
            fix = "let the front door scale the data (DataSpec(scale='auto'))"
            return f"{where}: scaled values reach {largest:.3g}; {fix}"
        if not self.weights_finite or progress.step:
            rate = self.learning_rate
            return f"{where}: most likely the learning rate of {rate:g} is too high; try {rate / 10:g}"
        return f"{where}, the first one: the network or the distortion returns values that are not finite"


@torch.no_grad()
def measure(
    module: nn.Module, source: Source, objective: Objective, batch_size: int, progress: Progress
) -> dict[str, float]:
    """Returns the mean losses over a source in evaluation mode."""
    was_training = module.training
    module.eval()
    means = Means()
    for batch in source.batches(batch_size):
        means.add(objective(module, batch, progress))
    module.train(was_training)
    return means.result()[0]
