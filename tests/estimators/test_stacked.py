"""Layer by layer first, then all together."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from latente import MLP, Conv, Deterministic, GaussianNoise, LinearPath, Pretraining, StackedAutoencoder, Trainer
from latente.estimators import stacked


def make(**kwargs):
    settings = {"hidden_features": (16, 8), "pretraining": Pretraining(epochs=3), "trainer": Trainer(epochs=2)}
    return StackedAutoencoder(2, **{**settings, "random_state": 0, **kwargs})


def weights(model):
    return np.concatenate([tensor.numpy().ravel() for tensor in model.module_.state_dict().values()])


def test_its_parts(table):
    model = make(activation="relu", corruption="gaussian:0.1").fit(table)
    assert model.recipe_.network == MLP((16, 8), "relu")
    assert model.recipe_.bottleneck == Deterministic()
    assert model.recipe_.corruption == GaussianNoise(0.1)


@pytest.mark.parametrize(
    "trainer", [Trainer(epochs=2), Trainer(epochs=3, patience=2), Trainer(epochs=2, validation_fraction=0.3)]
)
def test_fit_is_pretrain_then_finetune(trainer, table):
    whole = make(trainer=trainer).fit(table)
    steps = make(trainer=trainer).pretrain(table)
    pretrained = weights(steps)
    steps.finetune(table)
    np.testing.assert_array_equal(weights(steps), weights(whole))
    assert not np.array_equal(weights(steps), pretrained)
    assert [len(history) for history in steps.pretraining_histories_] == [3, 3, 3]
    assert steps.history_.column("loss") == whole.history_.column("loss")


def test_every_layer_learns_and_finetuning_goes_on_from_there(table):
    model = make(hidden_features=(16,), pretraining=Pretraining(epochs=300, corruption=None)).pretrain(table)
    assert not hasattr(model, "history_")
    for history in model.pretraining_histories_:
        assert history.column("loss")[-1] < 0.5 * history.column("loss")[0]
    pretrained = model.evaluate(table)
    assert pretrained.error < 0.8 * pretrained.mean_error
    assert model.set_params(trainer__epochs=60).finetune(table).evaluate(table).error < 0.5 * pretrained.error


def test_each_layer_has_epochs_and_noise_of_its_own(table):
    pretraining = Pretraining(epochs=(1, 2, 3), corruption=("masking:0.2", None, GaussianNoise(0.1)))
    model = make(pretraining=pretraining).fit(table)
    assert [len(history) for history in model.pretraining_histories_] == [1, 2, 3]


def test_a_stack_of_convolutions(pictures):
    model = make(network=Conv((4, 8), hidden_features=())).fit(pictures)
    assert len(model.pretraining_histories_) == 3
    assert model.reconstruct(pictures).shape == pictures.shape


def test_finetune_needs_weights_to_start_from(table):
    with pytest.raises(NotFittedError):
        make().finetune(table)
    model = make().pretrain(table)
    with pytest.raises(ValueError, match="5 features"):
        model.finetune(table[:, :5])


@pytest.mark.parametrize(
    ("pretraining", "message"),
    [
        (Pretraining(epochs=0), "^Pretraining: epochs must be an integer of at least 1 or 'auto', .*; got 0$"),
        (Pretraining(epochs=(1, 2)), "epochs must be one value or 3, one for each layer"),
        (Pretraining(epochs=(1, 2, 0)), r"^Pretraining: epochs must be an integer .*; got \(1, 2, 0\)$"),
        (Pretraining(corruption=("masking", None)), "corruption must be one value or 3"),
        (Pretraining(corruption="masking:1.5"), r"amount must be a number in \[0, 1\]"),
        (Pretraining(corruption="maskin"), "Did you mean 'masking'"),
        (Pretraining(trainer=Trainer(learning_rate=-1)), "learning_rate must be"),
    ],
)
def test_wrong_pretraining_is_found_before_any_layer_is_trained(pretraining, message, table, monkeypatch):
    monkeypatch.setattr(stacked.Trainer, "fit", lambda *args, **kwargs: pytest.fail("trained"))
    with pytest.raises(ValueError, match=message):
        make(pretraining=pretraining).fit(table)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"network": "auto"}, "at least 2 blocks; network='auto' makes 1"),
        ({"network": LinearPath(MLP((8,)))}, r"network=LinearPath\(.*\) makes 1"),
        ({"network": "mlp:8", "hidden_features": ()}, None),
        ({"hidden_features": ()}, r"hidden_features=\(\) makes 1"),
        ({"network": "auto", "latent_dim": "auto"}, "at least 2 blocks"),
    ],
)
def test_one_block_is_no_stack(settings, message, table, monkeypatch):
    monkeypatch.setattr(stacked.Trainer, "fit", lambda *args, **kwargs: pytest.fail("trained"))
    for method in ("fit", "pretrain"):
        model = make().set_params(**settings)
        with pytest.raises(ValueError, match=message) if message else pytest.raises(pytest.fail.Exception):
            getattr(model, method)(table)


def test_a_large_picture_gets_a_stack_from_auto():
    pictures = np.random.default_rng(0).integers(0, 256, (8, 72, 72), dtype=np.uint8)
    model = make(network="auto", pretraining=Pretraining(epochs=1)).pretrain(pictures)
    assert len(model.pretraining_histories_) == len(model.module_.encoder) > 1
