"""Notes of a MIDI file on a grid of steps."""

from __future__ import annotations

__all__ = ["GridNote", "Quantised", "quantise"]

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class GridNote:
    """A note on the grid.

    Attributes:
        track: the number of its track, percussion left aside.
        pitch: MIDI number.
        start: the step at which it begins.
        end: the step before which it ends, at least one later.
    """

    track: int
    pitch: int
    start: int
    end: int


@dataclass(frozen=True)
class Quantised:
    """The notes of a file.

    Attributes:
        notes: by start, then from high to low.
        percussion: notes of drums, which have no pitch and are left out.
        off_grid: the share of notes that begin more than a quarter of a step beside the grid.
        tempo: quarter notes a minute, at the first note.
    """

    notes: tuple[GridNote, ...]
    percussion: int
    off_grid: float
    tempo: float


def quantise(midi: Any, steps_per_beat: int) -> Quantised:
    """Returns the notes of a file, moved to the nearest steps; the grid follows the tempo of the file.

    Args:
        midi: a pretty_midi.PrettyMIDI.
        steps_per_beat: steps in a quarter note.
    """
    per_tick = steps_per_beat / midi.resolution
    notes, percussion, far, track = [], 0, 0, 0
    for instrument in midi.instruments:
        if instrument.is_drum:
            percussion += len(instrument.notes)
            continue
        for note in instrument.notes:
            start, end = (midi.time_to_tick(time) * per_tick for time in (note.start, note.end))
            first = round(start)
            far += abs(start - first) > 0.25
            notes.append(GridNote(track, int(note.pitch), first, max(first + 1, round(end))))
        track += bool(instrument.notes)
    notes.sort(key=lambda note: (note.start, -note.pitch, note.track))
    times, tempi = midi.get_tempo_changes()
    tempo = float(tempi[0]) if len(times) else 120.0
    return Quantised(tuple(notes), percussion, far / max(1, len(notes)), min(max(tempo, 1.0), 1000.0))
