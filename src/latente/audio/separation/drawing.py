"""Where training gets its sources from: stretches of recordings, never twice the same."""

from __future__ import annotations

__all__ = ["Draw", "Recordings", "read_recordings"]

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from latente.audio.clips import packed_clip
from latente.audio.collecting import files_in, warn_left_out
from latente.audio.reading import SUFFIXES
from latente.audio.separation.holding import hold_out
from latente.audio.signals import Signal

Rng = np.random.Generator
SPEED = 1.25  # a recording is played up to that much faster or slower, which changes its pitch as well
TILT = 6.0  # dB, deviation of the random equaliser at its eight frequencies
EQUALISED = 0.7  # of the draws
SEVERAL = 0.15  # of the draws hold two voices or instruments at once
LONGEST_GAP = 0.4  # seconds between recordings that follow each other
SHORTEST = 0.02  # seconds; shorter recordings are left out


class Draw(Protocol):
    """Whatever can make a stretch of a source."""

    def draw(self, rng: Rng, n: int) -> Signal:
        """Returns (n,) samples, at any level."""

    def split(self, fraction: float, seed: int) -> tuple[Self, Self]:
        """Returns what is trained on and what is held out, no recording in both; see `hold_out`."""


@dataclass(frozen=True)
class Recordings:
    """Stretches of recordings: short ones follow each other with gaps, long ones are cut at random.

    Args:
        groups: of signals (n,), int16 or float; the recordings of a group follow each other, e.g. those of a voice.
        sample_rate: Hz.
        speed: the largest factor by which a recording is played faster or slower; 1 for none.
        several: how often two groups sound at once.
        equalised: how often a random equaliser changes the timbre.

    Example:
        >>> recordings = Recordings(((np.ones(100, np.float32), np.ones(5000, np.float32)),), 8000)
        >>> recordings.draw(np.random.default_rng(0), 4000).shape
        (4000,)
    """

    groups: tuple[tuple[NDArray[Any], ...], ...]
    sample_rate: int
    speed: float = SPEED
    several: float = SEVERAL
    equalised: float = EQUALISED

    @property
    def seconds(self) -> float:
        """How much there is."""
        return sum(len(signal) for group in self.groups for signal in group) / self.sample_rate

    def draw(self, rng: Rng, n: int) -> Signal:
        """Returns (n,): a stretch of one group, or of two at once, at a random speed and with a random timbre.

        Args:
            rng: decides everything.
            n: samples.
        """
        out = self._one(rng, n)
        if rng.random() < self.several:
            other = self._one(rng, n)
            power = np.square(out).mean() / max(float(np.square(other).mean()), 1e-12)
            out = out + other * np.float32(np.sqrt(power) * 10 ** (-rng.uniform(0, 6) / 20))
        return out

    def split(self, fraction: float, seed: int) -> tuple[Recordings, Recordings]:
        """Returns the recordings to train on, and those that are held out; see `hold_out`.

        Args:
            fraction: that is held out, of the time.
            seed: decides which.
        """
        kept, held = hold_out(self.groups, fraction, seed)
        return replace(self, groups=kept), replace(self, groups=held)

    def _one(self, rng: Rng, n: int) -> Signal:
        factor = self.speed ** rng.uniform(-1, 1)
        length = scipy.fft.next_fast_len(round(n * factor), real=True)
        stretch = self._stretch(rng, length)
        spectrum = scipy.fft.rfft(stretch)
        if rng.random() < self.equalised:
            spectrum = spectrum * _equaliser(rng, len(spectrum))
        bins = n // 2 + 1  # the same spectrum with other ends is the same sound at another rate
        kept = np.zeros(bins, spectrum.dtype)
        kept[: min(bins, len(spectrum))] = spectrum[:bins]
        return scipy.fft.irfft(kept, n).astype(np.float32)

    def _stretch(self, rng: Rng, n: int) -> Signal:
        """Returns (n,): recordings of one group, one after the other."""
        group = self.groups[rng.integers(len(self.groups))]
        parts: list[NDArray[Any]] = []
        left = n
        while left > 0:
            signal = group[rng.integers(len(group))]
            longest = n if not parts else left
            start = int(rng.integers(max(1, len(signal) - longest + 1)))
            if not parts and len(signal) < n:
                start = int(rng.integers(len(signal)) * rng.random())  # now and then in the middle of a recording
            piece = _leveled(signal[start : start + left])
            parts += [piece, np.zeros(int(rng.uniform(0, LONGEST_GAP) * self.sample_rate), np.float32)]
            left -= len(piece) + len(parts[-1])
        return np.concatenate(parts)[:n]


