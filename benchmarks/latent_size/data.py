"""The five data sets, split into what is trained on and what is tested on."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from latente.datasets import load

IMAGES = 10_000  # of the 60,000 to train on
SIZES = {
    "mnist": (8, 16, 32, 64, 96, 128),
    "fashion-mnist": (8, 16, 32, 64, 96, 128),
    "digits": (2, 4, 8, 16, 32, 48, 54, 57, 60),
    "letter": (2, 4, 8, 12, 16, 20, 24, 28, 29, 30, 31),
    "pendigits": (2, 4, 6, 8, 10, 12, 14, 15),
}
TABLES = {"letter": "20_letter.npz", "pendigits": "28_pendigits.npz"}


def split(name: str) -> tuple[NDArray[np.generic], NDArray[np.generic]]:
    """Returns the samples to train on and the test samples; always the same ones."""
    if name in TABLES:
        x = np.load(Path(os.environ["LATENTE_DATA"]) / "anomaly" / TABLES[name])["X"].astype(np.float32)
        train, test = train_test_split(x, test_size=0.25, random_state=0)
        return train, test
    data = load(name)
    order = np.random.default_rng(0).permutation(len(data.x_train))
    return data.x_train[order[:IMAGES]], data.x_test
