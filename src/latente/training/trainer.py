"""How to train: the settings, and the one loop."""

from __future__ import annotations

__all__ = ["Trainer"]

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from latente.data import Source
from latente.nn import NORMALIZING, StartedLinear
from latente.objectives import Objective
from latente.parts import Part, is_integer, is_number
from latente.training.adam import USUAL_BETA2
from latente.training.compiling import can_compile
from latente.training.folder import CheckpointError, CheckpointFolder
from latente.training.history import Callback, History
from latente.training.precision import PRECISIONS
from latente.training.processes import current_processes
from latente.training.run import Run
from latente.training.schedule import (
    USUAL_LEARNING_RATE,
    automatic_batch_size,
    automatic_epochs,
    automatic_weight_decay,
)
from latente.training.seeds import seed_of_rank, seeded
from latente.training.stepper import OPTIMIZERS


@dataclass
class Trainer(Part, family="trainer", name="trainer"):
    """Fused Adam or Muon, warm-up then cosine, spikes of the gradient clipped, early stopping on request.

    Args:
        epochs: passes over the data, or "auto": 6,400 / sqrt(samples), from 5 to 300.
        batch_size: samples in a step, or "auto": about a twentieth of the data, from 32 to 256.
        learning_rate: the peak, or "auto": 2e-3; an estimator may have a rate of its own (`Denoiser` 5e-3).
        weight_decay: how strongly weight matrices are pulled towards 0 (those of a linear path: towards PCA): they lose
            learning_rate * weight_decay of themselves in each step, decoupled from the gradient (Loshchilov & Hutter,
            2019). "auto": 80 values in a sample / samples, at most 16 and at most 0.1 / learning_rate, for networks
            with normalisation layers and a linear path that started as PCA; 0 for others and in `partial_fit`.
        patience: epochs without a lower validation loss after which training stops and the best weights return; None
            trains to the end.
        validation_fraction: of the samples, held out to measure the validation loss; None holds out a tenth when there
            is a patience, else nothing.
        precision: "float32", "bfloat16", or "auto": bfloat16 where the hardware has it and the result holds.
        device: "cpu", "cuda", "cuda:1", "mps", or "auto": a GPU where there is one.
        threads: of the CPU, or "auto": one for a small network, at most as many as torch has.
        compile: whether torch.compile makes code for the networks, or "auto": where it saves more time than it takes.
        checkpoint: a folder for checkpoints; with it an interrupted run can be resumed, and SIGTERM, like SIGINT, ends
            the run after a last checkpoint. None keeps none.
        checkpoint_every: steps between two checkpoints, or "auto": a minute. One is also written at the end.
        checkpoints_kept: how many of the last checkpoints stay.
        clip: whether spikes of the gradient (five times its usual norm) are clipped.
        beta2: decay of Adam's running mean of squared gradients (Kingma, Ba 2015), or "auto": 0.999 (`Denoiser` 0.99).
            A rate near what the network bears needs a shorter memory: where gradients grow faster than their mean
            square follows, steps are too long and the loss rises.
        callbacks: functions of the epoch's record, called after each epoch; one that returns True stops training.
        verbose: True shows a progress bar, False nothing, "auto" a bar in a terminal.
        optimizer: "adam", "muon" (Jordan et al. 2024; momentum made orthogonal for matrices and filters, whose steps
            cost more but may be fewer), or "auto": adam (`DefectSegmenter` of tiles muon).

    Example:
        >>> Trainer(epochs=5, learning_rate=1e-3).get_params()["epochs"]
        5
    """

    epochs: int | str = "auto"
    batch_size: int | str = "auto"
    learning_rate: float | str = "auto"
    weight_decay: float | str = "auto"
    patience: int | None = None
    validation_fraction: float | None = None
    precision: str = "auto"
    device: str = "auto"
    threads: int | str = "auto"
    compile: bool | str = "auto"
    checkpoint: str | os.PathLike[str] | None = None
    checkpoint_every: int | str = "auto"
    checkpoints_kept: int = 2
    clip: bool = True
    callbacks: Sequence[Callback] = ()
    verbose: bool | str = "auto"
    beta2: float | str = "auto"
    optimizer: str = "auto"

    def check(self) -> None:
        """Raises ValueError for a setting that makes no sense, with what is allowed."""
        self._check_count("epochs", self.epochs, auto=True)
        self._check_count("batch_size", self.batch_size, auto=True)
        self._check_count("patience", self.patience, none=True)
        self._check_count("threads", self.threads, auto=True)
        self._check_count("checkpoint_every", self.checkpoint_every, auto=True)
        self._check_count("checkpoints_kept", self.checkpoints_kept)
        rate = self.learning_rate
        if rate != "auto" and (not is_number(rate, low=0) or rate == 0):
            raise ValueError(f"Trainer: learning_rate must be above 0 or 'auto'; got {rate!r}")
        if self.weight_decay != "auto" and not is_number(self.weight_decay, low=0):
            raise ValueError(
                f"Trainer: weight_decay must be a number of at least 0 or 'auto'; got {self.weight_decay!r}"
            )
        fraction = self.validation_fraction
        if fraction is not None and not (is_number(fraction, 0, 1) and fraction < 1):
            raise ValueError(f"Trainer: validation_fraction must be in [0, 1) or None; got {fraction!r}")
        if self.beta2 != "auto" and (not is_number(self.beta2, low=0, high=1) or self.beta2 in (0, 1)):
            raise ValueError(f"Trainer: beta2 must be above 0 and below 1, or 'auto'; got {self.beta2!r}")
        if self.optimizer not in ("auto", *OPTIMIZERS):
            raise ValueError(f"Trainer: optimizer must be 'auto', 'adam' or 'muon'; got {self.optimizer!r}")
        if self.precision not in PRECISIONS:
            raise ValueError(f"Trainer: precision must be one of {', '.join(PRECISIONS)}; got {self.precision!r}")
        if self.verbose not in (True, False, "auto"):
            raise ValueError(f"Trainer: verbose must be True, False or 'auto'; got {self.verbose!r}")
        if not isinstance(self.checkpoint, (str, os.PathLike, type(None))) or self.checkpoint == "":
            raise ValueError(f"Trainer: checkpoint must be a folder's path or None; got {self.checkpoint!r}")
        self._check_compile()
        several = isinstance(self.callbacks, Sequence)
        if not several or not all(callable(callback) for callback in self.callbacks):
            raise ValueError(
                f"Trainer: callbacks must be a list of functions of an EpochRecord; got {self.callbacks!r}"
            )
        self.resolve_device()

    def check_folder(self, resume: bool) -> None:
        """Raises ValueError when there is nowhere to resume from, CheckpointError when a new run finds an older one."""
        if self.checkpoint is None and resume:
            raise ValueError("Trainer: resume=True needs a folder; pass checkpoint= to the Trainer")
        if self.checkpoint is not None and not resume and not CheckpointFolder(self.checkpoint, {}).empty:
            raise CheckpointError(
                f"{self.checkpoint} holds the checkpoints of an earlier run; resume it (fit(..., resume=True), or "
                "--resume on the command line), give another folder, or remove this one"
            )

    def _check_compile(self) -> None:
        if self.compile not in (True, False, "auto"):
            raise ValueError(f"Trainer: compile must be True, False or 'auto'; got {self.compile!r}")
        if self.compile is True and not can_compile(self.resolve_device()):
            raise ValueError(
                "Trainer: compile=True needs a C++ compiler (g++ or clang++), on a GPU Triton too; install one, or use "
                "compile='auto'"
            )

    def _check_count(self, name: str, value: Any, *, auto: bool = False, none: bool = False) -> None:
        if (auto and value == "auto") or (none and value is None):
            return
        if not is_integer(value, low=1):
            other = " or 'auto'" if auto else " or None"
            raise ValueError(f"Trainer: {name} must be an integer of at least 1{other}; got {value!r}")

    def resolve_device(self) -> torch.device:
        """Returns the device, or raises ValueError when it is not there."""
        if self.device == "auto":
            if not torch.cuda.is_available():
                return torch.device("cpu")
            local = os.environ.get("LOCAL_RANK")  # torchrun: each process has a GPU of its own
            return torch.device("cuda", torch.cuda.current_device() if local is None else int(local))
        try:
            return torch.empty(0, device=torch.device(self.device)).device  # "cuda" is "cuda:0", as tensors have it
        except (RuntimeError, AssertionError, TypeError) as error:
            reason = str(error).splitlines()[0]
            raise ValueError(
                f"Trainer: device {self.device!r} cannot be used: {reason}. Use 'auto' or 'cpu'"
            ) from error

    @property
    def held_out(self) -> float:
        """The fraction of the samples that is held out for validation."""
        if self.validation_fraction is not None:
            return self.validation_fraction
        return 0.1 if self.patience is not None else 0.0

    def resolve_batch_size(self, samples: int, processes: int = 1) -> int:
        """Returns the batch size of each of the processes for that many samples; they share an automatic one."""
        if self.batch_size != "auto":
            return int(self.batch_size)
        return max(1, automatic_batch_size(samples) // processes)

    def resolve_epochs(self, samples: int) -> int:
        """Returns the number of epochs for that many samples."""
        return automatic_epochs(samples) if self.epochs == "auto" else int(self.epochs)

    def resolve_learning_rate(self) -> float:
        """Returns the peak learning rate."""
        return USUAL_LEARNING_RATE if self.learning_rate == "auto" else float(self.learning_rate)

    def resolve_beta2(self) -> float:
        """Returns the decay of Adam's running mean of squared gradients."""
        return USUAL_BETA2 if self.beta2 == "auto" else float(self.beta2)

    def resolve_optimizer(self) -> str:
        """Returns the name of the optimiser."""
        return "adam" if self.optimizer == "auto" else self.optimizer

    def resolve_weight_decay(self, samples: int, values: int, module: nn.Module) -> float:
        """Returns the weight decay for a module and that many samples of that many values."""
        if self.weight_decay != "auto":
            return float(self.weight_decay)
        normalized = any(isinstance(layer, NORMALIZING) for layer in module.modules())
        started = any(isinstance(layer, StartedLinear) and layer.started for layer in module.modules())
        return automatic_weight_decay(samples, values, self.resolve_learning_rate()) if normalized and started else 0.0

    def fit(
        self,
        module: nn.Module,
        source: Source,
        objective: Objective,
        *,
        validation: Source | None = None,
        seed: int = 0,
        resume: bool = False,
    ) -> History:
        """Trains the module in place and returns what happened.

        An interruption from the keyboard ends training after the present step and keeps the best weights so far. Under
        torchrun each process trains on its share of every batch, and all end with the same weights.

        Args:
            module: an AutoencoderModule, or any module that the objective can read.
            source: the training samples.
            objective: what is minimised.
            validation: held-out samples, or None.
            seed: decides everything random.
            resume: whether to go on from the newest checkpoint in the folder `checkpoint`; without one training starts.
                The result is that of a run without interruption, to the last bit on the same machine.

        Raises:
            ValueError: for settings that make no sense.
            CheckpointError: when the folder cannot be used, or holds another run.
            TrainingDiverged: when a loss, gradient or weight is not finite; the module then has the last good weights.
            SystemExit: after SIGTERM, with code 143, when there is a checkpoint folder.
        """
        self.check()
        objective.check(module)
        if self.patience is not None and validation is None:
            raise ValueError("Trainer: patience needs held-out samples; pass validation=")
        self.check_folder(resume)
        device = next((p.device for p in module.parameters()), None)
        rank = current_processes().rank
        with seeded(seed if rank == 0 else seed_of_rank(seed, rank), device) as generator:
            run = Run(self, module, source, objective, validation, generator, seed)
            try:
                return run.run()
            finally:
                run.close()

    def stored_seed(self, folder: str = ".") -> int | None:
        """Returns the seed of the run in the checkpoint folder, or one inside it; None where there is none."""
        return None if self.checkpoint is None else CheckpointFolder(Path(self.checkpoint) / folder, {}).seed()
