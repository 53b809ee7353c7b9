"""Scores of a series that arrives in pieces."""

from __future__ import annotations

__all__ = ["SeriesStream", "StreamScores", "stream_scores"]

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latente.anomaly.drift import DriftMonitor, DriftTest, DriftWarning
from latente.anomaly.series_parts import features_of, window_scores
from latente.anomaly.windows import Array, as_series, steps_of, windows_of

if TYPE_CHECKING:
    from latente.anomaly.series_fitted import FittedSeries


@dataclass(frozen=True)
class StreamScores:
    """Scores that became final with a piece; there may be none.

    Attributes:
        start: the step of the first of them, counted from the start of the stream.
        scores: (k,) higher for more normal steps; NaN for steps that are not finite, and for steps between two gaps
            less than a window apart, which no window can judge.
        flags: (k,) whether a step is called anomalous; steps that are not finite are.
        drift: (t,) the tests for drift that the piece completed.

    Example:
        >>> piece = StreamScores(start=10, scores=np.array([-0.2, -4.0]), flags=np.array([False, True]))
        >>> piece.start + np.flatnonzero(piece.flags)
        array([11])
    """

    start: int
    scores: Array
    flags: NDArray[np.bool_]
    drift: tuple[DriftTest, ...] = ()


class SeriesStream:
    """A series that arrives piece by piece, and what has to be remembered of it; `SeriesDetector.stream` makes it.

    The scores are those of `SeriesDetector.score_samples`. Values that are not finite, and `gap`, cut the series: what
    follows is scored like a new one, since a window across a gap is none. Memory is that of a piece and a window.

    Args:
        model: fitted.
        monitor: of drift, or None for no tests.

    Attributes:
        steps: that have come.
        monitor: of drift, or None.

    Example:
        >>> from sklearn.ensemble import IsolationForest
        >>> from latente.anomaly import SeriesDetector
        >>> series = np.sin(np.arange(3000) / 8) + 0.1 * np.random.default_rng(0).normal(size=3000)
        >>> forest = IsolationForest(random_state=0)
        >>> detector = SeriesDetector(forest, window=20, false_alarm_rate=0.1, align="end").fit(series)
        >>> stream = detector.stream()
        >>> stream.push(series[:30]).scores.shape, stream.push([np.nan]).flags, stream.push([]).start
        ((30,), array([ True]), 31)
    """

    def __init__(self, model: FittedSeries, monitor: DriftMonitor | None = None) -> None:
        self.model, self.monitor = model, monitor
        self.steps = self._done = 0  # that have come, that are final
        self._piece = _Piece(model)

    def push(self, piece: Any) -> StreamScores:
        """Takes the next steps and returns the scores that became final.

        Args:
            piece: (k,) or (k, channels), k from 0.

        Raises:
            TypeError, ValueError: for other channels, or no numbers. The stream is then as it was before.
        """
        if hasattr(piece, "__len__") and not len(piece):
            return self._result([])
        series = self.model._read(as_series(piece, "the piece", finite=False), piece)
        good: NDArray[np.bool_] = np.logical_and.reduce(np.isfinite(series), axis=1)
        cuts = [0, *(np.flatnonzero(np.diff(good)) + 1), len(series)]
        final, tests = [], []
        for start, end in pairwise(cuts):
            if start == end:
                continue
            if good[start]:
                windows = self._piece.take(self.model._scaled(series[start:end]))
                tests += self._tests(windows)
                final.append(self._piece.emitted(windows))
            else:
                final += [self._cut(), np.full(end - start, np.nan)]
        lost = self.steps + np.flatnonzero(~good)
        self.steps += len(series)
        result = self._result(final, lost, tuple(tests))
        _warn_of_drift(result.drift, self.steps)
        return result

    def gap(self) -> StreamScores:
        """Says that steps are missing here, or that the series ends, and returns the scores that this makes final.

        Steps that are missing are not counted; push NaN for each to count them, and have them flagged.
        """
        return self._result([self._cut()])

    def save(self, path: str | Path) -> Path:
        """Writes the state of the stream to a folder and returns its path; `SeriesDetector.stream` goes on from there.

        Args:
            path: of the folder; the detector is saved on its own.
        """
        from latente.anomaly.stream_saving import save_stream

        return save_stream(self, path)

    def _cut(self) -> Array:
        left = self._piece.rest()
        self._piece = _Piece(self.model)
        return left

    def _tests(self, windows: NDArray[Any]) -> list[DriftTest]:
        """Returns the tests that windows complete."""
        apart = windows[-self._piece.windows % self.model.window_ :: self.model.window_]  # that overlap no other one
        if self.monitor is None or not len(apart):
            return []
        features = features_of(self.model.detector_, apart)
        return self.monitor.update(features[np.isfinite(features).all(axis=1)])

    def _result(
        self, final: list[Array], lost: NDArray[np.int64] | None = None, tests: tuple[DriftTest, ...] = ()
    ) -> StreamScores:
        scores = np.concatenate([np.empty(0), *final])
        flags: NDArray[np.bool_] = scores < self.model.offset_
        if lost is not None:  # a step that is lost is final with its piece
            flags[lost - self._done] = True
        start, self._done = self._done, self._done + len(scores)
        return StreamScores(start, scores, flags, tests)


