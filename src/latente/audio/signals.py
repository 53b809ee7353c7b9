"""Signals: what counts as one, its level, its sample rate."""

from __future__ import annotations

__all__ = ["ClippingWarning", "as_mono", "as_samples", "as_signal", "check_rate", "clipped_samples", "resample"]

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.audio.libraries import soxr
from latente.parts import is_number

Signal = NDArray[np.float32]
FULL = 1.0 - 2.0**-14  # of full scale: what 16 bits can hold, and a little less
RUN = 3  # samples in a row at full scale
LOWEST, HIGHEST = 1000, 768_000  # Hz
MOST = 8  # channels; more of them than samples is taken for a transposed array


class ClippingWarning(UserWarning):
    """Warned when samples beyond full scale, +-1, had to be cut to be written.

    Example:
        >>> issubclass(ClippingWarning, UserWarning)
        True
    """


def as_signal(samples: Any, name: str = "the signal") -> Signal:
    """Returns samples as float32 with full scale +-1: (n,) for mono, (channels, n) for several channels.

    Integers are divided by their type's full scale (int16 by 32768; uint8 counts from 128), floats stay as they are.
    For whole signals that a user gives: more than 8 rows of at most 8 samples are refused as (n, channels). What was
    decoded or cut into pieces may be that short; see `as_samples`.

    Args:
        samples: (n,) or (channels, n) numbers.
        name: what messages call it.

    Raises:
        TypeError: for what is no array of real numbers.
        ValueError: for another number of axes, no samples, NaN or infinity, or the channels on the second axis.

    Example:
        >>> as_signal(np.array([0, 16384, -32768], dtype=np.int16))
        array([ 0. ,  0.5, -1. ], dtype=float32)
    """
    shape = np.shape(samples)
    if len(shape) == 2 and shape[0] > MOST >= shape[1] > 0:
        raise ValueError(f"{name} must have shape (channels, n); got {shape}: transpose it")
    return as_samples(samples, name)


def as_samples(samples: Any, name: str = "the signal") -> Signal:
    """Returns what `as_signal` does, of any shape (n,) or (channels, n): nothing is concluded from the shape.

    Args:
        samples: (n,) or (channels, n) numbers.
        name: what messages call it.

    Raises:
        TypeError: for what is no array of real numbers.
        ValueError: for another number of axes, no samples, NaN or infinity.

    Example:
        >>> as_samples(np.zeros((12, 1))).shape
        (12, 1)
    """
    array = np.asarray(samples)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must be an array of real numbers; got {array.dtype.name}")
    if array.ndim not in (1, 2) or array.size == 0:
        raise ValueError(f"{name} must have shape (n,) or (channels, n), n at least 1; got {array.shape}")
    if array.dtype.kind == "f":
        _check_finite(array, name)
        return array.astype(np.float32)
    half = 2.0 ** (8 * array.dtype.itemsize - 1)
    return ((array.astype(np.float64) - (half if array.dtype.kind == "u" else 0.0)) / half).astype(np.float32)


def _check_finite(array: NDArray[Any], name: str) -> None:
    bad = ~np.isfinite(array)
    if bad.any():
        first = int(np.nonzero(bad)[-1][0])
        raise ValueError(
            f"{name} has {int(bad.sum())} samples that are NaN or infinite, the first at index {first}; "
            "replace them, for example by 0 (silence)"
        )


def as_mono(signal: Signal) -> Signal:
    """Returns (n,): the mean of the channels.

    Args:
        signal: (n,) or (channels, n).

    Example:
        >>> as_mono(np.array([[1, 0], [0, 0]], dtype=np.float32))
        array([0.5, 0. ], dtype=float32)
    """
    return signal if signal.ndim == 1 else signal.mean(0, dtype=np.float32)


def clipped_samples(signal: Signal) -> int:
    """Returns how many samples lie at or beyond full scale in runs of three or more: where a recording was cut off.

    Args:
        signal: (n,) or (channels, n), full scale +-1.

    Example:
        >>> clipped_samples(np.array([0.2, 1, 1, 1, 1, 0.5, 1], dtype=np.float32))
        4
    """
    rows = np.atleast_2d(np.abs(signal) >= FULL)
    edges = np.diff(np.pad(rows, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    lengths = np.nonzero(edges == -1)[1] - np.nonzero(edges == 1)[1]
    return int(lengths[lengths >= RUN].sum())


def check_rate(rate: Any, name: str = "sample_rate") -> int:
    """Returns a sample rate in Hz.

    Args:
        rate: what was given.
        name: what messages call it.

    Raises:
        ValueError: for what is no whole number from 1000 to 768000.

    Example:
        >>> check_rate(8000.0)
        8000
    """
    if not is_number(rate, LOWEST, HIGHEST) or int(rate) != rate:
        raise ValueError(f"{name} must be a whole number of Hz from {LOWEST} to {HIGHEST}, e.g. 16000; got {rate!r}")
    return int(rate)


def resample(signal: Any, old: int, new: int) -> Signal:
    """Returns the signal at another sample rate; ceil(n new / old) samples, and the signal itself at the same rate.

    Args:
        signal: (n,) or (channels, n).
        old: its sample rate, Hz.
        new: the wanted one, Hz.

    Raises:
        ImportError: where the rates differ and the extra `audio` is not installed.

    Source: the SoX resampler library, R. Sykes, quality HQ.

    Example:
        >>> resample(np.zeros(8000, dtype=np.float32), 8000, 16000).shape
        (16000,)
    """
    signal, old, new = as_samples(signal), check_rate(old, "old"), check_rate(new, "new")
    if old == new:
        return signal
    length = -(-signal.shape[-1] * new // old)
    out = np.ascontiguousarray(soxr().resample(signal.T, old, new).T)[..., :length]
    missing = length - out.shape[-1]
    return np.pad(out, [(0, 0)] * (out.ndim - 1) + [(0, missing)]) if missing else out
