"""Denoisers of sound learn from clean recordings and from noisy pairs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from latente import Trainer
from latente.audio.separation.denoiser import AudioDenoiser
from latente.audio.separation.objective import SourceError
from latente.metrics.sound import si_sdr
from latente.objectives import Batch, Progress

RATE = 8000


def chords(count: int, seed: int = 0, seconds: float = 2.0) -> list[np.ndarray]:
    """Three low tones at once."""
    rng, t = np.random.default_rng(seed), np.arange(int(seconds * RATE)) / RATE
    return [np.sin(2 * np.pi * rng.uniform(200, 600, (3, 1)) * t).mean(0) / 4 for _ in range(count)]


def noisy(signals: list[np.ndarray], seed: int) -> list[np.ndarray]:
    """White noise at 0 dB."""
    rng = np.random.default_rng(seed)
    return [signal + signal.std() * rng.normal(size=len(signal)) for signal in signals]


def small(**settings: object) -> AudioDenoiser:
    """A denoiser that learns in seconds."""
    trainer = Trainer(epochs=1, batch_size=8, learning_rate=5e-3, threads=1, verbose=False, precision="float32")
    return AudioDenoiser(("white",), 32, 16, seconds=0.5, trainer=trainer, random_state=0).set_params(**settings)


@pytest.mark.parametrize("way", ["clean", "noise2noise"])
def test_it_removes_noise(way: str, tmp_path: Path) -> None:
    train = chords(8)
    model = small().fit(train) if way == "clean" else small().fit(noisy(train, 1), noisy(train, 2))
    clean = chords(1, 9)[0]
    (mixture,) = noisy([clean], 3)
    assert si_sdr(model.denoise(mixture, RATE), clean) > 6  # noisy: 0
    again = AudioDenoiser.load(model.save(tmp_path / "model"))
    np.testing.assert_array_equal(again.denoise(mixture, RATE), model.denoise(mixture, RATE))
    half = model.denoise(mixture, RATE, amount=0.5)
    np.testing.assert_allclose(half, (model.denoise(mixture, RATE) + mixture) / 2, atol=1e-6)
    pieces = list(model.denoise_pieces(np.array_split(mixture.astype(np.float32), 3), RATE))
    np.testing.assert_array_equal(np.concatenate(pieces), model.denoise(mixture.astype(np.float32), RATE))
    stereo = model.denoise(np.stack([mixture, clean]), 16000)
    assert stereo.shape == (2, len(mixture))


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
def test_a_few_samples_of_any_rate_are_denoised(rate: int) -> None:
    model = small(channels=4, bottleneck=4, trainer__batch_size=1600, seconds=0.1).fit(chords(1))
    for shape in ((1,), (5,), (2, 1), (2, 3)):
        assert model.denoise(np.full(shape, 0.25), rate).shape == shape


@pytest.mark.parametrize("levels", [(0.0, 0.0), (0.0, 1e-3), (1e-3, 0.0), (0.0, 1e-7), (1e-7, 1e-3), (1e-6, 1e-6)])
def test_a_silent_stretch_does_not_outweigh_the_others(levels: tuple[float, float]) -> None:
    noise = torch.randn(2, 2, 4000, generator=torch.Generator().manual_seed(0))
    noise[1] *= torch.tensor(levels)[:, None]  # beside a stretch of usual level
    loss = SourceError(pairs=True)(lambda x: torch.stack([x, 0 * x], 1), Batch(noise[:, 0], noise[:, 1:]), Progress())
    usual, silent = loss.loss.tolist()
    assert usual == pytest.approx(2, abs=0.1)
    assert silent <= 2.1


def test_levels_of_recordings_do_not_change_the_loss_of_pairs() -> None:
    levels = torch.tensor([1.0, 0.1, 1e-3])[:, None, None]
    noise = levels * torch.randn(1, 2, 4000, generator=torch.Generator().manual_seed(0))
    loss = SourceError(pairs=True)(lambda x: x[:, None] / 2, Batch(noise[:, 0], noise[:, 1:]), Progress()).loss
    torch.testing.assert_close(loss, loss[:1].expand(3))


def test_mistakes() -> None:
    with pytest.raises(ValueError, match=r"Did you mean 'white'"):
        small(noises=("whit",)).fit(chords(1))
    with pytest.raises(ValueError, match="music=FOLDER"):
        small(noises=("white", "music")).fit(chords(1))
    with pytest.raises(ValueError, match="second copy"):
        small().fit(chords(2), chords(1))
    with pytest.raises(ValueError, match="16000 and 8000 samples"):
        small().fit(chords(1), chords(1, seconds=1.0))
