"""Anomalies in series: detectors, streams, drift."""

from __future__ import annotations

__all__ = [
    "DriftMonitor", "DriftTest", "DriftWarning", "SeriesDetector", "SeriesExplanation", "StreamScores", "drift_test",
]  # fmt: skip

from latente.anomaly.drift import DriftMonitor, DriftTest, DriftWarning, drift_test
from latente.anomaly.series import SeriesDetector
from latente.anomaly.series_explanation import SeriesExplanation
from latente.anomaly.streaming import StreamScores
