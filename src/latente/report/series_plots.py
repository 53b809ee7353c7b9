"""The plots of a report on a series."""

from __future__ import annotations

__all__ = ["overview_plot", "stretch_plot"]

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latente.anomaly import Alarm, SeriesExplanation
from latente.report.html import Html
from latente.report.svg import GRID, INK, SERIES, axes, plain, plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
POINTS = 600  # of a curve; of more steps the lowest and the highest of each piece are drawn
TICKS, FEW_TICKS = 3, 2  # time stamps are long


def thinned(values: Array, points: int = POINTS) -> tuple[NDArray[np.int64], Array]:
    """Returns steps and their values: all, or the lowest and the highest of each of so many pieces.

    Args:
        values: (n,); NaN is left out.
        points: pieces at most.

    Example:
        >>> thinned(np.array([0.0, 5.0, 1.0, -2.0, 3.0, 3.0]), points=2)
        (array([0, 1, 3, 4]), array([ 0.,  5., -2.,  3.]))
    """
    if len(values) <= 2 * points:
        steps = np.arange(len(values))
        return steps, values
    edges = np.linspace(0, len(values), points + 1).astype(int)
    found: set[int] = set()
    for a, b in pairwise(edges):
        piece = values[a:b]
        if np.isfinite(piece).any():
            found |= {int(a + np.nanargmin(piece)), int(a + np.nanargmax(piece))}
    steps = np.array(sorted(found), dtype=np.int64)
    return steps, values[steps]


def overview_plot(
    values: Array, scores: Array, threshold: float, flags: NDArray[np.bool_], names: Sequence[str], label: str
) -> Html:
    """Returns a series above its scores, flagged steps coloured.

    Args:
        values: (n,) of one channel.
        scores: (n,), higher for anomalies; NaN where there is none.
        threshold: above which steps are flagged; infinite where none is.
        flags: (n,).
        names: (n,) of the steps.
        label: of the channel.
    """

    def draw(fig: Figure) -> None:
        upper, lower = axes(fig, 2, 1, 1, ylabel=plain(label)), axes(fig, 2, 1, 2, ylabel="score")
        for ax, curve in ((upper, values), (lower, scores)):
            steps, own = thinned(curve)
            ax.plot(steps, own, color=INK, lw=0.9)
            ax.plot(steps, np.where(flags[steps], own, np.nan), color=SERIES[1], lw=1.4, marker=".", ms=2.5)
            ax.set_xlim(0, max(1, len(curve) - 1))
        if np.isfinite(threshold):
            lower.axhline(threshold, color=SERIES[0], lw=1.5, ls="--")
        _name_steps(upper, names, 0, len(names), TICKS, shown=False)
        _name_steps(lower, names, 0, len(names), TICKS)

    return plot(draw, (7.0, 3.6), "the series and its scores over time, with the threshold", "time")


def stretch_plot(
    found: SeriesExplanation,
    start: int,
    stretch: Alarm,
    names: Sequence[str],
    channels: NDArray[np.int64],
    prefix: str,
) -> Html:
    """Returns a stretch and the steps around it: the series beside what was expected.

    Args:
        found: of the steps from `start` on.
        start: the first step.
        stretch: that is shaded.
        names: (n,) of all steps of the series.
        channels: that are drawn, one above the other.
        prefix: for ids.
    """
    steps = start + np.arange(len(found.scores))

    def draw(fig: Figure) -> None:
        for i, channel in enumerate(channels, 1):
            name = "series" if found.names is None else found.names[channel]
            ax = axes(fig, len(channels), 1, i, ylabel=plain(name))
            ax.axvspan(stretch.start - 0.5, stretch.end - 0.5, color=GRID)
            if found.values is not None:
                ax.plot(steps, found.values[:, channel], color=INK, lw=1.2)
            ax.plot(steps, found.expected[:, channel], color=SERIES[0], lw=1.6)
            ax.set_xlim(steps[0], max(steps[-1], steps[0] + 1))
            _name_steps(ax, names, start, start + len(steps), FEW_TICKS, shown=i == len(channels))

    what = f"the series from {names[steps[0]]} to {names[steps[-1]]} and what was expected"
    return plot(draw, (5.6, 0.8 + 1.4 * len(channels)), what, prefix)


def _name_steps(ax: Axes, names: Sequence[str], start: int, end: int, ticks: int, *, shown: bool = True) -> None:
    """Writes the names of some steps below an axis."""
    places = np.linspace(start, end - 1, ticks + 2)[1:-1].round().astype(int)
    ax.set_xticks(places, [plain(names[i]) for i in places] if shown else [""] * ticks)
