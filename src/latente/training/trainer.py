"""How to train: the settings, and the one loop."""

from __future__ import annotations

__all__ = ["Trainer"]

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from latente.data import Source
from latente.objectives import Objective, Progress
from latente.parts import Part, is_integer, is_number
from latente.training.checkpoint import MemoryCheckpoint, TrainingState
from latente.training.history import Callback, EpochRecord, History
from latente.training.loop import Means, Stepper, TrainingDiverged, measure
from latente.training.precision import PRECISIONS, choose_precision
from latente.training.progress import progress_bar
from latente.training.schedule import automatic_batch_size, automatic_epochs, warmup_cosine
from latente.training.seeds import seeded


@dataclass
class Trainer(Part, family="trainer", name="trainer"):
    """Fused Adam, warm-up then cosine, spikes of the gradient clipped, early stopping on request.

    Args:
        epochs: passes over the data, or "auto": 6,400 / sqrt(samples), from 5 to 300.
        batch_size: samples in a step, or "auto": about a fortieth of the data, from 16 to 256.
        learning_rate: the peak.
        patience: epochs without a lower validation loss after which training stops and the best weights return; None
            trains to the end.
        validation_fraction: of the samples, held out to measure the validation loss; None holds out a tenth when there
            is a patience, else nothing.
        precision: "float32", "bfloat16", or "auto": bfloat16 where the hardware has it and the result holds.
        device: "cpu", "cuda", "cuda:1", "mps", or "auto": a GPU where there is one.
        clip: whether spikes of the gradient (five times its usual norm) are clipped.
        callbacks: functions of the epoch's record, called after each epoch; one that returns True stops training.
        verbose: True shows a progress bar, False nothing, "auto" a bar in a terminal.

    Example:
        >>> Trainer(epochs=5, learning_rate=1e-3).get_params()["epochs"]
        5
    """

    epochs: int | str = "auto"
    batch_size: int | str = "auto"
    learning_rate: float = 2e-3
    patience: int | None = None
    validation_fraction: float | None = None
    precision: str = "auto"
    device: str = "auto"
    clip: bool = True
    callbacks: Sequence[Callback] = ()
    verbose: bool | str = "auto"

    def check(self) -> None:
        """Raises ValueError for a setting that makes no sense, with what is allowed."""
        self._check_count("epochs", self.epochs, auto=True)
        self._check_count("batch_size", self.batch_size, auto=True)
        self._check_count("patience", self.patience, none=True)
        if not is_number(self.learning_rate, low=0) or self.learning_rate == 0:
            raise ValueError(f"Trainer: learning_rate must be above 0; got {self.learning_rate!r}")
        fraction = self.validation_fraction
        if fraction is not None and not (is_number(fraction, 0, 1) and fraction < 1):
            raise ValueError(f"Trainer: validation_fraction must be in [0, 1) or None; got {fraction!r}")
        if self.precision not in PRECISIONS:
            raise ValueError(f"Trainer: precision must be one of {', '.join(PRECISIONS)}; got {self.precision!r}")
        if self.verbose not in (True, False, "auto"):
            raise ValueError(f"Trainer: verbose must be True, False or 'auto'; got {self.verbose!r}")
        several = isinstance(self.callbacks, Sequence)
        if not several or not all(callable(callback) for callback in self.callbacks):
            raise ValueError(
                f"Trainer: callbacks must be a list of functions of an EpochRecord; got {self.callbacks!r}"
            )
        self.resolve_device()

    def _check_count(self, name: str, value: Any, *, auto: bool = False, none: bool = False) -> None:
        if (auto and value == "auto") or (none and value is None):
            return
        if not is_integer(value, low=1):
            other = " or 'auto'" if auto else " or None"
            raise ValueError(f"Trainer: {name} must be an integer of at least 1{other}; got {value!r}")

    def resolve_device(self) -> torch.device:
        """Returns the device, or raises ValueError when it is not there."""
        if self.device == "auto":
            return torch.device("cuda" if torch.cuda.is_available() else "cpu")
        try:
            device = torch.device(self.device)
            torch.empty(0, device=device)
        except (RuntimeError, AssertionError, TypeError) as error:
            reason = str(error).splitlines()[0]
            raise ValueError(
                f"Trainer: device {self.device!r} cannot be used: {reason}. Use 'auto' or 'cpu'"
            ) from error
        return device

    @property
    def held_out(self) -> float:
        """The fraction of the samples that is held out for validation."""
        if self.validation_fraction is not None:
            return self.validation_fraction
        return 0.1 if self.patience is not None else 0.0

    def resolve_batch_size(self, samples: int) -> int:
        """Returns the batch size for that many samples."""
        return automatic_batch_size(samples) if self.batch_size == "auto" else int(self.batch_size)

    def resolve_epochs(self, samples: int) -> int:
        """Returns the number of epochs for that many samples."""
        return automatic_epochs(samples) if self.epochs == "auto" else int(self.epochs)

    def fit(
        self,
        module: nn.Module,
        source: Source,
        objective: Objective,
        *,
        validation: Source | None = None,
        seed: int = 0,
    ) -> History:
        """Trains the module in place and returns what happened.

        An interruption from the keyboard ends training early and keeps the best weights so far.

        Args:
            module: an AutoencoderModule, or any module that the objective can read.
            source: the training samples.
            objective: what is minimised.
            validation: held-out samples, or None.
            seed: decides everything random.

        Raises:
            ValueError: for settings that make no sense.
            TrainingDiverged: when a loss, gradient or weight is not finite; the module then has the last good weights.
        """
        self.check()
        objective.check(module)
        if self.patience is not None and validation is None:
            raise ValueError("Trainer: patience needs held-out samples; pass validation=")
        device = next((p.device for p in module.parameters()), None)
        with seeded(seed, device) as generator:
            return _Run(self, module, source, objective, validation, generator).run()


