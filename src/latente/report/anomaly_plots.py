"""What reports of detectors show whatever they judge: the scores with the threshold, and how far the rates hold."""

from __future__ import annotations

__all__ = ["calibration_plot", "score_histogram"]

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latente.report.components import figure, section
from latente.report.html import Html
from latente.report.plots import plain_log_ticks
from latente.report.svg import INK, MUTED, SERIES, axes, plot
from latente.report.words import percent, plural

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
BINS = 60
LINEAR = 10  # counts up to here have an axis in proportion


def score_histogram(scores: Array, threshold: float, noun: str) -> Html:
    """Returns the section with the histogram of scores.

    Args:
        scores: (n,), higher for anomalies.
        threshold: above which they are flagged; infinite where none is.
        noun: what is scored, e.g. "sample".
    """
    finite = scores[np.isfinite(scores)]
    low, high = float(finite.min()), float(np.quantile(finite, 0.999))
    high = max(high, threshold * 1.05 if np.isfinite(threshold) else high, low + 1e-9)
    edges = np.linspace(low, high, BINS + 1).tolist()

    def draw(fig: Figure) -> None:
        from matplotlib.ticker import FixedLocator, StrMethodFormatter

        ax = axes(fig, xlabel="score (higher is more anomalous)", ylabel=f"{noun}s")
        ax.hist(np.clip(scores, low, high), bins=edges, color=SERIES[0])
        if np.isfinite(threshold):
            ax.axvline(threshold, color=INK, lw=1.5, ls="--")
        ax.set_yscale("symlog", linthresh=LINEAR)
        ax.yaxis.set_major_locator(FixedLocator(_count_ticks(ax.get_ylim()[1])))
        ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))

    beyond = int((scores > high).sum())
    last = f" The last bar also holds {plural(beyond, noun)} beyond it." if beyond else ""
    drawing = plot(draw, (4.6, 3.0), "histogram of the scores with the threshold", "scores")
    line = (
        "The dashed line is the threshold."
        if np.isfinite(threshold)
        else "Nothing is flagged, so there is no threshold."
    )
    return section("Scores", figure(drawing, f"{line}{last}"), id_="scores")


def _count_ticks(most: float) -> list[float]:
    """Returns ticks of an axis of counts up to `most` that is linear up to 10 and logarithmic beyond."""
    powers = (LINEAR * 10.0**i for i in range(1 + int(np.log10(max(most, LINEAR) / LINEAR))))
    return [0.0, 5.0, *(step * power for power in powers for step in (1, 3) if step * power <= most)]


def calibration_plot(p_values: Array, smallest: float, rate: float, noun: str) -> Html:
    """Returns the section with the fraction of p-values that are at most a, against a: normal ones are on the diagonal.

    Args:
        p_values: (n,).
        smallest: that is drawn.
        rate: at which the fraction is said in words.
        noun: what has p-values, e.g. "sample".
    """
    levels = np.geomspace(smallest, 1.0, 80)
    reached = np.searchsorted(np.sort(p_values), levels, side="right") / len(p_values)

    def draw(fig: Figure) -> None:
        ax = axes(fig, xlabel="p-value at most", ylabel=f"fraction of these {noun}s")
        ax.plot(levels, levels, color=MUTED, lw=1.2, ls="--")
        ax.plot(levels, np.maximum(reached, 1e-9), color=SERIES[0], lw=2)
        ax.set(xscale="log", yscale="log", ylim=(max(levels[0] / 3, 1e-6), 1.5))
        for side in "xy":
            plain_log_ticks(ax, side, subs=(1.0,))

    found = float((p_values <= rate).mean())
    drawing = plot(draw, (4.6, 3.4), "distribution of the p-values against the diagonal", "calibration")
    return section(
        "Calibration",
        figure(
            drawing,
            f"Normal {noun}s would lie on the dashed diagonal; above it at small p-values there are anomalies, or the "
            "data has drifted away from the training data.",
            f"{percent(found)} of these {noun}s have a p-value of at most {percent(rate)}.",
        ),
        id_="calibration",
    )
