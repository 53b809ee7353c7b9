"""The plots of a report."""

from __future__ import annotations

__all__ = ["curve_plot", "legend", "line_plot", "plain_log_ticks", "map_plot", "ridge_plot"]

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latente.report.html import Html, tag
from latente.report.labels import Labels
from latente.report.svg import INK, MUTED, SERIES, SURFACE, axes, plain, plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PHONE = (4.6, 3.0)
SPREAD = 12.0  # of the positive losses; a curve that falls further is drawn on a logarithmic scale
STYLES = ("-", "--", ":", "-.")


def curve_plot(
    curves: Mapping[str, Sequence[float | None]],
    ylabel: str,
    alt: str,
    prefix: str,
    xlabel: str = "epoch",
    named: bool = True,
) -> Html:
    """Returns curves over epochs or steps, on a logarithmic scale where they fall far.

    Args:
        curves: values by name, one for each step from 1; None where there is none.
        ylabel: what they measure, with its unit.
        alt: what is to be seen.
        prefix: for ids.
        xlabel: what a step is.
        named: whether the curves are named inside; they are named by colour and dashes.
    """

    def draw(figure: Figure) -> None:
        from matplotlib.ticker import MaxNLocator

        ax = axes(figure, xlabel=xlabel, ylabel=ylabel)
        values = [v for curve in curves.values() for v in curve if v is not None]
        if min(values) > 0 and max(values) > SPREAD * min(values):
            ax.set_yscale("log")
            plain_log_ticks(ax)
        for i, (name, curve) in enumerate(curves.items()):
            points = [(epoch, v) for epoch, v in enumerate(curve, 1) if v is not None]
            mark = "o" if len(points) < 3 else None
            ax.plot(*zip(*points, strict=True), color=SERIES[i], ls=STYLES[i % 4], lw=2, marker=mark, label=plain(name))
        ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        if named and len(curves) > 1:
            ax.legend(frameon=False, labelcolor=INK)

    return plot(draw, PHONE, alt, prefix)


def plain_log_ticks(ax: Axes, side: str = "y", subs: Sequence[float] = (1.0, 2.0, 5.0)) -> None:
    """Writes the ticks of a logarithmic axis as plain numbers; a page shows no formulas.

    Args:
        ax: whose axis.
        side: "x" or "y".
        subs: which multiples of powers of ten get a tick.
    """
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    axis = ax.yaxis if side == "y" else ax.xaxis
    axis.set_major_locator(LogLocator(subs=subs))
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.set_minor_formatter(NullFormatter())
    ax.tick_params(axis="y" if side == "y" else "x", which="minor", length=0)


def map_plot(points: NDArray[Any], labels: Labels | None, names: tuple[str, str], alt: str, prefix: str) -> Html:
    """Returns a map of codes, coloured by label, each label named where its points lie.

    Args:
        points: (n, 2).
        labels: of the points, at most twelve names; None for none.
        names: of the axes.
        alt: what is to be seen.
        prefix: for ids.
    """

    def draw(figure: Figure) -> None:
        ax = axes(figure, xlabel=names[0], ylabel=names[1])
        ax.spines["bottom"].set_visible(False)
        low, high = points.min(0), points.max(0)
        margin = 0.04 * np.maximum(high - low, 1e-9)
        ax.set(xlim=(low[0] - margin[0], high[0] + margin[0]), ylim=(low[1] - margin[1], high[1] + margin[1]))
        if labels is None:
            _dots(ax, points, SERIES[0])
            return
        for label in labels.present:
            _dots(ax, points[labels.index == label], SERIES[label])
        _name_clouds(ax, points, labels)

    return plot(draw, (4.6, 4.2), alt, prefix)


