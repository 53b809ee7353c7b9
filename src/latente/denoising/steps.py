"""How long and in which steps a denoiser is trained, where its user leaves that open."""

from __future__ import annotations

__all__ = ["ENOUGH", "peak_rate", "suited"]

from dataclasses import replace
from typing import Any

from latente.training import Trainer

SEEN = 120_000  # patches in a training
BLIND, SMALLER = 3, 2  # for a range of levels, in place of several networks: times as many, in batches of a half
MOST_TIMES = 100  # so often, at most, every value, for small data are learned by heart, and
LEAST = 6_000  # so many patches, at least
ENOUGH = LEAST // MOST_TIMES  # samples to be taken as they are; of fewer an epoch would hardly fill a batch
BATCH, FEWEST, POSITIONS = 32, 8, 1 << 15  # patches in a batch, at most and at least, and about how many positions
RATE = 5e-3  # of batches of 32; it goes with the root of the batch, as the noise of a gradient does
NARROW = 144  # inputs of a unit up to which that rate holds; with more it falls, for all of them move at once
BETA2 = 0.99  # of Adam: with 0.999 the squares lag behind growing gradients, and the loss of blind networks exploded


def peak_rate(inputs: int) -> float:
    """Returns a peak rate that a network bears: Adam moves the sum of n inputs by up to n times the rate.

    Args:
        inputs: of a unit in its first level.
    """
    return RATE * min(1.0, NARROW / inputs)


def suited(trainer: Trainer, patches: int, covers: float, positions: int, rate: float, blind: bool) -> Trainer:
    """Returns the trainer; where it leaves epochs, batch size, rate, decay and beta2 open, they suit patches.

    Args:
        trainer: as the user has it.
        patches: how many there are.
        covers: how many would hold every value once.
        positions: of a patch.
        rate: the peak rate for batches of 32.
        blind: whether the noise has a range of levels.
    """
    epochs = trainer.epochs
    if epochs == "auto":
        seen = SEEN * (BLIND if blind else 1)
        epochs = max(1, round(max(LEAST, min(seen, MOST_TIMES * covers)) / patches))
    automatic = max(FEWEST, min(BATCH // (SMALLER if blind else 1), POSITIONS // positions))
    batch_size = automatic if trainer.batch_size == "auto" else int(trainer.batch_size)
    own: dict[str, Any] = {"epochs": epochs, "batch_size": batch_size}
    own["learning_rate"] = rate * min(1.0, batch_size / BATCH) ** 0.5
    own["weight_decay"], own["beta2"] = 0.0, BETA2
    given = {name: getattr(trainer, name) for name in ("learning_rate", "weight_decay", "beta2")}
    return replace(trainer, **own | {name: value for name, value in given.items() if value != "auto"})
