"""Clocks, memory and small statistics; needs nothing but the standard library."""

from __future__ import annotations

__all__ = ["Fitted", "Stopped", "Watch", "cpu_seconds", "loglog_slope", "peak_mb", "private_mb", "spread"]

import math
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Function = Callable[[Any], Any]


@dataclass
class Fitted:
    """What an adapter hands back: functions of samples as they came.

    Attributes:
        reconstruct: samples -> reconstructions; pictures in [0, 1], tables in their own units.
        encode: samples -> codes, where the library has such a thing.
        score: samples -> one number each (an anomaly score), where the library has such a thing.
        notes: what the library decided: batch size, precision, epochs, ...
    """

    reconstruct: Function
    encode: Function | None = None
    score: Function | None = None
    notes: dict[str, Any] = field(default_factory=dict)


class Stopped(Exception):
    """Raised through a library's training loop to end it."""


def cpu_seconds() -> float:
    """User and system time of this process, all its threads, and its finished children."""
    used = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


class Watch:
    """Called by every adapter after each epoch; keeps the clock, which stands still while errors are computed.

    Args:
        error: of a fitted model, computed after each epoch; None computes none.
        target: training stops when the error is not above it.
        limit: CPU seconds after which training stops.
    """

    def __init__(
        self,
        error: Callable[[Fitted], float] | None = None,
        target: float | None = None,
        limit: float = math.inf,
    ) -> None:
        self.error, self.target, self.limit = error, target, limit
        self.cpu: list[float] = []
        self.wall: list[float] = []
        self.errors: list[float] = []
        self.fitted: Fitted | None = None
        self.start()

    def start(self) -> None:
        """Sets both clocks to zero."""
        self._cpu, self._wall = cpu_seconds(), time.perf_counter()

    def read(self) -> tuple[float, float]:
        """CPU and wall seconds since the start, without the pauses."""
        return cpu_seconds() - self._cpu, time.perf_counter() - self._wall

    def __call__(self, fitted: Fitted) -> None:
        """Notes the end of an epoch; raises Stopped when the target or the limit is reached."""
        cpu, wall = self.read()
        self.cpu.append(cpu)
        self.wall.append(wall)
        self.fitted = fitted
        if self.error is not None:
            self.errors.append(self.error(fitted))
            after_cpu, after_wall = self.read()
            self._cpu, self._wall = self._cpu + after_cpu - cpu, self._wall + after_wall - wall
        reached = self.target is not None and self.errors and self.errors[-1] <= self.target
        if reached or cpu > self.limit:
            raise Stopped

    def epoch(self, clock: str = "cpu") -> float:
        """Seconds of an epoch in steady state: the mean of all after the first, or the first if there is no other."""
        marks = getattr(self, clock)
        return marks[0] if len(marks) == 1 else (marks[-1] - marks[0]) / (len(marks) - 1)


def _status(name: str) -> float | None:
    """A field of /proc/self/status in MB, or None where there is no such file."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:")), None)


def peak_mb() -> float:
    """The largest resident memory that this process has had.

    VmHWM, not ru_maxrss: that one starts with what the parent of a fork had.
    """
    peak = _status("VmHWM")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 if peak is None else peak


def private_mb() -> float:
    """Resident memory that is not pages of a file."""
    return _status("RssAnon") or 0.0


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Median, smallest and largest.

    Example:
        >>> spread([3.0, 1.0, 2.0])
        (2.0, 1.0, 3.0)
    """
    return statistics.median(values), min(values), max(values)


def loglog_slope(x: Sequence[float], y: Sequence[float]) -> float:
    """The exponent p of the power law y = c x^p that fits best (least squares of logarithms).

    Example:
        >>> round(loglog_slope([1, 10, 100], [2, 20, 200]), 6)
        1.0
    """
    return statistics.linear_regression([math.log(v) for v in x], [math.log(v) for v in y]).slope
