"""The one training loop."""

from __future__ import annotations

__all__ = [
    "Callback", "Checkpoint", "EpochRecord", "History", "MemoryCheckpoint", "Trainer", "TrainingDiverged",
    "TrainingState", "seed_of", "seeded",
]  # fmt: skip

from latente.training.checkpoint import Checkpoint, MemoryCheckpoint, TrainingState
from latente.training.history import Callback, EpochRecord, History
from latente.training.loop import TrainingDiverged
from latente.training.seeds import seed_of, seeded
from latente.training.trainer import Trainer