def _leveled(piece: NDArray[Any]) -> Signal:
    out = piece.astype(np.float32)
    level = float(np.sqrt(np.square(out).mean()))
    return out / level if level > 0 else out


def _equaliser(rng: Rng, bins: int) -> Signal:
    """Returns (bins,): a smooth curve of amplitudes."""
    gains = rng.normal(0, TILT, 8).clip(-12, 12)
    curve = np.interp(np.linspace(0, 1, bins) ** 0.5, np.linspace(0, 1, 8), gains)
    return (10 ** (curve / 20)).astype(np.float32)


def read_recordings(source: Any, sample_rate: int, name: str = "the source") -> Recordings:
    """Returns the recordings of a source.

    Files are read in pieces and kept at the sample rate in 16 bits: an hour of 8 kHz takes 58 MB.

    Args:
        source: a folder (searched to the bottom; the files of one folder are one group), or a list of paths and arrays
            (n,) or (channels, n) at the sample rate, each a group of its own.
        sample_rate: Hz; files of another rate are resampled.
        name: what messages call it.

    Raises:
        FileNotFoundError: when there is no such folder.
        ValueError: when nothing in it can be heard.
        TypeError: for what is neither.

    Warns:
        LeftOutWarning: when some recordings cannot be read, are silent or last less than 0.02 s.

    Example:
        >>> read_recordings([np.ones(8000), np.ones(800)], 8000).seconds
        1.1
    """
    if isinstance(source, (str, Path)):
        items: list[Any] = _files(Path(source), name)
        groups = [path.parent for path in items]
    elif isinstance(source, Iterable):
        items = list(source)
        groups = list(range(len(items)))
    else:
        raise TypeError(f"{name} must be a folder or a list of paths and signals; got {type(source).__name__}")
    heard: dict[Any, list[NDArray[np.int16]]] = {}
    reasons = []
    for i, (item, group) in enumerate(zip(items, groups, strict=True)):
        signal = _heard(item, sample_rate, f"{name}[{i}]")
        if isinstance(signal, str):
            reasons.append(signal)
        else:
            heard.setdefault(group, []).append(signal)
    warn_left_out(name, reasons, len(items))
    if not heard:
        raise ValueError(f"{name}: the list of recordings is empty")
    return Recordings(tuple(tuple(group) for group in heard.values()), sample_rate)


def _files(folder: Path, name: str) -> list[Path]:
    if not folder.is_dir():
        raise FileNotFoundError(f"{name}: there is no folder {folder}")
    files = files_in(folder)
    if not files:
        raise ValueError(f"{name}: no sound files ({', '.join(SUFFIXES)}) in {folder}")
    return files


def _heard(item: Any, sample_rate: int, name: str) -> NDArray[np.int16] | str:
    """Returns a recording, or why it cannot be used."""
    try:
        signal = packed_clip(item, sample_rate, name)
    except (ValueError, OSError) as error:
        if not isinstance(item, (str, Path)):
            raise
        return str(error)
    called = item if isinstance(item, (str, Path)) else name
    if not len(signal):
        return f"{called} is silent"
    short = len(signal) < SHORTEST * sample_rate
    return f"{called} lasts {len(signal) / sample_rate:.3f} s, less than {SHORTEST} s" if short else signal
