"""Twelve configurations that are broken on purpose: the right diagnosis comes first, and the advised change repairs it.

Healthy models of the same data get no warning.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits
from torch import nn

from latente import (
    Autoencoder,
    DataSpec,
    DenoisingAutoencoder,
    Trainer,
    VanillaAutoencoder,
    VariationalAutoencoder,
)
from latente.diagnostics import Finding, diagnose
from latente.diagnostics.hiding import visible_share
from latente.estimators import LatentSizeWarning
from latente.training.schedule import USUAL_LEARNING_RATE

QUICK = {"epochs": 20, "verbose": False}
SKIPPING = "mlp:128,64,skip=true"
PLAIN = "mlp:128,64"  # starts far above PCA's error, where the default starts at it


class Data:
    """Samples to train on and held-out ones."""

    def __init__(self, X: np.ndarray, train: int, seed: int = 0) -> None:
        X = X[np.random.default_rng(seed).permutation(len(X))]
        self.train, self.test = X[:train], X[train : 2 * train]


@pytest.fixture(scope="module")
def digits() -> Data:
    return Data(load_digits().images, 600)


@pytest.fixture(scope="module")
def cells() -> Data:
    return Data(load_breast_cancer().data, 400)


def make(kind: type = Autoencoder, latent_dim: int = 8, *, trainer: dict[str, Any] | None = None, **parts: Any) -> Any:
    return kind(latent_dim, trainer=Trainer(**QUICK | (trainer or {})), random_state=0, **parts)


def error(model: Autoencoder, data: Data) -> float:
    return model.evaluate(data.test, reference=data.train).error


def first(model: Autoencoder, data: Data, name: str) -> tuple[Finding, ...]:
    """Returns the findings, of which the first is the named one, a warning with numbers and with advice."""
    found = diagnose(model, data.test, reference=data.train)
    assert found[0].name == name, [str(finding) for finding in found]
    assert found[0].severity == "warning"
    assert any(letter.isdigit() for letter in found[0].message)
    assert found[0].advice
    assert not found[0].advice.startswith("It follows")
    order = [("warning", "note", "good").index(finding.severity) for finding in found]
    assert order == sorted(order)
    return found


def gone(model: Autoencoder, data: Data, name: str) -> tuple[Finding, ...]:
    found = diagnose(model, data.test, reference=data.train)
    assert name not in [finding.name for finding in found]
    return found


def repaired(model: Autoencoder, data: Data, name: str, **fit: Any) -> tuple[Autoencoder, Autoencoder]:
    """Fits, applies what the first finding says, fits again, and returns both models; the finding is gone."""
    model.fit(data.train, **fit)
    change = first(model, data, name)[0].change
    assert change
    again = clone(model).set_params(**change).fit(data.train, **fit)
    gone(again, data, name)
    return model, again


# Training


def test_1_a_learning_rate_100_times_too_high(digits):
    model = make(network=PLAIN, trainer={"learning_rate": 0.2})
    broken, sound = repaired(model, digits, "learning rate too high")
    assert sound.trainer.learning_rate == USUAL_LEARNING_RATE
    assert error(sound, digits) < 0.5 * error(broken, digits)


def test_1_on_a_table(cells):
    model = make(latent_dim=4, network=SKIPPING, trainer={"learning_rate": 0.2})
    broken, sound = repaired(model, cells, "learning rate too high")
    assert error(sound, cells) < error(broken, cells)


def test_1_decay_leads_the_default_network_back_to_pca(digits):
    """A note then; a sound rate is still better."""
    broken = make(trainer={"learning_rate": 0.2}).fit(digits.train)
    result = broken.evaluate(digits.test, reference=digits.train)
    assert error(make().fit(digits.train), digits) < 0.8 * result.error
    assert result.error < 1.02 * result.pca_error
    found = diagnose(broken, digits.test, reference=digits.train)
    assert (found[0].name, found[0].severity) == ("learning rate too high", "note")
    assert found[0].change == {"trainer__learning_rate": USUAL_LEARNING_RATE}


def test_2_a_learning_rate_100_times_too_low(digits):
    broken, sound = repaired(make(network=PLAIN, trainer={"learning_rate": 2e-5}), digits, "learning rate too low")
    assert sound.trainer.learning_rate == USUAL_LEARNING_RATE
    assert error(sound, digits) < 0.5 * error(broken, digits)


def test_12_early_stopping_after_one_epoch(cells):
    """One held-out sample and a patience of one epoch: the weights of the first epoch are kept."""
    model = make(latent_dim=4, network=SKIPPING, trainer={"epochs": 60, "patience": 1})
    broken, sound = repaired(model, cells, "stopped too early", validation=cells.test[158:159])
    assert (broken.history_.best_epoch, len(broken.history_)) == (1, 2)
    assert error(sound, cells) < 0.5 * error(broken, cells)


def test_12_a_callback_after_one_epoch(digits):
    model = make(network=PLAIN, trainer={"callbacks": (lambda record: True,)})
    broken, sound = repaired(model, digits, "stopped too early")
    assert (len(broken.history_), len(sound.history_)) == (1, 20)
    assert error(sound, digits) < 0.5 * error(broken, digits)


@pytest.mark.parametrize(
    ("trainer", "name"),
    [({"learning_rate": 2e-5}, "learning rate too low"), ({"callbacks": (lambda r: True,)}, "stopped too early")],
)
def test_where_training_starts_at_pca_the_same_is_a_note(digits, trainer, name):
    found = diagnose(make(trainer=trainer).fit(digits.train), digits.test, reference=digits.train)
    assert (found[0].name, found[0].severity) == (name, "note")
    assert found[0].change


# How distortion and rate are weighed


def test_3_beta_1000(digits):
    broken, sound = repaired(make(VariationalAutoencoder, beta=1000.0), digits, "beta too high")
    assert error(sound, digits) < 0.5 * error(broken, digits)
    assert sound.evaluate(digits.test).active_units > 0


def test_3_in_a_part(digits):
    _, sound = repaired(make(bottleneck="gaussian:1000"), digits, "beta too high")
    assert sound.bottleneck.beta == 1


def mean_error(x_hat: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    return (x_hat - x).square().flatten(1).mean(1)


def test_4_rate_summed_against_a_mean_error(digits):
    broken, sound = repaired(make(VariationalAutoencoder, distortion=mean_error), digits, "averaged distortion")
    found = {finding.name: finding for finding in first(broken, digits, "averaged distortion")}
    assert "over the 64 of a sample" in found["averaged distortion"].message
    assert found["collapsed posterior"].advice == "It follows from: averaged distortion."
    assert error(sound, digits) < 0.5 * error(broken, digits)


def test_4_an_averaged_distortion_alone_is_no_fault(digits):
    found = diagnose(make(distortion=mean_error).fit(digits.train), digits.test)
    assert "averaged distortion" not in [finding.name for finding in found]


# Scale and data


def networks(*end: nn.Module) -> tuple[nn.Module, nn.Module]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        encoder = nn.Sequential(nn.Linear(30, 64), nn.SiLU(), nn.Linear(64, 4))
        return encoder, nn.Sequential(nn.Linear(4, 64), nn.SiLU(), nn.Linear(64, 30), *end)


@pytest.mark.parametrize("end", [nn.Sigmoid, nn.Tanh, nn.ReLU])
def test_5_a_bounded_output_on_standardised_data(cells, end):
    name = "output cannot reach the data"
    broken = make(latent_dim=4, network=networks(end()), trainer={"epochs": 40}).fit(cells.train)
    advice = first(broken, cells, name)[0].advice
    assert "Take the activation off" in advice
    sound = make(latent_dim=4, network=networks(), trainer={"epochs": 40}).fit(cells.train)
    gone(sound, cells, name)
    assert error(sound, cells) < 0.8 * error(broken, cells)


def test_6_unscaled_floats_up_to_255(digits):
    data = Data(load_digits().images * (255 / 16), 600)
    broken, sound = repaired(make(data=DataSpec(scale="none")), data, "unscaled data")
    assert broken.schema_.scale == "none"
    by_mean = [m.evaluate(data.test, reference=data.train) for m in (broken, sound)]
    assert by_mean[1].error / by_mean[1].mean_error < by_mean[0].error / by_mean[0].mean_error


def test_9_half_the_columns_constant(cells):
    name, constant = "constant columns", np.arange(30) * 0.1
    data = Data(np.column_stack([load_breast_cancer().data, np.broadcast_to(constant, (569, 30))]), 400)
    broken = make(latent_dim=4).fit(data.train)
    assert broken.schema_.constant == tuple(range(30, 60))
    assert "30 of 60 columns" in first(broken, data, name)[0].message
    sound = make(latent_dim=4).fit(cells.train)
    gone(sound, cells, name)
    assert error(sound, cells) < 1.1 * error(broken, data)


def test_10_nine_of_ten_rows_are_copies(digits):
    name, data = "duplicate rows", Data(load_digits().images, 600)
    data.train = np.concatenate([digits.train[:60], np.repeat(digits.train[:6], 90, axis=0)])
    broken = make().fit(data.train)
    assert "540 of 600 rows (90%)" in first(broken, data, name)[0].message
    data.train = np.unique(data.train, axis=0)
    sound = make(trainer={"epochs": 100}).fit(data.train)
    gone(sound, data, name)
    assert error(sound, data) < 1.05 * error(broken, data)  # from a tenth of the rows


def test_10_of_pictures_with_a_border(digits):
    """The first 64 pixels are the same in all of them, which says nothing about how many pictures there can be."""
    data = Data(np.pad(load_digits().images, ((0, 0), (4, 0), (4, 4))), 600)
    data.train = np.repeat(data.train[:60], 10, axis=0)
    assert "540 of 600 rows (90%)" in first(make().fit(data.train), data, "duplicate rows")[0].message


# Sizes


def test_7_a_latent_as_wide_as_the_input(digits):
    name = "latent as wide as the data"
    with pytest.warns(LatentSizeWarning):
        broken = make(latent_dim=64).fit(digits.train)
    found = first(broken, digits, name)
    sound = make().set_params(**found[0].change).fit(digits.train)
    assert sound.latent_dim < 64
    assert f"{sound.latent_dim} principal components" in found[0].message
    assert "nothing to compress" not in [finding.name for finding in gone(sound, digits, name)]


def test_8_a_hidden_layer_of_one_unit(digits):
    broken, sound = repaired(make(network="mlp:1"), digits, "layer narrower than the code")
    assert sound.network == "auto"
    assert error(sound, digits) < 0.5 * error(broken, digits)


@pytest.mark.parametrize("network", ["conv:8,1", "mlp:64,2,64"])
def test_8_elsewhere(digits, network):
    found = diagnose(make(network=network, trainer={"epochs": 2}).fit(digits.train), digits.test)
    assert found[0].name == "layer narrower than the code"


def test_11_a_codebook_of_4096_codes_for_500_samples(digits):
    data = Data(load_digits().images, 500)
    model = make(latent_dim=16, bottleneck="vq:4096", trainer={"epochs": 10})
    _, sound = repaired(model, data, "codebook larger than the data")
    assert sound.bottleneck.codebook_size == 32
    assert "unused codebook entries" not in [f.name for f in diagnose(sound, data.test, reference=data.train)]


# More than twelve: what hides the data, and what outweighs them


@pytest.mark.parametrize("network", [PLAIN, "auto"])
def test_a_corruption_that_hides_the_data(digits, network):
    model = make(network=network, corruption="gaussian:20")
    broken, sound = repaired(model, digits, "corruption hides the data")
    found = {finding.name: finding for finding in first(broken, digits, "corruption hides the data")}
    assert "finds 0% in corrupted ones" in found["corruption hides the data"].message
    assert found["not better than the mean"].advice == "It follows from: corruption hides the data."
    assert sound.corruption.startswith("gaussian:sigma=0.")
    assert error(sound, digits) < 0.5 * error(broken, digits)


def test_a_corruption_that_hides_a_table(cells):
    model = make(latent_dim=4, corruption="masking:0.99", network=SKIPPING, trainer={"epochs": 60})
    broken, sound = repaired(model, cells, "corruption hides the data")
    assert error(sound, cells) < error(broken, cells)


PENALTIES = {
    "a code's length": ({"objective": "rae:200"}, "rae"),
    "a code's length, another regulariser": (
        {"objective": "rae:200,regularizer=gradient"}, "rae:regularizer=gradient",
    ),
    "the encoder's slope": ({"objective": "contractive:100"}, "contractive"),
    "a sparse code": ({"bottleneck": "sparse:20"}, "sparse"),
}  # fmt: skip


@pytest.mark.parametrize(("parts", "advised"), PENALTIES.values(), ids=PENALTIES)
def test_a_penalty_that_outweighs_the_error(digits, parts, advised):
    broken, sound = repaired(make(network=PLAIN, **parts), digits, "penalty outweighs the error")
    assert getattr(sound, next(iter(parts))) == advised
    assert error(sound, digits) < 0.6 * error(broken, digits)
    record = broken.history_.records[-1]
    message = first(broken, digits, "penalty outweighs the error")[0].message
    assert f"{record.penalty:.3g} beside {record.distortion:.3g} in the last epoch" in message


def test_strong_settings_that_do_no_harm_are_not_told(digits):
    for parts in ({"corruption": "gaussian:0.5"}, {"objective": "wasserstein:10000"}, {"objective": "rae:1"}):
        found = diagnose(make(**parts).fit(digits.train), digits.test, reference=digits.train)
        assert {"corruption hides the data", "penalty outweighs the error"}.isdisjoint(f.name for f in found), parts


@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.0])
def test_the_share_that_can_be_seen_is_that_of_the_wiener_filter(sigma):
    """Independent normal columns of variance 1 in noise: 1 / (1 + sigma^2)."""
    rng = np.random.default_rng(0)
    x, noise = rng.normal(size=(2, 4000, 8)).astype(np.float32)
    assert visible_share(x, x + sigma * noise) == pytest.approx(1 / (1 + sigma**2), abs=0.03)


def test_a_share_is_the_same_where_columns_outnumber_samples():
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(200, 3)) @ rng.normal(size=(3, 300))).astype(np.float32)
    assert visible_share(x, x) == pytest.approx(1, abs=1e-6)
    assert visible_share(x, rng.normal(size=x.shape).astype(np.float32)) < 0.05


# Health


HEALTHY = {
    "plain": (Autoencoder, {}),
    "vanilla": (VanillaAutoencoder, {"trainer": {"epochs": 150, "learning_rate": 0.02}}),
    "variational": (VariationalAutoencoder, {}),
    "vector-quantised": (Autoencoder, {"bottleneck": "vq:32"}),
    "finite-scalar-quantised": (Autoencoder, {"bottleneck": "fsq:8"}),
    "sparse": (Autoencoder, {"bottleneck": "sparse:0.01"}),
    "denoising": (DenoisingAutoencoder, {}),
    "early stopping": (Autoencoder, {"trainer": {"patience": 5, "epochs": 40}}),
}


@pytest.mark.parametrize(("kind", "options"), HEALTHY.values(), ids=HEALTHY)
@pytest.mark.parametrize("data", ["digits", "cells"])
def test_healthy_models_get_no_warning(request, kind, options, data):
    data = request.getfixturevalue(data)
    options = {"trainer": {"epochs": 30}, **options}
    model = make(kind, 8 if len(data.train) > 400 else 4, **options).fit(data.train)
    found = diagnose(model, data.test, reference=data.train)
    assert [str(finding) for finding in found if finding.severity == "warning"] == []
    assert [f for f in model.history_.findings if f.severity == "warning"] == []
