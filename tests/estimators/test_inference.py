"""The same answer whatever the batch size."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from latente import Autoencoder, AutoencoderClassifier, Conv, StackedAutoencoder, Trainer
from latente.estimators import inference
from latente.estimators.inference import over_batches, over_chunks

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
    ("features", "n", "sizes"),
    [((1, 1), 5, [2048]), ((1, 1), 2049, [2048, 2048]), ((256, 256), 600, [256] * 3), ((4096, 4096), 65, [64, 64])],
)
def test_pieces_have_one_size_that_follows_from_the_arithmetic(features, n, sizes):
    seen = []
    layer = torch.nn.Linear(*features)

    def counted(piece):
        seen.append(len(piece))
        return layer(piece)

    x = torch.randn(n, features[0], generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        np.testing.assert_allclose(over_batches(layer, x, counted, torch.device("cpu")), layer(x), atol=1e-5)
    assert seen == [1, *sizes]  # a single sample first, to see what it takes


@pytest.mark.parametrize("large", ["going in", "coming out"])
def test_large_samples_go_in_small_pieces(large):
    size = inference.VALUES // 2 + 1
    x = torch.zeros(3, size if large == "going in" else 1)
    result = over_batches(
        torch.nn.Identity(),
        x,
        lambda p: p.new_full((len(p), 1 if len(x[0]) > 1 else size), len(p)),
        torch.device("cpu"),
    )
    assert result.max() == 1


@pytest.mark.parametrize("lengths", [[10], [3, 7], [1] * 10, [4, 4, 2], [9, 1]])
def test_chunks_of_any_length_give_the_same(lengths, monkeypatch):
    monkeypatch.setattr(inference, "FEWEST", 4)
    monkeypatch.setattr(inference, "MOST", 4)
    layer, x = torch.nn.Linear(5, 3), torch.randn(10, 5, generator=torch.Generator().manual_seed(0))
    pieces = list(over_chunks(layer, x.split(lengths), layer, torch.device("cpu")))
    assert [len(piece) for piece in pieces] == [4, 4, 2]
    np.testing.assert_array_equal(np.concatenate(pieces), over_batches(layer, x, layer, torch.device("cpu")))


def test_no_gradients_and_evaluation_mode():
    module = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Dropout(0.5)).train()
    x = torch.ones(4, 2)
    first, again = (over_batches(module, x, module, torch.device("cpu")) for _ in "ab")
    np.testing.assert_array_equal(first, again)
    assert all(parameter.grad is None for parameter in module.parameters())
