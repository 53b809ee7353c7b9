"""What "auto" means for one run: decided once, from shapes, hardware and data."""

from __future__ import annotations

__all__ = ["Choices", "choose"]

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

from latente.data import Source
from latente.nn import multiply_adds, onednn_pays
from latente.objectives import Objective, Progress
from latente.training.compiling import can_compile, pays
from latente.training.precision import choose_precision, without_traces
from latente.training.threads import automatic_threads

if TYPE_CHECKING:
    from latente.training.trainer import Trainer

BACKWARD = 3  # forward and backward pass cost this many forward passes


@dataclass(frozen=True)
class Choices:
    """How a run computes.

    Attributes:
        precision: "float32" or "bfloat16".
        threads: of torch's operators.
        compiles: whether the networks are compiled.
        onednn: whether oneDNN multiplies float32 matrices.
    """

    precision: str
    threads: int
    compiles: bool
    onednn: bool = False


def choose(
    trainer: Trainer, module: nn.Module, objective: Objective, source: Source, batch_size: int, steps: int
) -> Choices:
    """Returns the choices for a run; the first batch is passed through the module, and leaves no trace.

    Args:
        trainer: the settings.
        module: what is trained.
        objective: what is minimised.
        source: the samples.
        batch_size: of a step.
        steps: of the whole run.
    """
    device = next(module.parameters()).device
    batch = next(iter(source.batches(min(batch_size, len(source)))))
    may_compile = trainer.compile == "auto" and pays(device, steps, 0) and can_compile(device)
    work = 0
    if may_compile or (trainer.threads == "auto" and torch.get_num_threads() > 1):
        with without_traces(module):
            work = BACKWARD * multiply_adds(module, lambda: objective(module, batch, Progress()))
    precision = choose_precision(trainer.precision, module, objective, batch, device)
    return Choices(
        precision=precision,
        threads=automatic_threads(work) if trainer.threads == "auto" else int(trainer.threads),
        compiles=pays(device, steps, work) if may_compile else trainer.compile is True,
        onednn=precision == "float32" and onednn_pays(module, batch_size),
    )
