"""One series judged: scores, p-values and flags of its steps, its worst stretches, and whether it has drifted."""

from __future__ import annotations

__all__ = ["JudgedSteps", "judge"]

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from latente.anomaly.calibration import select
from latente.anomaly.drift import DriftTest, DriftWarning
from latente.anomaly.series_alarms import Alarm, alarms_of
from latente.anomaly.windows import Array, as_series

if TYPE_CHECKING:
    from latente.anomaly.series_fitted import FittedSeries


@dataclass(frozen=True)
class JudgedSteps:
    """What a detector says of the steps of one series.

    Attributes:
        values: (n, channels) of the series; it may have values that are not finite.
        scores: (n,), higher for more normal steps, NaN for steps without a score.
        p_values: (n,), NaN likewise; None where nothing was held out.
        flags: (n,), which steps are called anomalous; steps that are not finite are.
        threshold: the score below which steps are flagged; with a false-discovery rate the highest that is flagged,
            minus infinity where none is.
        drift: the tests that say that the series has drifted.
    """

    values: Array
    scores: Array
    p_values: Array | None
    flags: NDArray[np.bool_]
    threshold: float
    drift: tuple[DriftTest, ...] = ()

    @property
    def missing(self) -> NDArray[np.bool_]:
        """(n,), which steps are not finite."""
        return ~np.logical_and.reduce(np.isfinite(self.values), axis=1)

    def stretches(self, join: int) -> list[Alarm]:
        """Returns the runs of flagged steps that have a score, the worst first.

        Args:
            join: runs with at most so many steps between them are one.
        """
        found = alarms_of(self._comparable, self.flags & np.isfinite(self.scores), join)
        return sorted(found, key=lambda alarm: alarm.score)

    def least_normal(self, count: int, apart: int) -> list[Alarm]:
        """Returns the least normal steps, each a stretch of its own, the worst first.

        Args:
            count: at most.
            apart: steps that lie between two of them at least.
        """
        scores = self._comparable.copy()
        found: list[Alarm] = []
        while len(found) < count and np.isfinite(scores).any():
            peak = int(scores.argmin())
            found.append(Alarm(peak, peak + 1, peak, float(scores[peak])))
            scores[max(0, peak - apart) : peak + apart + 1] = np.inf
        return found

    @property
    def _comparable(self) -> Array:
        return np.where(np.isnan(self.scores), np.inf, self.scores)


def judge(model: FittedSeries, X: Any, fdr: float | None = None) -> JudgedSteps:
    """Returns what a fitted detector says of one series, which may have steps that are not finite; see `stream`.

    Args:
        model: fitted.
        X: (n,) or (n, channels).
        fdr: a false-discovery rate at which steps are flagged, in place of the threshold.

    Raises:
        NotFittedError: before `fit`.
        ValueError: for other channels, a series without a window of finite steps, or an fdr of a detector that holds
            nothing out.
    """
    check_is_fitted(model, "detector_")
    series = model._read(as_series(X, finite=False), X)
    stream = model.stream()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DriftWarning)
        parts = [stream.push(series), stream.gap()]
    scores = np.concatenate([part.scores for part in parts])
    if not np.isfinite(scores).any():
        raise ValueError(
            f"no {model.window_} steps in a row, the window, are all finite in this series of {len(series)}; give more "
            "steps, fill in what is missing, or fit with a smaller window="
        )
    p_values = None if model.contamination is not None and fdr is None else model.p_values_of(scores)
    threshold, flags = model.offset_, np.concatenate([part.flags for part in parts])
    if fdr is not None and p_values is not None:
        flags = select(np.where(np.isnan(p_values), 1.0, p_values), fdr)
        threshold = float(scores[flags].max()) if flags.any() else -np.inf
        flags = flags | ~np.isfinite(series).all(1)
    drift = tuple(test for part in parts for test in part.drift if test.drifted)
    return JudgedSteps(series, scores, p_values, flags, threshold, drift)
