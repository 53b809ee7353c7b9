"""Separators learn, and what they return adds up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from latente import Trainer
from latente.audio import AudioDenoiser, read_sound, write_sound
from latente.audio.separation.separator import SourceSeparator
from latente.metrics.sound import si_sdr
from latente.persistence import ModelFileError

RATE = 8000


def tones(count: int, seed: int = 0, seconds: float = 1.0) -> list[np.ndarray]:
    """Low chords."""
    rng, t = np.random.default_rng(seed), np.arange(int(seconds * RATE)) / RATE
    return [np.sin(2 * np.pi * rng.uniform(200, 600, (3, 1)) * t).mean(0) for _ in range(count)]


def hiss(count: int, seed: int = 0, seconds: float = 1.0) -> list[np.ndarray]:
    """White noise."""
    rng = np.random.default_rng(seed)
    return [rng.normal(size=int(seconds * RATE)) / 8 for _ in range(count)]


def small(**settings: object) -> SourceSeparator:
    """A separator that learns in seconds."""
    trainer = Trainer(epochs=1, batch_size=8, learning_rate=5e-3, threads=1, verbose=False, precision="float32")
    return SourceSeparator(32, 16, seconds=0.5, trainer=trainer, random_state=0).set_params(**settings)


@pytest.fixture(scope="module")
def fitted() -> SourceSeparator:
    """One that was trained for two hundred steps."""
    return small().fit({"tone": tones(8), "hiss": hiss(4)})


def test_it_separates_what_it_never_heard(fitted: SourceSeparator) -> None:
    tone, noise = tones(1, 7, 3.0)[0], hiss(1, 7, 3.0)[0]
    noise *= np.linalg.norm(tone) / np.linalg.norm(noise)
    parts = fitted.separate(0.2 * (tone + noise), RATE)
    assert si_sdr(parts["tone"], tone) > 6  # the mixture has 0
    assert si_sdr(parts["hiss"], noise) > 6


@pytest.mark.parametrize("rate", [8000, 11025, 44100])
@pytest.mark.parametrize("channels", [0, 2])
def test_parts_have_the_mixture_s_shape_and_add_up_to_it(fitted: SourceSeparator, rate: int, channels: int) -> None:
    rng = np.random.default_rng(1)
    mixture = rng.integers(-32768, 32768, (channels, 5001) if channels else 5001).astype(np.int16)
    parts = fitted.separate(mixture, rate)
    assert list(parts) == ["tone", "hiss", "residual"]
    assert {part.shape for part in parts.values()} == {mixture.shape}
    whole = [np.rint(part * 32768).astype(np.int64) for part in parts.values()]
    for part, integers in zip(parts.values(), whole, strict=True):
        assert (integers == part.astype(np.float64) * 32768).all()  # 16 bits hold it
        assert integers.min() >= -32768
        assert integers.max() <= 32767
    assert (sum(whole) == mixture).all()


def test_floats_add_up_to_rounding(fitted: SourceSeparator) -> None:
    mixture = np.random.default_rng(2).normal(size=6000).astype(np.float32)
    parts = fitted.separate(mixture, RATE)
    np.testing.assert_allclose(sum(part.astype(np.float64) for part in parts.values()), mixture, atol=2e-7)


def test_pieces_are_the_whole(fitted: SourceSeparator) -> None:
    mixture = np.random.default_rng(3).normal(size=50 * RATE).astype(np.float32) / 8
    whole = fitted.separate(mixture, RATE)
    pieces = list(fitted.separate_pieces(np.array_split(mixture, 13), RATE))
    for name, part in whole.items():
        np.testing.assert_array_equal(np.concatenate([piece[name] for piece in pieces]), part)


def test_blocks_change_nothing(fitted: SourceSeparator, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    mixture = rng.normal(size=40 * RATE) * np.repeat(10 ** rng.uniform(-3, -1, 40), RATE)  # now loud, now quiet
    in_blocks = fitted.separate(mixture, RATE)["tone"]
    monkeypatch.setattr("latente.audio.separation.applying.BLOCK", 100.0)
    np.testing.assert_allclose(in_blocks, fitted.separate(mixture, RATE)["tone"], atol=1e-5)


def test_level_does_not_matter(fitted: SourceSeparator) -> None:
    mixture = np.random.default_rng(5).normal(size=RATE).astype(np.float32) / 8
    quiet = fitted.separate(mixture / 100, RATE)["tone"]
    np.testing.assert_allclose(100 * quiet, fitted.separate(mixture, RATE)["tone"], atol=1e-4)


@pytest.mark.parametrize("n", [1, 2, 100, 513])
def test_short_and_silent_signals(fitted: SourceSeparator, n: int) -> None:
    for mixture in (np.zeros(n, np.float32), np.full(n, 0.5, np.float32)):
        parts = fitted.separate(mixture, RATE)
        np.testing.assert_array_equal(sum(parts.values()), mixture)


def test_above_the_band_is_residual(fitted: SourceSeparator) -> None:
    t = np.arange(32000) / 16000
    parts = fitted.separate(
        0.5 * np.sin(2 * np.pi * 6000 * t) * np.sin(np.pi * t / 2), 16000
    )  # it comes and goes slowly
    assert np.abs(parts["tone"]).max() < 1e-3
    assert np.abs(parts["residual"]).max() > 0.49


def test_saved_and_loaded(fitted: SourceSeparator, tmp_path: Path) -> None:
    mixture = np.random.default_rng(6).normal(size=4000)
    again = SourceSeparator.load(fitted.save(tmp_path / "model"))
    assert again.sources_ == fitted.sources_
    assert again.get_params()["channels"] == 32
    for name, part in again.separate(mixture, RATE).items():
        np.testing.assert_array_equal(part, fitted.separate(mixture, RATE)[name])
    with pytest.raises(ModelFileError, match=r"another kind of model, SourceSeparator.*SourceSeparator.load"):
        AudioDenoiser.load(tmp_path / "model")
    (tmp_path / "model" / "model.safetensors").write_bytes(b"no")
    with pytest.raises(ModelFileError, match="damaged"):
        SourceSeparator.load(tmp_path / "model")


def test_seed_decides(untouched_generators: None) -> None:
    few = {"trainer__batch_size": 1600, "channels": 4, "bottleneck": 4, "seconds": 0.1}
    one, two, other = (
        small(random_state=seed, **few).fit({"a": tones(2), "b": hiss(2)}).network_.state_dict() for seed in (0, 0, 1)
    )
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert any(not torch.equal(one[name], other[name]) for name in one)


def test_folders_of_any_number_of_sources(tmp_path: Path) -> None:
    for name, signals in {"low": tones(2), "mid": tones(2, 1), "hiss": hiss(2)}.items():
        for i, signal in enumerate(signals):
            (tmp_path / name / str(i)).mkdir(parents=True)
            write_sound(tmp_path / name / str(i) / "a.wav", signal, RATE)
    folders = {name: tmp_path / name for name in ("low", "mid", "hiss")}
    model = small(trainer__batch_size=800, channels=4, bottleneck=4, seconds=0.1).fit(folders)
    mixture = read_sound(tmp_path / "low" / "0" / "a.wav").samples
    parts = model.separate(mixture, RATE)
    assert list(parts) == ["low", "mid", "hiss", "residual"]
    np.testing.assert_array_equal(sum(parts.values()), mixture)


def test_mistakes(fitted: SourceSeparator, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="mapping"):
        small().fit([np.ones(8000)])
    with pytest.raises(ValueError, match="at least two sources"):
        small().fit({"a": tones(1)})
    with pytest.raises(ValueError, match="source's name"):
        small().fit({"a": tones(1), "residual": hiss(1)})
    with pytest.raises(ValueError, match=r"b: none of the 1 recordings can be used: b\[0\] is silent"):
        small().fit({"a": tones(1), "b": [np.zeros(8000)]})
    with pytest.raises(FileNotFoundError, match="b: there is no folder"):
        small().fit({"a": tones(1), "b": tmp_path / "nowhere"})
    with pytest.raises(ValueError, match="b: no sound files"):
        small().fit({"a": tones(1), "b": tmp_path})
    with pytest.raises(ValueError, match="channels must be"):
        small(channels=0).fit({"a": tones(1), "b": hiss(1)})
    with pytest.raises(ValueError, match="NaN"):
        fitted.separate(np.array([0.0, np.nan]), RATE)
    with pytest.raises(ValueError, match="sample_rate"):
        fitted.separate(np.zeros(10), 10)


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("length", [1, 2, 3, 4, 5])
def test_a_few_samples_of_any_rate_are_separated(
    fitted: SourceSeparator, rate: int, channels: int, length: int
) -> None:
    mixture = np.random.default_rng(4).uniform(-0.5, 0.5, (channels, length)).astype(np.float32)
    mixture = mixture[0] if channels == 1 else mixture
    parts = fitted.separate(mixture, rate)
    assert {part.shape for part in parts.values()} == {mixture.shape}
    np.testing.assert_allclose(sum(part.astype(np.float64) for part in parts.values()), mixture, atol=2e-7)
    (pieces,) = fitted.separate_pieces(iter([mixture]), rate)
    assert {part.shape for part in pieces.values()} == {mixture.shape}
