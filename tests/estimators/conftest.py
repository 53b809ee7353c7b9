"""Small data and quick estimators."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits

import latente

QUICK = {
    "Autoencoder": {},
    "VanillaAutoencoder": {},
    "ConvolutionalAutoencoder": {"channels": (4,)},
    "DenoisingAutoencoder": {},
    "StackedAutoencoder": {"hidden_features": (8,), "pretraining": latente.Pretraining(epochs=1)},
    "VariationalAutoencoder": {},
}


def make(name, latent_dim=2, epochs=2, **kwargs):
    """A quick estimator of latente, by its name."""
    settings = {"trainer": latente.Trainer(epochs=epochs), "random_state": 0, **QUICK[name], **kwargs}
    return getattr(latente, name)(latent_dim, **settings)


def auto(epochs=60, latent_dim="auto", **settings):
    """An autoencoder that finds its size, or has this one."""
    training = latente.Trainer(**{"epochs": epochs, "verbose": False, **settings.pop("training", {})})
    return latente.Autoencoder(latent_dim, **{"trainer": training, "random_state": 0, **settings})


def subspace(dimension, columns=20, samples=600):
    """Rows on a linear subspace, with noise of a hundredth."""
    draws = np.random.default_rng(dimension)
    X = draws.normal(size=(samples, dimension)) @ np.linalg.qr(draws.normal(size=(columns, dimension)))[0].T
    return X + 0.01 * X.std() * draws.normal(size=X.shape)


def pytest_generate_tests(metafunc):
    """A test that takes `estimator_name` runs for each of latente's autoencoders."""
    if "estimator_name" in metafunc.fixturenames:
        metafunc.parametrize("estimator_name", QUICK)


@pytest.fixture(scope="session")
def quick():
    """Makes a quick estimator from its name and arguments."""
    return make


@pytest.fixture
def table():
    """60 rows of 6 columns that lie near a plane."""
    generator = np.random.default_rng(0)
    return generator.normal(size=(60, 2)) @ generator.normal(size=(2, 6)) + 0.1 * generator.normal(size=(60, 6))


@pytest.fixture
def pictures():
    """40 pictures of 8 x 7 bytes."""
    generator = np.random.default_rng(0)
    return (generator.random((40, 1, 1)) * generator.random((1, 8, 7)) * 255).astype(np.uint8)


@pytest.fixture(scope="session")
def digits():
    """(1797, 8, 8) pictures with values 0..16, and their labels."""
    return load_digits(return_X_y=False).images, load_digits().target
