"""How near one signal is to another."""

from __future__ import annotations

__all__ = ["si_sdr", "snr"]

from typing import Any

import numpy as np
from numpy.typing import NDArray


def si_sdr(estimate: NDArray[Any], reference: NDArray[Any]) -> NDArray[np.float64]:
    """Returns the scale-invariant signal-to-distortion ratio in dB, over the last axis.

    10 log10(||a s||^2 / ||a s - y||^2) with a = <y, s> / ||s||^2, y the estimate and s the reference, neither's mean
    taken away. Infinite for an exact copy at any scale, minus infinity for a silent or orthogonal estimate, NaN for a
    silent reference.

    Args:
        estimate: (..., n).
        reference: of the same shape.

    Raises:
        ValueError: when the shapes differ.

    Source: Le Roux, Wisdom, Erdogan, Hershey (2019), "SDR - half-baked or well done?".

    Example:
        >>> s = np.sin(np.arange(1000))
        >>> noise = np.cos(np.arange(1000)) / 10
        >>> float(si_sdr(3 * (s + noise), s).round(1))
        20.0
    """
    y, s = _pair(estimate, reference)
    with np.errstate(divide="ignore", invalid="ignore"):
        target = (np.sum(y * s, -1, keepdims=True) / np.sum(s * s, -1, keepdims=True)) * s
        return np.asarray(10 * np.log10(np.sum(target**2, -1) / np.sum((y - target) ** 2, -1)))


def snr(estimate: NDArray[Any], reference: NDArray[Any]) -> NDArray[np.float64]:
    """Returns the signal-to-noise ratio in dB, over the last axis: 10 log10(||s||^2 / ||s - y||^2).

    Args:
        estimate: (..., n), y.
        reference: of the same shape, s.

    Raises:
        ValueError: when the shapes differ.

    Example:
        >>> float(snr(np.full(10, 1.1), np.ones(10)).round(6))
        20.0
    """
    y, s = _pair(estimate, reference)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(10 * np.log10(np.sum(s * s, -1) / np.sum((s - y) ** 2, -1)))


def _pair(estimate: NDArray[Any], reference: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    y, s = np.asarray(estimate, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    if y.shape != s.shape or y.ndim == 0 or y.shape[-1] == 0:
        raise ValueError(f"estimate and reference must have the same shape (..., n); got {y.shape} and {s.shape}")
    return y, s
