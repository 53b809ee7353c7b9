"""What a fitted autoencoder does, against formulas and second implementations."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from scipy.stats import kstest
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_auc_score

from latente import (
    Autoencoder,
    DataSpec,
    DenoisingAutoencoder,
    NoPriorError,
    Trainer,
    VariationalAutoencoder,
    Wasserstein,
)
from latente.estimators.interpolation import interpolate_codes


def fit(X, latent_dim=2, epochs=2, **kwargs):
    return Autoencoder(latent_dim, trainer=Trainer(epochs=epochs, batch_size=16), random_state=0, **kwargs).fit(X)


METHODS = ["transform", "inverse_transform", "reconstruct", "corrupt", "score_samples", "score", "evaluate"]


@pytest.mark.parametrize("method", METHODS)
def test_nothing_works_before_fit(method, table):
    with pytest.raises(NotFittedError, match="not fitted yet"):
        getattr(Autoencoder(2), method)(table)


def test_nothing_else_works_before_fit(table, tmp_path):
    for call in (lambda m: m.sample(), lambda m: m.interpolate(table[0], table[1]), lambda m: m.save(tmp_path / "m"),
                 lambda m: m.export_onnx(tmp_path / "m"), lambda m: m.get_feature_names_out()):  # fmt: skip
        with pytest.raises(NotFittedError):
            call(Autoencoder(2))
    assert list(tmp_path.iterdir()) == []


def test_scores_are_minus_the_loss(table):
    model = fit(table)
    scaled = (table - table.mean(0)) / table.std(0)
    x_hat = (model.reconstruct(table) - table.mean(0)) / table.std(0)
    np.testing.assert_allclose(model.score_samples(table), -np.square(scaled - x_hat).sum(1), rtol=1e-4)
    assert model.score(table) == pytest.approx(model.score_samples(table).mean(), rel=1e-6)


def test_scores_of_a_variational_autoencoder_are_the_bound_at_the_mode(table):
    model = VariationalAutoencoder(2, beta=3.0, trainer=Trainer(epochs=2), random_state=0).fit(table)
    scaled, module = model.schema_.ingest(table), model.module_
    mu, logvar = module.encoder(scaled).detach().numpy().astype(float).T.reshape(2, 2, -1)
    kl = 0.5 * (mu**2 + np.exp(logvar) - 1 - logvar).sum(0)
    variance = np.exp(module.distortion.logvar.item())
    error = np.square(scaled.numpy() - module.decode(module.encode(scaled).mode).detach().numpy()).sum(1)
    nats = 0.5 * (error / variance + 6 * np.log(2 * np.pi * variance))
    np.testing.assert_allclose(model.score_samples(table), -(nats + 3 * kl), rtol=1e-4)


@pytest.mark.parametrize("bottleneck", [None, "gaussian", "vq:8,2", "k_sparse:1"])
def test_scores_are_higher_for_normal_samples(bottleneck, table):
    odd = np.random.default_rng(1).permuted(table, axis=0)  # every column as before, but off the plane
    model = fit(table, epochs=100, bottleneck=bottleneck)
    scores = np.concatenate([model.score_samples(table), model.score_samples(odd)])
    assert roc_auc_score([1] * 60 + [0] * 60, scores) > 0.8


def test_evaluation_against_numpy_and_scikit_learn(table):
    train, test = table[:40], table[40:] * 3
    model = fit(train, epochs=20)
    result = model.evaluate(test, reference=train)
    base, x = ((part - train.mean(0)) / train.std(0) for part in (train, test))
    x_hat = (model.reconstruct(test) - train.mean(0)) / train.std(0)
    pca = PCA(2).fit(base)
    projected = pca.inverse_transform(pca.transform(x))
    error = np.square(x - x_hat).sum(1).mean()
    assert result.error == pytest.approx(error, rel=1e-4)
    assert result.mse == pytest.approx(error / 6, rel=1e-4)
    assert result.pca_error == pytest.approx(np.square(x - projected).sum(1).mean(), rel=1e-4)
    assert result.mean_error == pytest.approx(np.square(x - base.mean(0)).sum(1).mean(), rel=1e-4)
    explained = 1 - np.square(x - x_hat).sum() / np.square(x - x.mean(0)).sum()
    assert result.explained_variance == pytest.approx(explained, rel=1e-4)
    assert result.active_units is None  # without a prior
    assert ", 2 latent units, 20 samples" in str(result)
    assert (result.rate, result.latent_dim, result.samples) == (0.0, 2, 20)
    assert result.beats_pca == (result.error < result.pca_error)
    assert f"{result.error:.4g}" in str(result)


@pytest.mark.parametrize(
    ("parts", "known"),
    [
        ({}, False),
        ({"objective": "rae"}, False),
        ({"bottleneck": "sparse"}, False),
        ({"bottleneck": "fsq:4"}, False),
        ({"objective": "wasserstein"}, True),
        ({"bottleneck": "gaussian"}, True),
    ],
)
def test_units_are_active_only_where_a_prior_gives_them_a_scale(table, parts, known):
    from latente.diagnostics import latent_report

    model = fit(table, **parts)
    found = model.evaluate(table).active_units
    assert (found is not None) == known
    assert found == latent_report(model, table, held_out=table, random_state=0).active_units


def test_evaluation_of_itself_favours_the_baselines(table):
    result = fit(table[:40]).evaluate(table[40:])
    x = (table[40:] - table[:40].mean(0)) / table[:40].std(0)
    assert result.mean_error == pytest.approx(np.square(x - x.mean(0)).sum(1).mean(), rel=1e-4)


def test_evaluation_of_one_sample_against_a_reference(table):
    model = fit(table[:40])
    one, all_ = (model.evaluate(x, reference=table[:40]) for x in (table[40:41], table[40:42]))
    other = model.evaluate(table[41:42], reference=table[:40])
    assert all_.error == pytest.approx((one.error + other.error) / 2, rel=1e-5)
    assert all_.pca_error == pytest.approx((one.pca_error + other.pca_error) / 2, rel=1e-5)


def test_evaluation_of_equal_samples(table):
    result = fit(table).evaluate(np.repeat(table[:1], 5, axis=0))
    assert np.isnan(result.explained_variance)
    assert result.pca_error == pytest.approx(0, abs=1e-9)


PRIORS = [{"bottleneck": "gaussian"}, {"bottleneck": "vq:8,2"}, {"bottleneck": "fsq:4"}, {"objective": Wasserstein()}]


@pytest.mark.usefixtures("untouched_generators")
@pytest.mark.parametrize("parts", PRIORS, ids=str)
def test_samples_come_from_the_prior(parts, pictures):
    model = fit(pictures, network="mlp:16", **parts)
    drawn = model.sample(50, random_state=3)
    assert (drawn.shape, drawn.dtype) == ((50, 8, 7), np.uint8)
    np.testing.assert_array_equal(drawn, model.sample(50, random_state=3))
    assert not np.array_equal(drawn, model.sample(50, random_state=4))
    assert not np.array_equal(model.sample(50), model.sample(50))
    assert model.sample().shape == (1, 8, 7)


def test_the_gaussian_prior_is_standard_normal(table):
    model = fit(table, bottleneck="gaussian")
    model.module_.decoder = torch.nn.Identity()  # what the decoder would see
    model.schema_ = fit(np.eye(2), 1, data=DataSpec(scale="none")).schema_
    model.module_.output = model.module_.decoder
    z = model.sample(4000, random_state=0)
    assert kstest(z.ravel(), "norm").pvalue > 0.01


@pytest.mark.parametrize(
    "parts", [{}, {"bottleneck": "sparse"}, {"bottleneck": "k_sparse:1"}, {"objective": "contractive"}]
)
def test_without_a_prior_the_way_to_one_is_named(parts, table):
    with pytest.raises(NoPriorError, match=r"no prior.*latente\.generation"):
        fit(table, **parts).sample(3)


@pytest.mark.parametrize("n", [0, -1, 1.5, "3", None, True])
def test_wrong_numbers_of_samples(n, table):
    with pytest.raises(ValueError, match="n must be an integer of at least 1; got"):
        fit(table, bottleneck="gaussian").sample(n)


def test_interpolation_starts_and_ends_at_the_reconstructions(table, pictures):
    for X, network in ((table, "auto"), (pictures, "mlp:16")):
        model = fit(X, network=network)
        way = model.interpolate(X[0], X[1], 5)
        assert (way.shape, way.dtype) == ((5, *X.shape[1:]), X.dtype)
        np.testing.assert_array_equal(way[[0, -1]], model.reconstruct(X[:2]))
        several = model.interpolate(X[:3], X[3:6], 5)
        assert several.shape == (3, 5, *X.shape[1:])
        np.testing.assert_array_equal(several[:, 0], model.reconstruct(X[:3]))
        np.testing.assert_array_equal(several[:, -1], model.reconstruct(X[3:6]))
        np.testing.assert_array_equal(model.interpolate(X[0].tolist(), X[1].tolist(), 5), way)


@pytest.mark.parametrize("path", ["linear", "spherical"])
def test_interpolation_decodes_the_path_between_the_codes(path, table):
    model = fit(table)
    codes = model.transform(table[:4])
    wanted = model.inverse_transform(interpolate_codes(codes[:2], codes[2:], 7, path).swapaxes(0, 1).reshape(14, 2))
    np.testing.assert_allclose(model.interpolate(table[:2], table[2:4], 7, path=path).reshape(14, 6), wanted, atol=1e-6)


@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
def test_interpolation_between_rows_of_frames(library, table):
    frame = library.DataFrame({name: table[:, i] for i, name in enumerate("abcdef")})
    model = fit(frame)
    assert model.interpolate(frame[:2], frame[2:4], 3).shape == (2, 3, 6)


@pytest.mark.parametrize(
    ("a", "b", "kwargs", "message"),
    [
        (0, 1, {"steps": 1}, "steps must be an integer of at least 2.*got 1"),
        (0, 1, {"steps": 2.5}, "steps must be an integer"),
        (0, 1, {"path": "curved"}, "path must be one of linear, spherical; got 'curved'"),
        (slice(0, 2), slice(0, 3), {}, r"a and b must have one shape; got \(2, 6\) and \(3, 6\)"),
        (0, slice(0, 1), {}, r"one shape; got \(6,\) and \(1, 6\)"),
    ],
)
def test_wrong_interpolations(a, b, kwargs, message, table):
    with pytest.raises(ValueError, match=message):
        fit(table).interpolate(table[a], table[b], **kwargs)


@pytest.mark.usefixtures("untouched_generators")
def test_corruption_when_asked_for(table):
    model = DenoisingAutoencoder(2, corruption="masking:0.5", trainer=Trainer(epochs=2), random_state=0).fit(table)
    noisy = model.corrupt(table, random_state=1)
    hidden = np.isclose(noisy, table.mean(0), atol=1e-6)  # 0 is the mean of a standardised column
    assert 0.4 < hidden.mean() < 0.6
    np.testing.assert_allclose(noisy[~hidden], table[~hidden], rtol=1e-5, atol=1e-6)
    both = [model.reconstruct(table, corrupt=True, random_state=1), model.reconstruct(noisy)]
    np.testing.assert_allclose(*both, atol=1e-5)
    assert not np.allclose(both[0], model.reconstruct(table, corrupt=True, random_state=2))
    np.testing.assert_array_equal(model.reconstruct(table), model.reconstruct(table))  # not by itself


def test_corruption_of_a_model_without_one(table):
    for method in (lambda m: m.corrupt(table), lambda m: m.reconstruct(table, corrupt=True)):
        with pytest.raises(ValueError, match="this model has no corruption; pass corruption="):
            method(fit(table))


@pytest.mark.parametrize("Z", [np.zeros((4, 3)), np.zeros((4, 2, 1))])
def test_codes_of_another_size(Z, table):
    with pytest.raises(ValueError, match=r"codes must have shape \(n, 2\); got \(4, "):
        fit(table).inverse_transform(Z)


def test_evaluate_against_clean_targets():
    generator = np.random.default_rng(0)
    clean = generator.normal(size=(60, 2)) @ generator.normal(size=(2, 6))
    noisy = clean + generator.normal(size=clean.shape)
    model = Autoencoder(2, trainer=Trainer(epochs=2), random_state=0).fit(noisy, target=clean)
    found = model.evaluate(noisy, target=clean)
    scale = noisy.std(0)
    assert found.error == pytest.approx(np.square((model.reconstruct(noisy) - clean) / scale).sum(1).mean(), rel=1e-4)
    assert found.mean_error == pytest.approx((clean / scale).var(0).sum(), rel=1e-4)
    with pytest.raises(ValueError, match="as many samples as X, 60; got 59"):
        model.evaluate(noisy, target=clean[:59])
