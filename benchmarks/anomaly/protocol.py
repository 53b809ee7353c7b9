"""Tables, splits and sets of tables that all scripts here share."""

from __future__ import annotations

__all__ = ["CLEAN", "CONFIRM", "CONTAMINATED", "DEVELOP", "NAMES", "load", "split"]

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
FOLDER = Path(os.environ.get("LATENTE_DATA", "data")) / "anomaly"
MOST = 10_000  # rows; larger tables are sampled


NAMES = (
    "annthyroid", "breastw", "campaign", "cardio", "glass", "Ionosphere", "letter", "mammography", "mnist", "musk",
    "optdigits", "pendigits", "Pima", "satellite", "satimage-2", "shuttle", "Stamps", "thyroid", "vowels", "WBC",
    "Wilt", "wine",
)  # fmt: skip
DEVELOP, CONFIRM = NAMES[::2], NAMES[1::2]  # every other table, by name, before anything was measured
CONTAMINATED = (
    "cardio", "satellite", "satimage-2", "shuttle", "thyroid", "WBC", "Pima", "Ionosphere", "musk", "optdigits",
    "pendigits", "vowels",
)  # fmt: skip
CLEAN = (
    "Ionosphere", "Pima", "WBC", "annthyroid", "breastw", "cardio", "letter", "mammography", "musk", "optdigits",
    "pendigits", "satellite", "satimage-2", "shuttle", "thyroid", "vowels",
)  # fmt: skip


def load(name: str, whole: bool = False) -> tuple[Array, NDArray[np.int64]]:
    """Returns rows (n, columns) and labels (n,), 1 for anomalies; of large tables 10,000 random rows unless `whole`."""
    with np.load(_file(name)) as file:
        X, y = file["X"].astype(np.float64), file["y"].astype(np.int64).ravel()
    if len(X) > MOST and not whole:
        chosen = np.random.RandomState(42).permutation(len(X))[:MOST]
        X, y = X[chosen], y[chosen]
    return X, y


def _file(name: str) -> Path:
    """The file of a table, which has a number before the name."""
    found = [path for path in FOLDER.glob("*.npz") if path.stem.partition("_")[2] == name]
    if len(found) != 1:
        raise SystemExit(f"{len(found)} files of {name} in {FOLDER}: set LATENTE_DATA to the folder of anomaly/*.npz")
    return found[0]


def split(X: Array, y: NDArray[np.int64], setting: str, seed: int) -> tuple[Array, Array, NDArray[np.int64]]:
    """Returns training rows, test rows and the labels of these.

    "contaminated": all rows, twice. "clean": a random half of the normal rows; the other half and all anomalies.
    """
    if setting == "contaminated":
        return X, X, y
    normal = np.random.RandomState(seed).permutation(np.flatnonzero(y == 0))
    half = len(normal) // 2
    test = np.concatenate([normal[half:], np.flatnonzero(y == 1)])
    return X[normal[:half]], X[test], y[test]
