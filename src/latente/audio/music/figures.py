"""Scores as pictures."""

from __future__ import annotations

__all__ = ["draw_piano_roll"]

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from latente.audio.music.score import Score, as_score

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#c0392b", "#e08e0b", "#2e8b57", "#1f5fa8", "#7d4fa0", "#555555", "#0f8b8d", "#a8326e")
NAMES = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")


def draw_piano_roll(scores: Any, titles: Sequence[str] | None = None) -> Figure:
    """Returns a figure: time to the right, pitch upwards, a bar for each note, a colour for each voice.

    Args:
        scores: a score, or a list of them, drawn below each other.
        titles: of each; None for none.

    Raises:
        ValueError: for no score at all, or another number of titles.

    Example:
        >>> import numpy as np
        >>> figure = draw_piano_roll(Score(np.array([[67, 67, 69, 69], [60, 60, 60, 60]])))
        >>> len(figure.axes[0].patches)  # three notes
        3
    """
    from matplotlib.figure import Figure

    several = [as_score(scores)] if isinstance(scores, Score) else [as_score(score) for score in scores]
    if not several:
        raise ValueError("there is no score to draw")
    if titles is not None and len(titles) != len(several):
        raise ValueError(f"{len(several)} scores need as many titles; got {len(titles)}")
    width = min(24.0, max(6.0, 0.07 * max(score.steps for score in several)))
    figure = Figure(figsize=(width, 0.6 + 2.2 * len(several)), layout="constrained")
    axes = figure.subplots(len(several), 1, squeeze=False)[:, 0]
    sounding = [int(p) for score in several for p in score.pitches[score.pitches >= 0]] or [60]
    for i, (axis, score) in enumerate(zip(axes, several, strict=True)):
        _draw(axis, score, min(sounding) - 1, max(sounding) + 1)
        if titles is not None:
            axis.set_title(titles[i], fontsize=9, loc="left")
    axes[-1].set_xlabel("beat")
    return figure


def _draw(axis: Axes, score: Score, low: int, high: int) -> None:
    """Draws one score."""
    for note in score.notes():
        start, length = note.start / score.steps_per_beat, (note.end - note.start) / score.steps_per_beat
        colour = COLOURS[note.voice % len(COLOURS)]
        axis.barh(note.pitch, length, left=start, height=0.85, color=colour, edgecolor="white", linewidth=0.6)
    ticks = [pitch for pitch in range(low, high + 1) if pitch % 12 in (0, 7)]
    axis.set_yticks(ticks, [f"{NAMES[pitch % 12]}{pitch // 12 - 1}" for pitch in ticks], fontsize=7)
    axis.set_ylim(low - 0.5, high + 0.5)
    axis.set_xlim(0, score.steps / score.steps_per_beat)
    axis.grid(True, axis="x", color="#dddddd", linewidth=0.5)
    axis.set_axisbelow(True)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
