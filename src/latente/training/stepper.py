"""One step of training."""

from __future__ import annotations

__all__ = ["OPTIMIZERS", "Stepper", "TrainingDiverged"]

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn

from latente.objectives import Batch, Losses, Objective, Progress
from latente.training.adam import USUAL_BETA2, Adam
from latente.training.clipping import SpikeClip
from latente.training.muon import Muon
from latente.training.precision import autocast
from latente.training.processes import ALONE, Processes
from latente.training.pulse import Pulse

OPTIMIZERS: dict[str, type[Adam] | type[Muon]] = {"adam": Adam, "muon": Muon}
LOOK_EVERY = 50  # steps between looks at a GPU's verdict on losses and gradients


class TrainingDiverged(ArithmeticError):
    """Raised when a loss, a gradient or a weight is not finite; the module then has the last good weights.

    Example:
        >>> from latente import Autoencoder, Trainer
        >>> def distortion(x_hat, x):
        ...     return (x_hat - x).square().sum(1) / 0
        >>> Autoencoder(1, distortion=distortion, trainer=Trainer(epochs=1), random_state=0).fit([[0, 1], [1, 0]])
        Traceback (most recent call last):
        latente.training.stepper.TrainingDiverged: ...
    """


class Stepper:
    """One optimisation step: loss, gradient, clipping of spikes, update.

    On a CPU every loss is looked at before the update. On a GPU that would wait for the device in each step: there the
    update itself is told not to happen after something that is not finite, and `look` finds out later.

    Args:
        module: what is trained.
        objective: what is minimised.
        learning_rate: the peak.
        schedule: (step, total) -> factor of the peak.
        weight_decay: of matrices and filters, see Adam.
        beta2: decay of the running mean of squared gradients, see Adam.
        clip: whether gradients far above their usual norm are clipped.
        precision: "float32" or "bfloat16".
        processes: those that train together.
        looks: whether every loss is looked at; None where it costs nothing, on a CPU.
        optimizer: the name of one of OPTIMIZERS.
    """

    def __init__(
        self,
        module: nn.Module,
        objective: Objective,
        *,
        learning_rate: float,
        schedule: Callable[[int, int], float],
        weight_decay: float = 0.0,
        beta2: float = USUAL_BETA2,
        clip: bool = True,
        precision: str = "float32",
        processes: Processes = ALONE,
        looks: bool | None = None,
        optimizer: str = "adam",
    ) -> None:
        self.module, self.objective, self.schedule = module, objective, schedule
        self.learning_rate, self.weight_decay, self.precision = float(learning_rate), float(weight_decay), precision
        self.beta2, self.method = float(beta2), optimizer
        self.parameters = [p for p in module.parameters() if p.requires_grad]
        if not self.parameters:
            raise ValueError("there is nothing to train: no parameter of the modules requires a gradient")
        self.device = self.parameters[0].device
        self.looks = self.device.type == "cpu" if looks is None else looks
        make = OPTIMIZERS[optimizer]
        self.optimizer = make(self.parameters, betas=(0.9, self.beta2), weight_decay=weight_decay)
        self.clip = SpikeClip(on_host=self.looks) if clip else None
        self.pulse, self.processes = Pulse(), processes
        processes.align(module)
        self._first_bad: Tensor | None = None
        self._weight: tuple[float, Tensor] | None = None  # of each sample's loss, and the size that it stands for

    def rate_at(self, progress: Progress) -> float:
        """The learning rate of a step."""
        return self.learning_rate * self.schedule(progress.step, progress.total)

    def step(self, batch: Batch, progress: Progress, size: float | None = None) -> Losses:
        """Takes one step and returns the losses before it.

        Args:
            batch: at least one sample.
            progress: where training stands.
            size: what the batch's sum of losses is divided by: the usual number of samples. None is the batch's own.

        Raises:
            TrainingDiverged: when the loss or its gradient is not finite; the weights are then untouched.
        """
        self.optimizer.zero_grad()
        with self._arithmetic():
            losses = self.objective(self.module, batch, progress)
        self._backward(losses.loss, size or len(batch))
        loss = self.processes.average(self.parameters, losses.loss.detach().mean())
        norms = torch._foreach_norm([p.grad for p in self.parameters if p.grad is not None])
        norm = torch.linalg.vector_norm(torch.stack(norms))
        if self.looks:
            self._update(norm, loss, batch, progress)
        else:
            self._update_unseen(norm, loss, progress)
            if progress.step % LOOK_EVERY == 0:
                self.look(batch, progress)
        return losses

    def _backward(self, loss: Tensor, size: float) -> None:
        """Computes the gradient of the sum of losses (batch,) divided by `size`."""
        if self._weight is None or self._weight[0] != size:
            self._weight = size, torch.tensor(1 / size, dtype=loss.dtype, device=loss.device)
        loss.backward(self._weight[1].expand_as(loss))

    def _arithmetic(self) -> AbstractContextManager[None]:
        return nullcontext() if self.precision == "float32" else autocast(self.device, self.precision)

    def _update(self, norm: Tensor, loss: Tensor, batch: Batch, progress: Progress) -> None:
        length, value = norm.item(), loss.item()
        if not math.isfinite(length + value):
            raise TrainingDiverged(self._explain(batch, progress, value))
        self.pulse.add(value)
        self.optimizer.step(self.rate_at(progress), scale=self.clip.scale(norm, length) if self.clip else None)

    def _update_unseen(self, norm: Tensor, loss: Tensor, progress: Progress) -> None:
        bad = ~torch.isfinite(norm + loss)
        at = torch.where(bad, progress.step, torch.iinfo(torch.int64).max)
        self._first_bad = at if self._first_bad is None else torch.minimum(self._first_bad, at)
        scale = self.clip.scale(torch.where(bad, 0.0, norm)) if self.clip else None
        self.pulse.add(loss)
        self.optimizer.step(self.rate_at(progress), scale, skip=bad.float())

    def look(self, batch: Batch, progress: Progress) -> None:
        """Raises TrainingDiverged when a step that nobody looked at was not finite; its update did not happen.

        Args:
            batch: one like those that were trained on.
            progress: where training stands.
        """
        if self._first_bad is None:
            return
        step = int(self._first_bad)
        if step <= progress.step:
            raise TrainingDiverged(self._explain(batch, Progress(step, progress.total, progress.samples), math.nan))

    @property
    def weights_finite(self) -> bool:
        """Whether all trained weights are finite."""
        largest = torch._foreach_norm([p for p in self.parameters if p.numel()], float("inf"))
        return bool(torch.isfinite(torch.stack([value.float() for value in largest])).all())

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
