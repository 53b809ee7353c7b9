"""Anomalies in series and pictures: detectors of steps, streams, drift, maps."""

from __future__ import annotations

__all__ = [
    "DriftMonitor", "DriftTest", "DriftWarning", "SeriesDetector", "SeriesExplanation", "StreamScores", "anomaly_map",
    "drift_test",
]  # fmt: skip

from latente.anomaly.drift import DriftMonitor, DriftTest, DriftWarning, drift_test
from latente.anomaly.maps import anomaly_map
from latente.anomaly.series import SeriesDetector
from latente.anomaly.series_explanation import SeriesExplanation
from latente.anomaly.streaming import StreamScores
