"""One training run: epochs, steps, what is kept, when it ends."""

from __future__ import annotations

__all__ = ["Run"]

import math
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from latente.data import Source, count_batches
from latente.nn import products_by_onednn, quick_float32
from latente.objectives import Objective, Progress
from latente.training.checkpoint import TENSORS, MemoryCheckpoint, TrainingState, by_rank, of_rank, own_buffers
from latente.training.choices import Choices, choose
from latente.training.compiling import compiled
from latente.training.finding import ranked
from latente.training.folder import CheckpointError, CheckpointFolder
from latente.training.generators import generator_states, restore_generators
from latente.training.history import EpochRecord, History
from latente.training.identity import describe_run
from latente.training.interruptions import Interruptions
from latente.training.means import Means, measure
from latente.training.processes import current_processes
from latente.training.progress import progress_bar
from latente.training.pulse import weight_scale
from latente.training.schedule import warmup_cosine
from latente.training.signs import signs
from latente.training.stepper import Stepper, TrainingDiverged
from latente.training.threads import computing_with

if TYPE_CHECKING:
    from latente.training.trainer import Trainer

SECONDS_BETWEEN_CHECKPOINTS = 60.0
ASK_EVERY = 10  # steps between two questions to the other processes
MEASURED_AT_ONCE = 1024  # samples


