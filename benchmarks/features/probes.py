"""What three classifiers make of given features, with all labels and with a hundred."""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier

Array = np.ndarray[Any, Any]
CLASSIFIERS = ("linear", "knn", "forest")
PENALTIES = (0.01, 0.1, 1.0, 10.0)  # C of logistic regression with few labels, by five-fold cross-validation
A_CLASS, DRAWS = 10, 10
FOREST_ROWS = 20_000  # the forest's "all labels"


def few_labels(y: Array, seed: int) -> Array:
    """Returns the indices of ten random samples of each class."""
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.choice(np.flatnonzero(y == c), A_CLASS, replace=False) for c in np.unique(y)])


def centred(train: Array, test: Array, each: bool = False) -> tuple[Array, Array]:
    """Centres, and divides by one number, the root of the mean variance: distances keep their proportions.

    Args:
        train: (n, k), what mean and variance are of.
        test: (m, k).
        each: whether every column is divided by its own standard deviation instead.
    """
    deviation = train.std(0, dtype=np.float64)
    scale = np.maximum(deviation, 1e-6 * deviation.max()) if each else np.sqrt((deviation**2).mean())
    mean = train.mean(0, dtype=np.float64)
    return ((train - mean) / scale).astype(np.float32), ((test - mean) / scale).astype(np.float32)


def classifier(name: str, few: bool, seed: int) -> ClassifierMixin:
    """Returns a classifier, not fitted."""
    if name == "linear":
        model = LogisticRegression(C=1.0, max_iter=1000)
        folds = StratifiedKFold(5, shuffle=True, random_state=seed)
        return GridSearchCV(model, {"C": PENALTIES}, cv=folds) if few else model
    if name == "knn":
        return KNeighborsClassifier(1 if few else 5, algorithm="brute")
    return RandomForestClassifier(100 if few else 50, random_state=seed)


def accuracies(
    train: Array, y: Array, test: Array, y_test: Array, names: tuple[str, ...] = CLASSIFIERS
) -> dict[str, float]:
    """Returns the accuracy on the test samples in per cent, and CPU seconds, by classifier and number of labels.

    Args:
        train: (n, k) float, from `centred`.
        y: (n,) labels.
        test: (m, k).
        y_test: (m,).
        names: of the classifiers.
    """
    warnings.simplefilter("ignore", ConvergenceWarning)  # raw pixels take more than 1,000 steps to the last digit
    found = {}
    for name in names:
        rows = slice(FOREST_ROWS) if name == "forest" else slice(None)
        start = time.process_time()
        found[f"{name}_all"] = 100 * classifier(name, False, 0).fit(train[rows], y[rows]).score(test, y_test)
        found[f"{name}_cpu_s"] = time.process_time() - start
        scores = []
        for draw in range(DRAWS):
            chosen = few_labels(y, draw)
            scores.append(100 * classifier(name, True, draw).fit(train[chosen], y[chosen]).score(test, y_test))
        found[f"{name}_100"], found[f"{name}_100_sd"] = float(np.mean(scores)), float(np.std(scores, ddof=1))
    return found
