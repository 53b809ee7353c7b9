"""The named estimators choose the parts that they claim."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from torch import nn

import latente
from latente import (
    MLP,
    Autoencoder,
    Bernoulli,
    Conv,
    ConvolutionalAutoencoder,
    DataSpec,
    DenoisingAutoencoder,
    Deterministic,
    Gaussian,
    GaussianLikelihood,
    GaussianNoise,
    SquaredError,
    Trainer,
    VanillaAutoencoder,
    VariationalAutoencoder,
)
from latente.networks import Auto
from latente.objectives import ImportanceWeighted, Plain

ONE = Trainer(epochs=1)
RECIPES = [
    (Autoencoder(), Auto(), Deterministic(), None, SquaredError()),
    (VanillaAutoencoder(), MLP(()), Deterministic(), None, SquaredError()),
    (VanillaAutoencoder(activation="relu"), MLP((), code_activation="relu"), Deterministic(), None, SquaredError()),
    (DenoisingAutoencoder(), Auto(), Deterministic(), GaussianNoise(0.3), SquaredError()),
    (DenoisingAutoencoder(corruption=None), Auto(), Deterministic(), None, SquaredError()),
    (VariationalAutoencoder(), Auto(), Gaussian(), None, GaussianLikelihood()),
    (VariationalAutoencoder(beta=4, free_bits=0.1), Auto(), Gaussian(4, 0.1), None, GaussianLikelihood()),
]  # fmt: skip


@pytest.mark.parametrize(("model", "network", "bottleneck", "corruption", "distortion"), RECIPES)
def test_parts_of_a_table(model, network, bottleneck, corruption, distortion, table):
    recipe = model.set_params(latent_dim=2, trainer=ONE, random_state=0).fit(table).recipe_
    assert (recipe.network, recipe.bottleneck, recipe.corruption) == (network, bottleneck, corruption)
    assert (recipe.distortion, recipe.objective) == (distortion, Plain())


def test_a_gaussian_bottleneck_wants_a_likelihood(pictures):
    for model in (VariationalAutoencoder(2, trainer=ONE), Autoencoder(2, bottleneck="gaussian", trainer=ONE)):
        assert model.fit(pictures).recipe_.distortion.is_likelihood  # in nats, like the rate
    assert Autoencoder(2, trainer=ONE).fit(pictures).recipe_.distortion == SquaredError()
    told = VariationalAutoencoder(2, trainer=ONE, distortion="bernoulli", objective="importance_weighted:3").fit(
        pictures
    )
    assert (told.recipe_.distortion, told.recipe_.objective) == (Bernoulli(), ImportanceWeighted(3))


def test_vanilla_is_one_layer_each_way(table):
    module = VanillaAutoencoder(2, activation="sigmoid", trainer=ONE).fit(table).module_
    layers = [[m for m in part.modules() if isinstance(m, nn.Linear)] for part in (module.encoder, module.decoder)]
    assert [[(m.in_features, m.out_features) for m in part] for part in layers] == [[(6, 2)], [(2, 6)]]
    assert any(isinstance(m, nn.Sigmoid) for m in module.encoder.modules())


def test_vanilla_spans_what_pca_spans(table):
    model = VanillaAutoencoder(2, trainer=Trainer(epochs=300, batch_size=16, learning_rate=0.05), random_state=0)
    result = model.fit(table).evaluate(table)
    scaled = (table - table.mean(0)) / table.std(0)
    pca = PCA(2).fit(scaled)
    error = np.square(scaled - pca.inverse_transform(pca.transform(scaled))).sum(1).mean()
    assert error <= result.error < 1.03 * error


def test_convolutions_with_their_settings(pictures):
    model = ConvolutionalAutoencoder(
        2, channels=(4, 8), hidden_features=(12,), activation="relu", normalization="batch", trainer=ONE
    ).fit(pictures)
    assert model.recipe_.network == Conv((4, 8), (12,), activation="relu", normalization="batch")
    kinds = [type(m) for m in model.module_.encoder.modules()]
    assert kinds.count(nn.Conv2d) == 2
    assert nn.BatchNorm2d in kinds


@pytest.mark.parametrize(
    ("data", "kind", "sample_shape", "scale"),
    [
        ("auto", "signal", (1, 6), "standard"),
        (DataSpec(scale="minmax"), "signal", (1, 6), "minmax"),
        (DataSpec(scale="none"), "signal", (1, 6), "none"),
        (DataSpec(kind="image", shape=(2, 3)), "image", (1, 2, 3), "minmax"),
        (DataSpec(shape=(2, 3)), "image", (1, 2, 3), "minmax"),
    ],
)
def test_rows_of_a_table_are_signals_to_convolutions(data, kind, sample_shape, scale, table):
    model = ConvolutionalAutoencoder(2, channels=(4,), data=data, trainer=ONE).fit(table)
    assert (model.schema_.kind, model.schema_.sample_shape, model.schema_.scale) == (kind, sample_shape, scale)
    assert model.reconstruct(table).shape == table.shape


def test_flattened_pictures_stay_pictures_to_convolutions(pictures):
    rows = np.tile(pictures.reshape(40, 56), 2)[:, :64]
    schema = ConvolutionalAutoencoder(2, channels=(4,), trainer=ONE).fit(rows).schema_
    assert (schema.kind, schema.sample_shape, schema.output) == ("image", (1, 8, 8), "sigmoid")


def test_a_table_told_to_be_one_is_not_for_convolutions(table):
    with pytest.raises(ValueError, match=r"Conv needs images or signals; got samples of shape \(6,\)"):
        ConvolutionalAutoencoder(2, data="table", trainer=ONE).fit(table)


def test_denoising_removes_noise(digits):
    X = digits[0][:600] / 16
    noise = 0.3 * np.random.default_rng(0).normal(size=X.shape)
    model = DenoisingAutoencoder(32, trainer=Trainer(epochs=12), random_state=0).fit(X[:500])
    restored = model.reconstruct((X + noise)[500:])
    assert np.square(restored - X[500:]).mean() < 0.6 * np.square(noise[500:]).mean()


def test_a_variational_autoencoder_uses_its_code(digits):
    X = digits[0][:600]
    model = VariationalAutoencoder(8, trainer=Trainer(epochs=25), random_state=0).fit(X)
    result = model.evaluate(X)
    assert result.active_units == (model.transform(X).var(0) > 0.01).sum() >= 3
    assert f"active latent units {result.active_units} of 8," in str(result)
    assert 2 < result.rate < 60
    assert result.error < 0.8 * result.mean_error
    assert model.sample(4, random_state=0).shape == (4, 8, 8)


def test_faint_pictures_are_rebuilt_like_strong_ones(tmp_path):
    """Bytes of 0 to 16 lie 0.017 of the range apart: a sigma of a tenth of the range would leave no code worthwhile."""
    images = load_digits().images.astype(np.uint8)
    model = VariationalAutoencoder(8, trainer=Trainer(epochs=40, verbose=False), random_state=0).fit(images[:1200])
    variance = (images[:1200] / 255).var(0)
    spread = np.sqrt(variance[variance > 0].mean())  # of pixels that vary
    assert model.schema_.spread == pytest.approx(spread, rel=0.02)  # 1,000 of 1,200 pictures
    assert model.recipe_.distortion.smallest_std == pytest.approx(0.4 * model.schema_.spread)
    found = model.evaluate(images[1200:], reference=images[:1200])
    assert found.error < 0.7 * found.pca_error
    assert model.active_units(images[1200:]).all()
    model.save(tmp_path / "faint")
    again = latente.load(tmp_path / "faint")
    assert float(again.module_.distortion.sigma) == float(model.module_.distortion.sigma)


def test_pictures_that_fill_their_range_have_the_floor_of_a_tenth():
    images = (load_digits().images / 16 * 255).astype(np.uint8)
    model = VariationalAutoencoder(8, trainer=ONE, random_state=0).fit(images)
    assert model.recipe_.distortion == GaussianLikelihood(smallest_std=0.1)


def test_pictures_that_hardly_ever_change_are_trained_without_jumps():
    """One pixel of one picture of 200: a floor of 0.4 of such a spread had made the loss jump to ten times its size."""
    images = np.zeros((200, 12, 12), np.uint8)
    images[7, 5, 5] = 1
    model = VariationalAutoencoder(4, trainer=Trainer(epochs=40, verbose=False), random_state=0).fit(images)
    losses = [record.loss for record in model.history_.records]
    assert max(losses) == losses[0]
    assert min(losses) == pytest.approx(losses[-1], abs=1)
