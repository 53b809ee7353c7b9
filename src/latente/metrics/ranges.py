"""Precision and recall of ranges of time steps, and the adjustment of points that misleads."""

from __future__ import annotations

__all__ = [
    "RangeScores", "Ranges", "as_flags", "as_scores", "point_adjust", "range_precision_recall", "ranges_of",
]  # fmt: skip

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.parts import did_you_mean, is_number

Flags = NDArray[np.bool_]
BIASES = ("flat", "front", "middle", "back")


@dataclass(frozen=True)
class Ranges:
    """Runs of flagged steps; `ends` are the last steps inside.

    Attributes:
        starts: (m,).
        ends: (m,).
    """

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]


@dataclass(frozen=True)
class RangeScores:
    """Range-based precision and recall, and their harmonic mean.

    Attributes:
        precision: in [0, 1].
        recall: in [0, 1].

    Example:
        >>> RangeScores(precision=0.5, recall=1.0).f1
        0.6666666666666666
    """

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """The harmonic mean; 0 where both are."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total > 0 else 0.0


def range_precision_recall(
    y_true: Any, y_pred: Any, *, alpha: float = 0.0, recall_bias: str = "flat", precision_bias: str = "flat"
) -> RangeScores:
    """Returns precision and recall over ranges of steps instead of single steps.

    For a true range R and the predicted ranges P_j that touch it, with x of those,

        recall(R) = alpha * [x > 0] + (1 - alpha) * gamma(x) * sum_j omega(R, P_j),    gamma(x) = 1 / max(x, 1)

    where omega is the share of R that P_j covers, its steps weighted by the bias; recall is the mean over the true
    ranges. Precision is the same with the sides exchanged and alpha = 0. Of the paper's options the cardinality factor
    is fixed to 1 / x. Without true ranges recall is 0, without predicted ones precision is.

    Source: Tatbul, Lee, Zdonik, Alam, Gottschlich (2018), "Precision and recall for time series".

    Args:
        y_true: (n,) 1 or True for anomalous steps.
        y_pred: (n,) 1 or True for steps that are called anomalous.
        alpha: the weight in [0, 1] of having hit a range at all; the paper's 0 leaves recall to overlap alone.
        recall_bias: what the steps of a true range weigh, the i-th of n: "flat" 1, "front" n - i + 1, "back" i,
            "middle" the distance to the nearer end, counted from 1. "front" rewards early alarms.
        precision_bias: likewise of a predicted range.

    Raises:
        ValueError: for lengths that differ, flags that are not 0 and 1, an alpha outside [0, 1], an unknown bias.

    Example:
        >>> range_precision_recall([0, 1, 1, 1, 1, 0], [0, 0, 0, 1, 1, 1])
        RangeScores(precision=0.6666666666666666, recall=0.5)
    """
    true, predicted = as_flags(y_true, "y_true"), as_flags(y_pred, "y_pred")
    _same_length(true, predicted)
    if not is_number(alpha, 0, 1):
        raise ValueError(f"alpha must be a number from 0 to 1; got {alpha!r}")
    for name, bias in (("recall_bias", recall_bias), ("precision_bias", precision_bias)):
        if bias not in BIASES:
            hint = did_you_mean(str(bias), BIASES)
            raise ValueError(f"{name} must be one of {', '.join(BIASES)}; got {bias!r}.{hint}")
    return RangeScores(
        _mean_cover(predicted, true, 0.0, precision_bias), _mean_cover(true, predicted, alpha, recall_bias)
    )


def point_adjust(y_true: Any, y_pred: Any) -> Flags:
    """Returns predictions in which every true range that is hit at one step counts as found at all of them.

    Misleading: here only so that published figures can be understood. After this adjustment random scores reach F1
    values near or above those of trained detectors, and more so the longer the ranges are; do not judge by it. Source:
    Kim, Choi, Choi, Lee, Yoon (2022), "Towards a rigorous evaluation of time-series anomaly detection".

    Args:
        y_true: (n,) 1 or True for anomalous steps.
        y_pred: (n,) 1 or True for steps that are called anomalous.

    Raises:
        ValueError: for lengths that differ, or flags that are not 0 and 1.

    Example:
        >>> point_adjust([0, 1, 1, 1, 0], [1, 0, 1, 0, 0]).astype(int)
        array([1, 1, 1, 1, 0])
    """
    true, predicted = as_flags(y_true, "y_true"), as_flags(y_pred, "y_pred").copy()
    _same_length(true, predicted)
    ranges = ranges_of(true)
    for start, end in zip(ranges.starts, ranges.ends, strict=True):
        predicted[start : end + 1] |= predicted[start : end + 1].any()
    return predicted


def ranges_of(flags: Flags) -> Ranges:
    """Returns the runs of flagged steps, in order.

    Example:
        >>> ranges_of(np.array([True, False, True, True]))
        Ranges(starts=array([0, 2]), ends=array([0, 3]))
    """
    edges = np.diff(flags.astype(np.int8), prepend=0, append=0)
    return Ranges(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1)


def as_flags(values: Any, name: str) -> Flags:
    """Returns flags (n,) as booleans.

    Args:
        values: (n,) of 0 and 1, or booleans.
        name: for messages.

    Raises:
        ValueError: for another shape, or other values.
    """
    array = np.asarray(values)
    if array.ndim != 1 or not array.size:
        raise ValueError(f"{name} must have shape (n,), one flag a step; got {array.shape}")
    if array.dtype.kind not in "buif" or not np.isin(array, (0, 1)).all():
        raise ValueError(f"{name} must hold only 0 (normal) and 1 (anomalous); got {np.unique(array)[:5].tolist()}")
    return array.astype(bool)


def as_scores(values: Any, n: int) -> NDArray[np.float64]:
    """Returns scores (n,) as float64.

    Raises:
        ValueError: for another shape, or values that are not finite.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (n,):
        raise ValueError(f"scores must have shape ({n},), one a step like y_true; got {array.shape}")
    if not np.isfinite(array).all():
        where = int(np.flatnonzero(~np.isfinite(array))[0])
        raise ValueError(f"scores must be finite; the first that is not is at step {where}")
    return array


def _same_length(true: Flags, predicted: Flags) -> None:
    if len(true) != len(predicted):
        raise ValueError(f"y_true and y_pred must be equally long; got {len(true)} and {len(predicted)}")


def _mean_cover(of: Flags, by: Flags, alpha: float, bias: str) -> float:
    """Returns the mean over the ranges of the one of how they are covered by those of the other."""
    ranges = ranges_of(of)
    if not len(ranges.starts):
        return 0.0
    covers = [_cover(by[a : b + 1], alpha, bias) for a, b in zip(ranges.starts, ranges.ends, strict=True)]
    return float(np.mean(covers))


def _cover(covered: Flags, alpha: float, bias: str) -> float:
    """Returns how one range is covered; `covered` (m,) are its steps."""
    pieces = len(ranges_of(covered).starts)
    if not pieces:
        return 0.0
    weights = _weights(len(covered), bias)
    return alpha + (1 - alpha) * float(weights[covered].sum() / weights.sum()) / pieces


def _weights(n: int, bias: str) -> NDArray[np.float64]:
    i = np.arange(1.0, n + 1)
    return {"flat": np.ones(n), "front": n - i + 1, "back": i, "middle": np.where(i <= n / 2, i, n - i + 1)}[bias]
