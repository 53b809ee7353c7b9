"""Noise of many levels, and of a level that is estimated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

import latente
from latente.denoising import Denoiser, Restoration, denoise
from latente.denoising.level import noise_level, window_level
from latente.denoising.restoration import is_blind
from latente.objectives import Batch, Progress
from latente.training.stepper import Stepper

DIGITS = load_digits().images / 16
NORMAL = torch.randn(60_000, generator=torch.Generator().manual_seed(0))
CLEAN = torch.rand(60_000, generator=torch.Generator().manual_seed(1))
RANDOM = torch.rand(60_000, generator=torch.Generator().manual_seed(2))


def predictions(clean):
    """Predictions that are best at the ends of the range, as on a background and within strokes."""
    error = 0.25 * clean * (1 - clean) * torch.randn(clean.shape, generator=torch.Generator().manual_seed(3))
    return clean + error


@pytest.mark.parametrize("sigma", [0.1, 0.4, 1.0])
@pytest.mark.parametrize("unit", [1.0, 50.0])
def test_the_level_of_gaussian_noise(sigma, unit):
    found = noise_level(unit * predictions(CLEAN), unit * (CLEAN + sigma * NORMAL))
    assert found == pytest.approx(unit * sigma, rel=0.08)


@pytest.mark.parametrize(
    "noisy",
    [
        (CLEAN + 0.4 * NORMAL).clamp(0, 1),
        torch.where(RANDOM < 0.1, (RANDOM < 0.05).float(), CLEAN),
        torch.where(RANDOM < 0.33, (RANDOM < 0.165).float(), CLEAN),
        torch.where(RANDOM < 0.3, 0.0, CLEAN),
        torch.poisson(30 * CLEAN, generator=torch.Generator().manual_seed(4)) / 30,
        CLEAN * (1 + 0.3 * NORMAL),
        CLEAN + 0.4 * (RANDOM - 0.5),
    ],
    ids=["clipped", "salt and pepper", "more of it", "masking", "Poisson", "speckle", "uniform"],
)
def test_no_level_where_noise_is_of_another_kind(noisy):
    assert noise_level(predictions(CLEAN), noisy) is None


def test_the_level_of_noise_that_was_clipped_at_some_places():
    """As in bytes: a bright sky loses half of its noise, and says nothing; the rest tells the level."""
    noisy = (CLEAN + 0.1 * NORMAL).clamp(0, 1)
    assert noise_level(predictions(CLEAN) * 0.98 + 0.01, noisy) == pytest.approx(0.1, rel=0.35)  # no less, but v(f)
    assert noise_level(predictions(CLEAN) * 0.98 + 0.01, noisy) > 0.095


@pytest.mark.parametrize("clipped", [False, True])
def test_windows_tell_the_level_of_textures(clipped):
    waves = torch.arange(128.0)
    clean = 0.5 + 0.12 * torch.sin(waves) + 0.12 * torch.cos(2 * waves)[:, None]  # no neighbour is like the next
    noisy = clean + 0.1 * NORMAL[: 128**2].view(128, 128)
    noisy = noisy.clamp(0.05, 0.95) if clipped else noisy
    assert window_level(noisy[None]) == pytest.approx(0.1, rel=0.05)
    assert window_level(noisy[None].repeat(4, 1, 1), share=4.0) == pytest.approx(0.1, rel=0.05)


def test_windows_tell_nothing_of_few_or_small_images():
    assert window_level(NORMAL[:400].view(1, 20, 20)) is None
    assert window_level(NORMAL[:3600].view(100, 6, 6)) is None
    assert window_level(torch.zeros(4, 64, 64)) is None


def test_no_level_of_few_values():
    assert noise_level(CLEAN[:900], (CLEAN + 0.4 * NORMAL)[:900]) is None


def test_no_level_where_the_background_has_less_noise_than_the_rest():
    """As photons on clothes before black: the bins of the clothes agree, the black ones are nearly free of noise."""
    clean = torch.where(RANDOM < 0.5, 0.0, 0.3 + 0.7 * CLEAN)
    noisy = torch.poisson(100 * clean, generator=torch.Generator().manual_seed(4)) / 100
    predicted = clean + 0.2 * NORMAL * (clean > 0)
    assert noise_level(predicted, noisy) is None


def test_no_level_from_a_few_values_or_from_even_ones():
    assert noise_level(CLEAN[:800], CLEAN[:800] + 0.1 * NORMAL[:800]) is None
    assert noise_level(torch.zeros(10_000), torch.zeros(10_000)) is None


@pytest.fixture(scope="module")
def alone():
    """Trained on six hundred noisy digits with strokes three pixels wide; about 6 seconds."""
    clean = 20 + 5 * np.kron(DIGITS[:600], np.ones((3, 3)))
    noisy = clean + np.random.default_rng(0).normal(0, 1.5, clean.shape)
    trainer = latente.Trainer(epochs=4, batch_size=32, verbose=False)
    model = Denoiser(way="noise2self", width=16, levels=2, trainer=trainer, random_state=0)
    return model.fit(noisy), clean[:100], noisy[:100]


def test_the_estimate_is_used_where_no_sigma_is_told(alone, tmp_path):
    model, clean, noisy = alone
    assert model.sigma_ == pytest.approx([1.5], rel=0.05)
    restored, without = model.transform(noisy), model.transform(noisy, sigma=None)
    assert np.square(restored - clean).mean() < 0.8 * np.square(without - clean).mean()
    np.testing.assert_allclose(restored, model.transform(noisy, sigma=model.sigma_), atol=1e-4)
    loaded = Denoiser.load(model.save(tmp_path / "alone"))
    assert loaded.sigma_ == model.sigma_
    assert denoise(loaded, noisy).tolist() == restored.tolist()
    assert model.transform(noisy[:2], j_invariant=False).shape == (2, 24, 24)


def test_an_estimate_from_bytes_serves_for_floats(alone):
    noisy = alone[2]
    scaled = (noisy - 10) / 25  # within [0, 1] but for some values far out
    images = np.rint(255 * scaled.clip(0, 1)).astype(np.uint8)
    quick = latente.Trainer(epochs=1, verbose=False)
    model = Denoiser(way="noise2self", width=4, levels=1, trainer=quick, random_state=0).fit(images)
    model.sigma_ = (255 * 1.5 / 25,)  # a network this small does not know
    of_bytes, of_floats = model.transform(images), model.transform(images / 255)
    assert np.abs(of_bytes / 255 - of_floats).max() <= 0.5 / 255 + 1e-6
    assert np.abs(of_floats - model.transform(images / 255, sigma=1.5 / 25)).max() < 1e-6
    assert np.abs(of_floats - model.transform(images / 255, sigma=None)).max() > 0.01


@dataclass
class Banded(latente.corruptions.Corruption):
    """Noise in some channels."""

    channels: tuple[str, ...] = ()

    def __call__(self, x, generator=None, bounds=None):
        return x


def test_which_noise_has_a_range_of_levels():
    assert is_blind("gaussian:0.1..0.5")
    assert is_blind("masking:0.1..0.2+gaussian:0.1")
    assert not is_blind("masking:0.1+gaussian:0.1")
    assert not is_blind(latente.corruptions.Custom(lambda x: x))
    assert not is_blind(Banded(channels=("red", "green")))  # a pair, but no levels


def test_a_floor_weighs_weak_noise_more():
    def add(x):
        return x + torch.tensor([[[0.1]], [[0.5]]])

    batch = Batch(torch.zeros(2, 1, 4), torch.zeros(2, 1, 4))
    module = torch.nn.Identity().eval()
    module.bounds = None
    plain = Restoration(noise=add)(module, batch, Progress()).loss
    weighed = Restoration(noise=add, floor=0.02)(module, batch, Progress()).loss
    assert plain.tolist() == pytest.approx([0.04, 1.0])
    assert weighed.tolist() == pytest.approx([0.04 * 0.02 / 0.03, 0.02 / 0.27])


@pytest.mark.parametrize(("noise", "seen"), [("gaussian:0.3", 120_000), ("gaussian:0.1..0.5", 360_000)])
def test_a_blind_network_trains_three_times_as_long(monkeypatch, noise, seen):
    runs, fit = [], latente.Trainer.fit

    def quick(self, *arguments, **named):
        runs.append((self.epochs, self.beta2))
        self.epochs = 1
        return fit(self, *arguments, **named)

    monkeypatch.setattr(latente.Trainer, "fit", quick)
    Denoiser(noise, width=2, levels=1, random_state=0).fit(np.random.default_rng(0).random((4000, 8, 8)))
    assert runs == [(seen // 4000, 0.99)]


@pytest.mark.parametrize(("given", "beta2"), [({}, 0.999), ({"beta2": 0.9}, 0.9)])
def test_the_beta2_that_a_run_has(monkeypatch, given, beta2):
    found, made = [], Stepper.__init__

    def looking(self, *arguments, **named):
        made(self, *arguments, **named)
        found.append(self.optimizer.betas)

    monkeypatch.setattr(Stepper, "__init__", looking)
    latente.Autoencoder(2, trainer=latente.Trainer(epochs=1, verbose=False, **given), random_state=0).fit(DIGITS[:50])
    latente.Autoencoder(2, trainer=latente.Trainer(verbose=False, **given), random_state=0).partial_fit(DIGITS[:50])
    assert set(found) == {(0.9, beta2)}


def test_values_that_come_again_are_counted_once():
    again = [values[:900].repeat(20) for values in (CLEAN, CLEAN + 0.4 * NORMAL)]
    assert noise_level(*again) is not None  # 18,000 values, as it seems
    assert noise_level(*again, repeats=20.0) is None
