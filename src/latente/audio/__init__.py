"""Sound: files read and written, spectra, features of speech that tell words apart, music written in voices."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_HOMES = {
    "latente.audio.blocks": ("overlap_blocks",),
    "latente.audio.clips": ("load_clips",),
    "latente.audio.collecting": ("LeftOutWarning",),
    "latente.audio.figures": ("draw_spectrogram", "draw_waveform"),
    "latente.audio.music": ("MusicAutoencoder", "Score"),
    "latente.audio.reading": ("Sound", "SoundInfo", "read_sound", "sound_info", "stream_sound"),
    "latente.audio.separation.denoiser": ("AudioDenoiser",),
    "latente.audio.separation.separator": ("SourceSeparator",),
    "latente.audio.signals": ("ClippingWarning", "as_mono", "as_signal", "clipped_samples", "resample"),
    "latente.audio.spectra": ("griffin_lim", "hz_to_mel", "istft", "mel_filters", "mel_to_hz", "stft"),
    "latente.audio.speech": (
        "Novelty",
        "Recognition",
        "WordRecordings",
        "SpeechFeatures",
        "Variations",
        "WordRecogniser",
        "find_words",
    ),
    "latente.audio.transformers": ("MFCC", "STFT", "LogMel"),
    "latente.audio.writing": ("SoundWriter", "open_sound", "write_sound"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)

if TYPE_CHECKING:
    from latente.audio.blocks import overlap_blocks
    from latente.audio.clips import load_clips
    from latente.audio.collecting import LeftOutWarning
    from latente.audio.figures import draw_spectrogram, draw_waveform
    from latente.audio.music import MusicAutoencoder, Score
    from latente.audio.reading import Sound, SoundInfo, read_sound, sound_info, stream_sound
    from latente.audio.separation.denoiser import AudioDenoiser
    from latente.audio.separation.separator import SourceSeparator
    from latente.audio.signals import ClippingWarning, as_mono, as_signal, clipped_samples, resample
    from latente.audio.spectra import griffin_lim, hz_to_mel, istft, mel_filters, mel_to_hz, stft
    from latente.audio.speech import (
        Novelty,
        Recognition,
        WordRecordings,
        SpeechFeatures,
        Variations,
        WordRecogniser,
        find_words,
    )
    from latente.audio.transformers import MFCC, STFT, LogMel
    from latente.audio.writing import SoundWriter, open_sound, write_sound


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'latente.audio' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return __all__
