"""The one training loop."""

from __future__ import annotations

__all__ = [
    "Callback", "CheckpointError", "CheckpointWarning", "EpochRecord", "Finding", "History", "Processes", "Trainer",
    "TrainingDiverged", "current_processes", "seed_of", "seeded",
]  # fmt: skip

from latente.training.finding import Finding
from latente.training.folder import CheckpointError, CheckpointWarning
from latente.training.history import Callback, EpochRecord, History
from latente.training.processes import Processes, current_processes
from latente.training.seeds import seed_of, seeded
from latente.training.stepper import TrainingDiverged
from latente.training.trainer import Trainer