class _Piece:
    """A series without gaps: the steps of its last window, and the scores of as many windows."""

    def __init__(self, model: FittedSeries) -> None:
        self.model, self.window = model, model.window_
        self.tail = np.empty((0, model.n_channels_), np.float32)  # steps of the last window, but for its first
        self.recent = np.empty(0)  # scores of the windows that a step without a final score lies in
        self.windows = self.steps = self.done = 0  # seen, seen, final

    def take(self, scaled: NDArray[np.float32]) -> NDArray[Any]:
        """Returns the windows (m, d) that steps complete; m may be 0."""
        self.steps += len(scaled)
        joined = np.concatenate([self.tail, scaled])
        self.tail = joined[-(self.window - 1) :].copy()
        if len(joined) < self.window:
            return np.empty((0, joined.shape[1] * self.window), np.float32)
        return windows_of(joined, self.window)

    def emitted(self, windows: NDArray[Any]) -> Array:
        """Returns the scores that became final."""
        if not len(windows):
            return np.empty(0)
        new = window_scores(self.model.detector_, windows)
        first = self.windows == 0
        self.windows += len(new)
        if self.model.align == "end":
            scores = np.concatenate([np.full(self.window - 1 if first else 0, new[0]), new])
        else:
            before = self.windows - len(new) - len(self.recent)  # windows that are forgotten
            known = np.concatenate([self.recent, new])
            self.recent = known[max(0, len(known) - self.window + 1) :]
            lead = self.done - before  # scores ahead of the first step to come, at most window - 1
            scores = steps_of(known, self.window, power=self.model.power_)[
                lead : len(known)
            ]  # what follows lies in windows to come
        self.done += len(scores)
        return scores

    def rest(self) -> Array:
        """Returns the scores of the last steps, NaN where there was no window."""
        left = self.steps - self.done
        if not left or not self.windows:
            return np.full(left, np.nan)
        return steps_of(self.recent, self.window, power=self.model.power_)[-left:]


def stream_scores(stream: SeriesStream, pieces: Iterable[Any]) -> Iterator[StreamScores]:
    """Yields the scores of steps as pieces arrive; see `SeriesDetector.score_stream`.

    Args:
        stream: that has just begun.
        pieces: (k,) or (k, channels) each.

    Raises:
        ValueError: for a stream that ends before its first window.
    """
    scored = False
    for piece in pieces:
        found = stream.push(piece)
        scored = scored or bool(np.isfinite(found.scores).any())
        yield found
    window = stream.model.window_
    rest = stream.gap()
    if not scored and not np.isfinite(rest.scores).any():
        raise ValueError(f"the stream ended after {stream.steps} steps, before the first window of {window}")
    if len(rest.scores):
        yield rest


def _warn_of_drift(tests: Iterable[DriftTest], steps: int) -> None:
    for test in tests:
        if test.onset:
            warnings.warn(
                f"the series has drifted: after {steps} steps {test.name} differs from that of the held-out data "
                f"(corrected p = {test.p_value:.2g}); fit on newer data, or learn from it with partial_fit, and begin "
                "a new stream",
                DriftWarning,
                stacklevel=3,
            )
