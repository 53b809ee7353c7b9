"""Sound files read: whole, or in pieces."""

from __future__ import annotations

__all__ = ["SUFFIXES", "Sound", "SoundInfo", "read_sound", "sound_info", "stream_sound"]

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from latente.audio.libraries import soundfile, soxr
from latente.audio.signals import Signal, as_mono, as_samples, check_rate, clipped_samples, resample
from latente.parts import is_number

SUFFIXES = (".wav", ".flac", ".ogg", ".mp3", ".opus", ".aiff", ".aif")
PIECE = 1 << 16  # frames that are decoded at once
LOST, LONGEST_LOST = 0.1, 1.0  # of the file, and seconds, that may be missing at its end; more was cut off


@dataclass(frozen=True)
class SoundInfo:
    """What a sound file says of itself.

    Attributes:
        path: of the file.
        frames: samples of each channel.
        sample_rate: Hz.
        channels: 1 for mono, 2 for stereo.
        format: e.g. "WAV".
        encoding: e.g. "PCM_16", "FLOAT", "VORBIS".

    Example:
        >>> SoundInfo(Path("a.wav"), 16000, 8000, 1, "WAV", "PCM_16").seconds
        2.0
    """

    path: Path
    frames: int
    sample_rate: int
    channels: int
    format: str
    encoding: str

    @property
    def seconds(self) -> float:
        """The duration."""
        return self.frames / self.sample_rate


@dataclass(frozen=True)
class Sound:
    """Samples with their rate, and what was done to them.

    Attributes:
        samples: (n,) mono or (channels, n) float32, full scale +-1.
        sample_rate: of the samples, Hz.
        info: of the file that they come from.
        clipped: samples at full scale in runs of three or more, in the file: where the recording was cut off.

    Example:
        >>> info = SoundInfo(Path("a.wav"), 3, 8000, 1, "WAV", "PCM_16")
        >>> Sound(np.zeros(6, dtype=np.float32), 16000, info).describe()
        'a.wav: 0.0 s, mono, resampled from 8000 to 16000 Hz, silent'
    """

    samples: Signal
    sample_rate: int
    info: SoundInfo
    clipped: int = 0

    @property
    def resampled(self) -> bool:
        """Whether the file has another sample rate."""
        return self.sample_rate != self.info.sample_rate

    @property
    def silent(self) -> bool:
        """Whether all samples are 0."""
        return not self.samples.any()

    def mono(self) -> Signal:
        """Returns (n,): the mean of the channels."""
        return as_mono(self.samples)

    def describe(self) -> str:
        """Returns a line on the file and what was done to it."""
        info = self.info
        channels = {1: "mono", 2: "stereo"}.get(info.channels, f"{info.channels} channels")
        changed = f"resampled from {info.sample_rate} to {self.sample_rate} Hz" if self.resampled else ""
        rate = changed or f"{self.sample_rate} Hz"
        cut = f", {self.clipped} samples clipped" if self.clipped else ""
        return f"{info.path.name}: {info.seconds:.1f} s, {channels}, {rate}{cut}{', silent' if self.silent else ''}"


def sound_info(path: str | Path) -> SoundInfo:
    """Returns what a sound file says of itself, without reading its samples.

    Args:
        path: .wav, .flac, .ogg, .mp3, .opus or .aiff.

    Raises:
        FileNotFoundError, IsADirectoryError: when there is no such file.
        ValueError: for a file that holds no sound.
        ImportError: without the extra `audio`.

    Example:
        >>> import tempfile
        >>> from latente.audio import write_sound
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     info = sound_info(write_sound(f"{folder}/a.wav", np.zeros(4000), 8000))
        >>> info.seconds, info.encoding
        (0.5, 'PCM_16')
    """
    with _opened(path) as file:
        return _info(Path(path), file)


def read_sound(path: str | Path, sample_rate: int | None = None, *, mono: bool = False) -> Sound:
    """Returns the whole of a sound file.

    Args:
        path: .wav (8, 16, 24 or 32 bits, float), .flac, .ogg, .mp3, .opus or .aiff.
        sample_rate: the wanted one, Hz; the samples are resampled where the file has another. None keeps the file's.
        mono: whether the channels become one, their mean.

    Raises:
        FileNotFoundError, IsADirectoryError: when there is no such file.
        ValueError: for a file that is no sound, is damaged or cut off, has no samples, or has samples that are NaN or
            infinite.
        ImportError: without the extra `audio`.

    Warns:
        UserWarning: when the file ends before its header says, by at most a second and a tenth of it.

    Example:
        >>> import tempfile
        >>> from latente.audio import write_sound
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     sound = read_sound(write_sound(f"{folder}/a.wav", np.ones((2, 4000)) / 2, 8000), 16000, mono=True)
        >>> sound.samples.shape, sound.resampled
        ((8000,), True)
    """
    rate = None if sample_rate is None else check_rate(sample_rate)
    with _opened(path) as file:
        info = _info(Path(path), file)
        samples = _decoded(file, info)
    info = replace(info, frames=samples.shape[-1])
    clipped = clipped_samples(samples)
    samples = as_mono(samples) if mono else samples
    wanted = info.sample_rate if rate is None else rate
    return Sound(resample(samples, info.sample_rate, wanted), wanted, info, clipped)


