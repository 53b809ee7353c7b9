"""The report of pieces of music that a model wrote."""

from __future__ import annotations

__all__ = ["write_music_report"]

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from latente.audio.music import MusicMeasures, Score, as_score, measure_music, render
from latente.files import write_atomically
from latente.report.components import figure, section, table, tiles
from latente.report.html import Html, tag
from latente.report.page import page
from latente.report.players import LONGEST, player
from latente.report.plots import legend
from latente.report.rolls import BEATS, piano_roll
from latente.report.svg import INK, MUTED, SERIES, axes, plot
from latente.report.words import count, number, percent, plural

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN, PLAYED = 24, 12  # pieces that are drawn, and that can be heard
RATE = 11_025  # Hz, of the players
COPIES = 2  # pieces from which on neighbours can be compared


def write_music_report(
    path: str | Path,
    pieces: Mapping[str, Score],
    *,
    title: str = "Music",
    given: Mapping[str, Score] | None = None,
    training: MusicMeasures | None = None,
    way: bool = False,
    program: int = 19,
) -> Path:
    """Writes one self-contained HTML file: piano rolls, sound, and measures of pieces beside those of real music.

    At most 24 pieces are drawn, of each 64 beats, and 12 can be heard, of each 15 seconds: the page has at most 7 MB.

    Args:
        path: of the file.
        pieces: what was written, by name, at least one.
        title: of the page.
        given: real music that the pieces come from, by name.
        training: measures of the music that the model learned from; None leaves them out.
        way: whether the pieces lie on a way between the first and the last, whose steps are then compared.
        program: the General MIDI instrument, where fluidsynth is installed; see `render`.

    Raises:
        ValueError: for no piece.
        TypeError: for what is no score.
        ImportError: without the extra `midi`.

    Example:
        >>> import tempfile
        >>> piece = Score(np.array([[67, 67, 69, 71], [60, 60, 60, 55]]))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_music_report(f"{folder}/new.html", {"piece-1": piece}).name
        'new.html'
    """
    music = {name: as_score(piece) for name, piece in pieces.items()}
    real = {name: as_score(piece) for name, piece in (given or {}).items()}
    if not music:
        raise ValueError("there is no piece to report on")
    seconds = sum(piece.seconds for piece in music.values())
    voices = next(iter(music.values())).voices
    lead = f"{plural(len(music), 'piece')} in {plural(voices, 'voice')}, {number(seconds)} s of music."
    shown = dict(list(music.items())[:SHOWN])
    sections = [
        _summary(music, real, training),
        _rolls("Given", real, PLAYED // 2, program, "given") if real else None,
        _rolls("On the way" if way else "Pieces", shown, PLAYED - len(real), program, "pieces"),
        _left(len(music) - len(shown)),
        _way(music) if way and len(music) > COPIES else None,
        _measures(music, real, training),
    ]
    file = Path(path)
    write_atomically(file, page(title, lead, *sections).encode())
    return file


def _left(hidden: int) -> Html | None:
    return tag("p", f"{plural(hidden, 'piece')} more are not drawn.") if hidden > 0 else None


def _summary(music: Mapping[str, Score], real: Mapping[str, Score], training: MusicMeasures | None) -> Html:
    ours = measure_music(list(music.values()))
    theirs = measure_music(list(real.values())) if real else training
    who = "given" if real else "training music"
    beside = [f"{who}: {percent(value)}" for value in _values(theirs)] if theirs else ["", "", ""]
    names = ("chords", "in order", "changes")
    items = [(name, percent(value), text) for name, value, text in zip(names, _values(ours), beside, strict=True)]
    return section("Summary", tiles(items), tag("p", MEANING), id_="summary")


MEANING = (
    "Chords: the steps whose notes fit a triad or a seventh chord. In order: the steps at which no voice is above the "
    "one before it. Changes: the share of voices that move from one step to the next."
)


def _values(measures: MusicMeasures) -> tuple[float, float, float]:
    return measures.triadic, measures.ordered, measures.changing


def _rolls(title: str, music: Mapping[str, Score], players: int, program: int, id_: str) -> Html:
    """Each piece to see and, the first ones, to hear."""
    sounding = np.concatenate([piece.pitches[piece.pitches >= 0] for piece in music.values()])
    low, high = (int(sounding.min()), int(sounding.max())) if sounding.size else (59, 61)
    voices = max(piece.voices for piece in music.values())
    names = [f"voice {i + 1}" for i in range(min(voices, len(SERIES)))]
    cards = []
    for i, (name, piece) in enumerate(music.items()):
        heard = player(render(piece.part(0, _steps(piece)), RATE, program=program), RATE, name) if i < players else None
        roll = piano_roll(piece, (low, high), f"piano roll: {name}", f"{id_}{i}")
        long = piece.steps > BEATS * piece.steps_per_beat or piece.seconds > LONGEST
        note = f"{number(piece.seconds)} s" + (", the beginning" if long else "")
        cards.append(tag("div", tag("p", tag("strong", name), f" ({note})"), roll, heard))
    text = "Time goes to the right, in beats; pitch upwards; each bar is a note."
    return section(title, legend(names), figure(tag("div", *cards, class_="rolls"), text), id_=id_)


def _steps(piece: Score) -> int:
    """Returns the steps that a player holds."""
    return max(1, min(piece.steps, int(LONGEST / piece.seconds_per_step)))


def _way(music: Mapping[str, Score]) -> Html:
    """How much each step has in common with both ends and with the step before."""
    pitches = [piece.pitches for piece in music.values()]
    same = [[float((a == b).mean()) for b in pitches] for a in pitches]
    lines: dict[str, list[float | None]] = {
        "the first": [row[0] for row in same],
        "the last": [row[-1] for row in same],
        "the one before": [None, *(same[i][i - 1] for i in range(1, len(same)))],
    }

    def draw(fig: Figure) -> None:
        ax = axes(fig, xlabel="piece", ylabel="tokens in common, %")
        for i, values in enumerate(lines.values()):
            points = [(k + 1, 100 * v) for k, v in enumerate(values) if v is not None]
            ax.plot(
                *zip(*points, strict=True),
                color=(INK, SERIES[1], MUTED)[i],
                marker="o",
                ms=4,
                ls="-" if i < 2 else "--",
            )
        ax.set_ylim(0, 104)

    drawing = plot(draw, (4.6, 3.0), "what pieces have in common with the ends and the one before", "way")
    steps = [value for value in lines["the one before"] if value is not None]
    text = (
        "Black: in common with the first piece; orange: with the last; dashed: with the one before. A token is a voice "
        f"at a step. Of the ends themselves {percent(same[0][-1])} agree; of neighbours at least {percent(min(steps))}."
    )
    return section("The way", figure(drawing, text, beside=True), id_="way")


def _measures(music: Mapping[str, Score], real: Mapping[str, Score], training: MusicMeasures | None) -> Html:
    rows: list[list[str]] = []
    if training is not None:
        rows.append(["training music", "", *(percent(value) for value in _values(training))])
    for scores, kind in ((real, " (given)"), (music, "")):
        for name, piece in list(scores.items())[:100]:
            rows.append([name + kind, count(len(piece.notes())), *map(percent, _values(measure_music([piece])))])
    if len(music) > 1:
        rows.append(["all that was written", count(sum(len(piece.notes()) for piece in music.values())),
                     *map(percent, _values(measure_music(list(music.values()))))])  # fmt: skip
    real_rows = list(range(len(rows)))[: (training is not None) + len(real)]
    caption = "Real music stands out." if real_rows else ""
    head = ["piece", "notes", "chords", "in order", "changes"]
    return section("Measures", table(head, rows, caption=caption, emphasised=real_rows), id_="measures")
