"""What a user allows: a largest error, absolute or relative to the range, a peak signal-to-noise ratio, or nothing."""

from __future__ import annotations

__all__ = ["Allowed", "check_bound", "extremes"]

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.parts import is_number

LARGE = 1e290  # magnitudes beyond which sums could overflow; such arrays are kept without loss


@dataclass(frozen=True)
class Allowed:
    """What holds for one array.

    Attributes:
        absolute: largest error of any value; 0 means that every bit is kept.
        rmse: largest root mean squared error, or None when the absolute bound decides.
    """

    absolute: float
    rmse: float | None = None

    @property
    def lossless(self) -> bool:
        return self.absolute == 0

    @classmethod
    def of(cls, finite: NDArray[Any], max_error: float, relative: bool, psnr: float | None) -> Allowed:
        """The bound of an array.

        With psnr = 20 log10(range / rmse) the root mean squared error may reach range / 10^(psnr / 20).

        Args:
            finite: its finite values; any shape.
            max_error: the largest error.
            relative: whether it is meant as a share of the range, maximum - minimum, of the finite values.
            psnr: in dB, instead of max_error.

        Example:
            >>> Allowed.of(np.array([0.0, 50.0]), 0.01, True, None)
            Allowed(absolute=0.5, rmse=None)
        """
        if finite.size == 0 or finite.dtype.kind == "b":
            return cls(0.0)
        low, high = extremes(finite)
        if max(abs(low), abs(high)) > LARGE:
            return cls(0.0)
        span = float(high - low)
        if psnr is not None:
            rmse = span * 10 ** (-psnr / 20)
            return cls(_usable(rmse * math.sqrt(3)), rmse)
        return cls(_usable(max_error * span if relative else max_error))


def extremes(finite: NDArray[Any]) -> tuple[float, float]:
    """Returns the smallest and the largest value, integers as such: as floats large ones would make another range.

    Example:
        >>> low, high = extremes(np.array([2**62, 2**62 + 999]))
        >>> high - low, float(2**62 + 999) - float(2**62)
        (999, 1024.0)
    """
    low, high = finite.min(), finite.max()
    return (int(low), int(high)) if finite.dtype.kind in "iu" else (float(low), float(high))


def _usable(absolute: float) -> float:
    """0 for a bound so small that its reciprocal overflows: then every bit is kept."""
    return absolute if absolute > 1 / LARGE else 0.0


def check_bound(max_error: float, relative: bool, psnr: float | None) -> None:
    """Raises ValueError for a bound that makes no sense.

    Example:
        >>> check_bound(-1.0, True, None)
        Traceback (most recent call last):
        ...
        ValueError: max_error must be a number of at least 0 (0 keeps every bit); got -1.0
    """
    if not is_number(max_error, low=0):
        raise ValueError(f"max_error must be a number of at least 0 (0 keeps every bit); got {max_error!r}")
    if not isinstance(relative, (bool, np.bool_)):
        raise ValueError(f"relative must be True (a share of the range) or False (the data's unit); got {relative!r}")
    if relative and max_error > 1:
        raise ValueError(
            f"max_error relative to the range is at most 1; got {max_error!r}: for an error in the data's unit "
            "give relative=False"
        )
    if psnr is not None and not is_number(psnr, low=0):
        raise ValueError(f"psnr must be a number of decibels of at least 0, or None; got {psnr!r}")
