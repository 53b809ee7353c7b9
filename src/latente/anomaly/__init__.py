"""Anomalies in tables, images, signals and series: found at a stated rate of false alarms, and explained."""

from __future__ import annotations

__all__ = [
    "Alarm", "AnomalyDetector", "CalibrationWarning", "ChannelResidual", "CodeDistance", "CombinedDistance",
    "Contribution", "CrossConformal", "DefectSegmenter", "DominatedColumnWarning", "DriftMonitor", "DriftTest",
    "DriftWarning", "Ensemble", "Explanation", "JointDistance", "Likelihood", "NearestCodes", "NearestReferences",
    "ReconstructionError", "Score", "SeriesDetector", "SeriesExplanation", "SeriesStream", "ShortSeriesWarning",
    "SplitConformal", "StreamScores", "TrainingQuantile", "anomaly_map", "conformal_p_values", "drift_test", "load",
    "select",
]  # fmt: skip

from latente.anomaly.calibration import (
    CrossConformal,
    SplitConformal,
    TrainingQuantile,
    conformal_p_values,
    select,
)
from latente.anomaly.combined import ChannelResidual, CombinedDistance
from latente.anomaly.detector import AnomalyDetector
from latente.anomaly.drift import DriftMonitor, DriftTest, DriftWarning, drift_test
from latente.anomaly.ensemble import Ensemble
from latente.anomaly.explanation import Contribution, Explanation
from latente.anomaly.fitted import CalibrationWarning
from latente.anomaly.likelihood import Likelihood
from latente.anomaly.loading import load
from latente.anomaly.maps import anomaly_map
from latente.anomaly.moments import DominatedColumnWarning
from latente.anomaly.scores import (
    CodeDistance,
    JointDistance,
    NearestCodes,
    NearestReferences,
    ReconstructionError,
    Score,
)
from latente.anomaly.segmenter import DefectSegmenter
from latente.anomaly.series import SeriesDetector
from latente.anomaly.series_alarms import Alarm
from latente.anomaly.series_explanation import SeriesExplanation
from latente.anomaly.series_reading import ShortSeriesWarning
from latente.anomaly.streaming import SeriesStream, StreamScores
