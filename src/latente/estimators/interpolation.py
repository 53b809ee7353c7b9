"""Paths between two codes."""

from __future__ import annotations

__all__ = ["PATHS", "interpolate_codes"]

import numpy as np
from numpy.typing import NDArray

PATHS = ("linear", "spherical")


def interpolate_codes(
    a: NDArray[np.floating], b: NDArray[np.floating], steps: int, path: str = "linear"
) -> NDArray[np.floating]:
    """Returns (steps, n, d): the codes on the way from a to b, both ends included.

    "spherical" turns from a to b along the great arc while the length changes evenly (White, 2016, "Sampling generative
    networks"): sin((1-t) w) / sin w * a + sin(t w) / sin w * b for unit vectors at the angle w.

    Args:
        a: (n, d).
        b: (n, d).
        steps: at least 2.
        path: "linear" or "spherical".

    Raises:
        ValueError: for fewer than 2 steps or an unknown path.

    Example:
        >>> interpolate_codes(np.zeros((1, 2)), np.ones((1, 2)), 3)[:, 0, 0]
        array([0. , 0.5, 1. ])
    """
    if not isinstance(steps, (int, np.integer)) or steps < 2:
        raise ValueError(f"steps must be an integer of at least 2 (both ends are included); got {steps!r}")
    if path not in PATHS:
        raise ValueError(f"path must be one of {', '.join(PATHS)}; got {path!r}")
    t = np.linspace(0, 1, steps, dtype=a.dtype)[:, None, None]
    linear = (1 - t) * a + t * b
    if path == "linear":
        return linear
    length_a, length_b = (np.linalg.norm(v, axis=1, keepdims=True) for v in (a, b))
    unit_a, unit_b = a / np.maximum(length_a, 1e-12), b / np.maximum(length_b, 1e-12)
    angle = np.arccos(np.clip((unit_a * unit_b).sum(1, keepdims=True), -1, 1))
    sine = np.sin(angle)
    curved = (sine > 1e-4) & (length_a > 0) & (length_b > 0)  # parallel, opposite and zero codes have no arc
    turned = (np.sin((1 - t) * angle) * unit_a + np.sin(t * angle) * unit_b) / np.where(curved, sine, 1)
    return np.where(curved, turned * ((1 - t) * length_a + t * length_b), linear)
