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


def _name(path: Path) -> str:
    return path.stem.partition("_")[2]


FILES = {_name(path): path for path in FOLDER.glob("*.npz")}
if not FILES:
    raise SystemExit(f"no tables in {FOLDER}: set LATENTE_DATA to the folder that holds anomaly/*.npz")
NAMES = tuple(sorted(FILES, key=str.lower))
DEVELOP, CONFIRM = NAMES[::2], NAMES[1::2]  # every other table, by name, before anything was measured
CONTAMINATED = (
    "cardio", "satellite", "satimage-2", "shuttle", "thyroid", "WBC", "Pima", "Ionosphere", "musk", "optdigits",
    "pendigits", "vowels",
)  # fmt: skip
CLEAN = (
    "Ionosphere", "Pima", "WBC", "annthyroid", "breastw", "cardio", "letter", "mammography", "musk", "optdigits",
    "pendigits", "satellite", "satimage-2", "shuttle", "thyroid", "vowels",
)  # fmt: skip


def load(name: str) -> tuple[Array, NDArray[np.int64]]:
    """Returns rows (n, columns) and labels (n,), 1 for anomalies; of large tables 10,000 random rows."""
    with np.load(FILES[name]) as file:
        X, y = file["X"].astype(np.float64), file["y"].astype(np.int64).ravel()
    if len(X) > MOST:
        chosen = np.random.RandomState(42).permutation(len(X))[:MOST]
        X, y = X[chosen], y[chosen]
    return X, y


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
