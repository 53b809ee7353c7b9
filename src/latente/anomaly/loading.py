"""Detectors of every kind, and segmenters, from their folders."""

from __future__ import annotations

__all__ = ["load"]

from pathlib import Path
from typing import TYPE_CHECKING, Any

from latente.anomaly.saving import load as load_detector
from latente.anomaly.segmenter_saving import NAME as SEGMENTER
from latente.anomaly.segmenter_saving import load_segmenter
from latente.anomaly.series_saving import NAME as SERIES
from latente.anomaly.series_saving import load_series_detector
from latente.persistence import read_model

if TYPE_CHECKING:
    from latente.anomaly.detector import AnomalyDetector
    from latente.anomaly.segmenter import DefectSegmenter
    from latente.anomaly.series import SeriesDetector


def load(path: str | Path) -> AnomalyDetector | DefectSegmenter | SeriesDetector:
    """Returns the detector in a folder, of samples, of defects or of series: what it is, the folder says.

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
    loaders: dict[str, Any] = {SERIES: load_series_detector, SEGMENTER: load_segmenter}
    return loaders.get(read_model(path)[1].estimator, load_detector)(path)