def _dots(ax: Axes, points: NDArray[Any], colour: str) -> None:
    """Draws points as one path of strokes without length and with round ends, which keeps the page small."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    codes = np.tile([Path.MOVETO, Path.LINETO], len(points))
    path = Path(np.repeat(points, 2, axis=0), codes)
    ax.add_patch(PathPatch(path, fill=False, edgecolor=colour, linewidth=3.2, alpha=0.75, capstyle="round"))


def _name_clouds(ax: Axes, points: NDArray[Any], labels: Labels) -> None:
    """Writes each label's name at the median of its points, moved apart where names would overlap."""
    low, size = points.min(0), np.maximum(np.ptp(points, axis=0), 1e-9)
    centres = np.array([np.median(points[labels.index == label], axis=0) for label in labels.present])
    names = [plain(labels.names[label]) for label in labels.present]
    places = apart((centres - low) / size, np.array([0.022 * len(name) + 0.02 for name in names]), 0.065)
    for (x, y), label, name in zip(low + places * size, labels.present, names, strict=True):
        box = {"facecolor": SURFACE, "alpha": 0.82, "edgecolor": SERIES[label], "boxstyle": "round,pad=0.2"}
        ax.text(x, y, name, color=INK, ha="center", va="center", fontsize=9, bbox=box, clip_on=False)


def apart(places: NDArray[np.float64], widths: NDArray[np.float64], height: float) -> NDArray[np.float64]:
    """Moves boxes up and down until none overlaps.

    Args:
        places: (n, 2) centres in [0, 1].
        widths: (n,).
        height: of all boxes.

    Example:
        >>> apart(np.array([[0.5, 0.5], [0.5, 0.52]]), np.array([0.2, 0.2]), 0.1).round(2).tolist()
        [[0.5, 0.46], [0.5, 0.56]]
    """
    places = places.copy()
    for _ in range(200):
        moved = False
        for i in range(len(places)):
            for j in range(i):
                dx, dy = np.abs(places[i] - places[j])
                if dx < (widths[i] + widths[j]) / 2 and dy < height - 1e-9:
                    step = (height - dy) / 2 * (1 if places[i, 1] >= places[j, 1] else -1)
                    places[i, 1] += step
                    places[j, 1] -= step
                    moved = True
        if not moved:
            break
    return places


def legend(names: Sequence[str], series: Sequence[int] | None = None) -> Html:
    """Returns names with their colours.

    Args:
        names: of the series.
        series: indices of their colours; None for 0, 1, 2, ...
    """
    colours = range(len(names)) if series is None else series
    items = [tag("li", tag("i", style=f"background:var(--c{i})"), name) for i, name in zip(colours, names, strict=True)]
    return tag("ul", *items, class_="legend")


def line_plot(lines: Mapping[str, NDArray[Any]], alt: str, prefix: str) -> Html:
    """Returns signals over each other.

    Args:
        lines: (time,) or (channels, time) by name; the first is drawn in ink. At most three channels are shown.
        alt: what is to be seen.
        prefix: for ids.
    """

    def draw(figure: Figure) -> None:
        ax = axes(figure)
        for i, values in enumerate(lines.values()):
            colour = INK if i == 0 else SERIES[i - 1]
            for channel, row in enumerate(np.atleast_2d(values)[:3]):
                ax.plot(row, color=colour, lw=1.6 if i else 1.2, ls=STYLES[channel % 4])
        ax.margins(x=0.01)

    return plot(draw, (3.6, 1.9), alt, prefix)


def ridge_plot(steps: NDArray[Any], alt: str, prefix: str) -> Html:
    """Returns signals one below the other, from the first step at the top to the last.

    Args:
        steps: (steps, time).
        alt: what is to be seen.
        prefix: for ids.
    """

    def draw(figure: Figure) -> None:
        ax = axes(figure, xlabel="time")
        offset = 0.8 * max(float(np.ptp(steps)), 1e-9)
        for i, row in enumerate(steps):
            ends = i in (0, len(steps) - 1)
            ax.plot(row - offset * i, color=INK if ends else SERIES[0], lw=1.6)
        ax.set_yticks([-offset * i for i in range(len(steps))], [f"{i}/{len(steps) - 1}" for i in range(len(steps))])
        ax.tick_params(axis="y", labelcolor=MUTED)

    return plot(draw, (4.6, 3.6), alt, prefix)
