"""Anomalous steps of series: a detector of windows, mapped back to time."""

from __future__ import annotations

__all__ = ["SeriesDetector"]

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OutlierMixin, clone
from sklearn.utils.validation import check_is_fitted

from latente.anomaly.calibration import conformal_p_values
from latente.anomaly.drift import DriftMonitor
from latente.anomaly.series_explanation import SeriesExplanation, explained
from latente.anomaly.series_parts import check_settings, default_detector, features_of, threshold_of, window_scores
from latente.anomaly.streaming import StreamScores, stream_scores
from latente.anomaly.windows import Array, as_series, find_period, read_series, steps_of, windows_of
from latente.training import seed_of

DEFAULT_WINDOW, PERIODS = 100, (4, 400)
FEWEST = 8  # windows to train on


class SeriesDetector(OutlierMixin, BaseEstimator):
    """Finds anomalous steps of univariate and multivariate series by a detector of their windows.

    Each channel is standardised, the series is cut into overlapping windows (a view, no copy), a detector of rows
    scores those, and a step gets the mean score of the windows that contain it (`align="mean"`), or that of the
    window that ends at it (`align="end"`). Higher is more normal, as everywhere in scikit-learn.

    The threshold comes from the end of each series, which is held out: a normal step lies below it with about the
    probability `false_alarm_rate`. That holds for the mean over many series; neighbouring steps depend on each other,
    so in a single one alarms come in runs, and their share varies far more than that of independent rows.

    Args:
        detector: anything with fit(X) and score_samples(X) (higher = more normal) for rows X (m, window * channels); a
            fresh clone is fitted. None is a denoising autoencoder, judged by the
            joint Mahalanobis distance of code and residual.
        window: steps, at least 2. "auto": the smallest whole number of periods that has at least 100 steps, by the
            autocorrelation; 100 without a period; never more than a quarter of the shortest series.
        align: "mean", which points best, or "end", for alarms without delay.
        false_alarm_rate: of normal steps, in (0, 0.5); None means 0.01 unless `contamination` is given.
        contamination: instead of a rate, the share of the training steps that is called anomalous, in (0, 0.5). Then
            nothing is held out: right for a search of one known series, wrong for an alarm.
        calibration_fraction: of each series that is held out, at its end.
        max_windows: the most that are trained on, evenly spaced; scores always use every window.
        buffer_size: the newest steps that `partial_fit` keeps.
        random_state: None, an integer or a numpy generator; decides everything random in the default detector.

    Attributes:
        detector_: the fitted detector of windows.
        window_: steps.
        period_: that was found, or None; only for window="auto".
        n_channels_: of the series.
        offset_: steps that score below it are called anomalous.
        calibration_scores_: (k,) sorted scores of held-out steps; of training steps with `contamination`.

    Example:
        >>> from sklearn.ensemble import IsolationForest
        >>> t = np.arange(3000)
        >>> series = np.sin(t / 8) + 0.1 * np.random.default_rng(0).normal(size=3000)
        >>> detector = SeriesDetector(IsolationForest(random_state=0), window=50).fit(series)
        >>> series[1500:1520] = 1
        >>> int(detector.score_samples(series).argmin()) in range(1480, 1540)
        True
    """

    detector_: Any
    window_: int
    period_: int | None
    n_channels_: int
    offset_: float
    calibration_scores_: Array
    drift_reference_: Array

    def __init__(
        self,
        detector: Any = None,
        *,
        window: int | str = "auto",
        align: str = "mean",
        false_alarm_rate: float | None = None,
        contamination: float | None = None,
        calibration_fraction: float = 0.2,
        max_windows: int = 20_000,
        buffer_size: int = 20_000,
        random_state: Any = None,
    ) -> None:
        self.detector, self.window, self.align = detector, window, align
        self.false_alarm_rate, self.contamination = false_alarm_rate, contamination
        self.calibration_fraction, self.max_windows, self.buffer_size = calibration_fraction, max_windows, buffer_size
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Trains on one series or several and returns self.

        Args:
            X: (n,) or (n, channels), or a list of such; regularly sampled, mostly normal.
            y: ignored; scikit-learn's convention.

        Raises:
            TypeError: for a detector without fit or score_samples.
            ValueError: for settings that make no sense, values that are not finite (named by step), too few steps.
        """
        check_settings(self)
        series, _ = read_series(X)
        self._start(series)
        self._learn(series, fresh=True)
        self._buffer = series[-1][-self.buffer_size :]
        return self

    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Learns from the next steps of one series and returns self; the first call is a `fit`.

        The newest `buffer_size` steps are kept, so memory is bounded. On their first part the detector is trained on:
        by one pass of its own `partial_fit` where it has one, otherwise anew; the last part renews the threshold and
        the reference of `drift_monitor`. Scale and window stay those of the first call.

        Args:
            X: (n,) or (n, channels).
            y: ignored.

        Raises:
            ValueError: for steps that do not fit those before.
        """
        if not hasattr(self, "detector_"):
            return self.fit(as_series(X))
        new = self._read(as_series(X))
        self._buffer = np.concatenate([self._buffer, new])[-self.buffer_size :]
        self._learn([self._buffer], fresh=False)
        return self

    def score_samples(self, X: Any) -> Any:
        """Returns scores (n,) of steps, higher for more normal ones; for a list of series a list of arrays.

        Args:
            X: (n,) or (n, channels) with n at least `window_`, or a list of such.

        Raises:
            ValueError: for other channels than in `fit`, values that are not finite, series shorter than the window.
            NotFittedError: before `fit`.
        """
        check_is_fitted(self, "detector_")
        series, listed = read_series(X)
        scores = [self._step_scores(self._read(item)) for item in series]
        return scores if listed else scores[0]

    def decision_function(self, X: Any) -> Any:
        """Returns `score_samples(X)` minus `offset_`: below 0 for steps that are called anomalous."""
        return self._each(X, lambda scores: scores - self.offset_)

    def predict(self, X: Any) -> Any:
        """Returns -1 for anomalous steps and 1 for normal ones (n,); for a list X of series a list of arrays."""
        return self._each(X, lambda scores: np.where(scores < self.offset_, -1, 1))

    def p_values(self, X: Any) -> Any:
        """Returns (n,): (1 + held-out steps that score as low or lower) / (1 + held-out steps), small for anomalies.

        Args:
            X: (n,) or (n, channels), or a list of such series, as in `fit`.

        Raises:
            ValueError: for a detector with `contamination`, which holds nothing out.
        """
        check_is_fitted(self, "detector_")
        if self.contamination is not None:
            raise ValueError("p-values need held-out steps; use false_alarm_rate= instead of contamination=")
        return self._each(X, lambda scores: conformal_p_values(scores, self.calibration_scores_))

    def explain(self, X: Any) -> SeriesExplanation:
        """Returns why the steps of one series score as they do: by channel, and what was expected instead.

        Args:
            X: (n,) or (n, channels).

        Raises:
            TypeError: for a detector of windows that cannot reconstruct them.
        """
        check_is_fitted(self, "detector_")
        return explained(self, self._read(as_series(X)))

    def score_stream(self, pieces: Iterable[Any], *, drift: bool = True) -> Iterator[StreamScores]:
        """Yields scores of steps as pieces of a series arrive; together they are exactly those of `score_samples`.

        With align="end" the scores of a piece come with it (those of the first window with its last step). With "mean"
        they come `window_ - 1` steps later, when no further window contains the step, and the rest at the end. Memory
        is that of a piece and a window.

        Args:
            pieces: (k,) or (k, channels) each, k from 1, as they come.
            drift: whether to test codes and residuals against the held-out ones, and warn with a DriftWarning; see
                `drift_monitor`. Nothing is tested where nothing was held out.

        Raises:
            ValueError: as `score_samples` does.
        """
        check_is_fitted(self, "detector_")
        monitor = self.drift_monitor() if drift and self.contamination is None else None
        return stream_scores(self, pieces, monitor)

    def drift_monitor(self, *, rate: float = 0.01, batch: int = 30) -> DriftMonitor:
        """Returns a monitor that holds windows' codes and residuals against those of the held-out steps.

        Give its `update` what `drift_features` returns. Only windows that do not overlap are compared; where steps
        further apart than a window still depend on each other, warnings come more often than the rate says.

        Args:
            rate: the chance of any false warning.
            batch: windows a test.

        Raises:
            ValueError: for a detector with `contamination`, or settings that make no sense.
        """
        check_is_fitted(self, "detector_")
        if self.contamination is not None:
            raise ValueError("drift is measured against held-out steps; use false_alarm_rate=, not contamination=")
        return DriftMonitor(self.drift_reference_, rate=rate, batch=batch)

    def drift_features(self, X: Any) -> Array:
        """Returns (m, d): what `drift_monitor` compares of the windows of a series that do not overlap.

        The codes, where the detector has a transform, and the score.

        Args:
            X: (n,) or (n, channels).
        """
        check_is_fitted(self, "detector_")
        windows = windows_of(self._read(as_series(X)), self.window_)
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

    # Fitting

    def _start(self, series: list[Array]) -> None:
        """Decides what stays: channels, scale and window."""
        shortest = min(len(item) for item in series)
        whole = np.concatenate(series)
        self.n_channels_ = whole.shape[1]
        spread = whole.std(0)
        self._mean, self._spread = whole.mean(0), np.where(spread > 1e-12 * (1 + np.abs(whole).max(0)), spread, 1.0)
        self.period_ = None
        if self.window == "auto":
            low, high = PERIODS
            self.period_ = find_period(series, low, min(high, shortest // 8)) if shortest >= 8 * low else None
            size = DEFAULT_WINDOW if self.period_ is None else self.period_ * -(-DEFAULT_WINDOW // self.period_)
            self.window_ = max(2, min(size, shortest // 4))
        else:
            self.window_ = int(self.window)

    def _learn(self, series: list[Array], fresh: bool) -> None:
        """Trains and sets the threshold."""
        scaled = [self._scaled(item) for item in series]
        training, held = scaled, scaled
        if self.contamination is None:
            cuts = [self._cut(len(item)) for item in series]
            training = [item[:cut] for item, cut in zip(scaled, cuts, strict=True)]
            held = [item[cut:] for item, cut in zip(scaled, cuts, strict=True)]
        self._train(self._rows(training), fresh)
        held = [item for item in held if len(item) >= self.window_]
        self.calibration_scores_ = np.sort(np.concatenate([self._step_scores(item) for item in held]))
        self.offset_ = threshold_of(self.calibration_scores_, self.false_alarm_rate, self.contamination)
        apart = np.concatenate([windows_of(item, self.window_)[:: self.window_] for item in held])
        self.drift_reference_ = features_of(self.detector_, apart)

    def _cut(self, n: int) -> int:
        """Returns where the held-out end of a series begins, which is a window at least."""
        return max(0, n - max(round(self.calibration_fraction * n), self.window_))

    def _rows(self, series: Sequence[NDArray[Any]]) -> NDArray[Any]:
        """Returns windows to train on, at most `max_windows`."""
        fit = [item for item in series if len(item) >= self.window_]
        total = sum(len(item) - self.window_ + 1 for item in fit)
        if total < FEWEST:
            raise ValueError(
                f"only {total} windows of {self.window_} steps are left to train on, {FEWEST} are needed; give more "
                "steps, a smaller window=, or contamination= instead of a rate, which holds nothing out"
            )
        stride = -(-total // self.max_windows)
        parts = [windows_of(item, self.window_)[::stride] for item in fit]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _train(self, rows: NDArray[Any], fresh: bool) -> None:
        if not fresh and hasattr(self.detector_, "partial_fit"):
            self.detector_.partial_fit(rows)
            return
        if self.detector is None:
            self.detector_ = default_detector(rows.shape[1], seed_of(self.random_state)).fit(rows)
        else:
            self.detector_ = clone(self.detector).fit(rows)

    # Scoring

    def _read(self, series: Array) -> Array:
        if series.shape[1] != self.n_channels_:
            raise ValueError(
                f"this SeriesDetector was fitted on series of {self.n_channels_} channels; got {series.shape[1]}: give "
                f"arrays of shape (n, {self.n_channels_})"
            )
        return series

    def _scaled(self, series: Array) -> NDArray[np.float32]:
        return ((series - self._mean) / self._spread).astype(np.float32)

    def _step_scores(self, series: NDArray[Any]) -> Array:
        scaled = series if series.dtype == np.float32 else self._scaled(series)
        return steps_of(window_scores(self.detector_, windows_of(scaled, self.window_)), self.window_, self.align)

    def _each(self, X: Any, function: Any) -> Any:
        scores = self.score_samples(X)
        return [function(item) for item in scores] if isinstance(scores, list) else function(scores)
