"""The same answer whatever the batch size."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from latente import Autoencoder, AutoencoderClassifier, Conv, StackedAutoencoder, Trainer
from latente.estimators import inference
from latente.estimators.inference import over_batches

KINDS = {
    "table": ((20,), {}),
    "pictures, fully connected": ((28, 28), {"network": "mlp:512,256"}),
    "pictures, convolutions": ((28, 28), {"network": Conv((8, 16), normalization="batch")}),
    "pictures, upsampled": ((9, 11), {"network": Conv((8, 16), normalization="layer", upsample="nearest")}),
    "signals": ((2, 37), {"network": "conv:8,16", "data": "nct"}),
    "vq": ((20,), {"bottleneck": "vq:16,2"}),
    "fsq": ((20,), {"bottleneck": "fsq:5"}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_batches_of_1_7_and_1000_give_the_same(kind):
    shape, parts = KINDS[kind]
    X = np.random.default_rng(0).random((1001, *shape))
    model = Autoencoder(8, trainer=Trainer(epochs=1), random_state=0, **parts).fit(X[:64])
    for method in (model.transform, model.reconstruct, model.score_samples):
        whole = method(X)
        for size in (1, 7, 1000):
            some = range(0, 1001 if size > 1 else 60, size)
            pieces = np.concatenate([method(X[i : i + size]) for i in some])
            np.testing.assert_allclose(pieces, whole[: len(pieces)], rtol=0, atol=1e-6 * np.abs(whole).max())


def test_a_classifier_gives_the_same_too():
    X = np.random.default_rng(0).random((300, 20))
    start = StackedAutoencoder(4, hidden_features=(64,), trainer=Trainer(epochs=1), random_state=0)
    model = AutoencoderClassifier(start, trainer=Trainer(epochs=1), random_state=0).fit(X, np.arange(300) % 3)
    pieces = np.concatenate([model.predict_proba(X[i : i + 7]) for i in range(0, 300, 7)])
    np.testing.assert_allclose(pieces, model.predict_proba(X), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("n", "values", "sizes"), [(5, None, [64]), (64, None, [64]), (65, None, [64, 64]), (4, 10**6, [2, 2])]
)
def test_pieces_have_one_size(n, values, sizes):
    seen = []

    def double(piece):
        seen.append(len(piece))
        return 2 * piece

    x = torch.arange(float(n))[:, None]
    result = over_batches(torch.nn.Identity(), x, double, torch.device("cpu"), values=values)
    np.testing.assert_array_equal(result, 2 * x.numpy())
    assert seen == sizes


def test_large_samples_go_in_small_pieces():
    x = torch.zeros(3, inference.VALUES // 2 + 1)
    assert (
        over_batches(torch.nn.Identity(), x, lambda p: p.new_full((len(p), 1), len(p)), torch.device("cpu")).max() == 1
    )


def test_no_gradients_and_evaluation_mode():
    module = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Dropout(0.5)).train()
    x = torch.ones(4, 2)
    first, again = (over_batches(module, x, module, torch.device("cpu")) for _ in "ab")
    np.testing.assert_array_equal(first, again)
    assert all(parameter.grad is None for parameter in module.parameters())
