"""MIDI files read into scores, and scores written."""

from __future__ import annotations

__all__ = ["MidiError", "MidiFolder", "MidiReading", "as_midi", "read_midi", "read_midi_folder", "write_midi"]

import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from latente.audio.collecting import files_in, warn_left_out
from latente.audio.music.grid import Quantised, quantise
from latente.audio.music.libraries import pretty_midi
from latente.audio.music.score import Score
from latente.audio.music.voices import MOST_VOICES, Extracted, extract_voices, usual_voices
from latente.files import replacing
from latente.parts import is_integer

SUFFIXES = (".mid", ".midi")
TICKS = 480  # of a quarter note, in files that are written
LONGEST = 100_000  # steps; more is a damaged file
VELOCITY = 80


class MidiError(ValueError):
    """Raised for a file that is no MIDI file, is damaged, or holds no notes.

    Example:
        >>> raise MidiError("song.mid holds no notes")
        Traceback (most recent call last):
        latente.audio.music.midi.MidiError: song.mid holds no notes
    """


@dataclass(frozen=True)
class MidiReading:
    """A file as a score, and what of it is not there.

    Attributes:
        path: of the file.
        score: its music.
        way: how voices were found: "tracks" or "skyline".
        notes: in the file.
        percussion: notes of drums, left out.
        dropped: notes that found no voice.
        shortened: notes of which a part is left.
        off_grid: the share of notes that begin more than a quarter of a step beside the grid.

    Example:
        >>> score = Score(np.array([[60, 62]]))
        >>> MidiReading("a.mid", score, "tracks", 3, percussion=1, dropped=0, shortened=0, off_grid=0.0).describe()
        'a.mid: 1 voice, 2 steps (tracks); of 3 notes 1 of drums left out'
    """

    path: str
    score: Score
    way: str
    notes: int
    percussion: int
    dropped: int
    shortened: int
    off_grid: float

    def describe(self) -> str:
        """Returns this in one line."""
        voices = f"{self.score.voices} voice{'s' if self.score.voices > 1 else ''}"
        losses = [(self.percussion, "of drums left out"), (self.dropped, "dropped"), (self.shortened, "shortened")]
        said = ", ".join(f"{count} {what}" for count, what in losses if count)
        grid = f"; {self.off_grid:.0%} begin beside the grid" if self.off_grid > 0.05 else ""
        lost = f"; of {self.notes} notes {said}" if said else f"; all {self.notes} notes"
        return f"{self.path}: {voices}, {self.score.steps} steps ({self.way}){lost}{grid}"


@dataclass(frozen=True)
class MidiFolder:
    """The files of a folder.

    Attributes:
        readings: of files that could be read.
        skipped: path and reason of those that could not.

    Example:
        >>> MidiFolder((), (("a.mid", "a.mid holds no notes"),)).scores
        []
    """

    readings: tuple[MidiReading, ...]
    skipped: tuple[tuple[str, str], ...]

    @property
    def scores(self) -> list[Score]:
        """The scores, in the order of the files' names."""
        return [reading.score for reading in self.readings]


def read_midi(path: str | os.PathLike[str], *, voices: int | None = None, steps_per_beat: int = 4) -> MidiReading:
    """Returns a MIDI file as a score.

    Notes move to the nearest steps of a grid that follows the file's tempo. As many tracks as voices, none of which
    sounds two notes at once, are the voices; otherwise the voices are drawn from all notes together (the highest, the
    lowest, and what moves least between them). Drums are left out. The result says what was lost.

    Args:
        path: of the file.
        voices: how many; None takes the tracks where each is a voice, else as many as sound together, at most 4.
        steps_per_beat: steps in a quarter note.

    Raises:
        FileNotFoundError: when there is no such file.
        MidiError: for a file that is no MIDI file, is damaged, or holds no notes.
        ImportError: without the extra `midi`.

    Example:
        >>> import tempfile
        >>> score = Score(np.array([[67, 67, 69, 69], [60, 60, 60, 60]]))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     reading = read_midi(write_midi(score, Path(folder) / "two.mid"))
        >>> reading.score.pitches.tolist(), reading.way, reading.dropped
        ([[67, 67, 69, 69], [60, 60, 60, 60]], 'tracks', 0)
    """
    _check(voices, steps_per_beat)
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; read_midi_folder reads one")
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    found = quantise(_opened(path), steps_per_beat)
    if not found.notes:
        drums = f", but for {found.percussion} of drums, which have no pitch" if found.percussion else ""
        raise MidiError(f"{path} holds no notes{drums}")
    if max(note.end for note in found.notes) > LONGEST:
        raise MidiError(f"{path} is longer than {LONGEST:,} steps; it is damaged, or the grid is too fine")
    count = usual_voices(found.notes) if voices is None else int(voices)
    return _reading(path, found, extract_voices(found.notes, count), steps_per_beat)


def _reading(path: Path, found: Quantised, extracted: Extracted, steps_per_beat: int) -> MidiReading:
    return MidiReading(
        path=str(path),
        score=Score(extracted.pitches, extracted.strikes, steps_per_beat, found.tempo),
        way=extracted.way,
        notes=len(found.notes) + found.percussion,
        percussion=found.percussion,
        dropped=extracted.dropped,
        shortened=extracted.shortened,
        off_grid=found.off_grid,
    )


