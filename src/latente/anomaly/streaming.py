"""Scores of a series that arrives in pieces."""

from __future__ import annotations

__all__ = ["StreamScores", "stream_scores"]

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latente.anomaly.drift import DriftMonitor, DriftTest, DriftWarning
from latente.anomaly.series_parts import features_of, window_scores
from latente.anomaly.windows import Array, as_series, steps_of, windows_of

if TYPE_CHECKING:
    from latente.anomaly.series import SeriesDetector


@dataclass(frozen=True)
class StreamScores:
    """Scores that became final with a piece; there may be none.

    Attributes:
        start: the step of the first of them, counted from the start of the stream.
        scores: (k,) higher for more normal steps.
        flags: (k,) whether a step is called anomalous.
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


def stream_scores(model: SeriesDetector, pieces: Iterable[Any], monitor: DriftMonitor | None) -> Iterator[StreamScores]:
    """Yields the scores of steps as pieces arrive; see `SeriesDetector.score_stream`.

    Args:
        model: fitted.
        pieces: (k,) or (k, channels) each.
        monitor: of drift, or None.
    """
    stream = _Stream(model)
    for piece in pieces:
        windows = stream.take(piece)
        tests = stream.watched(windows, monitor) if monitor is not None else ()
        yield stream.emitted(windows, tests)
    yield from stream.rest()


class _Stream:
    """What has to be remembered of a stream: the steps of the last window, and the scores of as many windows."""

    def __init__(self, model: SeriesDetector) -> None:
        self.model, self.window = model, model.window_
        self.tail = np.empty((0, model.n_channels_), np.float32)  # steps of the last window, but for its first
        self.recent = np.empty(0)  # scores of the windows that a step without a final score lies in
        self.windows = self.steps = self.done = 0  # seen, seen, final

    def take(self, piece: Any) -> NDArray[Any]:
        """Returns the windows (m, d) that a piece completes; m may be 0."""
        scaled = self.model._scaled(self.model._read(as_series(piece)))
        self.steps += len(scaled)
        joined = np.concatenate([self.tail, scaled])
        self.tail = joined[-(self.window - 1) :].copy()
        if len(joined) < self.window:
            return np.empty((0, joined.shape[1] * self.window), np.float32)
        return windows_of(joined, self.window)

    def watched(self, windows: NDArray[Any], monitor: DriftMonitor) -> tuple[DriftTest, ...]:
        """Returns the tests that windows complete; warns of drift."""
        apart = windows[-self.windows % self.window :: self.window]  # those that overlap no other one
        tests = monitor.update(features_of(self.model.detector_, apart)) if len(apart) else []
        for test in tests:
            if test.drifted:
                warnings.warn(
                    f"the series has drifted: feature {test.feature} of codes and score differs from the held-out data "
                    f"(corrected p = {test.p_value:.2g}); calibrate again, or train on newer data",
                    DriftWarning,
                    stacklevel=4,
                )
        return tuple(tests)

    def emitted(self, windows: NDArray[Any], tests: tuple[DriftTest, ...]) -> StreamScores:
        """Returns the scores that became final."""
        new = window_scores(self.model.detector_, windows) if len(windows) else np.empty(0)
        first = self.windows == 0
        self.windows += len(new)
        if self.model.align == "end":
            padding = np.full(self.window - 1 if first and len(new) else 0, new[0] if len(new) else 0.0)
            return self._result(np.concatenate([padding, new]), tests)
        before = self.windows - len(new) - len(self.recent)  # windows that are forgotten
        known = np.concatenate([self.recent, new])
        self.recent = known[max(0, len(known) - self.window + 1) :]
        lead = self.done - before  # scores ahead of the first step to come, at most window - 1
        if not len(new):
            return self._result(new, tests)
        scores = steps_of(known, self.window)[lead : len(known)]  # what follows lies in windows to come
        return self._result(scores, tests)

    def rest(self) -> Iterator[StreamScores]:
        """Yields the scores of the last steps."""
        if self.steps < self.window:
            raise ValueError(f"the stream ended after {self.steps} steps, before the first window of {self.window}")
        if self.model.align == "mean":
            left = self.steps - self.done
            yield self._result(steps_of(self.recent, self.window)[-left:])

    def _result(self, scores: Array, tests: tuple[DriftTest, ...] = ()) -> StreamScores:
        start, self.done = self.done, self.done + len(scores)
        return StreamScores(start, scores, scores < self.model.offset_, tests)
