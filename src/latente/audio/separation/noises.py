"""Noises that training mixes under speech."""

from __future__ import annotations

__all__ = ["NOISES", "Noise", "noise_signal"]

from dataclasses import dataclass, replace

import numpy as np
import scipy.fft

from latente.audio.separation.drawing import Draw, Rng
from latente.audio.signals import Signal

NOISES = ("white", "pink", "babble", "music", "clicks")
TALKERS = (3, 9)  # voices in a babble: from the first to below the second


def noise_signal(kind: str, rng: Rng, n: int) -> Signal:
    """Returns (n,): noise whose level is about 1.

    - "white": a flat spectrum. "pink": power falls as 1 / f. "coloured": as 1 / f^a, a from -0.5 to 2, with a random
      smooth curve on top.
    - "clicks": silence with single samples and short bursts of random sign and height.

    Args:
        kind: which.
        rng: decides everything.
        n: samples.

    Example:
        >>> x = noise_signal("pink", np.random.default_rng(0), 8000)
        >>> power = np.square(np.abs(np.fft.rfft(x)))
        >>> bool(power[10:100].mean() > 5 * power[1000:2000].mean())
        True
    """
    if kind == "clicks":
        return _clicks(rng, n)
    if kind == "white":
        return rng.standard_normal(n, dtype=np.float32)
    spectrum = scipy.fft.rfft(rng.standard_normal(n, dtype=np.float32))
    place = np.arange(len(spectrum), dtype=np.float32).clip(1) / len(spectrum)
    if kind == "pink":
        gain = place**-0.5
    else:
        curve = np.interp(place**0.5, np.linspace(0, 1, 8), rng.normal(0, 5, 8))
        gain = place ** (-rng.uniform(-0.5, 2) / 2) * 10 ** (curve / 20)
    out = scipy.fft.irfft(spectrum * gain.clip(0, 1e3), n)
    return (out / np.sqrt(np.square(out).mean())).astype(np.float32)


def _clicks(rng: Rng, n: int) -> Signal:
    out = np.zeros(n, np.float32)
    count = max(1, int(n * 10 ** rng.uniform(-4, -1.5)))
    at = rng.integers(n, size=count)
    out[at] = rng.choice([-1, 1], count) * rng.uniform(0.3, 1, count)
    if rng.random() < 0.3:  # worn vinyl: each click rings for some samples
        out = np.convolve(out, 0.6 ** np.arange(8, dtype=np.float32) * rng.normal(size=8))[:n].astype(np.float32)
    return out / np.float32(max(np.sqrt(np.square(out).mean()), 1e-6))


@dataclass(frozen=True)
class Noise:
    """One of several noises at each draw.

    Args:
        kinds: of `NOISES` or "coloured", each as likely as it is often here.
        voices: where babble comes from.
        music: where music comes from.

    Example:
        >>> Noise(("white", "clicks")).draw(np.random.default_rng(0), 1000).shape
        (1000,)
    """

    kinds: tuple[str, ...] = ("white", "pink", "coloured", "clicks")
    voices: Draw | None = None
    music: Draw | None = None

    def draw(self, rng: Rng, n: int) -> Signal:
        """Returns (n,).

        Args:
            rng: decides everything.
            n: samples.
        """
        kind = self.kinds[rng.integers(len(self.kinds))]
        if kind == "babble" and self.voices is not None:
            voices = [self.voices.draw(rng, n) for _ in range(rng.integers(*TALKERS))]
            levels = [max(float(np.sqrt(np.square(voice).mean())), 1e-6) for voice in voices]
            return sum((v / np.float32(a) for v, a in zip(voices, levels, strict=True)), np.zeros(n, np.float32))
        if kind == "music" and self.music is not None:
            return self.music.draw(rng, n)
        return noise_signal(kind, rng, n)

    def split(self, fraction: float, seed: int) -> tuple[Noise, Noise]:
        """Returns the noise to train with, and that of held-out voices and music; see `hold_out`.

        Args:
            fraction: of the recordings that is held out.
            seed: decides which.
        """
        voices, music = (
            (None, None) if source is None else source.split(fraction, seed) for source in (self.voices, self.music)
        )
        kept, held = (replace(self, voices=voices[side], music=music[side]) for side in range(2))
        return kept, held
