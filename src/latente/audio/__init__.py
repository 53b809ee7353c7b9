"""Sound: files read and written, spectra, features of speech that tell words apart, music written in voices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from latente.lazy import lazy_names

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
    "latente.audio.writing": ("SoundWriter", "open_sound", "wav_bytes", "write_sound"),
}
__all__ = sorted(name for names in _HOMES.values() for name in names)
__getattr__, __dir__ = lazy_names(__name__, _HOMES)

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
        SpeechFeatures,
        Variations,
        WordRecogniser,
        WordRecordings,
        find_words,
    )
    from latente.audio.transformers import MFCC, STFT, LogMel
    from latente.audio.writing import SoundWriter, open_sound, wav_bytes, write_sound
