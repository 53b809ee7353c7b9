"""Anomalous steps of series: a detector of windows, mapped back to time."""

from __future__ import annotations

__all__ = ["SeriesDetector"]

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from latente.anomaly.detector import AnomalyDetector
from latente.anomaly.series_fitted import FittedSeries
from latente.anomaly.series_parts import calibrate, check_settings, default_detector
from latente.anomaly.series_reading import check_spread, common_length, names_in, warn_of_short
from latente.anomaly.windows import Array, as_series, find_period, read_series, windows_of
from latente.training import seed_of

DEFAULT_WINDOW, PERIODS, POWER = 100, (4, 400), 4
FEWEST = 8  # windows to train on


class SeriesDetector(FittedSeries):
    """Finds anomalous steps of univariate and multivariate series by a detector of their windows.

    Each channel is standardised, the series is cut into overlapping windows (a view, no copy), a detector of rows
    scores those, and a step gets the mean score of the windows that contain it (`align="mean"`), or that of the
    window that ends at it (`align="end"`). Higher is more normal, as everywhere in scikit-learn.

    The threshold comes from the end of each series, which is held out and counted in blocks of one and a half windows,
    since steps within one depend on each other. With k blocks, rates from 1 / (k + 1) hold for the mean over many
    series like those of `fit`; for a lower rate a CalibrationWarning says that the threshold is extrapolated (see
    `p_values`). In a single series alarms come in runs, and their share varies far more than that of independent rows.
    Where later data differs from the training data, more is flagged than any rate says; see docs/anomaly-series.md.

    Args:
        detector: anything with fit(X) and score_samples(X) (higher = more normal) for rows X (m, window * channels); a
            fresh clone is fitted. None is a denoising autoencoder with the score `CombinedDistance`, for several
            channels `ChannelResidual`.
        window: steps, at least 2. "auto": the smallest whole number of periods that has at least 100 steps, by the
            autocorrelation; 100 without a period; never more than a quarter of the length that half of all steps have.
        align: "mean", which points best, or "end", for alarms without delay.
        power: p of the mean over windows, -(mean |s|^p)^(1/p) for scores s that are never positive: with more than 1
            the more anomalous windows decide. None: 4 for the default detector, 1 for others.
        false_alarm_rate: of normal steps, in (0, 0.5); None means 0.01 unless `contamination` is given.
        contamination: instead of a rate, the share of the training steps that is called anomalous, in (0, 0.5). Then
            nothing is held out: right for a search of one known series, wrong for an alarm.
        calibration_fraction: of each series that is held out, at its end.
        max_windows: the most that are trained on, evenly spaced; scores always use every window.
        buffer_size: the newest steps that `partial_fit` keeps.
        update_every: new steps after which `partial_fit` learns. None: a tenth of those kept, a window at least.
        random_state: None, an integer or a numpy generator; decides everything random in the default detector.

    Attributes:
        detector_: the fitted detector of windows.
        window_: steps.
        power_: p of the mean over windows.
        period_: that was found, or None; only for window="auto".
        n_channels_: of the series.
        feature_names_in_: of the channels, where frames were fitted.
        offset_: steps that score below it are called anomalous.
        calibration_scores_: (k,) sorted scores of held-out steps; of training steps with `contamination`.
        calibration_blocks_: blocks of one and a half windows among the held-out steps.

    Example:
        >>> from sklearn.ensemble import IsolationForest
        >>> t = np.arange(3000)
        >>> series = np.sin(t / 8) + 0.1 * np.random.default_rng(0).normal(size=3000)
        >>> forest = IsolationForest(random_state=0)
        >>> detector = SeriesDetector(forest, window=30, false_alarm_rate=0.1).fit(series)
        >>> series[1500:1520] = 1
        >>> int(detector.score_samples(series).argmin()) in range(1480, 1540)
        True
    """

    def __init__(
        self,
        detector: Any = None,
        *,
        window: int | str = "auto",
        align: str = "mean",
        power: int | None = None,
        false_alarm_rate: float | None = None,
        contamination: float | None = None,
        calibration_fraction: float = 0.2,
        max_windows: int = 20_000,
        buffer_size: int = 20_000,
        update_every: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.detector, self.window, self.align, self.power = detector, window, align, power
        self.false_alarm_rate, self.contamination = false_alarm_rate, contamination
        self.calibration_fraction, self.max_windows, self.buffer_size = calibration_fraction, max_windows, buffer_size
        self.update_every, self.random_state = update_every, random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Trains on one series or several and returns self.

        Args:
            X: (n,) or (n, channels), or a list of such; regularly sampled, mostly normal.
            y: ignored; scikit-learn's convention.

        Raises:
            TypeError: for a detector without fit or score_samples, or columns that hold no numbers, by name.
            ValueError: for settings that make no sense, a power above 1 for a detector with positive scores, values
                that are not finite (named by step), too few steps.
        """
        check_settings(self)
        series, listed = read_series(X)
        names_in(self, X if listed else [X])
        self.power_ = self.power or (POWER if self.detector is None else 1)
        self._start(series)
        self._learn(series, fresh=True)
        self._buffer, self._unlearned = series[-1][-self.buffer_size :], 0
        return self

    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Learns from the next steps of one series and returns self; the first call is a `fit`.

        The newest `buffer_size` steps are kept, so memory is bounded. Once `update_every` new ones have come, the
        detector is trained on the first part of those kept: by one pass of its own `partial_fit` where it has one,
        otherwise anew; the last part renews the threshold and the reference of `drift_monitor`. Scale and window stay
        those of the first call. Streams go on as they are with what was learned; their drift is held against what was
        held out when they began.

        Args:
            X: (n,) or (n, channels).
            y: ignored.

        Raises:
            ValueError: for steps that do not fit those before.
        """
        if not hasattr(self, "detector_"):
            return self.fit(X)
        new = self._read(as_series(X), X)
        self._buffer = np.concatenate([self._buffer, new])[-self.buffer_size :]
        self._unlearned += len(new)
        if self._unlearned >= (self.update_every or max(self.window_, len(self._buffer) // 10)):
            self._learn([self._buffer], fresh=False)
            self._unlearned = 0
        return self

    # Fitting

    def _start(self, series: list[Array]) -> None:
        """Decides what stays: channels, scale and window."""
        common = common_length(series)
        whole = np.concatenate(series)
        self.n_channels_ = whole.shape[1]
        spread = check_spread(whole)
        self._mean, self._spread = whole.mean(0), np.where(spread > 1e-12 * (1 + np.abs(whole).max(0)), spread, 1.0)
        self.period_ = None
        if self.window == "auto":
            low, high = PERIODS
            self.period_ = find_period(series, low, min(high, common // 8)) if common >= 8 * low else None
            size = DEFAULT_WINDOW if self.period_ is None else self.period_ * -(-DEFAULT_WINDOW // self.period_)
            self.window_ = max(2, min(size, common // 4))
        else:
            self.window_ = int(self.window)
        warn_of_short(series, self.window_)

    def _learn(self, series: list[Array], fresh: bool) -> None:
        """Trains and sets the threshold."""
        scaled = [self._scaled(item) for item in series]
        training, held = scaled, scaled
        if self.contamination is None:
            cuts = [self._cut(len(item)) for item in series]
            training = [item[:cut] for item, cut in zip(scaled, cuts, strict=True)]
            held = [item[cut:] for item, cut in zip(scaled, cuts, strict=True)]
        self._train(self._rows(training), fresh)
        calibrate(self, held)

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
            self.detector_ = default_detector(rows.shape[1], seed_of(self.random_state), self.n_channels_).fit(rows)
        else:
            self.detector_ = clone(self.detector).fit(rows)
        if isinstance(self.detector_, AnomalyDetector):
            self.detector_.forget_rows()  # series are explained by reconstructions