def stream_sound(
    path: str | Path, sample_rate: int | None = None, *, mono: bool = False, seconds: float = 10.0
) -> Iterator[Signal]:
    """Yields a sound file in pieces that follow each other without a gap, resampled on the way.

    Together the pieces are what `read_sound` returns, to rounding where the rate changes. Memory holds one piece.

    Args:
        path: as for `read_sound`.
        sample_rate: the wanted one, Hz; None keeps the file's.
        mono: whether the channels become one, their mean.
        seconds: the length of a piece, about.

    Raises:
        FileNotFoundError, IsADirectoryError, ValueError, ImportError: as `read_sound`, when the piece in question is
            read.

    Example:
        >>> import tempfile
        >>> from latente.audio import write_sound
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = write_sound(f"{folder}/a.wav", np.zeros(20_000), 8000)
        ...     [piece.shape for piece in stream_sound(path, seconds=1)]
        [(8000,), (8000,), (4000,)]
    """
    if not is_number(seconds, 1e-3, 3600):
        raise ValueError(f"seconds must be a number from 0.001 to 3600; got {seconds!r}")
    rate = None if sample_rate is None else check_rate(sample_rate)
    with _opened(path) as file:
        info = _info(Path(path), file)
        pieces = _pieces(file, info, mono, max(1, round(seconds * info.sample_rate)))
        yield from pieces if rate in (None, info.sample_rate) else _resampled(pieces, info, rate, mono)


def _pieces(file: Any, info: SoundInfo, mono: bool, frames: int) -> Iterator[Signal]:
    done = 0
    while done < info.frames:
        wanted = min(frames, info.frames - done)
        piece = _read(file, info, wanted, done)
        if piece.shape[-1]:
            yield as_mono(piece) if mono else piece
        done += piece.shape[-1]
        if piece.shape[-1] < wanted:
            return


def _resampled(pieces: Iterator[Signal], info: SoundInfo, rate: int | None, mono: bool) -> Iterator[Signal]:
    """Yields pieces at another rate, as many samples in all as `resample` returns."""
    channels = 1 if mono else info.channels
    stream = soxr().ResampleStream(info.sample_rate, rate, channels, dtype="float32")
    done = given = left = 0
    for piece, last in _with_last(pieces):
        done += piece.shape[-1]
        left = -(-done * int(rate or 0) // info.sample_rate) - given
        out = np.ascontiguousarray(stream.resample_chunk(piece.T, last=last).T)[..., :left]
        given, left = given + out.shape[-1], left - out.shape[-1]
        if out.shape[-1]:
            yield out.astype(np.float32, copy=False)
    if left:
        yield np.zeros(left if channels == 1 else (channels, left), dtype=np.float32)


def _with_last(pieces: Iterator[Signal]) -> Iterator[tuple[Signal, bool]]:
    """Yields pieces, and whether each is the last."""
    held = None
    for piece in pieces:
        if held is not None:
            yield held, False
        held = piece
    if held is not None:
        yield held, True


@contextmanager
def _opened(path: str | Path) -> Iterator[Any]:
    """Opens a sound file; what libsndfile says of it becomes a ValueError that names it."""
    path, library = Path(path), soundfile()
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; give a sound file ({', '.join(SUFFIXES)})")
    if not path.exists():
        raise FileNotFoundError(f"no such sound file: {path}")
    if path.stat().st_size == 0:
        raise ValueError(f"{path} is empty: it has 0 bytes")
    try:
        file = library.SoundFile(path)
    except (library.LibsndfileError, TypeError) as error:
        reason = str(getattr(error, "error_string", error)).rstrip(".")
        raise ValueError(
            f"{path} cannot be read as sound ({reason}); known: WAV, FLAC, Ogg Vorbis, Opus, MP3, AIFF"
        ) from error
    with file:
        try:
            yield file
        except library.LibsndfileError as error:
            raise ValueError(f"{path} is damaged: {error.error_string}") from error


def _info(path: Path, file: Any) -> SoundInfo:
    if file.frames == 0:
        raise ValueError(f"{path} holds no samples: its header is there, the sound is not")
    return SoundInfo(path, file.frames, file.samplerate, file.channels, file.format, file.subtype)


def _decoded(file: Any, info: SoundInfo) -> Signal:
    """Returns (n,) or (channels, n): the whole file."""
    samples = np.empty((info.channels, info.frames), dtype=np.float32)
    done = 0
    for piece in _pieces(file, info, False, PIECE):
        samples[:, done : done + piece.shape[-1]] = piece
        done += piece.shape[-1]
    return samples[0, :done] if info.channels == 1 else samples[:, :done]


def _read(file: Any, info: SoundInfo, frames: int, start: int) -> Signal:
    """Returns (frames,) or (channels, frames): the next ones; fewer where the file ends too early."""
    piece = np.ascontiguousarray(file.read(frames, dtype="float32", always_2d=True).T)
    if piece.shape[1] != frames:
        _tell_missing(info, info.frames - start - piece.shape[1])
        if not piece.size:
            return piece[0] if len(piece) == 1 else piece
    return as_samples(piece[0] if len(piece) == 1 else piece, f"{info.path} (from sample {start})")


def _tell_missing(info: SoundInfo, missing: int) -> None:
    """Warns of samples at the end that a header promises and nobody wrote; raises where the file was cut off."""
    share, seconds = missing / info.frames, missing / info.sample_rate
    what = f"{missing} of its {info.frames} samples ({seconds:.2g} s, {share:.1%}) are missing at its end"
    if share > LOST or seconds > LONGEST_LOST:
        raise ValueError(
            f"{info.path} is cut off: {what}; get the whole file, or convert what is left with another program"
        )
    warnings.warn(f"{info.path}: {what}; what is there is read", stacklevel=2)
