"""What a fitted detector of series does: scores, flags, p-values, alarms, streams."""

from __future__ import annotations

__all__ = ["FittedSeries"]

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils.validation import check_is_fitted

from latente.anomaly.calibration import select
from latente.anomaly.drift import DriftMonitor
from latente.anomaly.series_alarms import Alarm, alarms_of
from latente.anomaly.series_calibration import step_p_values
from latente.anomaly.series_explanation import SeriesExplanation, explained
from latente.anomaly.series_parts import (
    check_rate,
    drift_names,
    drift_weights,
    features_of,
    threshold_of,
    window_scores,
)
from latente.anomaly.series_reading import check_names
from latente.anomaly.streaming import SeriesStream, StreamScores, stream_scores
from latente.anomaly.windows import Array, as_series, read_series, steps_of, windows_of

if TYPE_CHECKING:
    from latente.anomaly.series import SeriesDetector

FARTHEST = 1e6  # standard deviations; squares of larger values would overflow


class FittedSeries(OutlierMixin, BaseEstimator):
    """The methods of a detector of series that has been fitted; they need the attributes that fitting sets."""

    detector_: Any
    window_: int
    power_: int
    period_: int | None
    n_channels_: int
    feature_names_in_: NDArray[Any]
    offset_: float
    calibration_scores_: Array
    calibration_blocks_: int
    drift_reference_: Array
    align: str
    false_alarm_rate: float | None
    contamination: float | None
    calibration_fraction: float
    _mean: Array
    _spread: Array

    def score_samples(self, X: Any, *, missing: str = "raise") -> Any:
        """Returns scores (n,) of steps, higher for more normal ones; for a list of series a list of arrays.

        Args:
            X: (n,) or (n, channels) with n at least `window_`, or a list of such.
            missing: "raise" for an error that names values that are not finite; with "nan" these cut the series as in
                a `stream`: such a step has the score NaN, and so have steps between two of them less than a window
                apart.

        Raises:
            ValueError: for other channels than in `fit`, values that are not finite, series shorter than the window.
            NotFittedError: before `fit`.
        """
        check_is_fitted(self, "detector_")
        if missing not in ("raise", "nan"):
            raise ValueError(f"missing must be 'raise' or 'nan'; got {missing!r}")
        series, listed = read_series(X, finite=missing == "raise")
        given = X if listed else [X]
        score = self._step_scores if missing == "raise" else self._cut_scores
        scores = [score(self._read(item, own)) for item, own in zip(series, given, strict=True)]
        return scores if listed else scores[0]

    def decision_function(self, X: Any) -> Any:
        """Returns `score_samples(X)` minus `offset_`: below 0 for steps that are called anomalous."""
        return self._each(X, lambda scores: scores - self.offset_)

    def predict(self, X: Any) -> Any:
        """Returns -1 for anomalous steps and 1 for normal ones (n,); for a list X of series a list of arrays."""
        return self._each(X, lambda scores: np.where(scores < self.offset_, -1, 1))

    def p_values(self, X: Any) -> Any:
        """Returns (n,): small for anomalies; steps whose p-value is at most the rate are those that `predict` flags.

            p = (1 + k * share of the held-out steps that score as low or lower) / (k + 1)

        for k blocks of held-out steps (`calibration_blocks_`); below the lowest held-out score, Student's t
        distribution goes on from 1 / (k + 1). Source: Angelopoulos, Bates, Fisch, Lei, Schuster (2024), "Conformal risk
        control".

        Args:
            X: (n,) or (n, channels), or a list of such series, as in `fit`.

        Raises:
            ValueError: for a detector with `contamination`, which holds nothing out.
        """
        self._check_held_out("p-values need")
        return self._each(X, self.p_values_of)

    def p_values_of(self, scores: Any) -> Array:
        """Returns (n,): the p-values of scores of steps that are known already; see `p_values`.

        Args:
            scores: (n,), as `score_samples` returns them; NaN gives NaN.
        """
        self._check_held_out("p-values need")
        scores = np.asarray(scores, dtype=np.float64)
        found = step_p_values(scores, self.calibration_scores_, self.calibration_blocks_)
        return np.where(np.isnan(scores), np.nan, found)

    def select(self, X: Any, fdr: float = 0.1) -> Any:
        """Returns (n,): the steps that are anomalies at a stated false-discovery rate; see `latente.anomaly.select`.

        Of those selected at most that fraction is normal, on average over series, as far as the p-values are right.

        Args:
            X: (n,) or (n, channels), or a list of such series, each of which is a batch of its own.
            fdr: the rate, between 0 and 1.

        Raises:
            ValueError: for a detector with `contamination`, or a rate that makes no sense.
        """
        found = self.p_values(X)
        return [select(item, fdr) for item in found] if isinstance(found, list) else select(found, fdr)

    def set_rate(self, false_alarm_rate: float) -> Self:
        """Sets `false_alarm_rate`, moves the threshold of the fitted detector there, and returns self.

        Args:
            false_alarm_rate: of normal steps, in (0, 0.5).

        Raises:
            ValueError: for a detector with `contamination`, or a rate that makes no sense.
        """
        self._check_held_out("a rate needs")
        check_rate("false_alarm_rate", false_alarm_rate)
        self.false_alarm_rate = false_alarm_rate
        self.offset_ = threshold_of(self)
        return self

    def alarms(self, X: Any, *, join: int = 0) -> list[Alarm]:
        """Returns the runs of anomalous steps of one series, each with its first, last and worst step.

        Args:
            X: (n,) or (n, channels).
            join: runs with at most so many steps between them are one alarm.
        """
        scores = self.score_samples(X)
        return alarms_of(scores, scores < self.offset_, join)

    def explain(self, X: Any) -> SeriesExplanation:
        """Returns why the steps of one series score as they do: by channel, and what was expected instead.

        Args:
            X: (n,) or (n, channels).

        Raises:
            TypeError: for a detector of windows that cannot reconstruct them.
        """
        check_is_fitted(self, "detector_")
        return explained(self, self._read(as_series(X), X))

    def stream(self, *, drift: bool = True, resume: str | Path | None = None) -> SeriesStream:
        """Returns what takes a series piece by piece, with `push` and `gap`, and can be saved.

        With align="end" the scores of a piece come with it (those of the first window with its last step). With "mean"
        they come `window_ - 1` steps later, when no further window contains the step. Memory is that of a piece and a
        window.

        Args:
            drift: whether to test codes and residuals against the held-out ones, and warn with a DriftWarning where
                drift begins; see `drift_monitor`. Nothing is tested where nothing was held out.
            resume: the folder that the `save` of an earlier stream of this detector wrote; it decides on drift too.

        Raises:
            ModelFileError: for a folder that holds no stream of this detector.
        """
        check_is_fitted(self, "detector_")
        if resume is not None:
            from latente.anomaly.stream_saving import load_stream

            return load_stream(self, resume)
        return SeriesStream(self, self.drift_monitor() if drift and self.contamination is None else None)

    def score_stream(self, pieces: Iterable[Any], *, drift: bool = True) -> Iterator[StreamScores]:
        """Yields scores of steps as pieces of a series arrive; together they are those of `score_samples`.

        It is `stream` in a loop, with the rest of the scores at the end; an error ends it. On some processors the last
        digits of float32 differ: products round by a window's place among those that are scored at once.

        Args:
            pieces: (k,) or (k, channels) each, k from 0, as they come.
            drift: as in `stream`.

        Raises:
            ValueError: for other channels, or a stream that ends before its first window.
        """
        return stream_scores(self.stream(drift=drift), pieces)

    def drift_monitor(self, *, rate: float = 0.01, batch: int = 30, first: int = 8) -> DriftMonitor:
        """Returns a monitor that holds windows' codes and residuals against those of the held-out steps.

        Give its `update` what `drift_features` returns. Only windows that do not overlap are compared; where steps
        further apart than a window still depend on each other, warnings come more often than the rate says.

        Args:
            rate: the chance of any false warning; half of it belongs to the score, half to the codes.
            batch: windows a test.
            first: windows of the first test; the next have twice as many each, until they have `batch`.

        Raises:
            ValueError: for a detector with `contamination`, or settings that make no sense.
        """
        self._check_held_out("drift is measured against")
        reference = self.drift_reference_
        weights, names = drift_weights(reference.shape[1]), drift_names(reference.shape[1])
        return DriftMonitor(reference, rate=rate, batch=batch, first=first, weights=weights, names=names)

    def drift_features(self, X: Any) -> Array:
        """Returns (m, d): what `drift_monitor` compares of the windows of a series that do not overlap.

        The codes, where the detector has a transform, and the score.

        Args:
            X: (n,) or (n, channels).
        """
        check_is_fitted(self, "detector_")
        windows = windows_of(self._scaled(self._read(as_series(X), X)), self.window_)
        return features_of(self.detector_, windows[:: self.window_])

    def save(self, path: str | Path) -> Path:
        """Writes the detector to a folder and returns its path; see `latente.anomaly.series_saving`.

        Raises:
            TypeError: for a detector of windows without a `save` of its own.
        """
        from latente.anomaly.series_saving import save_series_detector

        check_is_fitted(self, "detector_")
        return save_series_detector(self, path)

    @classmethod
    def load(cls, path: str | Path) -> SeriesDetector:
        """Returns the detector in a folder; it scores bit for bit as the saved one did.

        Args:
            path: the folder that `save` wrote.

        Raises:
            ModelFileError: for a folder that is missing, damaged, altered or of an unknown version.
        """
        from latente.anomaly.series_saving import load_series_detector

        return load_series_detector(path)

    # Scoring

    def _read(self, series: Array, X: Any) -> Array:
        check_names(self, X)
        if series.shape[1] != self.n_channels_:
            raise ValueError(
                f"this SeriesDetector was fitted on series of {self.n_channels_} channels; got {series.shape[1]}: give "
                f"arrays of shape (n, {self.n_channels_})"
            )
        return series

    def _scaled(self, series: Array) -> NDArray[np.float32]:
        with np.errstate(over="ignore"):  # beyond float64 it is beyond the clip as well
            scaled = (series - self._mean) / self._spread
        return np.clip(scaled, -FARTHEST, FARTHEST).astype(np.float32)

    def _step_scores(self, series: NDArray[Any]) -> Array:
        scaled = series if series.dtype == np.float32 else self._scaled(series)
        scores = window_scores(self.detector_, windows_of(scaled, self.window_))
        return steps_of(scores, self.window_, self.align, self.power_)

    def _cut_scores(self, series: Array) -> Array:
        """Returns (n,): the scores of a series that steps which are not finite cut into several; NaN for those."""
        stream = SeriesStream(self)
        return np.concatenate([stream.push(series).scores, stream.gap().scores])

    def _check_held_out(self, need: str) -> None:
        check_is_fitted(self, "detector_")
        if self.contamination is not None:
            raise ValueError(f"{need} held-out steps; use false_alarm_rate= instead of contamination=")

    def _each(self, X: Any, function: Any) -> Any:
        scores = self.score_samples(X)
        return [function(item) for item in scores] if isinstance(scores, list) else function(scores)
