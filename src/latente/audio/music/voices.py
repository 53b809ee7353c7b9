"""Notes on a grid become voices that sound one note at a time."""

from __future__ import annotations

__all__ = ["Extracted", "extract_voices", "usual_voices"]

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latente.audio.music.grid import GridNote

OVERLAP = 0.05  # of a track's sounding steps, up to which the track is a voice
MOST_VOICES = 8
SKYLINE = 4  # voices, where tracks say nothing and nobody says more
LEAP = 60.0  # semitones: what a voice that was silent so far counts as


@dataclass(frozen=True)
class Extracted:
    """Voices, and what did not fit into them.

    Attributes:
        pitches: (voices, steps), voice 0 is the highest.
        strikes: (voices, steps), where a note begins.
        way: "tracks", a voice is a track; or "skyline", the highest and the lowest of what sounds, and what moves
            least between them.
        dropped: notes that are nowhere in the voices.
        shortened: notes of which a part is.
    """

    pitches: NDArray[np.int16]
    strikes: NDArray[np.bool_]
    way: str
    dropped: int
    shortened: int


def usual_voices(notes: Sequence[GridNote]) -> int:
    """Returns how many voices notes have: a voice for each track if no track sounds two notes at once, else at most 4.

    Args:
        notes: at least one.
    """
    tracks = _tracks(notes)
    if 1 < len(tracks) <= MOST_VOICES and all(map(_single, tracks)):
        return len(tracks)
    return min(SKYLINE, int(_sounding(notes).max()))


def extract_voices(notes: Sequence[GridNote], voices: int) -> Extracted:
    """Returns the voices of notes.

    Where there are as many tracks as voices and none sounds two notes at once, each is a voice, the highest first.
    Otherwise all notes are looked at together, step by step.

    Args:
        notes: at least one.
        voices: how many.
    """
    tracks = _tracks(notes)
    if len(tracks) == voices and all(map(_single, tracks)):
        tracks.sort(key=lambda track: -float(np.mean([note.pitch for note in track])))
        steps = max(note.end for note in notes)
        owners = np.full((voices, steps), -1)
        index = {id(note): i for i, note in enumerate(notes)}
        for voice, track in enumerate(tracks):
            for note in track:  # a later note cuts an earlier one short
                owners[voice, note.start : note.end] = index[id(note)]
        return _extracted(notes, owners, "tracks")
    return _extracted(notes, _skyline(notes, voices), "skyline")


def _tracks(notes: Sequence[GridNote]) -> list[list[GridNote]]:
    numbers = sorted({note.track for note in notes})
    return [[note for note in notes if note.track == number] for number in numbers]


def _sounding(notes: Sequence[GridNote]) -> NDArray[np.int64]:
    """Returns how many pitches sound at each step."""
    grid = np.zeros((128, max(note.end for note in notes)), bool)
    for note in notes:
        grid[note.pitch, note.start : note.end] = True
    return grid.sum(0)


def _single(track: Sequence[GridNote]) -> bool:
    sounding = _sounding(track)
    return bool((sounding > 1).sum() <= OVERLAP * (sounding > 0).sum())


def _skyline(notes: Sequence[GridNote], voices: int) -> NDArray[np.int64]:
    """Returns which note each voice sounds at each step (voices, steps), -1 for none."""
    steps = max(note.end for note in notes)
    owners = np.full((voices, steps), -1)
    last = np.full(voices, np.nan)
    active: list[int] = []
    coming = iter(sorted(range(len(notes)), key=lambda i: notes[i].start))
    waiting = next(coming, None)
    for step in range(steps):
        active = [i for i in active if notes[i].end > step]
        while waiting is not None and notes[waiting].start <= step:
            active.append(waiting)
            waiting = next(coming, None)
        chosen = _chosen([(notes[i].pitch, i) for i in active], voices, owners[:, step - 1] if step else None)
        for voice, (pitch, i) in zip(_places([pitch for pitch, _ in chosen], last), chosen, strict=True):
            owners[voice, step], last[voice] = i, pitch
    return owners


def _chosen(sounding: list[tuple[int, int]], voices: int, before: NDArray[np.int64] | None) -> list[tuple[int, int]]:
    """Returns at most `voices` of (pitch, note), from high to low: one a pitch, outer ones and those that go on first.

    Args:
        sounding: all.
        voices: how many there is room for.
        before: notes of the voices a step earlier.
    """
    goes_on = set() if before is None else set(before.tolist())
    one: dict[int, int] = {}
    for pitch, i in sounding:
        one[pitch] = i  # a later note of the same pitch is a repetition
    ordered = sorted(one.items(), reverse=True)
    if len(ordered) <= voices:
        return ordered
    outer = [ordered[0]] if voices == 1 else [ordered[0], ordered[-1]]
    inner = sorted(ordered[1:-1], key=lambda item: (item[1] not in goes_on, -item[0]))
    return sorted([*outer, *inner[: voices - len(outer)]], reverse=True)


def _places(pitches: list[int], last: NDArray[np.float64]) -> tuple[int, ...]:
    """Returns the voices, in order, that take pitches from high to low with the least movement in all."""
    voices = len(last)
    if len(pitches) == voices:
        return tuple(range(voices))

    def movement(places: tuple[int, ...]) -> float:
        moved = [abs(pitch - last[voice]) for pitch, voice in zip(pitches, places, strict=True)]
        return float(np.nan_to_num(moved, nan=LEAP).sum())

    return min(itertools.combinations(range(voices), len(pitches)), key=movement)


def _extracted(notes: Sequence[GridNote], owners: NDArray[np.int64], way: str) -> Extracted:
    """Returns voices from which note each sounds, silence before the first note cut off to a whole beat by nobody."""
    pitch_of = np.array([*(note.pitch for note in notes), -1], np.int16)
    pitches = pitch_of[owners]
    before = np.pad(owners[:, :-1], ((0, 0), (1, 0)), constant_values=-1)
    strikes = (owners >= 0) & (owners != before)
    kept = np.bincount(_columns(owners), minlength=len(notes))
    lengths = np.array([note.end - note.start for note in notes])
    dropped = int((kept == 0).sum())
    return Extracted(pitches, strikes, way, dropped, int(((kept > 0) & (kept < lengths)).sum()))


def _columns(owners: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns the notes of all voices at all steps, one entry a step."""
    return owners[owners >= 0]
