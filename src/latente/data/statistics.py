"""What scaling needs to know about the data, from one pass over it."""

from __future__ import annotations

__all__ = ["Statistics", "measure"]

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.data.checks import Finiteness
from latente.data.rows import Rows

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Statistics:
    """Of each column of a table, or each channel of signals or pictures, (c,).

    Attributes:
        low: the lowest value.
        high: the highest value.
        constant: whether they are the same, up to rounding.
        mean: NaN where only the range was asked for.
        std: the root of the mean squared deviation; NaN where only the range was asked for.
    """

    low: Floats
    high: Floats
    constant: NDArray[np.bool_]
    mean: Floats
    std: Floats


def measure(rows: Rows, arrange: Callable[[NDArray[Any]], NDArray[Any]], moments: bool, what: str = "X") -> Statistics:
    """Returns the statistics of all samples, computed in one pass over pieces of them.

    Args:
        rows: (n, ...).
        arrange: brings a piece (m, ...) into the model's order of axes, (m, c, ...).
        moments: whether mean and standard deviation are wanted too.
        what: for messages.

    Raises:
        ValueError: for NaN or infinite values: how many, and where the first one is.
    """
    found, finite = _Accumulator(moments), Finiteness(rows.columns, what)
    for start, chunk in rows.chunks():
        with np.errstate(invalid="ignore", over="ignore"):  # values that are not finite are counted below
            found.add(arrange(chunk))
        if finite.first is not None or not np.isfinite(found.last).all():
            finite.look(start, chunk)
    finite.check()
    return found.result()


class _Accumulator:
    """Merges pieces as Chan, Golub & LeVeque (1979) do, "Updating formulae and a pairwise algorithm for variances".

    Everything is relative to the first piece's lowest value and in units of the range so far: small changes on top of
    a large offset keep their digits, and no square overflows.
    """

    def __init__(self, moments: bool) -> None:
        self.moments, self.count, self.rounding = moments, 0, 0.0

    def add(self, chunk: NDArray[Any]) -> None:
        axes = (0, *range(2, chunk.ndim))
        self.last = chunk.min(axis=axes).astype(np.float64), chunk.max(axis=axes).astype(np.float64)
        if self.count == 0:
            self.low, self.high = self.last
            self.reference, self.width = self.low, np.zeros_like(self.low)
            self.mean = self.squares = np.zeros_like(self.low)
            self.rounding = float(np.finfo(chunk.dtype).eps) if chunk.dtype.kind == "f" else 0.0
        self.low, self.high = np.minimum(self.low, self.last[0]), np.maximum(self.high, self.last[1])
        count = chunk.size // chunk.shape[1]
        if self.moments:
            self._add_moments(chunk, axes, count)
        self.count += count

    def _add_moments(self, chunk: NDArray[Any], axes: tuple[int, ...], count: int) -> None:
        width = self.high - self.low
        unit, shape = np.where(width > 0, width, 1.0), (-1, *(1,) * (chunk.ndim - 2))
        deviation = (chunk - self.reference.reshape(shape)) / unit.reshape(shape)
        mean = deviation.mean(axis=axes)
        squares = np.square(np.subtract(deviation, mean.reshape(shape), out=deviation), out=deviation).sum(axis=axes)
        shrunk, total = self.width / unit, self.count + count
        before = self.mean * shrunk
        self.squares = self.squares * shrunk**2 + squares + (mean - before) ** 2 * (self.count * count / total)
        self.mean, self.width = before + (mean - before) * (count / total), width

    def result(self) -> Statistics:
        low, high = self.low, self.high
        largest = np.maximum(np.abs(low), np.abs(high))
        constant = high - low <= np.maximum(2 * self.rounding * largest, np.finfo(np.float64).tiny)
        mean = std = np.full_like(low, np.nan)
        if self.moments:
            mean = np.where(constant, low, self.reference + self.width * self.mean)
            std = np.where(constant, 0.0, self.width * np.sqrt(self.squares / self.count))
        return Statistics(low, high, constant, mean, std)
