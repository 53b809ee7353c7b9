"""Anomalies in tables, images and signals: found at a stated rate of false alarms, and explained."""

from __future__ import annotations

__all__ = [
    "AnomalyDetector", "CalibrationWarning", "CodeDistance", "Contribution", "CrossConformal", "Ensemble",
    "Explanation", "JointDistance", "Likelihood", "NearestCodes", "NearestReferences", "ReconstructionError", "Score",
    "SplitConformal", "TrainingQuantile", "conformal_p_values", "load", "select",
]  # fmt: skip

from latente.anomaly.calibration import (
    CrossConformal,
    SplitConformal,
    TrainingQuantile,
    conformal_p_values,
    select,
)
from latente.anomaly.detector import AnomalyDetector
from latente.anomaly.ensemble import Ensemble
from latente.anomaly.explanation import Contribution, Explanation
from latente.anomaly.fitted import CalibrationWarning
from latente.anomaly.likelihood import Likelihood
from latente.anomaly.saving import load
from latente.anomaly.scores import (
    CodeDistance,
    JointDistance,
    NearestCodes,
    NearestReferences,
    ReconstructionError,
    Score,
)
