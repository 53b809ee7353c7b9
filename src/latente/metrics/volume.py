"""Areas and volumes under curves for anomalies that are ranges of time steps."""

from __future__ import annotations

__all__ = ["VolumeUnderSurface", "volume_under_surface", "vus_pr"]

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.metrics.points import check_count
from latente.metrics.ranges import Ranges, as_flags, as_scores, ranges_of

Array = NDArray[np.float64]


@dataclass(frozen=True)
class VolumeUnderSurface:
    """The areas under range-aware curves, one for each width of the slopes around the anomalies, and their means.

    Attributes:
        roc: mean of `roc_areas`: VUS-ROC.
        pr: mean of `pr_areas`: VUS-PR.
        roc_areas: (max_window + 1,) areas under the range-aware ROC curve.
        pr_areas: (max_window + 1,) areas under the range-aware precision-recall curve.

    Example:
        >>> y_true = np.repeat([0, 1, 0], [40, 5, 40])
        >>> surface = volume_under_surface(y_true, y_true, max_window=4)
        >>> surface.pr_areas.shape, bool(np.isclose(surface.pr, surface.pr_areas.mean()))
        ((5,), True)
    """

    roc: float
    pr: float
    roc_areas: Array
    pr_areas: Array


def vus_pr(y_true: Any, scores: Any, *, max_window: int = 100, thresholds: int = 250) -> float:
    """Returns VUS-PR, the volume under the precision-recall surface; see `volume_under_surface`.

    Args:
        y_true: (n,) 1 or True for anomalous time steps.
        scores: (n,) higher for steps that are more anomalous.
        max_window: the widest slopes.
        thresholds: how many.

    Raises:
        ValueError: as `volume_under_surface` does.

    Example:
        >>> y_true = np.repeat([0, 1, 0], [40, 5, 40])
        >>> round(vus_pr(y_true, y_true, max_window=0), 3)
        1.0
    """
    return volume_under_surface(y_true, scores, max_window=max_window, thresholds=thresholds).pr


def volume_under_surface(
    y_true: Any, scores: Any, *, max_window: int = 100, thresholds: int = 250
) -> VolumeUnderSurface:
    """Returns VUS-ROC and VUS-PR: how well scores point at ranges, without a threshold and without exact borders.

    For each window w = 0, ..., max_window every anomalous range [s, e] gets slopes of floor(w / 2) steps on both sides,
    label(t) = sqrt(1 - d / w) at distance d from it (overlapping slopes add up, at most to 1). With the steps scored at
    least as high as a threshold as `pred`, and P anomalous steps:

        TP = sum label * pred,    precision = TP / sum pred,
        recall = min(1, TP / ((P + P + sum over slopes of label * pred) / 2)) * (share of widened ranges that are hit)

    The thresholds are the scores at `thresholds` evenly spaced ranks. The area under precision over recall is a sum of
    steps, that under ROC is trapezoidal; the volume is the mean over w. These are the definitions of the authors' own
    program, which say more than the paper. Time and memory: O(n log n + max_window * (length of widened ranges)).

    Source: Paparrizos, Boniol, Palpanas, Tsay, Elmore, Franklin (2022), "Volume under the surface: a new accuracy
    evaluation measure for time-series anomaly detection".

    Args:
        y_true: (n,) 1 or True for anomalous time steps; at least one is.
        scores: (n,) higher for steps that are more anomalous.
        max_window: the widest slopes; the period of the series, or 100, is usual. 0 is one area, with no slopes.
        thresholds: how many.

    Raises:
        ValueError: for lengths that differ, labels that are not 0 and 1, none of 1, or scores that are not finite.

    Example:
        >>> y_true = np.repeat([0, 1, 0], [40, 5, 40])
        >>> found = volume_under_surface(y_true, np.convolve(y_true, np.ones(5), "same"), max_window=8)
        >>> found.pr > 0.9, found.roc_areas.shape
        (True, (9,))
    """
    flags, values = as_flags(y_true, "y_true"), as_scores(scores, len(y_true))
    ranges = ranges_of(flags)
    if not len(ranges.starts):
        raise ValueError("y_true has no anomalous step, so there is no recall; leave such series out, and say so")
    check_count(max_window, "max_window", 0, len(flags))
    check_count(thresholds, "thresholds", 2, 1_000_000)
    first, predicted = _first_thresholds(values, thresholds)
    curves = [_areas(flags, ranges, first, predicted, w) for w in range(max_window + 1)]
    roc, pr = (np.array(areas) for areas in zip(*curves, strict=True))
    return VolumeUnderSurface(float(roc.mean()), float(pr.mean()), roc, pr)


def _first_thresholds(scores: Array, thresholds: int) -> tuple[NDArray[np.int64], Array]:
    """Returns (n,): the first, highest, threshold that each step reaches; and (k,): how many steps reach each."""
    falling = np.sort(scores)[::-1]
    levels = falling[np.linspace(0, len(scores) - 1, thresholds).astype(int)]  # falling; the last is the least score
    first = np.searchsorted(-levels, -scores, side="left")
    return first, np.bincount(first, minlength=thresholds).cumsum().astype(np.float64)


def _areas(
    flags: NDArray[np.bool_], ranges: Ranges, first: NDArray[np.int64], predicted: Array, w: int
) -> tuple[float, float]:
    """Returns the areas under the ROC and the precision-recall curve with slopes of w // 2 steps."""
    at, label = _slopes(flags, ranges, w)
    k, n, p = len(predicted), len(flags), float(flags.sum())
    inside = np.bincount(first[flags], minlength=k).cumsum()
    beside = np.bincount(first[at], weights=label, minlength=k).cumsum()
    true, positives = inside + beside, p + beside / 2
    tpr = np.minimum(true / positives, 1) * _hit(ranges, first, w, k)
    fpr = (predicted - true) / (n - positives)
    precision = true / predicted
    pr = float(np.diff(tpr, prepend=0.0) @ precision)
    tpr, fpr = np.concatenate([[0.0], tpr, [1.0]]), np.concatenate([[0.0], fpr, [1.0]])
    return float(np.diff(fpr) @ (tpr[1:] + tpr[:-1]) / 2), pr


def _slopes(flags: NDArray[np.bool_], ranges: Ranges, w: int) -> tuple[NDArray[np.int64], Array]:
    """Returns the steps on slopes, and their labels."""
    away = np.arange(1, w // 2 + 1)
    steps = np.concatenate([ranges.starts[:, None] - away, ranges.ends[:, None] + away]).ravel()
    heights = np.tile(np.sqrt(1 - away / max(w, 1)), 2 * len(ranges.starts))
    within = (steps >= 0) & (steps < len(flags))
    steps, heights = steps[within], heights[within]
    outside = ~flags[steps]
    at, where = np.unique(steps[outside], return_inverse=True)
    return at, np.minimum(np.bincount(where, weights=heights[outside], minlength=len(at)), 1.0)


def _hit(ranges: Ranges, first: NDArray[np.int64], w: int, k: int) -> Array:
    """Returns (k,): the share of ranges, widened by w // 2 steps and joined where they touch, that are hit."""
    half = w // 2
    apart = ranges.ends[:-1] + half < ranges.starts[1:] - half
    starts = np.concatenate([ranges.starts[:1], ranges.starts[1:][apart]]) - half
    ends = np.concatenate([ranges.ends[:-1][apart], ranges.ends[-1:]]) + half
    bounds = np.column_stack([starts.clip(0), np.minimum(ends + 1, len(first))])
    reached = np.array([first[a:b].min() for a, b in bounds])
    return np.bincount(reached, minlength=k).cumsum() / len(bounds)
