"""Pictures of explanations."""

from __future__ import annotations

__all__ = ["draw", "draw_series"]

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from latente.anomaly.explanation import Explanation
    from latente.anomaly.series_explanation import SeriesExplanation

LONGEST = 24  # characters of a column's name
NAMED = 10  # channels in a legend, at most


def draw(explanation: Explanation, index: int, count: int) -> Figure:
    """Returns a figure of one sample's explanation; see `Explanation.figure`.

    Args:
        explanation: of samples.
        index: which one.
        count: bars at most, for a table.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.2), layout="constrained")
    {"table": _bars, "image": _maps, "signal": _steps}[explanation.kind](figure, explanation, index, count)
    return figure


def _bars(figure: Figure, explanation: Explanation, index: int, count: int) -> None:
    """Bars of contributions, each with the value and what was expected."""
    ranked = explanation.ranked(index, count)[::-1]
    figure.set_size_inches(8, 1.3 + 0.4 * len(ranked))
    ax = figure.add_subplot()
    ax.barh(range(len(ranked)), [item.contribution for item in ranked])
    labels = [f"{_short(item.feature)}\n{item.value:.4g}, expected {item.expected:.4g}" for item in ranked]
    ax.set_yticks(range(len(ranked)), labels, parse_math=False)
    ax.set_xlabel("probability to be the wrong value")
    ax.set_title(f"score {-explanation.scores[index]:.3g}")


def _short(name: str | int) -> str:
    text = str(name)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _maps(figure: Figure, explanation: Explanation, index: int, count: int) -> None:
    """The image, what was expected, and where they differ."""
    expected, difference = "reconstruction", "residual, in its usual scales"
    if explanation.surroundings:
        expected, difference = "as surroundings predict", "difference, absolute"
    pictures = {
        "image": (explanation.values[index].astype(float), "gray"),
        expected: (explanation.expected[index], "gray"),
        difference: (np.sqrt(np.maximum(explanation.contributions[index], 0)), "magma"),
    }
    for i, (title, (picture, colours)) in enumerate(pictures.items(), 1):
        ax = figure.add_subplot(1, 3, i)
        ax.imshow(_channel(picture, explanation.layout), cmap=colours)
        ax.set_title(title)
        ax.set_axis_off()


def _channel(picture: NDArray[Any], layout: str) -> NDArray[Any]:
    """Returns (height, width): the mean over channels; rows of flattened pictures become square where they can."""
    if picture.ndim == 1:
        side = round(picture.size**0.5)
        return picture.reshape(side, side) if side * side == picture.size else picture[None]
    return picture if picture.ndim == 2 else picture.mean(0 if layout == "nchw" else 2)


def _steps(figure: Figure, explanation: Explanation, index: int, count: int) -> None:
    """The signal's channels above what each step contributes."""
    signal = explanation.values[index]
    signal = signal.T if explanation.layout == "nct" else signal
    upper, lower = figure.subplots(2, 1, sharex=True)
    lines = upper.plot(np.asarray(signal, dtype=float))
    upper.set_ylabel("signal")
    if 1 < len(lines) <= NAMED:
        upper.legend(lines, [f"channel {i}" for i in range(len(lines))], loc="upper right", fontsize="small")
    lower.plot(explanation.per_step()[index])
    lower.set_ylabel("contribution")
    lower.set_xlabel("step")


def draw_series(explanation: SeriesExplanation, step: int, around: int, channels: int) -> Figure:
    """Returns a figure of a piece of a series; see `SeriesExplanation.figure`.

    Args:
        explanation: of the steps of one series.
        step: in the middle.
        around: steps on either side.
        channels: at most.
    """
    from matplotlib.figure import Figure

    shown = np.argsort(-explanation.contributions[step], kind="stable")[:channels]
    steps = np.arange(max(0, step - around), min(len(explanation.scores), step + around + 1))
    figure = Figure(figsize=(8, 1.5 * (len(shown) + 2)), layout="constrained")
    *upper, lower, last = figure.subplots(len(shown) + 2, 1, sharex=True)
    for ax, channel in zip(upper, shown, strict=True):
        name = _channel_name(explanation, channel)
        if explanation.values is not None:
            ax.plot(steps, explanation.values[steps, channel], color="black", lw=1, label="series")
        ax.plot(steps, explanation.expected[steps, channel], lw=1.2, label="expected")
        ax.set_ylabel(name, parse_math=False)
        lower.plot(steps, explanation.contributions[steps, channel], lw=1, label=name)
    upper[0].legend(loc="upper right", fontsize="small")
    lower.set_ylabel("contribution")
    last.plot(steps, explanation.scores[steps], color="black", lw=1)
    if explanation.offset is not None:
        last.axhline(explanation.offset, color="tab:red", ls="--", lw=1)
    last.set_ylabel("score")
    last.set_xlabel("step")
    return figure


def _channel_name(explanation: SeriesExplanation, channel: int) -> str:
    return f"channel {channel}" if explanation.names is None else _short(explanation.names[channel])
