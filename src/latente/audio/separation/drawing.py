"""Where training gets its sources from: stretches of recordings, never twice the same."""

from __future__ import annotations

__all__ = ["Draw", "Recordings", "read_recordings"]

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from latente.audio.reading import SUFFIXES, read_sound
from latente.audio.signals import Signal, as_mono, as_signal

Rng = np.random.Generator
QUIET = 1e-4  # full scale 1: below it is silence
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

    Args:
        source: a folder (searched to the bottom; the files of one folder are one group), or a list of paths and arrays
            (n,) or (channels, n) at the sample rate, each a group of its own.
        sample_rate: Hz; files of another rate are resampled.
        name: what messages call it.

    Raises:
        FileNotFoundError: when there is no such folder.
        ValueError: when nothing in it can be heard.
        TypeError: for what is neither.

    Example:
        >>> read_recordings([np.ones(8000), np.ones(800)], 8000).seconds
        1.1
    """
    if isinstance(source, (str, Path)):
        groups = _read_folder(Path(source), sample_rate, name)
    elif isinstance(source, Iterable):
        groups = [[_heard(item, sample_rate, f"{name}[{i}]")] for i, item in enumerate(source)]
    else:
        raise TypeError(f"{name} must be a folder or a list of paths and signals; got {type(source).__name__}")
    shortest = SHORTEST * sample_rate
    kept = [tuple(signal for signal in group if len(signal) >= shortest) for group in groups]
    kept = [group for group in kept if group]
    if not kept:
        raise ValueError(f"{name}: nothing to hear in {source if isinstance(source, (str, Path)) else 'the list'}")
    return Recordings(tuple(kept), sample_rate)


def _read_folder(folder: Path, sample_rate: int, name: str) -> Sequence[Sequence[NDArray[Any]]]:
    if not folder.is_dir():
        raise FileNotFoundError(f"{name}: there is no folder {folder}")
    groups: dict[Path, list[NDArray[Any]]] = {}
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not files:
        raise ValueError(f"{name}: no sound files ({', '.join(SUFFIXES)}) in {folder}")
    for path in files:
        groups.setdefault(path.parent, []).append(_heard(path, sample_rate, name))
    return list(groups.values())


def _heard(item: Any, sample_rate: int, name: str) -> NDArray[Any]:
    """Returns a recording as int16 from its first sound to its last; of half the size of floats."""
    if isinstance(item, (str, Path)):
        signal = read_sound(item, sample_rate, mono=True).samples
    else:
        signal = as_mono(as_signal(item, name))
    loud = np.flatnonzero(np.abs(signal) > QUIET)
    if not len(loud):
        return np.zeros(0, np.int16)
    signal = signal[loud[0] : loud[-1] + 1]
    return np.rint(signal * (32767 / np.abs(signal).max())).astype(np.int16)