class _Run:
    """One training run."""

    def __init__(
        self,
        trainer: Trainer,
        module: nn.Module,
        source: Source,
        objective: Objective,
        validation: Source | None,
        generator: torch.Generator,
    ) -> None:
        self.trainer, self.module, self.source = trainer, module, source
        self.objective, self.validation, self.generator = objective, validation, generator
        self.batch_size = trainer.resolve_batch_size(len(source))
        self.epochs = trainer.resolve_epochs(len(source))
        self.steps = self.epochs * -(-len(source) // self.batch_size)
        self.state = TrainingState()
        self.best, self.good = MemoryCheckpoint(), MemoryCheckpoint()
        self.stepper = Stepper(
            module, objective, learning_rate=trainer.learning_rate, schedule=warmup_cosine, clip=trainer.clip
        )
        self.history = History(batch_size=self.batch_size)

    def run(self) -> History:
        self.module.generator = self.generator  # type: ignore[assignment]
        self._keep(self.good)
        try:
            self._choose_precision()
            self.module.train()
            with progress_bar(self.trainer.verbose, self.epochs) as show:
                while self.state.epoch < self.epochs and not self._stop():
                    record = self._epoch()
                    self.history.records.append(record)
                    show(record)
                    self._after(record)
        except KeyboardInterrupt:
            self.history.stopped = "interrupted"
            self.good.load_into(self.module)  # the epoch that was cut short does not count
        except TrainingDiverged:
            self.good.load_into(self.module)
            raise
        finally:
            self.module.eval()
            self.module.generator = None  # type: ignore[assignment]
        self._restore_best()
        return self.history

    def _choose_precision(self) -> None:
        first = next(iter(self.source.batches(min(self.batch_size, len(self.source)))))
        wanted, device = self.trainer.precision, self.stepper.device
        precision = choose_precision(wanted, self.module, self.objective, first, device)
        self.stepper.precision = self.history.precision = precision

    def _epoch(self) -> EpochRecord:
        start, means = time.perf_counter(), Means()
        for batch in self.source.batches(self.batch_size, self.generator):
            means.add(self.stepper.step(batch, self._progress()))
            self.state.step += 1
        self.state.epoch += 1
        values, extra = means.result()
        held: dict[str, float] = {}
        if self.validation is not None:
            held = measure(self.module, self.validation, self.objective, 1024, Progress(1, 1, len(self.source)))
        self._check_finite(held.get("loss", 0.0))
        return EpochRecord(
            epoch=self.state.epoch,
            **values,
            validation_loss=held.get("loss"),
            validation_distortion=held.get("distortion"),
            validation_rate=held.get("rate"),
            seconds=time.perf_counter() - start,
            learning_rate=self.stepper.optimizer.param_groups[0]["lr"],
            extra=extra,
        )

    def _check_finite(self, validation_loss: float) -> None:
        """Raises TrainingDiverged when the epoch's last step left weights that cannot be used."""
        what = "" if math.isfinite(validation_loss) else f"the validation loss is {validation_loss}"
        what = what if self.stepper.weights_finite else "the weights are not finite"
        if what:
            rate = self.trainer.learning_rate
            raise TrainingDiverged(
                f"{what} after epoch {self.state.epoch}, step {self.state.step} of {self.steps}: most likely the "
                f"learning rate of {rate:g} is too high; try {rate / 10:g}"
            )

    def _after(self, record: EpochRecord) -> None:
        """Keeps the best and the last good weights, and asks the callbacks."""
        self._keep(self.good)
        if record.validation_loss is not None:
            patience = self.trainer.patience
            if record.validation_loss < self.state.best_loss:
                self.state.best_loss, self.state.best_epoch = record.validation_loss, record.epoch
                self._keep(self.best)
            elif patience is not None and record.epoch - self.state.best_epoch >= patience:
                self.history.stopped = "early stopping"
        wishes = [callback(record) for callback in self.trainer.callbacks]  # every one is asked
        if any(wishes) and not self._stop():
            self.history.stopped = "callback"

    def _stop(self) -> bool:
        return self.history.stopped != "finished"

    def _keep(self, checkpoint: MemoryCheckpoint) -> None:
        self.state.weights = self.module.state_dict()
        checkpoint.save(self.state)

    def _restore_best(self) -> None:
        """Ends with the best weights after early stopping or an interruption, else with the last ones.

        A run that went its whole way ends with its smallest learning rate: its last weights are the ones to keep.
        """
        self.history.best_epoch = self.state.epoch
        if self.state.best_epoch and (self.trainer.patience is not None or self.history.stopped == "interrupted"):
            self.best.load_into(self.module)
            self.history.best_epoch = self.state.best_epoch

    def _progress(self) -> Progress:
        return Progress(self.state.step, self.steps, len(self.source))
