"""Music in voices: a variational autoencoder that writes it, MIDI in and out, sound and pictures of it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

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
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)

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


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'latente.audio.music' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return __all__
