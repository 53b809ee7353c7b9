"""What is compared: latente's detector, PyOD's with their defaults, and floors."""

from __future__ import annotations

__all__ = ["ALL", "CHEAP", "make"]

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Scorer = Callable[[Array], Array]  # higher is more anomalous
PYOD = {
    "PyOD AutoEncoder": ("auto_encoder", "AutoEncoder"),
    "PyOD VAE": ("vae", "VAE"),
    "PyOD IForest": ("iforest", "IForest"),
    "PyOD KNN": ("knn", "KNN"),
    "PyOD PCA": ("pca", "PCA"),
    "PyOD ECOD": ("ecod", "ECOD"),
    "PyOD COPOD": ("copod", "COPOD"),
    "PyOD LOF": ("lof", "LOF"),
}
SEEDED = ("PyOD AutoEncoder", "PyOD VAE", "PyOD IForest", "PyOD PCA", "latente")
SLOW = ("PyOD AutoEncoder", "PyOD VAE")
ALL = ("latente", *PYOD, "Mahalanobis", "distance to the mean")
CHEAP = tuple(name for name in ALL if name not in SLOW)


def make(name: str, setting: str, seed: int) -> Callable[[Array], Scorer]:
    """Returns a function that fits on rows (n, columns), standardised by them, and returns the score."""
    if name == "latente":
        return lambda X: _latente(X, setting, seed)
    if name in PYOD:
        return lambda X: _pyod(name, X, seed)
    return {"Mahalanobis": _mahalanobis, "distance to the mean": _distance}[name]


def _latente(X: Array, setting: str, seed: int) -> Scorer:
    from latente.anomaly import AnomalyDetector

    contamination = "auto" if setting == "contaminated" else None
    detector = AnomalyDetector(contamination=contamination, random_state=seed).fit(X)
    return lambda rows: -detector.score_samples(rows)


def _pyod(name: str, X: Array, seed: int) -> Scorer:
    import importlib

    module, cls = PYOD[name]
    settings: dict[str, Any] = {"random_state": seed} if name in SEEDED else {}
    detector = getattr(importlib.import_module(f"pyod.models.{module}"), cls)(**settings)
    detector.fit(X)
    return detector.decision_function


def _mahalanobis(X: Array) -> Scorer:
    """Covariance shrunk by a hundredth towards a multiple of the identity."""
    mean, covariance = X.mean(0), np.atleast_2d(np.cov(X.T))
    d = len(covariance)
    covariance = 0.99 * covariance + 0.01 * np.eye(d) * np.trace(covariance) / d
    factor = np.linalg.inv(np.linalg.cholesky(covariance))
    return lambda rows: np.linalg.norm((rows - mean) @ factor.T, axis=1)


def _distance(X: Array) -> Scorer:
    mean = X.mean(0)
    return lambda rows: np.linalg.norm(rows - mean, axis=1)
