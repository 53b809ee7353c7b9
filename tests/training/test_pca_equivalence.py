"""A linear autoencoder trained on squared errors finds what PCA computes (Bourlard & Kamp, 1988; Baldi & Hornik, 1989).

No linear map through k values can do better than PCA, so the ratio of the errors is at least 1; the optimiser has to
bring it below 1.01. It tests the whole of training: initialisation, gradients, schedule, batches and scaling.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import subspace_angles
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.decomposition import PCA

from latente import DataSpec, Trainer, VanillaAutoencoder

LONG = Trainer(epochs=1_000, batch_size=128, learning_rate=0.02, verbose=False)


def standardised(load):
    X = load().data
    return (X - X.mean(0)) / np.where(X.std(0) > 0, X.std(0), 1)


def linear(k, trainer=None):
    return VanillaAutoencoder(
        k, activation="identity", data=DataSpec(kind="table"), trainer=trainer, random_state=0
    )  # fmt: skip


def errors(model, X):
    """Mean squared error a sample of the fitted model and of PCA at its size."""
    pca = PCA(model.latent_dim, svd_solver="full").fit(X)
    of_pca = np.square(X - pca.inverse_transform(pca.transform(X))).sum(1).mean()
    return np.square(X - model.reconstruct(X)).sum(1).mean(), of_pca, pca


@pytest.mark.parametrize(
    ("load", "k"),
    [(load_wine, 1), (load_wine, 3), (load_wine, 8), (load_breast_cancer, 8)],
    ids=lambda v: getattr(v, "__name__", v),
)
def test_within_one_per_cent_of_pca(load, k):
    X = standardised(load)
    model = linear(k, LONG).fit(X)
    ours, of_pca, pca = errors(model, X)
    assert 1 - 1e-5 < ours / of_pca < 1.01
    # Not only the error: the decoder's columns span the principal subspace, up to 3 degrees.
    decoder = model.module_.decoder[0][0][0].weight.detach().numpy()
    assert np.degrees(subspace_angles(decoder, pca.components_.T)).max() < 3


def test_the_defaults_get_there_on_digits():
    X = standardised(load_digits)
    ours, of_pca, _ = errors(linear(8).fit(X), X)
    assert 1 - 1e-5 < ours / of_pca < 1.01
