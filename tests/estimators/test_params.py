"""set_params reaches into parts, makes default ones first, and explains itself."""

from __future__ import annotations

import pytest
from sklearn.base import clone

from latente import (
    MLP,
    Autoencoder,
    AutoencoderClassifier,
    Compose,
    ConvolutionalAutoencoder,
    DataSpec,
    Deterministic,
    Gaussian,
    GaussianNoise,
    Pretraining,
    StackedAutoencoder,
    Trainer,
    VanillaAutoencoder,
    VariationalAutoencoder,
)


def test_a_default_part_is_made_first():
    model = Autoencoder().set_params(trainer__epochs=3, data__kind="signal")
    assert (model.trainer, model.data) == (Trainer(epochs=3), DataSpec(kind="signal"))
    assert Autoencoder().trainer is None


def test_a_short_string_becomes_its_part():
    model = Autoencoder(bottleneck="gaussian:4", network="mlp:8", corruption="masking:0.2+gaussian:0.1")
    model.set_params(bottleneck__free_bits=0.5, network__activation="relu", corruption__corruptions=("gaussian",))
    assert (model.bottleneck, model.network) == (Gaussian(4, free_bits=0.5), MLP((8,), "relu"))
    assert model.corruption == Compose(("gaussian",))


@pytest.mark.parametrize("reverse", [False, True])
def test_a_new_part_is_set_before_what_is_in_it(reverse):
    params = {"bottleneck": "gaussian", "bottleneck__beta": 4.0, "latent_dim": 5}
    params = dict(reversed(params.items())) if reverse else params
    model = Autoencoder(bottleneck="vq").set_params(**params)
    assert (model.bottleneck, model.latent_dim) == (Gaussian(beta=4.0), 5)


def test_parts_of_parts():
    model = StackedAutoencoder().set_params(pretraining__trainer=Trainer(), pretraining__trainer__learning_rate=0.5)
    assert model.pretraining == Pretraining(trainer=Trainer(learning_rate=0.5))


def test_a_classifier_reaches_its_autoencoder():
    classifier = AutoencoderClassifier().set_params(autoencoder__latent_dim=3, autoencoder__trainer__epochs=2)
    assert classifier.set_params(trainer__epochs=4).trainer == Trainer(epochs=4)
    assert isinstance(classifier.autoencoder, StackedAutoencoder)
    assert classifier.autoencoder.get_params()["trainer__epochs"] == 2


def test_a_clone_has_parts_of_its_own():
    model = Autoencoder(bottleneck=Gaussian(), corruption=GaussianNoise(0.5))
    copy = clone(model).set_params(bottleneck__beta=9.0, corruption__sigma=0.9)
    assert (model.bottleneck.beta, model.corruption.sigma) == (1.0, 0.5)
    assert (copy.bottleneck.beta, copy.corruption.sigma) == (9.0, 0.9)


@pytest.mark.parametrize(
    ("model", "params", "message"),
    [
        (
            Autoencoder(),
            {"latent_dims": 3},
            "Autoencoder has no parameter 'latent_dims'; it has: .*Did you mean 'latent_dim'",
        ),
        (VariationalAutoencoder(), {"bottleneck__beta": 1}, "has no parameter 'bottleneck'; it has: .*beta"),
        (VanillaAutoencoder(), {"activation_": "relu"}, "Did you mean 'activation'"),
        (AutoencoderClassifier(), {"trainr__epochs": 1}, "Did you mean 'trainer'"),
        (Autoencoder(), {"trainer__epoch": 3}, "trainer=None has no 'epoch'.*Did you mean 'epochs'"),
        (
            Autoencoder(),
            {"bottleneck__beta": 3},
            "bottleneck=None has no 'beta'. It belongs to gaussian; set bottleneck first",
        ),
        (Autoencoder(bottleneck="vq"), {"bottleneck__beta": 3}, "'vq' has no 'beta'. It belongs to gaussian"),
        (Autoencoder(bottleneck=Deterministic()), {"bottleneck__betta": 3}, "Did you mean 'beta'"),
        (Autoencoder(), {"network__hidden_features": (8,)}, "'auto' has no 'hidden_features'. It belongs to conv, mlp"),
        (Autoencoder(), {"corruption__sigma": 0.1}, "corruption=None has no 'sigma'. It belongs to gaussian, speckle"),
        (Autoencoder(), {"distortion__delta": 0.1}, "distortion='auto' has no 'delta'. It belongs to huber"),
        (Autoencoder(), {"latent_dim__size": 3}, "latent_dim=32 has no parameters; 'size' cannot be set"),
        (ConvolutionalAutoencoder(), {"channels__first": 3}, r"channels=\(32, 64\) has no parameters"),
        (Autoencoder(), {"trainer__epochs__x": 3}, "epochs is 'auto', which has no 'x'"),
    ],
)
def test_wrong_names_are_explained(model, params, message):
    before = repr(model)
    with pytest.raises(ValueError, match=message):
        model.set_params(**params)
    if "__x" not in str(params):
        assert repr(model) == before


def test_nothing_is_set_when_a_name_is_wrong():
    model = Autoencoder()
    with pytest.raises(ValueError, match="no parameter 'depth'"):
        model.set_params(latent_dim=3, depth=2)
    assert model.latent_dim == 32


def test_setting_parameters_leaves_a_fitted_model_as_it_is(table):
    model = Autoencoder(2, bottleneck="vq:4", random_state=0, trainer=Trainer(epochs=1)).set_params(
        bottleneck__code_dim=2
    )
    codes, rates = model.fit(table).transform(table), model.evaluate(table).rate
    model.set_params(bottleneck__codebook_size=100, bottleneck__commitment=9.0, latent_dim=7)
    assert (model.transform(table) == codes).all()
    assert model.evaluate(table).rate == rates
