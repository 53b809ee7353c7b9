"""Music in voices: a variational autoencoder that writes it, MIDI in and out, sound and pictures of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from latente.lazy import lazy_names

_HOMES = {
    "latente.audio.music.bounds": ("MusicBounds",),
    "latente.audio.music.estimator": ("MusicAutoencoder",),
    "latente.audio.music.figures": ("draw_piano_roll",),
    "latente.audio.music.measures": ("MusicMeasures", "agreement", "measure_music", "onset_accuracy"),
    "latente.audio.music.midi": (
        "MidiError",
        "MidiFolder",
        "MidiReading",
        "as_midi",
        "read_midi",
        "read_midi_folder",
        "write_midi",
    ),
    "latente.audio.music.score": ("Note", "Score", "as_score", "joined"),
    "latente.audio.music.sound": ("render", "write_wav"),
}
__all__ = sorted(name for names in _HOMES.values() for name in names)
__getattr__, __dir__ = lazy_names(__name__, _HOMES)

if TYPE_CHECKING:
    from latente.audio.music.bounds import MusicBounds
    from latente.audio.music.estimator import MusicAutoencoder
    from latente.audio.music.figures import draw_piano_roll
    from latente.audio.music.measures import MusicMeasures, agreement, measure_music, onset_accuracy
    from latente.audio.music.midi import (
        MidiError,
        MidiFolder,
        MidiReading,
        as_midi,
        read_midi,
        read_midi_folder,
        write_midi,
    )
    from latente.audio.music.score import Note, Score, as_score, joined
    from latente.audio.music.sound import render, write_wav
