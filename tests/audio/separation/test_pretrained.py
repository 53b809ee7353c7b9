"""The shipped models: small, and better than nothing on voices that they never heard."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import latente.audio.separation as package
from latente.audio import AudioDenoiser, SourceSeparator
from latente.audio.separation.noises import noise_signal
from latente.metrics.sound import si_sdr

MODELS = Path(package.__file__).with_name("models")
RATE = 8000
MOST = {"separator": 4_000_000, "denoiser": 2_000_000}  # bytes


@pytest.fixture(scope="module")
def speech(latente_data):
    """Ten seconds of theo, who is no training voice."""
    with np.load(latente_data / "fsdd" / "fsdd.npz") as file:
        speaker = list(file["speaker_names"]).index("theo")
        clips = np.split(file["audio"], file["offsets"][1:-1])
        chosen = [clips[i] / 32768 for i in np.flatnonzero(file["speakers"] == speaker)[:60]]
    leveled = [0.1 * clip / np.sqrt(np.square(clip).mean()) for clip in chosen]
    return np.concatenate(leveled)[: 10 * RATE]


@pytest.mark.parametrize("name", MOST)
def test_they_are_small(name):
    assert sum(path.stat().st_size for path in (MODELS / name).iterdir()) < MOST[name]


@pytest.mark.parametrize(("kind", "gain"), [("white", 4.0), ("pink", 4.0), ("coloured", 4.0)])
def test_the_denoiser_removes_noise(speech, kind, gain):
    noise = noise_signal(kind, np.random.default_rng(0), len(speech))
    noisy = speech + noise * np.sqrt(np.square(speech).mean() / np.square(noise).mean()) * 10 ** (-5 / 20)
    assert si_sdr(noisy, speech) == pytest.approx(5, abs=0.3)
    assert si_sdr(AudioDenoiser.pretrained().denoise(noisy, RATE), speech) > 5 + gain


def test_the_separator_takes_speech_from_chords(speech):
    t = np.arange(len(speech)) / RATE
    chords = [[262, 330, 392], [220, 262, 330], [175, 220, 262], [196, 247, 294]]
    music = sum(
        np.sin(2 * np.pi * f * k * t) / k * ((t % 4) // 1 == i)
        for i, chord in enumerate(chords)
        for f in chord
        for k in (1, 2, 3)
    )
    music *= np.sqrt(np.square(speech).mean() / np.square(music).mean())
    parts = SourceSeparator.pretrained().separate(speech + music, RATE)
    assert list(parts) == ["speech", "music", "residual"]
    assert si_sdr(parts["speech"], speech) > 3
    assert si_sdr(parts["music"], music) > 3
