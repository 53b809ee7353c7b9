"""The state of training, and where it is kept."""

from __future__ import annotations

__all__ = ["Checkpoint", "MemoryCheckpoint", "TrainingState"]

import copy
from dataclasses import dataclass, field
from typing import Any, Protocol

from torch import nn

from latente.training.history import EpochRecord


@dataclass
class TrainingState:
    """Everything that a resumed run needs.

    Attributes:
        epoch: epochs that are done.
        step: steps that are done.
        best_loss: the lowest validation loss so far.
        best_epoch: when it was reached; 0 for never.
        weights: the module's tensors.
        optimizer: the optimiser's state.
        generators: the states of all generators, by name.
        records: one for each epoch.
    """

    epoch: int = 0
    step: int = 0
    best_loss: float = float("inf")
    best_epoch: int = 0
    weights: dict[str, Any] = field(default_factory=dict)
    optimizer: dict[str, Any] = field(default_factory=dict)
    generators: dict[str, Any] = field(default_factory=dict)
    records: list[EpochRecord] = field(default_factory=list)


class Checkpoint(Protocol):
    """Keeps training states: in memory, in a folder."""

    def save(self, state: TrainingState) -> None:
        """Keeps a state; the one before stays intact until this one is complete."""

    def restore(self) -> TrainingState | None:
        """Returns the state that was kept last, or None."""


class MemoryCheckpoint:
    """Keeps a copy of the weights in memory: the best ones for early stopping, the last ones that were finite."""

    def __init__(self) -> None:
        self._state: TrainingState | None = None

    def save(self, state: TrainingState) -> None:
        weights = {name: tensor.detach().clone() for name, tensor in state.weights.items()}
        self._state = copy.copy(state)
        self._state.weights = weights

    def restore(self) -> TrainingState | None:
        return self._state

    def load_into(self, module: nn.Module) -> None:
        """Puts the kept weights back into the module, if there are any."""
        if self._state is not None:
            module.load_state_dict(self._state.weights)
