"""Detectors of every kind from their folders."""

from __future__ import annotations

__all__ = ["load"]

from pathlib import Path
from typing import TYPE_CHECKING

from latente.anomaly.saving import load as load_detector
from latente.anomaly.series_saving import NAME as SERIES
from latente.anomaly.series_saving import load_series_detector
from latente.persistence import read_model

if TYPE_CHECKING:
    from latente.anomaly.detector import AnomalyDetector
    from latente.anomaly.series import SeriesDetector


def load(path: str | Path) -> AnomalyDetector | SeriesDetector:
    """Returns the detector in a folder, of samples or of series: what it is, the folder says.

    Args:
        path: the folder that a `save` wrote.

    Raises:
        ModelFileError: for a folder that is missing, damaged, altered, of something else or of an unknown version.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> from latente.anomaly import AnomalyDetector, Ensemble
        >>> X = np.random.default_rng(0).normal(size=(100, 3))
        >>> detector = AnomalyDetector(Ensemble(members=4, steps=50), random_state=0).fit(X)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     restored = load(detector.save(folder))
        >>> bool((restored.predict(X) == detector.predict(X)).all())
        True
    """
    return load_series_detector(path) if read_model(path)[1].estimator == SERIES else load_detector(path)
