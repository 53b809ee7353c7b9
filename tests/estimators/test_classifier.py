"""A classifier that starts from an encoder."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score, train_test_split

from latente import Autoencoder, AutoencoderClassifier, Pretraining, StackedAutoencoder, Trainer
from latente.networks import WithLinearPath
from latente.training import seeded

STILL = Trainer(epochs=1, learning_rate=1e-12)  # weights stay where they start


@pytest.fixture(scope="module")
def split(digits):
    return train_test_split(*digits, random_state=0, stratify=digits[1])


@pytest.fixture(scope="module")
def stack(split):
    pretraining = Pretraining(epochs=3)
    model = StackedAutoencoder(
        16, hidden_features=(64,), pretraining=pretraining, trainer=Trainer(epochs=10), random_state=0
    )
    return model.fit(split[0])


def test_digits_are_told_apart(stack, split):
    train, test, y_train, y_test = split
    classifier = stack.to_classifier(Trainer(epochs=10)).fit(train, y_train)
    assert classifier.score(test, y_test) > 0.9
    probabilities = classifier.predict_proba(test)
    np.testing.assert_allclose(probabilities.sum(1), 1)
    np.testing.assert_array_equal(classifier.classes_[probabilities.argmax(1)], classifier.predict(test))
    assert len(classifier.history_) == classifier.n_iter_ == 10


def test_hidden_layers_start_from_the_encoder(stack, split):
    classifier = stack.to_classifier(STILL).fit(split[0], split[2])
    start, now = stack.module_.encoder.state_dict(), classifier.module_.encoder.state_dict()
    assert start.keys() == now.keys()
    for name in start:
        torch.testing.assert_close(now[name], start[name], rtol=0, atol=1e-8)
        assert now[name].data_ptr() != start[name].data_ptr()


def test_noise_while_the_classifier_is_trained(stack, split):
    train, test, y_train, _ = split
    noise = {"corruption": "masking:0.2", "dropout": 0.2}
    mine = stack.to_classifier(Trainer(epochs=2), **noise).fit(train, y_train)
    direct = AutoencoderClassifier(FrozenEstimator(stack), trainer=Trainer(epochs=2), random_state=0, **noise)
    np.testing.assert_array_equal(mine.predict_proba(test), direct.fit(train, y_train).predict_proba(test))
    plain = stack.to_classifier(Trainer(epochs=2)).fit(train, y_train)
    assert mine.history_.column("loss")[-1] > plain.history_.column("loss")[-1]


def test_the_autoencoder_itself_is_not_trained_further(stack, split):
    before = {name: tensor.clone() for name, tensor in stack.module_.state_dict().items()}
    classifier = stack.to_classifier(Trainer(epochs=1)).fit(split[0], split[2])
    assert classifier.autoencoder_ is stack
    for name, tensor in stack.module_.state_dict().items():
        assert torch.equal(tensor, before[name])


@pytest.mark.parametrize("labels", [["cat", "dog"], [-1, 1], [True, False], [0.0, 1.0], [10**12, 3]])
def test_labels_of_every_sort(labels, table):
    y = np.array(labels)[(table[:, 0] > 0).astype(int)]
    autoencoder = Autoencoder(3, trainer=Trainer(epochs=1), random_state=0)
    classifier = AutoencoderClassifier(autoencoder, trainer=Trainer(epochs=60), random_state=0).fit(table, y)
    assert set(classifier.predict(table)) == set(labels)
    assert classifier.score(table, y) > 0.9


@pytest.mark.parametrize("bottleneck", ["gaussian", "sparse", "k_sparse:2", "vq:8,2", "fsq:4"])
def test_every_bottleneck_passes_the_gradient_to_the_encoder(bottleneck, table):
    autoencoder = Autoencoder(4, bottleneck=bottleneck, trainer=Trainer(epochs=1), random_state=0).fit(table)
    classifier = AutoencoderClassifier(FrozenEstimator(autoencoder), trainer=Trainer(epochs=1), random_state=0)
    classifier.fit(table, table[:, 0] > 0)
    start, now = (list(m.module_.encoder.parameters()) for m in (autoencoder, classifier))
    assert all(not torch.equal(a, b) for a, b in zip(start, now, strict=True))


@pytest.mark.usefixtures("untouched_generators")
def test_the_seed_decides(table):
    y = table[:, 0] > 0
    autoencoder = StackedAutoencoder(2, hidden_features=(8,), trainer=Trainer(epochs=1), random_state=0)
    make = AutoencoderClassifier(autoencoder, trainer=Trainer(epochs=2, patience=1), random_state=0)
    first, again = clone(make).fit(table, y), clone(make).fit(table, y)
    np.testing.assert_array_equal(first.predict_proba(table), again.predict_proba(table))
    copy = pickle.loads(pickle.dumps(first))
    np.testing.assert_array_equal(copy.predict_proba(table), first.predict_proba(table))


def test_a_frozen_start_survives_clones(stack, split):
    train, _, y_train, _ = split
    classifier = clone(stack.to_classifier(Trainer(epochs=12)))
    assert classifier.autoencoder.estimator is stack
    assert cross_val_score(classifier, train[:600], y_train[:600], cv=2).mean() > 0.6


def test_paths_are_read(tmp_path, table):
    np.save(tmp_path / "x.npy", table)
    autoencoder = Autoencoder(2, trainer=Trainer(epochs=1), random_state=0)
    classifier = AutoencoderClassifier(autoencoder, trainer=Trainer(epochs=1), random_state=0)
    classifier.fit(tmp_path / "x.npy", table[:, 0] > 0)
    np.testing.assert_array_equal(classifier.predict(tmp_path / "x.npy"), classifier.predict(table))


def test_the_default_is_a_stack(table, monkeypatch):
    seen = []

    def stop(self, X):
        seen.append(type(self).__name__)
        raise KeyboardInterrupt

    monkeypatch.setattr(StackedAutoencoder, "fit", stop)
    with pytest.raises(KeyboardInterrupt):
        AutoencoderClassifier().fit(table, table[:, 0] > 0)
    assert seen == ["StackedAutoencoder"]


@pytest.mark.parametrize(
    ("autoencoder", "y", "error", "message"),
    [
        (None, None, ValueError, "requires y to be passed, but the target y is None"),
        (None, np.zeros(60), ValueError, "the labels hold 1 class, .*at least 2 classes"),
        (None, np.zeros(59), ValueError, r"inconsistent numbers of samples: \[60, 59\]"),
        (None, np.linspace(0, 1, 60), ValueError, "Unknown label type: continuous"),
        (None, np.append(np.nan, np.zeros(59)), ValueError, "Input y contains NaN"),
        (None, np.array([None, *"ab" * 29, "a"], dtype=object), ValueError, "no label for 1 of 60 samples, first 0"),
        (None, np.array([3, *"ab" * 29, "a"], dtype=object), ValueError, "all strings or all numbers; got int and str"),
        (None, np.zeros((60, 2)), ValueError, "y should be a 1d array"),
        (
            LogisticRegression(),
            np.arange(60) % 2,
            TypeError,
            "autoencoder must be an Autoencoder.*got LogisticRegression",
        ),
        ("stacked", np.arange(60) % 2, TypeError, "autoencoder must be an Autoencoder.*got 'stacked'"),
        (FrozenEstimator(Autoencoder()), np.arange(60) % 2, NotFittedError, "Autoencoder instance is not fitted"),
    ],
)
def test_mistakes_are_found_before_training(autoencoder, y, error, message, table, monkeypatch):
    monkeypatch.setattr(Trainer, "fit", lambda *args, **kwargs: pytest.fail("trained"))
    with pytest.raises(error, match=message):
        AutoencoderClassifier(autoencoder).fit(table, y)


def test_before_fit(table):
    for method in ("predict", "predict_proba"):
        with pytest.raises(NotFittedError):
            getattr(AutoencoderClassifier(), method)(table)
    with pytest.raises(NotFittedError, match=r"no weights .*call \.pretrain\(X\) or \.fit\(X\) before"):
        StackedAutoencoder().to_classifier()


def test_samples_of_another_shape(stack, split):
    classifier = stack.to_classifier(STILL).fit(split[0], split[2])
    for X in (np.zeros((3, 8, 7)), np.zeros((3, 64))):
        with pytest.raises(ValueError, match="samples of shape|features"):
            classifier.predict(X)


def test_corruption_and_dropout_act_in_training_only(split):
    X, _, y, _ = split
    start = StackedAutoencoder(16, hidden_features=(32,), trainer=Trainer(epochs=1, verbose=False), random_state=0)
    start.fit(X)
    settings = {"trainer": Trainer(epochs=2, verbose=False), "random_state": 0}
    fits = [
        AutoencoderClassifier(FrozenEstimator(start), corruption=corruption, dropout=dropout, **settings).fit(X, y)
        for corruption, dropout in ((None, 0.0), ("masking:0.5", 0.0), (None, 0.5), (None, 0.5))
    ]
    losses = [fit.history_.column("loss")[-1] for fit in fits]
    assert losses[0] < min(losses[1:])  # noise makes training harder
    assert losses[2] == losses[3]  # and is decided by random_state
    assert np.array_equal(fits[1].predict_proba(X), fits[1].predict_proba(X))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dropout": 1.0}, r"dropout must be a number in \[0, 1\); got 1.0"),
        ({"dropout": "half"}, "dropout must be a number"),
        ({"corruption": "masking:2"}, "Masking"),
    ],
)
def test_noise_that_makes_no_sense(split, settings, message):
    with pytest.raises(ValueError, match=message):
        AutoencoderClassifier(**settings).fit(split[0], split[2])


def test_epochs_in_the_place_of_a_trainer(stack, split):
    with pytest.raises(TypeError, match=r"^trainer must be Trainer\(\.\.\.\) .*; got 5$"):
        stack.to_classifier(5).fit(split[0], split[2])


@pytest.mark.parametrize("network", ["auto", "mlp:64,64", "linear_path:mlp"])
def test_dropout_reaches_every_hidden_layer(network, split):
    start = Autoencoder(8, network=network, trainer=STILL, random_state=0).fit(split[0][:100])
    classifier = AutoencoderClassifier(FrozenEstimator(start), dropout=0.25, trainer=STILL, random_state=0)
    head = classifier.fit(split[0][:100], split[2][:100]).module_
    last = head.encoder[-1]
    layers = list(last.network if isinstance(last, WithLinearPath) else head.encoder)[1:]
    assert len(layers) == 2
    zeros = []
    for layer in layers:
        layer.register_forward_pre_hook(lambda _, x: zeros.append(float((x[0] == 0).float().mean())))
    x = start.schema_.prepare(start.schema_.ingest(split[0][:400]))
    for training, share in ((True, 0.25), (False, 0.0)):
        zeros.clear()
        with seeded(0), torch.no_grad():
            head.train(training)(x)
        np.testing.assert_allclose(zeros, share, atol=0.02)


def test_dropout_leaves_the_linear_path_alone(split):
    start = Autoencoder(8, trainer=STILL, random_state=0).fit(split[0][:100])
    head = AutoencoderClassifier(FrozenEstimator(start), dropout=0.9, trainer=STILL, random_state=0)
    head = head.fit(split[0][:100], split[2][:100]).module_.train()
    x = start.schema_.prepare(start.schema_.ingest(split[0][:50]))
    with seeded(0), torch.no_grad():  # the nonlinear part starts at 0, so that only the path is left
        torch.testing.assert_close(head._encode(x), start.module_.encoder(x), atol=1e-5, rtol=0)
