"""Sound files written: complete, or not there at all."""

from __future__ import annotations

__all__ = ["SoundWriter", "open_sound", "wav_bytes", "write_sound"]

import io
import warnings
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from latente.audio.libraries import soundfile
from latente.audio.signals import ClippingWarning, as_samples, as_signal, check_rate
from latente.files import replacing
from latente.parts import did_you_mean

FORMATS = {
    ".wav": ("WAV", "PCM_16"),
    ".flac": ("FLAC", "PCM_16"),
    ".ogg": ("OGG", "VORBIS"),
    ".mp3": ("MP3", "MPEG_LAYER_III"),
}
UNLIMITED = ("FLOAT", "DOUBLE")
PIECE = 1 << 14  # frames that are encoded at once; libsndfile's Vorbis encoder takes its memory from the stack


class SoundWriter:
    """What `open_sound` yields: takes samples, piece by piece.

    Attributes:
        frames: written so far, of each channel.
        clipped: samples beyond full scale that were cut so far.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder, open_sound(f"{folder}/a.wav", 8000) as writer:
        ...     writer.write(np.zeros(100))
        ...     writer.frames
        100
    """

    def __init__(self, file: Any, channels: int, limited: bool) -> None:
        self._file, self._channels, self._limited = file, channels, limited
        self.frames = self.clipped = 0

    def write(self, samples: Any) -> None:
        """Appends samples.

        Args:
            samples: (n,) for one channel, else (channels, n); full scale +-1.

        Raises:
            ValueError: for another number of channels, NaN or infinity.
        """
        signal = np.atleast_2d(as_samples(samples, "what is written"))
        if len(signal) != self._channels:
            raise ValueError(f"the file has {self._channels} channels; got samples of {len(signal)}")
        if self._limited:
            self.clipped += int((np.abs(signal) > 1).sum())
            signal = signal.clip(-1, 1)
        for start in range(0, signal.shape[1], PIECE):
            self._file.write(np.ascontiguousarray(signal[:, start : start + PIECE].T))
        self.frames += signal.shape[1]


@contextmanager
def open_sound(
    path: str | Path, sample_rate: int, channels: int = 1, *, encoding: str | None = None
) -> Iterator[SoundWriter]:
    """Opens a sound file to be written piece by piece; it takes its name when the block ends without an error.

    Args:
        path: .wav, .flac, .ogg or .mp3; an older file is replaced at the end.
        sample_rate: Hz. MP3 knows 8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100 and 48000.
        channels: 1 for mono, 2 for stereo.
        encoding: libsndfile's name: "PCM_16" (.wav and .flac without one), "PCM_24", "FLOAT" (.wav: nothing is cut),
            "VORBIS", "OPUS", ...

    Raises:
        ValueError: for a suffix, rate or encoding that does not go together, or when nothing was written.
        FileNotFoundError: when the folder does not exist.
        ImportError: without the extra `audio`.

    Warns:
        ClippingWarning: when samples beyond full scale were cut.

    Example:
        >>> import tempfile
        >>> from latente.audio import read_sound
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with open_sound(f"{folder}/a.flac", 8000, 2) as writer:
        ...         for _ in range(3):
        ...             writer.write(np.zeros((2, 1000)))
        ...     read_sound(f"{folder}/a.flac").samples.shape
        (2, 3000)
    """
    path, rate, library = Path(path), check_rate(sample_rate), soundfile()
    container, default = _format(path)
    chosen = default if encoding is None else encoding.upper()
    if not library.check_format(container, chosen):
        known = ", ".join(library.available_subtypes(container))
        raise ValueError(f"{path.suffix} files have no encoding {encoding!r}; they have: {known}")
    with replacing(path) as stream:
        try:
            file = library.SoundFile(stream, "w", rate, channels, chosen, format=container)
        except library.LibsndfileError as error:
            reason = error.error_string.rstrip(".")
            raise ValueError(f"{path.suffix} cannot hold {channels} channels at {rate} Hz: {reason}") from error
        with file:
            writer = SoundWriter(file, channels, chosen not in UNLIMITED)
            yield writer
        if not writer.frames:
            raise ValueError(f"nothing to write to {path}: no samples were given")
    if writer.clipped:
        total = writer.frames * channels
        warnings.warn(
            f"{path}: {writer.clipped} of {total} samples beyond full scale were cut; scale the signal, or write .wav "
            "with encoding='FLOAT'",
            ClippingWarning,
            stacklevel=4,
        )


def write_sound(path: str | Path, samples: Any, sample_rate: int, *, encoding: str | None = None) -> Path:
    """Writes a sound file and returns its path.

    Args:
        path: .wav, .flac, .ogg or .mp3; an older file is replaced.
        samples: (n,) or (channels, n); floats with full scale +-1, or integers.
        sample_rate: Hz.
        encoding: as for `open_sound`.

    Raises:
        TypeError, ValueError, FileNotFoundError, ImportError: as `open_sound` and `as_signal`.

    Warns:
        ClippingWarning: when samples beyond full scale were cut.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_sound(f"{folder}/a.ogg", np.sin(np.arange(8000) / 3), 8000).name
        'a.ogg'
    """
    signal = as_signal(samples)
    with open_sound(path, sample_rate, 1 if signal.ndim == 1 else len(signal), encoding=encoding) as writer:
        writer.write(signal)
    return Path(path)


def wav_bytes(samples: Any, sample_rate: int) -> bytes:
    """Returns the content of a WAV file of 16 bits; needs no other library.

    Args:
        samples: (n,) or (channels, n), full scale +-1; what is beyond is cut.
        sample_rate: Hz.

    Raises:
        TypeError, ValueError: for what is no signal.

    Example:
        >>> len(wav_bytes(np.zeros(100), 8000)), wav_bytes(np.zeros(100), 8000)[:4]
        (244, b'RIFF')
    """
    signal, rate = np.atleast_2d(as_signal(samples)), check_rate(sample_rate)
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setparams((len(signal), 2, rate, 0, "NONE", ""))
        file.writeframes(np.rint(signal.T * 32768.0).clip(-32768, 32767).astype("<i2").tobytes())
    return content.getvalue()


def _format(path: Path) -> tuple[str, str]:
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        hint = did_you_mean(suffix, FORMATS)
        raise ValueError(f"cannot write {path}: sound goes to {', '.join(FORMATS)}; got {suffix!r}.{hint}")
    return FORMATS[suffix]
