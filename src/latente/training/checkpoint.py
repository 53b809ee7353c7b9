"""The state of training, and keeping it in memory."""

from __future__ import annotations

__all__ = ["TENSORS", "MemoryCheckpoint", "Tensors", "TrainingState", "by_rank", "of_rank", "own_buffers"]

from dataclasses import dataclass, field

from torch import Tensor, nn

from latente.training.history import EpochRecord

Tensors = dict[str, Tensor]


@dataclass
class TrainingState:
    """Everything that a resumed run needs to end with the weights of one that was never interrupted.

    Attributes:
        epoch: epochs that are done.
        batch: batches of the present epoch that are done.
        step: steps that are done.
        best_loss: the lowest validation loss so far.
        best_epoch: when it was reached; 0 for never.
        stopped: why training ended; "" while it has not.
        seconds: wall time of the present epoch so far.
        usual_norm: of the gradient.
        records: one for each epoch that is done.
        weights: the module's tensors.
        best: those of the best epoch, where that was looked for.
        optimizer: the optimiser's tensors.
        buffers: every process's buffers, where there are several: they drift apart between the ends of epochs.
        means: every process's sums of the present epoch's losses, and its first and highest one, by rank.
        generators: the states of every process's generators, by rank.
        precision: what the run computes in; "" before that is chosen.
        threads: likewise.
        compiles: likewise.
        onednn: likewise.
        weight_scale: of the weights before training; 0 where it is not known.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    best_loss: float = float("inf")
    best_epoch: int = 0
    stopped: str = ""
    seconds: float = 0.0
    usual_norm: float = 0.0
    precision: str = ""
    threads: int = 0
    compiles: bool = False
    onednn: bool = False
    weight_scale: float = 0.0
    records: list[EpochRecord] = field(default_factory=list)
    weights: Tensors = field(default_factory=dict)
    best: Tensors = field(default_factory=dict)
    optimizer: Tensors = field(default_factory=dict)
    buffers: Tensors = field(default_factory=dict)
    means: Tensors = field(default_factory=dict)
    generators: Tensors = field(default_factory=dict)


TENSORS = ("weights", "best", "optimizer", "buffers", "means", "generators")


def by_rank(tensors: list[Tensors]) -> Tensors:
    """Returns the tensors of all processes, named "RANK.NAME"."""
    return {f"{rank}.{name}": tensor for rank, own in enumerate(tensors) for name, tensor in own.items()}


def of_rank(tensors: Tensors, rank: int) -> Tensors:
    """Returns those of one process, by their own names."""
    start = f"{rank}."
    return {name.removeprefix(start): tensor for name, tensor in tensors.items() if name.startswith(start)}


def own_buffers(module: nn.Module) -> Tensors:
    """Returns the module's tensors that are no parameters."""
    parameters = dict(module.named_parameters(remove_duplicate=False))
    return {name: tensor for name, tensor in module.state_dict().items() if name not in parameters}


class MemoryCheckpoint:
    """A copy of a module's weights: the best ones for early stopping, the last ones that were finite."""

    def __init__(self) -> None:
        self.weights: Tensors = {}

    def save(self, module: nn.Module) -> None:
        """Copies the weights."""
        for name, tensor in module.state_dict().items():
            if name in self.weights:
                self.weights[name].copy_(tensor)
            else:
                self.weights[name] = tensor.detach().clone()

    def load_into(self, module: nn.Module) -> None:
        """Puts the kept weights back into the module, if there are any."""
        if self.weights:
            module.load_state_dict(self.weights)
