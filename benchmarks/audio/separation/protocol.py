"""The test sets: mixtures that are the same whenever they are made, of voices and tracks that no training saw."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from latente.audio import istft, read_sound, stft
from latente.audio.separation.noises import noise_signal

RATE, SECONDS = 8000, 4
N = RATE * SECONDS
GAP = (0.05, 0.3)  # seconds between recordings
VOICES = ("menardi", "carlo", "fsdd-theo", "fsdd-lucas")
TRACKS = ("macroform-the_simplicity", "manolo_camp-morning_coffee")


@dataclass(frozen=True)
class Mix:
    """A mixture and what it is made of.

    Attributes:
        name: of what is in it.
        speech: (n,).
        other: (n,), the music or the noise.
    """

    name: str
    speech: np.ndarray
    other: np.ndarray

    @property
    def mixture(self) -> np.ndarray:
        """The sum."""
        return self.speech + self.other


def load_voices(folder: Path) -> dict[str, list[np.ndarray]]:
    """Returns the recordings of each test voice; `folder` is what prepare.py made."""
    test = folder / "test" / "speech"
    return {name: [read_sound(path).samples for path in sorted((test / name).glob("*.wav"))] for name in VOICES}


def load_tracks(folder: Path) -> list[np.ndarray]:
    """Returns the test tracks."""
    return [read_sound(folder / "test" / "music" / f"{name}.wav").samples for name in TRACKS]


def stretch(clips: list[np.ndarray], rng: np.random.Generator, n: int = N) -> np.ndarray:
    """Returns (n,): recordings of one voice one after the other, each at the same level."""
    parts, left = [], n
    while left > 0:
        clip = clips[rng.integers(len(clips))]
        level = np.sqrt(np.square(clip).mean())
        if level < 1e-4:
            continue
        parts += [clip / level, np.zeros(int(rng.uniform(*GAP) * RATE), np.float32)]
        left -= len(parts[-2]) + len(parts[-1])
    return np.concatenate(parts)[:n].astype(np.float32)


def at_level(speech: np.ndarray, other: np.ndarray, decibel: float, name: str) -> Mix:
    """Returns the mixture with the speech that many dB above the other; its root mean square is 0.1."""
    other = other * np.sqrt(np.square(speech).mean() / np.square(other).mean()) * 10 ** (-decibel / 20)
    scale = 0.1 / np.sqrt(np.square(speech + other).mean())
    return Mix(name, (speech * scale).astype(np.float32), (other * scale).astype(np.float32))


def music_mixes(folder: Path, count: int = 200, seed: int = 0) -> list[Mix]:
    """Returns speech and music at 0 dB; voices and tracks take turns."""
    voices, tracks = load_voices(folder), load_tracks(folder)
    mixes = []
    for i in range(count):
        rng = np.random.default_rng((seed, i))
        voice, t = VOICES[i % len(VOICES)], (i // len(VOICES)) % len(tracks)
        start = rng.integers(len(tracks[t]) - N)
        speech = stretch(voices[voice], rng)
        mixes.append(at_level(speech, tracks[t][start : start + N], 0.0, f"{voice} {TRACKS[t]}"))
    return mixes


def babble(voices: dict[str, list[np.ndarray]], without: str, rng: np.random.Generator) -> np.ndarray:
    """Returns six talkers at once: two stretches of each test voice but one."""
    others = [name for name in VOICES if name != without]
    streams = [stretch(voices[name], rng, 2 * N) for name in others for _ in range(2)]
    cut = [stream[(start := rng.integers(N)) : start + N] for stream in streams]
    return np.sum([part / np.sqrt(np.square(part).mean()) for part in cut], axis=0)


def noise_mixes(folder: Path, kind: str, count: int = 100, seed: int = 0, decibel: float = 5.0) -> list[Mix]:
    """Returns speech under noise ("white", "pink", "babble", "music" or "clicks")."""
    voices, tracks = load_voices(folder), load_tracks(folder)
    mixes = []
    for i in range(count):
        rng = np.random.default_rng((seed, i, 1))
        voice = VOICES[i % len(VOICES)]
        speech = stretch(voices[voice], rng)
        if kind == "babble":
            other = babble(voices, voice, rng)
        elif kind == "music":
            track = tracks[(i // len(VOICES)) % len(tracks)]
            start = rng.integers(len(track) - N)
            other = track[start : start + N]
        else:
            other = noise_signal(kind, rng, N)
        mixes.append(at_level(speech, other, decibel, f"{voice} {kind}"))
    return mixes


def wiener_oracle(mix: Mix, hop: int = 128) -> np.ndarray:
    """Returns what the Wiener mask |S|^2 / (|S|^2 + |O|^2) of the true sources makes of the mixture: the best there is.

    Not a bound in the strict sense, but what a mask between 0 and 1 with the mixture's phase is held against.
    """
    speech, other = (stft(torch.from_numpy(x), 512, hop) for x in (mix.speech, mix.other))
    mask = speech.abs() ** 2 / (speech.abs() ** 2 + other.abs() ** 2 + 1e-12)
    return istft(mask * (speech + other), N, hop).numpy()
