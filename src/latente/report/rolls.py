"""Piano rolls as drawings of a page."""

from __future__ import annotations

__all__ = ["BEATS", "piano_roll"]

from typing import TYPE_CHECKING

from latente.audio.music import Note, Score
from latente.report.html import Html
from latente.report.svg import SERIES, axes, plot

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.patches import PathPatch

BEATS = 64  # that are drawn
NAMES = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")
HEIGHT, GAP = 0.78, 0.08  # of a note, in semitones; before the next one, in beats


def piano_roll(score: Score, pitches: tuple[int, int], alt: str, prefix: str) -> Html:
    """Returns a drawing: time in beats to the right, pitch upwards, a bar for each note, a colour for each voice.

    Args:
        score: of which at most 64 beats are drawn.
        pitches: the lowest and the highest MIDI number that the drawing has room for.
        alt: what is to be seen.
        prefix: for ids inside, unique in the page.

    Example:
        >>> import numpy as np
        >>> piano_roll(Score(np.array([[60, 60, 62, 64]])), (60, 64), "a roll", "r").startswith("<svg")
        True
    """
    shown = score.part(0, min(score.steps, BEATS * score.steps_per_beat))
    beats, (low, high) = shown.steps / shown.steps_per_beat, pitches

    def draw(figure: Figure) -> None:
        ax = axes(figure)
        notes = shown.notes()
        for voice in range(shown.voices):
            ax.add_patch(
                _bars([note for note in notes if note.voice == voice], shown.steps_per_beat, SERIES[voice % 12])
            )
        ticks = [pitch for pitch in range(low, high + 1) if pitch % 12 in (0, 7)]
        ax.set_yticks(ticks, [f"{NAMES[pitch % 12]}{pitch // 12 - 1}" for pitch in ticks])
        ax.set_xticks(range(0, int(beats) + 1, 4 if beats > 8 else 1))
        ax.set(xlim=(0, beats), ylim=(low - 1, high + 1))

    height = 1.0 + 0.035 * (high - low)
    return plot(draw, (5.2, min(height, 3.2)), alt, prefix)


def _bars(notes: list[Note], steps_per_beat: int, colour: str) -> PathPatch:
    """Returns all notes of a voice as one patch, which keeps the page small."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    points: list[tuple[float, float]] = []
    for note in notes:
        left, right = note.start / steps_per_beat, note.end / steps_per_beat - GAP
        bottom, top = note.pitch - HEIGHT / 2, note.pitch + HEIGHT / 2
        points += [(left, bottom), (right, bottom), (right, top), (left, top), (left, bottom)]
    codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY] * len(notes)
    return PathPatch(Path(points or [(0.0, -9.0)], codes or [Path.MOVETO]), facecolor=colour, linewidth=0)
