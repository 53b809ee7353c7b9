"""Music in voices, step by step."""

from __future__ import annotations

__all__ = ["Note", "Score", "as_score", "joined"]

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.parts import is_integer, is_number

SILENCE, HIGHEST = -1, 127


@dataclass(frozen=True)
class Note:
    """One note of a score.

    Attributes:
        voice: its number, from 0, the highest voice.
        pitch: MIDI number.
        start: the step at which it begins.
        end: the step before which it ends.

    Example:
        >>> Note(voice=0, pitch=60, start=4, end=8)
        Note(voice=0, pitch=60, start=4, end=8)
    """

    voice: int
    pitch: int
    start: int
    end: int


@dataclass(frozen=True, eq=False)
class Score:
    """Voices that sound one note at a time, on a grid of steps.

    Attributes:
        pitches: (voices, steps) int16, MIDI numbers, -1 is silence; voice 0 is the highest.
        strikes: (voices, steps) bool, where a note begins; None where the data do not tell a repeated note from a held
            one, and then a note begins wherever the pitch changes.
        steps_per_beat: steps in a quarter note.
        tempo: quarter notes a minute.

    Raises:
        TypeError: for pitches that are no integers.
        ValueError: for other shapes, no step, pitches outside -1 to 127, strikes where nothing sounds.

    Example:
        >>> score = Score(np.array([[60, 60, 62, -1]]), steps_per_beat=2)
        >>> score
        Score(1 voice, 4 steps of 1/2 beat, 60..62)
        >>> score.notes()
        [Note(voice=0, pitch=60, start=0, end=2), Note(voice=0, pitch=62, start=2, end=3)]
    """

    pitches: NDArray[np.int16]
    strikes: NDArray[np.bool_] | None = None
    steps_per_beat: int = 4
    tempo: float = 90.0

    def __post_init__(self) -> None:
        pitches = np.asarray(self.pitches)
        if pitches.dtype.kind not in "iu":
            raise TypeError(f"pitches must be integers, MIDI numbers with -1 for silence; got dtype {pitches.dtype}")
        if pitches.ndim != 2 or 0 in pitches.shape:
            raise ValueError(f"pitches must be (voices, steps) with at least one of each; got shape {pitches.shape}")
        if pitches.min() < SILENCE or pitches.max() > HIGHEST:
            raise ValueError(
                f"pitches are MIDI numbers from 0 to 127, or -1 for silence; got {pitches.min()} to {pitches.max()}"
            )
        if not is_integer(self.steps_per_beat, low=1):
            raise ValueError(f"steps_per_beat must be an integer of at least 1; got {self.steps_per_beat!r}")
        if not is_number(self.tempo, low=1):
            raise ValueError(f"tempo must be at least 1 quarter note a minute; got {self.tempo!r}")
        object.__setattr__(self, "pitches", _frozen(pitches.astype(np.int16)))
        if self.strikes is not None:
            object.__setattr__(self, "strikes", _frozen(self._checked(np.asarray(self.strikes))))

    def _checked(self, strikes: NDArray[Any]) -> NDArray[np.bool_]:
        """Returns strikes where a pitch changes too, or raises ValueError."""
        if strikes.dtype != np.bool_ or strikes.shape != self.pitches.shape:
            raise ValueError(
                f"strikes must be booleans of the shape of pitches, {self.pitches.shape}; got {strikes.dtype} of shape "
                f"{strikes.shape}"
            )
        if (strikes & (self.pitches == SILENCE)).any():
            raise ValueError("strikes: a note cannot begin where the voice is silent")
        return strikes | changes(self.pitches)

    @property
    def voices(self) -> int:
        """The number of voices."""
        return int(self.pitches.shape[0])

    @property
    def steps(self) -> int:
        """The number of steps."""
        return int(self.pitches.shape[1])

    @property
    def seconds(self) -> float:
        """How long it takes."""
        return self.steps * self.seconds_per_step

    @property
    def seconds_per_step(self) -> float:
        """How long a step takes."""
        return 60.0 / (self.tempo * self.steps_per_beat)

    @property
    def starts(self) -> NDArray[np.bool_]:
        """Where notes begin (voices, steps): the strikes, or where the pitch changes."""
        return changes(self.pitches) if self.strikes is None else self.strikes

    def notes(self) -> list[Note]:
        """Returns all notes, voice by voice, in time."""
        return [note for voice in range(self.voices) for note in self._notes(voice)]

    def _notes(self, voice: int) -> Iterator[Note]:
        pitches = self.pitches[voice]
        edges = np.flatnonzero(self.starts[voice] | (np.diff(pitches, prepend=pitches[0]) != 0))
        for start, end in itertools.pairwise([*edges, self.steps]):
            if pitches[start] != SILENCE:
                yield Note(voice, int(pitches[start]), int(start), int(end))

    def transposed(self, semitones: int) -> Score:
        """Returns the score moved up by some semitones, or down.

        Args:
            semitones: negative is down.
        """
        return replace(self, pitches=np.where(self.pitches == SILENCE, SILENCE, self.pitches + semitones))

    def part(self, start: int, end: int) -> Score:
        """Returns the steps from `start` to before `end`; notes that sound there at first begin there.

        Args:
            start: the first step.
            end: the step after the last one.
        """
        if not 0 <= start < end <= self.steps:
            raise ValueError(f"a part of {self.steps} steps cannot go from {start} to {end}")
        strikes = None if self.strikes is None else self.strikes[:, start:end].copy()
        return replace(self, pitches=self.pitches[:, start:end], strikes=strikes)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Score):
            return NotImplemented
        settings = (self.steps_per_beat, self.tempo, self.strikes is None)
        if settings != (other.steps_per_beat, other.tempo, other.strikes is None):
            return False
        return np.array_equal(self.pitches, other.pitches) and np.array_equal(self.starts, other.starts)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        sounding = self.pitches[self.pitches >= 0]
        heard = f"{sounding.min()}..{sounding.max()}" if sounding.size else "silence"
        voices = f"{self.voices} voice{'s' if self.voices > 1 else ''}"
        return f"Score({voices}, {self.steps} steps of 1/{self.steps_per_beat} beat, {heard})"


