"""Harder digits made from MNIST, after Larochelle et al. (2007), "An empirical evaluation of deep architectures"."""

from __future__ import annotations

__all__ = ["VARIANTS", "make"]

import numpy as np
from scipy import ndimage

from latente.datasets import load

TRAIN, VALID, TEST = 10_000, 2_000, 50_000
VARIANTS = ("basic", "rot", "bg-rand")


def make(name: str, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Returns 62,000 pictures (n, 28, 28) and labels: 10,000 to train on, 2,000 to validate, 50,000 to test.

    basic: MNIST's own 70,000, shuffled. rot: each turned by an angle uniform in [0, 2 pi), bilinear. bg-rand: pixels of
    the background replaced by uniform noise, the larger of digit and noise in each pixel.

    Args:
        name: one of VARIANTS.
        seed: decides order, angles and noise.
    """
    data, draws = load("mnist"), np.random.default_rng(seed)
    order = draws.permutation(70_000)[: TRAIN + VALID + TEST]
    pictures = np.concatenate([data.x_train, data.x_test])[order].reshape(-1, 28, 28)
    labels = np.concatenate([data.y_train, data.y_test])[order]
    if name == "rot":
        angles = draws.uniform(0, 360, len(pictures))
        pairs = zip(pictures, angles, strict=True)
        pictures = np.stack([ndimage.rotate(p, a, reshape=False, order=1) for p, a in pairs])
    elif name == "bg-rand":
        pictures = np.maximum(pictures, draws.integers(0, 256, pictures.shape, dtype=np.uint8))
    elif name != "basic":
        raise ValueError(f"unknown variant {name!r}; known: {', '.join(VARIANTS)}")
    return pictures, labels