class Run:
    """One training run.

    Args:
        trainer: the settings.
        module: what is trained, in place.
        source: all training samples.
        objective: what is minimised.
        validation: held-out samples, or None.
        generator: where noise comes from.
        seed: decides the order of the samples.
    """

    def __init__(
        self,
        trainer: Trainer,
        module: nn.Module,
        source: Source,
        objective: Objective,
        validation: Source | None,
        generator: torch.Generator,
        seed: int,
    ) -> None:
        self.trainer, self.module, self.objective = trainer, module, objective
        self.source, self.validation, self.generator, self.seed = source, validation, generator, seed
        self.processes = current_processes()
        size, n = self.processes.size, len(source)
        self.share = source.shard(self.processes.rank, size) if size > 1 else source
        self.batch_size, self.epochs = trainer.resolve_batch_size(n, size), trainer.resolve_epochs(n)
        self.batches = count_batches(n, self.batch_size, size)  # of an epoch
        self.usual_size = n / (self.batches * size)
        self.state, self.means = TrainingState(), Means()
        self.best, self.good = MemoryCheckpoint(), MemoryCheckpoint()
        self.stepper = Stepper(
            module,
            objective,
            learning_rate=trainer.resolve_learning_rate(),
            weight_decay=trainer.resolve_weight_decay(n, math.prod(source.sample_shape), module),
            beta2=trainer.resolve_beta2(),
            optimizer=trainer.resolve_optimizer(),
            schedule=warmup_cosine,
            clip=trainer.clip,
            processes=self.processes,
        )
        self.history = History(
            batch_size=self.batch_size,
            samples=n,
            planned=self.epochs,
            steps=self.batches,
            learning_rate=self.stepper.learning_rate,
        )
        self.folder = self._open_folder()
        self.saved_at = time.monotonic()

    # Start

    def _open_folder(self) -> CheckpointFolder | None:
        """Returns the checkpoint folder, its newest state taken up if there is one."""
        if self.trainer.checkpoint is None:
            return None
        folder = CheckpointFolder(self.trainer.checkpoint, describe_run(self), self.trainer.checkpoints_kept)
        if self.processes.first:
            folder.claim()
            folder.check_writable()
        self.processes.wait()
        try:
            return self._restored(folder)
        except CheckpointError:
            folder.release()
            raise

    def _restored(self, folder: CheckpointFolder) -> CheckpointFolder:
        """Takes up the newest state, if there is one."""
        state = folder.restore()
        if len(set(self.processes.gather(None if state is None else state.step))) > 1:
            raise CheckpointError(f"the processes see different checkpoints in {folder.path}; give a folder they share")
        if state is not None:
            self._take_up(state)
        return folder

    def _take_up(self, state: TrainingState) -> None:
        """Puts everything where the state says it was."""
        self.state = replace(state, **{group: {} for group in TENSORS})  # type: ignore[arg-type]
        self.module.load_state_dict(state.weights)
        self.module.load_state_dict(of_rank(state.buffers, self.processes.rank), strict=False)
        self.stepper.optimizer.load(state.optimizer)
        if self.stepper.clip is not None:
            self.stepper.clip.usual = state.usual_norm
        self.means.load(of_rank(state.means, self.processes.rank), self.stepper.device)
        self.stepper.pulse.load(of_rank(state.means, self.processes.rank))
        self.best.weights = {name: tensor.to(self.stepper.device) for name, tensor in state.best.items()}
        restore_generators(of_rank(state.generators, self.processes.rank), self.generator)
        self.history.records = list(state.records)

    # The whole

    def run(self) -> History:
        """Trains to the end, or to where something stops it, and returns what happened."""
        interruptions = Interruptions(terminations=self.folder is not None)
        try:
            with self._computing(), interruptions:
                self.good.save(self.module)
                self.history.stopped = self.state.stopped or "finished"
                if self.history.stopped == "callback" and not self._called_off(self.history.records[-1]):
                    self.history.stopped = "finished"  # by callbacks that are not there any more
                with progress_bar(self._verbose, self.epochs, self.state.epoch) as show:
                    while self.state.epoch < self.epochs and not self._stopped:
                        if not self._epoch(interruptions):
                            self.history.stopped = "interrupted"
                            break
                        show(self.history.records[-1], self.history.findings)
        except KeyboardInterrupt:
            self.history.stopped = "interrupted"
            self.good.load_into(self.module)  # it may have come in the middle of an update
            self._end()
            return self.history
        except TrainingDiverged:
            self.good.load_into(self.module)
            raise
        finally:
            self.module.eval()
            self.module.generator = None  # type: ignore[assignment]
        self._checkpoint()
        self._end()
        interruptions.agree(self.processes, self.stepper.device)
        if interruptions.terminated:
            raise SystemExit(interruptions.exit_code)
        return self.history

    @contextmanager
    def _computing(self) -> Iterator[None]:
        """Prepares module and arithmetic for training."""
        self.module.generator = self.generator  # type: ignore[assignment]
        device = self.stepper.device
        choices = self._choices()
        self.stepper.precision = self.history.precision = choices.precision
        self.history.threads = choices.threads
        if self.state.step == 0:
            self.state.weight_scale = weight_scale(self.module)
        self.history.weight_scale = self.state.weight_scale
        keep_freed_memory()
        with ExitStack() as stack:
            stack.enter_context(quick_float32(self.trainer.precision == "auto" and device.type == "cuda"))
            stack.enter_context(products_by_onednn(choices.onednn))
            stack.enter_context(computing_with(choices.threads))
            stack.enter_context(compiled(self.module, choices.compiles, device))
            self.module.train()
            yield

    def _choices(self) -> Choices:
        """Returns what "auto" means here; in a resumed run, what it meant at the start."""
        if not self.state.precision:
            steps = self.epochs * self.batches
            choices = choose(self.trainer, self.module, self.objective, self.share, self.batch_size, steps)
            choices = self.processes.from_first(choices)
            self.state.precision, self.state.threads = choices.precision, choices.threads
            self.state.compiles, self.state.onednn = choices.compiles, choices.onednn
        return Choices(self.state.precision, self.state.threads, self.state.compiles, self.state.onednn)

    # Epochs

    def _epoch(self, interruptions: Interruptions) -> bool:
        """Trains one epoch, or the rest of it; returns False when a signal cut it short."""
        begun = time.perf_counter() - self.state.seconds
        order = int(np.random.SeedSequence((self.seed, self.state.epoch)).generate_state(1, np.uint64)[0] >> 1)
        batch = None
        for batch in self.share.batches(self.batch_size, order, self.state.batch):
            self.means.add(self.stepper.step(batch, self._progress(), self.usual_size))
            self.state.step, self.state.batch = self.state.step + 1, self.state.batch + 1
            stop, due = self._asked(interruptions)
            if stop or due:
                self.stepper.look(batch, self._progress())
                self.state.seconds = time.perf_counter() - begun
                if stop:
                    return False
                self._checkpoint()
        if batch is not None:
            self.stepper.look(batch, self._progress())
        self._close_epoch(begun)
        return True

    def _asked(self, interruptions: Interruptions) -> tuple[bool, bool]:
        """Returns whether to stop and whether to write a checkpoint; all processes get the same answer."""
        stop = interruptions.noted is not None
        if self.folder is None or self.trainer.checkpoint_every != "auto":
            due = self.folder is not None and self.state.step % int(self.trainer.checkpoint_every) == 0
        else:
            due = time.monotonic() - self.saved_at > SECONDS_BETWEEN_CHECKPOINTS
        if self.processes.size == 1:
            return stop, due
        if self.state.step % ASK_EVERY and not (due and self.trainer.checkpoint_every != "auto"):
            return False, False
        due = interruptions.agree(self.processes, self.stepper.device, due)
        return interruptions.noted is not None, due

    def _close_epoch(self, begun: float) -> None:
        self.state.epoch += 1
        self.state.batch, self.state.seconds = 0, 0.0
        self.processes.align(self.module)
        values, extra = self.means.result(self.processes)
        self.means = Means()
        held: dict[str, float] = {}
        if self.validation is not None:
            end = Progress(1, 1, len(self.source))
            held = measure(self.module, self.validation, self.objective, MEASURED_AT_ONCE, end, self.processes)
        self._check_finite(held.get("loss", 0.0))
        first, highest = self.stepper.pulse.result()
        record = EpochRecord(
            epoch=self.state.epoch,
            **values,
            validation_loss=held.get("loss"),
            validation_distortion=held.get("distortion"),
            validation_rate=held.get("rate"),
            seconds=time.perf_counter() - begun,
            learning_rate=self.stepper.rate_at(replace(self._progress(), step=self.state.step - 1)),
            extra=extra,
            first_loss=first,
            highest_loss=highest,
        )
        self.stepper.pulse.reset()
        self.history.records.append(record)
        self._judge(record)
        self._look_back()

    def _check_finite(self, validation_loss: float) -> None:
        """Raises TrainingDiverged when the epoch's last step left weights that cannot be used."""
        what = "" if math.isfinite(validation_loss) else f"the validation loss is {validation_loss}"
        what = what if self.stepper.weights_finite else "the weights are not finite"
        if what:
            rate = self.stepper.learning_rate
            raise TrainingDiverged(
                f"{what} after epoch {self.state.epoch}, step {self.state.step} of {self._progress().total}: most "
                f"likely the learning rate of {rate:g} is too high; try {rate / 10:g}"
            )

    def _judge(self, record: EpochRecord) -> None:
        """Keeps the best and the last good weights, and asks the callbacks."""
        self.good.save(self.module)
        if record.validation_loss is not None:
            patience = self.trainer.patience
            if record.validation_loss < self.state.best_loss:
                self.state.best_loss, self.state.best_epoch = record.validation_loss, record.epoch
                self.best.save(self.module)
            elif patience is not None and record.epoch - self.state.best_epoch >= patience:
                self.history.stopped = "early stopping"
        if self._called_off(record) and not self._stopped:
            self.history.stopped = "callback"

    def _called_off(self, record: EpochRecord) -> bool:
        """Returns whether a callback of any process wants training to end."""
        wishes = [bool(callback(record)) for callback in self.trainer.callbacks]  # every one is asked
        return any(self.processes.any([any(wishes)], self.stepper.device))

    @property
    def _stopped(self) -> bool:
        return self.history.stopped != "finished"

    @property
    def _verbose(self) -> bool | str:
        return self.trainer.verbose if self.processes.first else False

    def _progress(self) -> Progress:
        return Progress(self.state.step, self.epochs * self.batches, len(self.source))

    # End

    def _checkpoint(self) -> None:
        """Writes everything to the folder, if there is one."""
        if self.folder is None:
            return
        clip, stopped = self.stepper.clip, self.history.stopped
        generators = self.processes.gather(generator_states(self.generator))
        means = self.processes.gather({**self.means.state(), **self.stepper.pulse.state()})
        buffers = self.processes.gather(own_buffers(self.module)) if self.processes.size > 1 else []
        state = replace(
            self.state,
            stopped=stopped if self._stopped and stopped != "interrupted" else "",
            usual_norm=0.0 if clip is None else float(clip.usual),
            records=self.history.records,
            weights=self.module.state_dict(),
            best=self.best.weights,
            optimizer=self.stepper.optimizer.state(),
            means=by_rank(means),
            buffers=by_rank(buffers),
            generators=by_rank(generators),
        )
        if self.processes.first:
            self.folder.save(state)
        self.saved_at = time.monotonic()

    def close(self) -> None:
        """Lets other runs have the checkpoint folder."""
        if self.folder is not None:
            self.folder.release()

    def _end(self) -> None:
        """Ends with the best weights after early stopping or an interruption, else with the last ones.

        A run that went its whole way ends with its smallest learning rate: its last weights are the ones to keep.
        """
        self.history.best_epoch = self.state.epoch
        if self.state.best_epoch and (self.trainer.patience is not None or self.history.stopped == "interrupted"):
            self.best.load_into(self.module)
            self.history.best_epoch = self.state.best_epoch
        self._look_back()

    def _look_back(self) -> None:
        """Writes what the epochs so far show into the history: a function of their numbers alone."""
        self.history.findings = list(ranked(signs(self.history)))


def keep_freed_memory() -> None:
    """Makes glibc keep blocks of some megabytes for the next step instead of giving them back and asking anew.

    Its allocator takes the size of the first large block that is freed as a hint. Batches, activations and gradients
    then come from memory that is already there; elsewhere this does nothing.
    """
    torch.empty((32 << 20) - 8192, dtype=torch.uint8)
