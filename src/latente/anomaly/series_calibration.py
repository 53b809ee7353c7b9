"""Thresholds and p-values of steps that depend on their neighbours."""

from __future__ import annotations

__all__ = ["blocks_in", "step_p_values", "step_threshold", "warn_of_few_blocks"]

import math
import warnings

import numpy as np
from numpy.typing import NDArray

from latente.anomaly.fitted import CalibrationWarning

Array = NDArray[np.float64]
BLOCK = 1.5  # windows


def blocks_in(steps: int, window: int) -> int:
    """Returns how many blocks held-out steps make, at least 1.

    A block has one and a half windows. So many steps of noise, whose scores are means over the windows that contain
    them, say as much about their mean as one independent score: the sum of the autocorrelation of a window's mean of
    windows is 1.5 windows.

    Args:
        steps: held out.
        window: steps.

    Example:
        >>> blocks_in(800, 120)
        4
    """
    return max(1, int(steps / (BLOCK * window)))


def step_p_values(scores: Array, calibration: Array, blocks: int) -> Array:
    """Returns (n,): p-values of steps by held-out blocks of steps.

        p = (1 + blocks * share of the held-out steps that score as low or lower) / (blocks + 1)

    Within a block, see `blocks_in`, steps resemble each other, so n steps say no more than their blocks. For
    exchangeable blocks the share of normal steps with p <= a is at most a, on average (conformal risk control). Below
    the lowest held-out score that formula says 1 / (blocks + 1) at all scores. There Student's t distribution with
    blocks - 1 degrees of freedom goes on, around the mean of the held-out scores and with their standard deviation,
    which is right where scores of steps are about normally distributed.

    Source: Angelopoulos, Bates, Fisch, Lei, Schuster (2024), "Conformal risk control".

    Args:
        scores: (n,), higher for more normal steps.
        calibration: (m,) sorted, of held-out steps.
        blocks: in them.

    Example:
        >>> step_p_values(np.array([0.0, 50.0, -1e9]), np.arange(100.0), blocks=9).round(3)
        array([0.109, 0.559, 0.   ])
    """
    from scipy.stats import t as student

    share = np.searchsorted(calibration, scores, side="right") / len(calibration)
    p = (1 + blocks * share) / (blocks + 1)
    center, spread = _predictive(calibration, blocks)
    with np.errstate(divide="ignore", invalid="ignore"):
        tail = student.cdf((scores - center) / spread, max(1, blocks - 1))
    return np.where(share == 0, np.fmin(p, tail), p)


def step_threshold(calibration: Array, blocks: int, rate: float) -> float:
    """Returns the score below which the p-value of `step_p_values` is at most the rate.

    Args:
        calibration: (m,) sorted, of held-out steps.
        blocks: in them.
        rate: of false alarms.

    Example:
        >>> step_threshold(np.arange(100.0), blocks=9, rate=0.2)
        11.0
    """
    from scipy.stats import t as student

    if enough(blocks, rate):
        return float(calibration[int(len(calibration) * (rate * (blocks + 1) - 1) / blocks + 1e-9)])
    center, spread = _predictive(calibration, blocks)
    return min(float(calibration[0]), float(center + spread * student.ppf(rate, max(1, blocks - 1))))


def enough(blocks: int, rate: float) -> bool:
    """Whether so many blocks can show a rate without supposing anything about the scores' distribution."""
    return rate * (blocks + 1) >= 1 - 1e-9


def warn_of_few_blocks(blocks: int, window: int, rate: float, fraction: float) -> None:
    """Warns where the rate is extrapolated; see `step_p_values`.

    Args:
        blocks: held out.
        window: steps of one.
        rate: stated.
        fraction: of the series that is held out.
    """
    if enough(blocks, rate):
        return
    needed = math.ceil(math.ceil(1 / rate - 1 - 1e-9) * BLOCK * window)
    warnings.warn(
        f"the held-out steps make {blocks} block{'s' * (blocks > 1)} of {BLOCK:g} windows of {window} steps, which can "
        f"show a false-alarm rate of {1 / (blocks + 1):.2g} or more. The threshold for {rate:g} is extrapolated: that "
        "supposes that scores are about normally distributed, and in a single series the rate may be several times as "
        f"high. It takes {needed} held-out steps, about {math.ceil(needed / fraction)} in all, or a higher rate",
        CalibrationWarning,
        stacklevel=4,
    )


def _predictive(calibration: Array, blocks: int) -> tuple[float, float]:
    """Returns mean and scale of Student's predictive distribution of a further step."""
    k = max(2, blocks)
    return float(calibration.mean()), float(calibration.std()) * math.sqrt(k / (k - 1) * (1 + 1 / k))
