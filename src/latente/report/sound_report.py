"""The report of recordings that were taken apart, or freed of noise."""

from __future__ import annotations

__all__ = ["stretches_of", "write_sound_report"]

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latente.audio import resample
from latente.files import write_atomically
from latente.parts import is_integer
from latente.report.components import figure, paragraphs, picture, section, table, tiles
from latente.report.html import Html, tag
from latente.report.listening import Heard, Stretch, decibels
from latente.report.page import page
from latente.report.players import player, spectrogram
from latente.report.plots import legend
from latente.report.svg import SERIES, axes, plain, plot
from latente.report.words import count, joined, number, percent, plural

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PLAYERS = 24  # in a page, about
PLAYED = 16_000  # Hz at most, of what the page holds
POINTS = 300  # of a curve
SIZE = (128, 360)  # of a spectrogram, pixels
RANGE = 80  # dB that the curves show
LEAST = 1e-4  # the smallest share of the energy that is told as a number
WHOLE = "recording"


def stretches_of(recordings: int, parts: int, most: int = 3) -> list[int]:
    """Returns how many stretches of each recording a page has players for, so that its size is bounded.

    Args:
        recordings: in the page.
        parts: of each.
        most: stretches of one recording.

    Example:
        >>> stretches_of(1, 3), stretches_of(3, 3), stretches_of(10, 3)
        ([3], [2, 2, 2], [1, 1, 1, 1, 1, 1, 0, 0, 0, 0])
    """
    if not (is_integer(recordings, low=1) and is_integer(parts, low=1)):
        raise ValueError(f"a page needs at least one recording with one part; got {recordings!r} and {parts!r}")
    shown = max(1, PLAYERS // (1 + parts))
    each = min(most, max(1, shown // recordings))
    return [each if i < shown else 0 for i in range(recordings)]


def write_sound_report(
    path: str | Path, recordings: Mapping[str, Heard], *, title: str, notes: Mapping[str, Sequence[str]] | None = None
) -> Path:
    """Writes one self-contained HTML file: parts of recordings to hear and to see, their levels and energies.

    Players hold stretches of at most eight seconds, at 16 kHz and one channel at most; see `Listening`. The page of one
    recording has at most 24 players and less than 9 MB, however long it is.

    Args:
        path: of the file.
        recordings: by name, at least one; what was heard of each.
        title: of the page.
        notes: sentences about recordings, by name.

    Raises:
        ValueError: for no recording.
        ImportError: for recordings of more than 16 kHz, without the extra `audio`.

    Example:
        >>> import tempfile
        >>> from latente.report.listening import Listening
        >>> listening = Listening(("tone", "residual"), 8000)
        >>> tone = np.sin(np.arange(16000) / 5).astype(np.float32)
        >>> listening.add({"tone": tone, "residual": 0 * tone})
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_sound_report(f"{folder}/a.html", {"a.wav": listening.heard()}, title="Sound taken apart").name
        'a.html'
    """
    if not recordings:
        raise ValueError("there is no recording to report on")
    said, one = notes or {}, len(recordings) == 1
    names = next(iter(recordings.values())).names
    seconds = sum(heard.seconds for heard in recordings.values())
    lead = f"{plural(len(recordings), 'recording')}, {_duration(seconds)}: {joined(names)}."
    sections = [] if one else [_overview(recordings)]
    for i, (name, heard) in enumerate(recordings.items()):
        sections.append(_recording(name, heard, said.get(name, ()), f"r{i}"))
    file = Path(path)
    write_atomically(file, page(title, lead, *sections).encode())
    return file


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{number(seconds)} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _overview(recordings: Mapping[str, Heard]) -> Html:
    """Every recording in a row."""
    names = next(iter(recordings.values())).names
    rows = []
    for i, (name, heard) in enumerate(recordings.items()):
        shares = [_share(heard, k) for k in range(1, 1 + len(names))]
        rows.append([tag("a", name, href=f"#r{i}"), _duration(heard.seconds), *shares])
    head = [WHOLE, "duration", *(f"{name}, energy" for name in names)]
    return section("Recordings", table(head, rows, caption="Shares of the energy of all parts."), id_="recordings")


def _recording(name: str, heard: Heard, notes: Sequence[str], id_: str) -> Html:
    clipped = f"{plural(heard.clipped, 'sample')} of the recording lie at full scale in runs: it was cut off there."
    texts = [*notes, *([clipped] if heard.clipped else [])]
    loud = ("all channels" if heard.channels > 1 else "one channel") + f", {count(heard.sample_rate)} Hz"
    big = [
        (part, _share(heard, i), f"of the energy; {_level(heard.level(i))}") for i, part in enumerate(heard.names, 1)
    ]
    return section(
        name,
        tiles([("duration", _duration(heard.seconds), loud), *big]),
        paragraphs(*texts),
        _levels(heard),
        _curves(heard, id_),
        tag("p", _legend(heard) if heard.stretches else "Players are left out here, to keep the page small."),
        *(_stretch(stretch, heard, f"{id_}-{i}") for i, stretch in enumerate(heard.stretches)),
        id_=id_,
    )


def _legend(heard: Heard) -> str:
    rate = min(heard.sample_rate, PLAYED)
    changed = f", at {count(rate)} Hz" if rate < heard.sample_rate else ""
    mono = ", the mean of the channels" if heard.channels > 1 else ""
    return (
        f"Short stretches to hear and to see{changed}{mono}. In the spectrograms time goes to the right and frequency "
        f"from 0 to {number(rate / 2000)} kHz upwards; in a row equal colours are equal levels, over 60 dB."
    )


def _share(heard: Heard, part: int) -> str:
    share = heard.share(part)
    return percent(share) if share == 0 or share >= LEAST else f"under {percent(LEAST)}"


def _level(decibel: float) -> str:
    return f"{decibel:.1f} dB" if decibel > -119 else "silent"


def _levels(heard: Heard) -> Html:
    rows = [
        [part, _level(heard.level(i)), _level(heard.background(i)), _level(float(decibels(heard.peaks[i] ** 2))),
         _share(heard, i) if i else ""]
        for i, part in enumerate((WHOLE, *heard.names))
    ]  # fmt: skip
    caption = "Levels in dB of full scale. Quiet: what a tenth of the time stays below. Parts add up to the recording."
    return table(["", "level", "quiet", "peak", "share of the energy"], rows, caption=caption)


def _curves(heard: Heard, prefix: str) -> Html | None:
    """The levels over the whole time."""
    frames = heard.energies.shape[1]
    if frames < 2:
        return None
    starts = np.arange(0, frames, -(-frames // POINTS))
    sums = np.add.reduceat(heard.energies, starts, axis=1) / np.diff(np.append(starts, frames))
    minutes = heard.seconds > 180
    time = starts / frames * heard.seconds / (60 if minutes else 1)
    levels = np.maximum(decibels(sums), -RANGE)

    def draw(fig: Figure) -> None:
        ax = axes(fig, xlabel="minutes" if minutes else "seconds", ylabel="dB of full scale")
        for i, row in enumerate(levels[1:]):
            ax.plot(time, row, color=SERIES[i % 12], lw=1.4)
        ax.set_ylim(-RANGE, 3)
        ax.margins(x=0)

    shown = plot(draw, (8.0, 2.6), f"levels of {joined(heard.names)} over time", prefix)
    text = f"Levels over the whole recording, each point the mean of {number(heard.seconds / len(starts))} s."
    return figure(tag("div", legend([plain(name) for name in heard.names]), shown), text)


def _stretch(stretch: Stretch, heard: Heard, id_: str) -> Html:
    """The recording and its parts beside each other, to see and to hear."""
    rate = min(heard.sample_rate, PLAYED)
    sounds = resample(stretch.sounds, heard.sample_rate, rate)
    length = sounds.shape[1] / rate
    cards = [_card(sound, rate, name, sounds[0]) for sound, name in zip(sounds, (WHOLE, *heard.names), strict=True)]
    where = f"{_clock(stretch.start)} to {_clock(stretch.start + length)}"
    heading = f"{stretch.title[0].upper()}{stretch.title[1:]}: {where}"
    return section(heading, tag("div", *cards, class_="heard"), id_=id_, level=3)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)}:{rest:04.1f}"


def _card(sound: NDArray[np.float32], rate: int, name: str, whole: NDArray[np.float32]) -> Html:
    seen = picture(spectrogram(sound, rate, whole, SIZE), f"spectrogram: {name}")
    return tag("div", tag("strong", name), seen, player(sound, rate, name))
