"""log p(x) by importance sampling against the exact one of probabilistic PCA, and what else is in nats."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.exceptions import NotFittedError

import latente
from latente import Trainer, VariationalAutoencoder
from latente.data import DataSpec
from latente.distortions import Bernoulli
from latente.networks import MLP

pytestmark = pytest.mark.usefixtures("untouched_generators")
W = np.linalg.qr(np.random.default_rng(2).normal(size=(6, 3)))[0] * [2.0, 1.0, 0.5]
B, S2 = np.linspace(-1, 1, 6), 0.3


@pytest.fixture(scope="module")
def X():
    draws = np.random.default_rng(0)
    return (draws.normal(size=(300, 3)) @ W.T + B + math.sqrt(S2) * draws.normal(size=(300, 6))).astype(np.float32)


@pytest.fixture(scope="module")
def factor_analysis(X):
    """A model whose decoder is W z + b with noise S2 and whose encoder is the exact posterior, widened by half."""
    trainer = Trainer(epochs=1, verbose=False)
    spec = DataSpec(scale="none")
    model = VariationalAutoencoder(
        3, network=MLP(()), distortion="gaussian", data=spec, trainer=trainer, random_state=0
    ).fit(X)
    encoder, decoder = model.module_.encoder[0][1][0], model.module_.decoder[0][0][0]
    precision = 1 + np.square(W).sum(0) / S2
    likelihood = model.module_.distortion
    with torch.no_grad():
        decoder.weight.copy_(torch.tensor(W))
        decoder.bias.copy_(torch.tensor(B))
        encoder.weight.zero_()[:3] = torch.tensor(W.T / S2 / precision[:, None])
        encoder.bias[:3] = torch.tensor(-(W.T @ B) / S2 / precision)
        encoder.bias[3:] = torch.tensor(-np.log(precision) + 2 * math.log(1.5))
        likelihood.scaled_logvar.fill_(
            likelihood.largest / likelihood.gain * math.atanh(math.log(S2) / likelihood.largest)
        )
    return model


@pytest.fixture(scope="module")
def exact(X):
    return stats.multivariate_normal(B, W @ W.T + S2 * np.eye(6)).logpdf(X)


def test_many_draws_reach_the_exact_value(factor_analysis, X, exact):
    found = factor_analysis.log_likelihood(X, 5000, random_state=0)
    assert found.shape == (300,)
    np.testing.assert_allclose(found, exact, atol=0.1)
    assert abs((found - exact).mean()) < 0.005


def test_few_draws_lie_below_it_and_one_is_the_bound(factor_analysis, X, exact):
    means = [np.mean(factor_analysis.log_likelihood(X, k, random_state=0)) for k in (1, 8, 64, 512)]
    assert means == sorted(means)
    assert means[-1] < exact.mean() + 0.01
    bound = -factor_analysis.bound_terms(X, 200, random_state=1).sum(1).mean()
    assert means[0] == pytest.approx(bound, abs=0.3)


def test_more_draws_than_are_decoded_at_a_time(factor_analysis, X, exact, monkeypatch):
    monkeypatch.setattr("latente.estimators.likelihood.DECODED", 64)
    found = factor_analysis.log_likelihood(X[:10], 1000, random_state=0)
    np.testing.assert_allclose(found, exact[:10], atol=0.3)


def test_the_rate_is_the_closed_form(factor_analysis, X):
    latent = factor_analysis.module_.encode(torch.from_numpy(X))
    terms = factor_analysis.bound_terms(X, 3, random_state=0)
    np.testing.assert_allclose(terms[:, 1], latent.rate.detach(), rtol=1e-5)


def test_draws_come_from_the_random_state(factor_analysis, X):
    a, b, c = (factor_analysis.log_likelihood(X[:20], 10, random_state=seed) for seed in (0, 0, 1))
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


def test_active_units(factor_analysis, X):
    assert factor_analysis.active_units(X).tolist() == [True, True, True]
    assert factor_analysis.active_units(X, threshold=1e6).tolist() == [False, False, False]
    with pytest.raises(ValueError, match="got 1 sample, at least 2 are needed"):
        factor_analysis.active_units(X[:1])


def test_a_larger_beta_says_less_and_rebuilds_worse(X):
    trainer = Trainer(epochs=30, batch_size=32, verbose=False)
    model = VariationalAutoencoder(3, network=MLP((16,)), trainer=trainer, random_state=0)
    curve = model.rate_distortion(X[:200], betas=(0.5, 2.0, 20.0), X_test=X[200:], random_state=0)
    assert list(curve.rates) == sorted(curve.rates, reverse=True)
    assert list(curve.distortions) == sorted(curve.distortions)
    np.testing.assert_allclose(curve.bounds, -(curve.rates + curve.distortions), rtol=1e-6)
    assert curve.active_units[0] >= curve.active_units[-1]
    assert not hasattr(model, "module_")  # copies were fitted


@pytest.mark.parametrize("k", [0, 2.5, "many", True])
def test_how_many_draws(factor_analysis, X, k):
    with pytest.raises(ValueError, match="n_samples must be an integer of at least 1"):
        factor_analysis.log_likelihood(X, k)


def test_no_likelihood_without_one(X):
    trainer = Trainer(epochs=1, verbose=False)
    model = VariationalAutoencoder(2, distortion="squared_error", trainer=trainer, random_state=0).fit(X)
    with pytest.raises(ValueError, match=r"got SquaredError\. Fit with distortion='gaussian'"):
        model.log_likelihood(X)
    with pytest.raises(ValueError, match=r"in the plain objective only; got objective='importance_weighted:3'"):
        VariationalAutoencoder(2, objective="importance_weighted:3").rate_distortion(X)


@pytest.mark.parametrize("betas", [(-1,), -1.0, (), "1.0", None, (1.0, "2"), {}, float("nan"), True])
def test_what_are_no_betas(X, betas, monkeypatch):
    monkeypatch.setattr(Trainer, "fit", lambda *args, **kwargs: pytest.fail("trained"))
    message = f"betas must be a number of at least 0, or a list of such numbers; got {betas!r}"
    with pytest.raises(ValueError, match=re.escape(message)):
        VariationalAutoencoder(2).rate_distortion(X, betas)


def test_one_beta_may_be_a_number(X):
    trainer = Trainer(epochs=1, verbose=False)
    model = VariationalAutoencoder(2, network=MLP((8,)), trainer=trainer, random_state=0)
    one, listed = (model.rate_distortion(X, betas, random_state=0) for betas in (2.0, np.array([2])))
    assert one.betas.tolist() == listed.betas.tolist() == [2.0]
    assert one.rates.shape == (1,)
    np.testing.assert_array_equal(one.rates, listed.rates)


PARTS = {"network": MLP((8,)), "trainer": Trainer(epochs=3, verbose=False), "random_state": 0}
OTHERS = {
    "Autoencoder": latente.Autoencoder(3, bottleneck="gaussian", **PARTS),
    "ConvolutionalAutoencoder": latente.ConvolutionalAutoencoder(
        3, channels=(4,), hidden_features=(), bottleneck=latente.Gaussian(), trainer=PARTS["trainer"], random_state=0
    ),
}


def test_a_gaussian_bottleneck_is_all_that_it_takes(X):
    """The same parts under two names give the same numbers."""
    named, plain = VariationalAutoencoder(3, **PARTS).fit(X), OTHERS["Autoencoder"].fit(X)
    for method in ("log_likelihood", "bound_terms"):
        a, b = (getattr(model, method)(X[:50], 20, random_state=0) for model in (named, plain))
        np.testing.assert_array_equal(a, b)
    assert named.active_units(X).tolist() == plain.active_units(X).tolist()
    curves = [model.rate_distortion(X, (0.5, 8.0), random_state=0) for model in (named, plain)]
    np.testing.assert_array_equal(curves[0].rates, curves[1].rates)
    assert curves[0].rates[0] > curves[0].rates[1]


def test_of_convolutions_too(X):
    model = OTHERS["ConvolutionalAutoencoder"].fit(X)
    terms = model.bound_terms(X, 50, random_state=0)
    likelihood = model.log_likelihood(X, 200, random_state=0)
    assert likelihood.mean() > -terms.sum(1).mean()
    assert model.active_units(X).shape == (3,)
    assert model.rate_distortion(X[:100], 1.0).rates.shape == (1,)


CALLS = {
    "log_likelihood": lambda model, X: model.log_likelihood(X, 5),
    "bound_terms": lambda model, X: model.bound_terms(X),
    "active_units": lambda model, X: model.active_units(X),
    "rate_distortion": lambda model, X: model.rate_distortion(X),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("bottleneck", [None, "sparse", "vq:4,1"])
def test_without_a_gaussian_bottleneck(name, bottleneck, X, monkeypatch):
    model = latente.Autoencoder(2, bottleneck=bottleneck, **PARTS).fit(X)
    monkeypatch.setattr(Trainer, "fit", lambda *args, **kwargs: pytest.fail("trained"))
    kind = type(model.recipe_.bottleneck).__name__
    with pytest.raises(ValueError, match=f"needs a Gaussian bottleneck; got {kind}. Use VariationalAutoencoder, or"):
        CALLS[name](model, X)


@pytest.mark.parametrize("name", ["log_likelihood", "bound_terms", "active_units"])
def test_before_a_fit(name, X):
    for model in (VariationalAutoencoder(2), latente.Autoencoder(2, bottleneck="gaussian"), latente.Autoencoder(2)):
        with pytest.raises(NotFittedError):
            CALLS[name](model, X)


def test_what_cannot_be_measured_is_not_fitted(X, monkeypatch):
    monkeypatch.setattr(Trainer, "fit", lambda *args, **kwargs: pytest.fail("trained"))
    with pytest.raises(ValueError, match=r"a likelihood needs a distortion that is one; got SquaredError"):
        VariationalAutoencoder(2, distortion="squared_error").rate_distortion(X)
    with pytest.raises(ValueError, match="in the plain objective only"):
        latente.Autoencoder(2, bottleneck="gaussian", objective="beta_tc").rate_distortion(X)


def test_beta_weighs_the_rate_inside_another_objective(X):
    model = VariationalAutoencoder(2, objective=latente.Trimmed(0.1), **PARTS)
    curve = model.rate_distortion(X, (0.1, 20.0))
    assert curve.rates[0] > curve.rates[1]


def test_the_score_is_that_of_the_mode_and_no_bound(factor_analysis, X, exact):
    bound = -factor_analysis.bound_terms(X, 200, random_state=0).sum(1)
    assert factor_analysis.score(X) > exact.mean() > bound.mean()


def test_a_binarised_model_is_saved_and_resumed(tmp_path):
    grey = np.random.default_rng(0).integers(0, 256, (120, 8, 8), dtype=np.uint8)
    trainer = Trainer(epochs=2, verbose=False)
    model = VariationalAutoencoder(2, network=MLP((8,)), objective="binarized", trainer=trainer, random_state=0).fit(
        grey
    )
    assert model.recipe_.distortion == Bernoulli()  # what fits drawn pixels
    model.save(tmp_path / "model")
    loaded = latente.load(tmp_path / "model")
    black = np.where(grey[:5] > 127, 255, 0).astype(np.uint8)
    a, b = (m.log_likelihood(black, 50, random_state=0) for m in (model, loaded))
    assert np.array_equal(a, b)
    assert (a < 0).all()
    with pytest.warns(UserWarning, match="1 once they are scaled, of which the Bernoulli distortion is no likelihood"):
        model.log_likelihood(grey[:5], 10, random_state=0)


UNITS = {  # how grey values in [0, 1] become the user's, what DataSpec does with them, what the warning says
    "0..16": (lambda g: 16.0 * g, "auto", r"values of 0 to 16: .* 0 or 16, or booleans, .* < X / 16$"),
    "bytes": (lambda g: np.rint(255 * g).astype(np.uint8), "auto", r"values of 0 to 255: .* < X / 255$"),
    "floats": (lambda g: g, "auto", r"values of 0 to 1: .* 0 or 1, or .* < X / 1$"),
    "2..5": (lambda g: 2 + 3 * g, "auto", r"values of 2 to 5: .* 2 or 5, or booleans, .* < \(X - 2\) / 3$"),
    "columns": (lambda g: g.reshape(len(g), -1) * np.arange(1, 17), "scale=minmax", "booleans, False for the small"),
}


@pytest.mark.parametrize("units", UNITS)
def test_black_and_white_in_the_units_of_the_training_data(units):
    """Both ends of the range and booleans are one picture; the 1.0 of another range is a dark grey."""
    convert, data, advice = UNITS[units]
    grey = np.random.default_rng(0).random((60, 4, 4))
    grey[0], grey[1] = 0, 1
    settings = {"distortion": "bernoulli", "objective": "binarized", "data": data, **PARTS}
    model = VariationalAutoencoder(2, **settings).fit(convert(grey))
    white = grey > 0.5
    flags = white.reshape(convert(grey).shape)
    for method in ("log_likelihood", "bound_terms"):
        a, b = (getattr(model, method)(x, 30, random_state=0) for x in (convert(white * 1.0), flags))
        np.testing.assert_allclose(a, b, rtol=1e-5)
    with pytest.warns(UserWarning, match=advice):
        model.log_likelihood(convert(grey), 10, random_state=0)
    if units == "0..16":
        with pytest.warns(UserWarning, match=r"once they are scaled, .* values of 0 to 16"):
            model.log_likelihood(white * 1.0, 10, random_state=0)


def test_booleans_are_what_they_were_without_the_bernoulli_distortion(X):
    model = VariationalAutoencoder(3, **PARTS).fit(X)
    flags = X > 0
    a, b = (model.log_likelihood(x, 20, random_state=0) for x in (flags, flags.astype(np.float32)))
    np.testing.assert_array_equal(a, b)
