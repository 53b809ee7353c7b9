"""Why the steps of a series score as they do."""

from __future__ import annotations

__all__ = ["SeriesExplanation", "explained"]

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latente.anomaly.series_parts import autoencoder_of
from latente.anomaly.windows import Array, windows_of
from latente.parts import is_integer

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from latente.anomaly.series_fitted import FittedSeries

ROWS = 4096  # windows that are reconstructed at once


@dataclass(frozen=True)
class SeriesExplanation:
    """What a detector expected at each step, and how far each channel is from it.

    Attributes:
        scores: (n,) of the steps, higher for more normal ones.
        expected: (n, channels) mean of the reconstructions of the windows that contain the step, in the data's units.
        contributions: (n, channels) mean squared residual of those windows, each channel in units of its variance.
        values: (n, channels) of the series, or None.
        offset: steps that score below it are called anomalous, or None.
        names: of the channels, or None.

    Example:
        >>> contributions = np.array([[0.1, 0.2], [5.0, 0.3]])
        >>> SeriesExplanation(np.array([-0.3, -5.3]), np.zeros((2, 2)), contributions).top(1)  # step, channel
        [(1, 0)]
    """

    scores: Array
    expected: Array
    contributions: Array
    values: Array | None = None
    offset: float | None = None
    names: tuple[str, ...] | None = None

    def figure(self, step: int | None = None, *, around: int = 300, channels: int = 3) -> Figure:
        """Returns a matplotlib figure of the steps around one: series beside what was expected, contributions, scores.

        Args:
            step: in the middle; None is the worst one.
            around: steps on either side, at least 1.
            channels: the most that are shown, those first that contribute most at the step.

        Raises:
            ValueError: for a step that is not in the series, or numbers below 1.
        """
        from latente.anomaly.figures import draw_series

        middle = int(self.scores.argmin()) if step is None else step
        if not is_integer(middle, low=0) or middle >= len(self.scores):
            raise ValueError(f"step must be an integer from 0 to {len(self.scores) - 1}; got {step!r}")
        if not is_integer(around, low=1) or not is_integer(channels, low=1):
            raise ValueError(f"around and channels must be integers of at least 1; got {around!r} and {channels!r}")
        return draw_series(self, middle, around, channels)

    def top(self, k: int = 5) -> list[tuple[int, int]]:
        """Returns (step, channel) of the k most anomalous steps, each with the channel that contributes most."""
        steps = np.argsort(self.scores, kind="stable")[:k]
        return [(int(step), int(self.contributions[step].argmax())) for step in steps]


def explained(model: FittedSeries, series: NDArray[Any]) -> SeriesExplanation:
    """Returns the explanation of one series (n, channels).

    Raises:
        TypeError: for a detector of windows that cannot reconstruct them.
    """
    inner = autoencoder_of(model.detector_)
    if not hasattr(inner, "reconstruct"):
        raise TypeError(f"{type(model.detector_).__name__} does not reconstruct, so it cannot say what it expected")
    scaled = model._scaled(series)
    windows, channels = windows_of(scaled, model.window_), series.shape[1]
    total, squares = np.zeros(series.shape), np.zeros(series.shape)
    for start in range(0, len(windows), ROWS):
        rows = windows[start : start + ROWS]
        rebuilt = np.asarray(inner.reconstruct(rows), dtype=np.float64).reshape(len(rows), model.window_, channels)
        for i in range(model.window_):  # step i of every window
            part = slice(start + i, start + i + len(rows))
            total[part] += rebuilt[:, i]
            squares[part] += np.square(rebuilt[:, i] - scaled[part])
    steps = np.arange(len(series))
    count = np.minimum.reduce([steps + 1, steps[::-1] + 1, np.full(len(steps), min(model.window_, len(windows)))])[
        :, None
    ]
    expected = total / count * model._spread + model._mean
    names = tuple(map(str, model.feature_names_in_)) if hasattr(model, "feature_names_in_") else None
    scores = model.score_samples(series)
    return SeriesExplanation(scores, expected, squares / count, series, model.offset_, names)