def changes(pitches: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Returns where a voice (voices, steps) begins to sound another pitch than a step before."""
    before = np.pad(pitches[:, :-1], ((0, 0), (1, 0)), constant_values=SILENCE)
    return (pitches != before) & (pitches != SILENCE)


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    array = np.ascontiguousarray(array)
    array.flags.writeable = False
    return array


def as_score(music: Any) -> Score:
    """Returns a score as it is, and an array of integers (voices, steps) as a score.

    Args:
        music: either, or a list of lists.

    Raises:
        TypeError: for anything else, such as a path.

    Example:
        >>> as_score([[60, 62], [48, -1]]).pitches.tolist()
        [[60, 62], [48, -1]]
    """
    if isinstance(music, Score):
        return music
    if isinstance(music, (str, bytes)) or hasattr(music, "__fspath__"):
        raise TypeError(f"got the path {music!r} where a score was wanted; read_midi(path) reads one")
    if not isinstance(music, (np.ndarray, Iterable)):
        raise TypeError(f"a score is a Score or an array of MIDI numbers (voices, steps); got {type(music).__name__}")
    return Score(np.asarray(music))


def joined(scores: Sequence[Score], rest: int | None = None) -> Score:
    """Returns scores one after another as one, with the tempo of the first.

    Args:
        scores: at least one, with the same number of voices and steps in a beat.
        rest: steps of silence between two; None is a beat.

    Raises:
        ValueError: for none, or scores that differ in these.

    Example:
        >>> joined([Score(np.array([[60]])), Score(np.array([[62]]))], rest=1).pitches
        array([[60, -1, 62]], dtype=int16)
    """
    if not scores:
        raise ValueError("there are no scores to join")
    first = scores[0]
    if any((each.voices, each.steps_per_beat) != (first.voices, first.steps_per_beat) for each in scores):
        raise ValueError("scores that are joined need the same number of voices and of steps in a beat")
    silence = np.full((first.voices, first.steps_per_beat if rest is None else rest), SILENCE, np.int16)
    pitches = [part for each in scores for part in (silence, each.pitches)][1:]
    starts = [part for each in scores for part in (silence >= 0, each.starts)][1:]
    struck = any(each.strikes is not None for each in scores) or not silence.size
    return Score(
        np.concatenate(pitches, 1), np.concatenate(starts, 1) if struck else None, first.steps_per_beat, first.tempo
    )
