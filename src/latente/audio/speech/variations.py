"""The same word said otherwise: variations of a clip that keep what is said."""

from __future__ import annotations

__all__ = ["Variations", "Voice"]

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from latente.audio.speech.cepstra import Array, Front
from latente.parts import Part, is_integer, is_number

KNOTS = np.array([0.0, 1 / 3, 2 / 3, 1.0])  # of the clip, between which the tempo changes
TILTED = slice(1, 5)  # cepstra that a room or a microphone changes; the first is the level, which is normalised


@dataclass(frozen=True)
class Voice:
    """What changes all clips of a speaker alike: the vocal tract, and the room or the microphone.

    Attributes:
        warp: the factor by which frequencies are multiplied.
        offset: (n_mfcc,) added to the cepstra of every frame.

    Example:
        >>> front = Front(8000, 32, 13, 40)
        >>> voice = Variations(warp=0.0, tilt=0.0).voice(front, np.random.default_rng(0))
        >>> float(voice.warp), voice.offset.any().item()
        (1.0, False)
    """

    warp: float
    offset: Array


@dataclass
class Variations(Part, family="variations", name="speaker"):
    """How much other speakers, rooms and cuts change a clip; what the autoencoder learns to undo.

    Args:
        count: variations of each clip.
        warp: the largest change of the vocal tract's length: frequencies are multiplied by exp(-warp) to exp(warp).
        tempo: the largest shift of a third of the clip, as a fraction of it.
        cut: the largest piece that is missing at an end, as a fraction of the clip.
        tilt: standard deviation of what is added to the second to the fifth cepstrum of all frames.
        noise: the signal-to-noise ratio of white noise, dB, from the first to the second value.

    Source: Jaitly & Hinton (2013), "Vocal tract length perturbation (VTLP) improves speech recognition".

    Example:
        >>> front = Front(8000, 32, 13, 40)
        >>> power = front.power(np.random.default_rng(0).normal(size=4000).astype(np.float32))
        >>> Variations(count=3).draw(front, power, np.random.default_rng(0)).shape
        (3, 416)
    """

    count: int = 8
    warp: float = 0.2
    tempo: float = 0.15
    cut: float = 0.06
    tilt: float = 1.0
    noise: tuple[float, float] = (10.0, 45.0)

    def check(self) -> None:
        """Raises ValueError for a setting that makes no sense."""
        if not is_integer(self.count, low=1):
            raise ValueError(f"Variations: count must be an integer of at least 1; got {self.count!r}")
        for name, high in (("warp", 0.5), ("tempo", 0.3), ("cut", 0.3), ("tilt", 100.0)):
            if not is_number(getattr(self, name), 0, high):
                raise ValueError(f"Variations: {name} must be a number from 0 to {high:g}; got {getattr(self, name)!r}")
        levels = self.noise
        if len(levels) != 2 or not all(is_number(v) for v in levels) or levels[0] > levels[1]:
            raise ValueError(f"Variations: noise must be two levels in dB, (low, high); got {levels!r}")

    def draw(
        self, front: Front, power: Array, rng: np.random.Generator, voices: Sequence[Voice] | None = None
    ) -> Array:
        """Returns (count, n_frames * n_mfcc) float32.

        Args:
            front: what is measured.
            power: (bins, frames) of a clip, as `Front.power` returns it.
            rng: decides which.
            voices: one for each variation; None draws them.
        """
        rows = [self._one(front, power, rng, voices[i] if voices else None) for i in range(self.count)]
        return np.stack(rows)

    def voice(self, front: Front, rng: np.random.Generator) -> Voice:
        """Returns a voice.

        Args:
            front: what is measured.
            rng: decides which.
        """
        offset = np.zeros(front.n_mfcc, dtype=np.float32)
        offset[TILTED] = rng.normal(scale=self.tilt, size=len(offset[TILTED]))
        return Voice(float(np.exp(rng.uniform(-self.warp, self.warp))), offset)

    def _one(self, front: Front, power: Array, rng: np.random.Generator, voice: Voice | None) -> Array:
        level = 10 ** (-rng.uniform(*self.noise) / 10) * 0.375 * front.n_fft  # 0.375: the mean square of a Hann window
        heard = power + np.float32(level) * rng.standard_exponential(power.shape, dtype=np.float32)
        voice = voice or self.voice(front, rng)
        cepstra = front.cepstra(heard, voice.warp, voice.offset)
        return front.stretched(cepstra, self._places(front.n_frames, rng)).ravel().astype(np.float32)

    def _places(self, frames: int, rng: np.random.Generator) -> Array:
        """Returns (frames,) in [0, 1]: rising, with a tempo of their own in each third, between two cuts."""
        shifted = KNOTS + np.pad(rng.uniform(-self.tempo, self.tempo, 2), 1)
        start, end = rng.uniform(-self.cut, self.cut, 2)
        places = np.interp(np.linspace(0, 1, frames), KNOTS, np.sort(shifted))
        return np.clip(start + (1 + end - start) * places, 0, 1)