def _check(voices: int | None, steps_per_beat: int) -> None:
    if voices is not None and not is_integer(voices, 1, MOST_VOICES):
        raise ValueError(f"voices must be None or an integer from 1 to {MOST_VOICES}; got {voices!r}")
    if not is_integer(steps_per_beat, 1, 48):
        raise ValueError(f"steps_per_beat must be an integer from 1 to 48; got {steps_per_beat!r}")


def _opened(path: Path) -> Any:
    """Returns the file as pretty_midi has it, or raises MidiError."""
    library = pretty_midi()
    with open(path, "rb") as file:
        if file.read(4) != b"MThd":
            raise MidiError(f"{path} is no MIDI file: it does not begin with MThd")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # tempo events on other tracks than the first are read all the same
            return library.PrettyMIDI(str(path))
    except OSError as error:
        raise MidiError(f"{path} is a damaged MIDI file: {error or 'it ends too early'}") from error
    except Exception as error:  # whatever the parser trips over in a damaged file
        raise MidiError(f"{path} is a damaged MIDI file: {type(error).__name__} {error}") from error


def read_midi_folder(
    folder: str | os.PathLike[str],
    *,
    voices: int | None = None,
    steps_per_beat: int = 4,
    say: Callable[[str], None] | None = None,
) -> MidiFolder:
    """Returns all MIDI files of a folder and of those inside it; files that cannot be read are skipped, and named.

    Args:
        folder: its path.
        voices: of every score; None: the number that most files have by themselves.
        steps_per_beat: steps in a quarter note.
        say: called with a line about each file that was read.

    Raises:
        FileNotFoundError: when there is no such folder.
        MidiError: when no file can be read, with the reasons.

    Warns:
        LeftOutWarning: when some cannot.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = write_midi(Score(np.array([[60, 62]])), Path(folder) / "good.mid")
        ...     found = read_midi_folder(folder)
        >>> len(found.scores), len(found.skipped)
        (1, 0)
    """
    _check(voices, steps_per_beat)
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}")
    files = files_in(folder, SUFFIXES)
    if not files:
        raise MidiError(f"{folder} holds no MIDI file ({', '.join(SUFFIXES)})")
    readings, skipped = _read_all(files, voices, steps_per_beat)
    if readings and voices is None:
        counts = np.bincount([reading.score.voices for reading in readings])
        usual = int(counts.argmax())
        others = [i for i, reading in enumerate(readings) if reading.score.voices != usual]
        for i in others:
            readings[i] = read_midi(readings[i].path, voices=usual, steps_per_beat=steps_per_beat)
    if say is not None:
        for reading in readings:
            say(reading.describe())
    reasons = [reason for _, reason in skipped]
    warn_left_out(str(folder), reasons, len(files), what="MIDI files", error=MidiError)
    return MidiFolder(tuple(readings), tuple(skipped))


def _read_all(
    files: list[Path], voices: int | None, steps_per_beat: int
) -> tuple[list[MidiReading], list[tuple[str, str]]]:
    """Returns what could be read, and path and reason of what could not."""
    readings, skipped = [], []
    for path in files:
        try:
            readings.append(read_midi(path, voices=voices, steps_per_beat=steps_per_beat))
        except (MidiError, OSError) as error:
            skipped.append((str(path), str(error)))
    return readings, skipped


def as_midi(score: Score, program: int = 0) -> Any:
    """Returns a score as a pretty_midi.PrettyMIDI, a track for each voice.

    Args:
        score: the music.
        program: the General MIDI instrument, from 0 (piano) to 127; 19 is a church organ, 52 a choir.

    Raises:
        ImportError: without the extra `midi`.

    Example:
        >>> [track.name for track in as_midi(Score(np.array([[60, 62], [48, 48]]))).instruments]
        ['voice 1', 'voice 2']
    """
    library = pretty_midi()
    if not is_integer(program, 0, 127):
        raise ValueError(f"program must be an integer from 0 to 127; got {program!r}")
    midi = library.PrettyMIDI(resolution=TICKS, initial_tempo=score.tempo)
    midi.instruments = [library.Instrument(program, name=f"voice {v + 1}") for v in range(score.voices)]
    step = score.seconds_per_step
    for note in score.notes():
        sounding = library.Note(VELOCITY, note.pitch, note.start * step, note.end * step)
        midi.instruments[note.voice].notes.append(sounding)
    return midi


def write_midi(score: Score, path: str | os.PathLike[str], *, program: int = 0) -> Path:
    """Writes a score as a MIDI file, a track for each voice, and returns its path; all of it or nothing.

    Args:
        score: the music.
        path: of the file.
        program: the General MIDI instrument of all voices, from 0 (piano) to 127.

    Raises:
        OSError: when it cannot be written.
        ImportError: without the extra `midi`.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_midi(Score(np.array([[60, 62]])), Path(folder) / "a.mid").read_bytes()[:4]
        b'MThd'
    """
    midi, path = as_midi(score, program), Path(path)
    with replacing(path) as file:
        midi.write(file)
    return path
