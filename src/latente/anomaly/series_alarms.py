"""Alarms: runs of flagged steps."""

from __future__ import annotations

__all__ = ["Alarm", "alarms_of"]

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Alarm:
    """A run of flagged steps.

    Attributes:
        start: the first step.
        end: the step after the last one.
        peak: the step with the lowest score.
        score: that of the peak.

    Example:
        >>> alarm = Alarm(start=10, end=14, peak=12, score=-3.5)
        >>> alarm.end - alarm.start  # steps
        4
    """

    start: int
    end: int
    peak: int
    score: float


def alarms_of(scores: NDArray[Any], flags: NDArray[Any], join: int = 0) -> list[Alarm]:
    """Returns the runs of flagged steps, in order.

    Args:
        scores: (n,), lower for less normal steps.
        flags: (n,), which steps are flagged.
        join: runs with at most so many steps between them are one alarm.

    Example:
        >>> alarms_of(np.array([0.0, -2.0, -3.0, 0.0, -1.0]), np.array([0, 1, 1, 0, 1], bool))
        [Alarm(start=1, end=3, peak=2, score=-3.0), Alarm(start=4, end=5, peak=4, score=-1.0)]
    """
    steps = np.flatnonzero(flags)
    if not len(steps):
        return []
    runs = np.split(steps, np.flatnonzero(np.diff(steps) > join + 1) + 1)
    peaks = [int(run[np.argmin(scores[run])]) for run in runs]
    return [
        Alarm(int(run[0]), int(run[-1]) + 1, peak, float(scores[peak])) for run, peak in zip(runs, peaks, strict=True)
    ]
