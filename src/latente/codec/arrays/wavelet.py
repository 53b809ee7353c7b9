"""The CDF 9/7 wavelet along every axis on its own, by lifting.

Each axis is taken apart down to one value, whatever the others do, so a field that is smooth in time and rough in
space (or the reverse) has few large coefficients. All steps are element by element in float64: sums and products of
two numbers, which IEEE 754 rounds in one way only. So the synthesis is the same on every machine.

Source: Cohen, Daubechies & Feauveau (1992); Daubechies & Sweldens (1998) for the lifting steps.
"""

from __future__ import annotations

__all__ = ["analysis", "segments", "synthesis"]

import numpy as np
from numpy.typing import NDArray

STEPS = (-1.586134342059924, -0.052980118572961, 0.882911075530934, 0.443506852043971)
GAIN = 1.1496043988602418  # makes the transform nearly orthonormal
Field = NDArray[np.float64]


def segments(n: int) -> list[int]:
    """Lengths of the parts of an axis after its transform: the low one, then details from coarse to fine.

    Example:
        >>> segments(10)
        [1, 1, 1, 2, 5]
    """
    details = []
    while n > 1:
        details.append(n // 2)
        n = (n + 1) // 2
    return [n, *reversed(details)]


def _update_odd(even: Field, odd: Field, c: float) -> None:
    """odd[i] += c (even[i] + even[i + 1]), mirrored at the end; arrays of shape (before, n, after)."""
    k = min(odd.shape[1], even.shape[1] - 1)
    part = even[:, :k] + even[:, 1 : k + 1]
    part *= c
    odd[:, :k] += part
    if k < odd.shape[1]:
        odd[:, k] += (2 * c) * even[:, k]


def _update_even(even: Field, odd: Field, c: float) -> None:
    """even[i] += c (odd[i - 1] + odd[i]), mirrored at both ends."""
    m = odd.shape[1]
    part = odd[:, :-1] + odd[:, 1:]
    part *= c
    even[:, 1:m] += part
    even[:, 0] += (2 * c) * odd[:, 0]
    if m < even.shape[1]:
        even[:, m] += (2 * c) * odd[:, m - 1]


def _split(x: Field) -> tuple[Field, Field]:
    even, odd = x[:, 0::2].copy(), x[:, 1::2].copy()
    _update_odd(even, odd, STEPS[0])
    _update_even(even, odd, STEPS[1])
    _update_odd(even, odd, STEPS[2])
    _update_even(even, odd, STEPS[3])
    even *= GAIN
    odd *= 1 / GAIN
    return even, odd


def _join(even: Field, odd: Field) -> Field:
    even, odd = even * (1 / GAIN), odd * GAIN
    _update_even(even, odd, -STEPS[3])
    _update_odd(even, odd, -STEPS[2])
    _update_even(even, odd, -STEPS[1])
    _update_odd(even, odd, -STEPS[0])
    x = np.empty((even.shape[0], even.shape[1] + odd.shape[1], even.shape[2]))
    x[:, 0::2], x[:, 1::2] = even, odd
    return x


def _as_three(x: Field, axis: int) -> Field:
    return x.reshape(int(np.prod(x.shape[:axis])), x.shape[axis], -1)


def analysis(x: Field) -> Field:
    """The coefficients of an array, of the same shape.

    Args:
        x: float64, any shape. On each axis the coefficients are ordered as in `segments`.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(7, 12))
        >>> bool(np.abs(synthesis(analysis(x)) - x).max() < 1e-12)
        True
    """
    shape = x.shape
    for axis, n in enumerate(shape):
        low = _as_three(x, axis)
        out, end = np.empty_like(low), n
        for length in reversed(segments(n)[1:]):
            low, detail = _split(low)
            out[:, end - length : end] = detail
            end -= length
        out[:, :end] = low
        x = out.reshape(shape)
    return x


def synthesis(coefficients: Field) -> Field:
    """The array that has these coefficients; the inverse of `analysis` up to rounding."""
    x, shape = coefficients, coefficients.shape
    for axis in reversed(range(len(shape))):
        three, start = _as_three(x, axis), 1
        low = three[:, :1]
        for length in segments(shape[axis])[1:]:
            low = _join(low, three[:, start : start + length])
            start += length
        x = low.reshape(shape)
    return x
