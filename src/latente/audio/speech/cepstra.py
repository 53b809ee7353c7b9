"""A clip of speech as a fixed number of cepstra: trimmed, its level and its duration normalised."""

from __future__ import annotations

__all__ = ["Front"]

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.fft import dct

from latente.audio.signals import Signal, check_rate
from latente.audio.spectra import hz_to_mel, mel_filters, mel_to_hz, stft, triangles
from latente.parts import is_integer

Array = NDArray[Any]
HOP, FRAME = 0.010, 0.032  # seconds
EMPHASIS = 0.97  # x[t] - 0.97 x[t - 1]: lifts high frequencies, which are weak in speech
LOWEST = 50.0  # Hz
FLOOR = 1e-2  # of a band's power, for a clip whose root mean square is 1
TRIM_DB = 40.0  # quieter frames at the ends are no speech
KNEE = 0.75  # of the highest frequency; above, a warp returns to it


@dataclass(frozen=True)
class Front:
    """What is measured of a clip.

    Attributes:
        sample_rate: Hz.
        n_frames: to which the duration is normalised.
        n_mfcc: coefficients of a frame.
        n_mels: bands that they come from.

    Example:
        >>> front = Front(8000, 32, 13, 40)
        >>> power = front.power(np.random.default_rng(0).normal(size=4000).astype(np.float32))
        >>> power.shape, front.stretched(front.cepstra(power)).shape
        ((129, 51), (32, 13))
    """

    sample_rate: int
    n_frames: int
    n_mfcc: int
    n_mels: int

    def check(self) -> None:
        """Raises ValueError for a setting that makes no sense."""
        check_rate(self.sample_rate)
        if not is_integer(self.n_frames, 2, 1000):
            raise ValueError(f"n_frames must be an integer from 2 to 1000; got {self.n_frames!r}")
        if not is_integer(self.n_mels, low=1):
            raise ValueError(f"n_mels must be an integer of at least 1; got {self.n_mels!r}")
        if not is_integer(self.n_mfcc, 1, self.n_mels):
            raise ValueError(f"n_mfcc must be an integer from 1 to n_mels, {self.n_mels}; got {self.n_mfcc!r}")
        mel_filters(self.n_mels, self.n_fft, self.sample_rate, LOWEST)

    @property
    def n_fft(self) -> int:
        """Samples of a frame: the power of two nearest to 32 ms."""
        return max(16, 2 ** round(float(np.log2(FRAME * self.sample_rate))))

    def power(self, clip: Signal) -> Array:
        """Returns (bins, frames) float32: the power spectrum of the speech in a clip, at a root mean square of 1.

        Quiet frames before and after it are left out. A silent clip gives zeros.

        Args:
            clip: (n,).
        """
        hop = max(1, round(HOP * self.sample_rate))
        emphasised = np.append(clip[0], clip[1:] - np.float32(EMPHASIS) * clip[:-1])
        power = stft(torch.from_numpy(emphasised), self.n_fft, hop).abs().square().numpy()
        level = power.sum(0)
        if level.max() <= 0:
            return np.zeros_like(power)
        kept = np.flatnonzero(level > level.max() * 10 ** (-TRIM_DB / 10))
        first, last = int(kept[0]), int(kept[-1]) + 1
        spoken = clip[first * hop : max(last * hop, first * hop + 1)]
        mean = float(np.mean(np.square(spoken if spoken.size and spoken.any() else clip)))
        return power[:, first:last] / max(mean, np.finfo(np.float32).tiny)

    def cepstra(self, power: Array, warp: float = 1.0, offset: Array | None = None) -> Array:
        """Returns (frames, n_mfcc) float32: the DCT of the logarithms of the bands' powers.

        Args:
            power: (bins, frames).
            warp: the factor by which frequencies are stretched before.
            offset: (n_mfcc,) added to every frame; a change of the channel, as of a microphone.
        """
        filters = _bands(self.n_mels, self.n_fft, self.sample_rate, round(float(warp), 2))
        out = dct(np.log(filters @ power + np.float32(FLOOR)), axis=0, norm="ortho")[: self.n_mfcc].T
        return out if offset is None else out + offset

    def stretched(self, cepstra: Array, places: Array | None = None) -> Array:
        """Returns (n_frames, n_mfcc): frames at evenly spaced places of the clip, between two frames by interpolation.

        Args:
            cepstra: (frames, n_mfcc).
            places: (n_frames,) in [0, 1], other places.
        """
        at = np.linspace(0, 1, self.n_frames) if places is None else places
        at = at * (len(cepstra) - 1)
        left = np.clip(at.astype(int), 0, max(len(cepstra) - 2, 0))
        weight = (at - left)[:, None].astype(cepstra.dtype)
        return cepstra[left] * (1 - weight) + cepstra[np.minimum(left + 1, len(cepstra) - 1)] * weight

    def features(self, clip: Signal) -> Array:
        """Returns (n_frames * n_mfcc,) float32 of a clip.

        Args:
            clip: (n,).
        """
        return self.stretched(self.cepstra(self.power(clip))).ravel().astype(np.float32)


@lru_cache(maxsize=128)
def _bands(n_mels: int, n_fft: int, sample_rate: int, warp: float) -> Array:
    """Returns mel filters that see a spectrum as if its frequencies were multiplied by a factor."""
    top = sample_rate / 2
    edges = mel_to_hz(np.linspace(hz_to_mel(LOWEST), hz_to_mel(top), n_mels + 2))
    knee = KNEE * top / max(warp, 1.0)
    above = top - (top - warp * knee) / (top - knee) * (top - edges)
    return triangles(np.where(edges <= knee, edges * warp, above) if warp != 1 else edges, n_fft, sample_rate)
