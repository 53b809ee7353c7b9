"""Objectives: what training minimises, (module, batch, progress) -> Losses."""

from __future__ import annotations

__all__ = [
    "RAE", "Augmented", "Batch", "BetaTC", "Binarized", "Contractive", "ImportanceWeighted", "Losses", "NestedDropout",
    "Objective", "Plain", "Progress", "Trimmed", "Wasserstein", "mmd",
]  # fmt: skip

from latente.objectives.augmented import Augmented
from latente.objectives.base import Batch, Losses, Objective, Progress
from latente.objectives.beta_tc import BetaTC
from latente.objectives.binarized import Binarized
from latente.objectives.contractive import Contractive
from latente.objectives.importance import ImportanceWeighted
from latente.objectives.nested import NestedDropout
from latente.objectives.plain import Plain
from latente.objectives.rae import RAE
from latente.objectives.trimmed import Trimmed
from latente.objectives.wasserstein import Wasserstein, mmd
