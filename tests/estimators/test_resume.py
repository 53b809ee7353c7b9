"""`fit(resume=True)`: the same fit goes on, any other is refused; what scikit-learn makes of a checkpoint folder."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV

import latente
from latente import Autoencoder, StackedAutoencoder, Trainer, VariationalAutoencoder
from latente.data import stream
from latente.estimators import AutoencoderClassifier
from latente.networks import MLP
from latente.objectives import Wasserstein
from latente.pretraining import Pretraining
from latente.training import CheckpointError

pytestmark = pytest.mark.usefixtures("untouched_generators")


class Stops(Exception):
    """Raised by a callback: the nearest to a kill that a test in one process has."""


class StopAfter:
    """A callback that raises after so many epochs of all trainings together."""

    def __init__(self, epochs):
        self.left = epochs

    def __call__(self, record):
        self.left -= 1
        if self.left == 0:
            raise Stops


@pytest.fixture(scope="module")
def X():
    draws = np.random.default_rng(0)
    return (draws.normal(size=(60, 3)) @ draws.normal(size=(3, 8)) + 0.1 * draws.normal(size=(60, 8))).astype("f4")


def trainer(folder=None, **settings):
    standard = {"epochs": 3, "batch_size": 20, "verbose": False, "checkpoint": folder, "checkpoint_every": 2}
    return Trainer(**{**standard, **settings})


def weights(module):
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def equal(a, b):
    assert a.keys() == b.keys()
    return all(torch.equal(a[name], b[name]) for name in a)


def vae(folder=None, random_state=0, **settings):
    training = trainer(folder, **settings)
    return VariationalAutoencoder(2, network=MLP((6,)), trainer=training, random_state=random_state)


def interrupted(model, *data, after=2):
    """Fits until the callback raises."""
    with pytest.raises(Stops):
        clone(model).set_params(trainer__callbacks=[StopAfter(after)]).fit(*data)


# The same fit


@pytest.mark.parametrize("patience", [None, 1])
def test_a_fit_goes_on(X, tmp_path, patience):
    model = vae(tmp_path, patience=patience, learning_rate=0.05, epochs=6)
    interrupted(model, X, after=1)
    model.fit(X, resume=True)
    expected = vae(patience=patience, learning_rate=0.05, epochs=6).fit(X)
    assert equal(weights(model.module_), weights(expected.module_))
    assert model.history_.column("loss") == expected.history_.column("loss")
    assert model.n_iter_ == expected.n_iter_
    assert np.array_equal(model.transform(X), expected.transform(X))


def test_a_fit_on_a_stream_goes_on(X, tmp_path, monkeypatch):
    monkeypatch.setattr(stream, "BUFFER_BYTES", 20 * X[0].nbytes)  # several buffers an epoch
    np.save(tmp_path / "X.npy", X)
    rows = latente.open_rows(tmp_path / "X.npy")
    settings = {"batch_size": 7, "epochs": 4, "checkpoint_every": 5}  # a state in the middle of every epoch
    interrupted(vae(tmp_path / "states", **settings), rows, after=3)
    model, expected = vae(tmp_path / "states", **settings), vae(**settings)
    model.fit(rows, resume=True)
    expected.fit(rows)
    assert equal(weights(model.module_), weights(expected.module_))
    assert model.history_.column("loss") == expected.history_.column("loss")


def test_resume_without_checkpoints_starts(X, tmp_path):
    model = vae(tmp_path / "new" / "folder").fit(X, resume=True)
    assert equal(weights(model.module_), weights(vae().fit(X).module_))
    assert any((tmp_path / "new" / "folder").glob("step-*"))


@pytest.mark.parametrize("random_state", [None, "generator"])
def test_the_seed_is_in_the_folder(X, tmp_path, random_state):
    """Whoever did not choose a seed gets the one that the interrupted fit drew."""
    drawn = np.random.default_rng(5) if random_state else None
    model = vae(tmp_path, drawn)
    interrupted(model, X)
    seed = model.trainer.stored_seed()
    model.fit(X, resume=True)
    assert equal(weights(model.module_), weights(vae(random_state=seed).fit(X).module_))
    with pytest.raises(CheckpointError, match=f"seed is {seed} there, {seed + 1} here"):
        vae(tmp_path, seed + 1).fit(X, resume=True)


@pytest.mark.parametrize("as_path", [str, Path, os.fsdecode])
def test_a_relative_folder(X, tmp_path, monkeypatch, as_path):
    monkeypatch.chdir(tmp_path)
    model = vae(as_path("runs/a"))
    interrupted(model, X)
    model.fit(X, resume=True)
    assert equal(weights(model.module_), weights(vae().fit(X).module_))
    assert sorted(path.name for path in (tmp_path / "runs" / "a").iterdir())[-1] == "step-000000000009.safetensors"


# Another fit


DIFFERENT = {
    "learning_rate is 0.002 there, 0.003 here": {"trainer__learning_rate": 0.003},
    "epochs is 3 there, 4 here": {"trainer__epochs": 4},
    "batch_size is 20 there, 10 here": {"trainer__batch_size": 10},
    "patience is None there, 2 here": {"trainer__patience": 2},
    "clip is True there, False here": {"trainer__clip": False},
    "precision is 'auto' there, 'bfloat16' here": {"trainer__precision": "bfloat16"},
    "seed is 0 there, 1 here": {"random_state": 1},
    "not the same network": {"network": MLP((7,))},
    "not the same tensors": {"latent_dim": 3},
    "objective.name is 'plain' there, 'wasserstein' here": {"objective": Wasserstein()},
    "corruption.*is .*None.* there, .*'masking'.* here": {"corruption": "masking:0.1"},
    "bottleneck.beta is 1.0 there, 2 here": {"bottleneck": "gaussian:2"},
    "bottleneck.name is 'Gaussian' there, 'KSparse' here": {"bottleneck": "k_sparse:2"},
    "distortion.delta is 1.0 there, 2 here": {"distortion": "huber:2"},
}


@pytest.mark.parametrize(("message", "params"), DIFFERENT.items(), ids=[str(p) for p in DIFFERENT.values()])
def test_another_configuration_is_refused_by_name(X, tmp_path, message, params):
    model = Autoencoder(
        2, network=MLP((6,)), bottleneck="gaussian", distortion="huber", trainer=trainer(tmp_path), random_state=0
    )
    model.fit(X)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    other = clone(model).set_params(**params)
    with pytest.raises(CheckpointError, match=f"is of another run: (.*; )?({message})") as caught:
        other.fit(X, resume=True)
    assert "Resume with the settings and data of that run, or give another folder" in str(caught.value)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_other_data_are_refused(X, tmp_path):
    model = vae(tmp_path).fit(X)
    other = X.copy()
    other[-1, -1] += 1
    with pytest.raises(CheckpointError, match="of another run: not the same data.values. Resume"):
        model.fit(other, resume=True)
    with pytest.raises(CheckpointError, match="data.samples is 60 there, 50 here"):
        model.fit(X[:50], resume=True)
    with pytest.raises(CheckpointError, match="not the same data.values"):
        model.fit(X, target=X[::-1].copy(), resume=True)
    with pytest.raises(CheckpointError, match="validation.samples is None there, 5 here"):
        model.fit(X, validation=X[:5], resume=True)
    model.fit(X, resume=True)


def test_a_folder_in_use_is_refused_without_resume(X, tmp_path):
    model = vae(tmp_path).fit(X)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(CheckpointError, match=r"holds the checkpoints of an earlier run; resume it \(fit\(..., resume"):
        model.fit(X)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    (tmp_path / "notes.txt").write_text("no checkpoint")
    for path in before:
        (tmp_path / path).unlink()
    model.fit(X)


def test_resume_needs_a_folder(X, tmp_path):
    for model in (vae(), StackedAutoencoder(2, hidden_features=(6,), trainer=trainer(), random_state=0)):
        with pytest.raises(ValueError, match="resume=True needs a folder; pass checkpoint= to the Trainer"):
            model.fit(X, resume=True)
    labels, counting = np.arange(60) % 2, StopAfter(1)
    inner = Autoencoder(2, trainer=Trainer(epochs=1, callbacks=[counting]))
    with pytest.raises(ValueError, match="resume=True needs a folder"):
        AutoencoderClassifier(inner, trainer=trainer(), random_state=0).fit(X, labels, resume=True)


@pytest.mark.parametrize("value", [1, True, b"x", ["a"], ""])
def test_what_is_no_folder(X, value):
    with pytest.raises(ValueError, match="checkpoint must be a folder's path or None"):
        vae(value).fit(X)


@pytest.mark.parametrize("value", [0, -1, 2.5, "often", None, True])
def test_how_often_is_a_number_of_steps(X, tmp_path, value):
    with pytest.raises(ValueError, match="checkpoint_every must be an integer of at least 1 or 'auto'"):
        vae(tmp_path / "c", checkpoint_every=value).fit(X)
    assert not (tmp_path / "c").exists()


def test_a_folder_in_use_is_found_before_any_training(X, tmp_path):
    """A classifier's own folder before its autoencoder is trained, a stack's before its layers are."""
    vae(tmp_path).fit(X)
    counting = [StopAfter(1)]
    inner = vae(callbacks=counting)
    with pytest.raises(CheckpointError, match="holds the checkpoints of an earlier run"):
        AutoencoderClassifier(inner, trainer=trainer(tmp_path), random_state=0).fit(X, np.arange(60) % 2)
    with pytest.raises(CheckpointError, match="holds the checkpoints of an earlier run"):
        stacked(tmp_path).fit(X)
    assert not (tmp_path / "layer-1").exists()


# Stacked autoencoders and classifiers


def stacked(folder=None, random_state=0, **settings):
    pretraining = Pretraining(epochs=2, trainer=Trainer(batch_size=20, verbose=False))
    return StackedAutoencoder(
        2,
        hidden_features=(7, 5),
        pretraining=pretraining,
        trainer=trainer(folder, **settings),
        random_state=random_state,
    )


@pytest.mark.parametrize("random_state", [0, None])
@pytest.mark.parametrize("after", [1, 2, 3, 4, 6, 7, 8])  # epochs: two for each of three layers, then three
def test_a_stack_goes_on(X, tmp_path, after, random_state):
    model = stacked(tmp_path, random_state)
    callback = StopAfter(after)
    died = clone(model).set_params(trainer__callbacks=[callback])
    died.pretraining.trainer.callbacks = [callback]
    with pytest.raises(Stops):
        died.fit(X)
    seed = model.trainer.stored_seed("layer-1")
    assert random_state is None or seed == random_state
    model.fit(X, resume=True)
    expected = stacked(random_state=seed).fit(X)
    assert equal(weights(model.module_), weights(expected.module_))
    assert len(model.pretraining_histories_) == 3
    for one, other in zip(model.pretraining_histories_, expected.pretraining_histories_, strict=True):
        assert one.column("loss") == other.column("loss")


def test_a_stack_keeps_its_layers_apart(X, tmp_path):
    stacked(tmp_path).fit(X)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["layer-1", "layer-2", "layer-3"]
    for path in tmp_path.glob("step-*"):
        path.unlink()
    with pytest.raises(CheckpointError, match="layer-1 holds the checkpoints of an earlier run"):
        stacked(tmp_path).fit(X)


def test_pretraining_in_a_folder_of_its_own(X, tmp_path):
    model = stacked()
    model.pretraining.trainer.checkpoint = tmp_path
    model.fit(X)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["layer-1", "layer-2", "layer-3"]
    assert equal(weights(model.module_), weights(stacked().fit(X).module_))


def test_pretraining_and_finetuning_one_by_one(X, tmp_path):
    model = stacked(tmp_path / "a")
    callback = StopAfter(3)
    died = clone(model)
    died.pretraining.trainer.callbacks = [callback]
    with pytest.raises(Stops):
        died.pretrain(X)
    model.pretrain(X, resume=True)
    copied = weights(model.module_)
    model.finetune(X)
    again = clone(model).set_params(trainer__callbacks=[])
    again.pretrain(X, resume=True)
    assert equal(weights(again.module_), copied)
    again.finetune(X, resume=True)
    assert equal(weights(again.module_), weights(model.module_))
    assert equal(weights(model.module_), weights(stacked().fit(X).module_))


@pytest.mark.parametrize("random_state", [0, None])
def test_a_classifier_goes_on(X, tmp_path, random_state):
    labels = (X[:, 0] > 0).astype(int)
    frozen = FrozenEstimator(vae().fit(X))

    def classifier(folder=None, state=random_state, callbacks=()):
        training = trainer(folder, patience=2, callbacks=callbacks)
        return AutoencoderClassifier(frozen, trainer=training, random_state=state)

    with pytest.raises(Stops):
        classifier(tmp_path, callbacks=[StopAfter(2)]).fit(X, labels)
    resumed = classifier(tmp_path)
    resumed.fit(X, labels, resume=True)
    expected = classifier(state=resumed.trainer.stored_seed()).fit(X, labels)
    assert equal(weights(resumed.module_), weights(expected.module_))
    with pytest.raises(CheckpointError, match="data.values"):
        classifier(tmp_path).fit(X, 1 - labels, resume=True)


def test_a_classifier_resumes_its_autoencoder_too(X, tmp_path):
    labels = (X[:, 0] > 0).astype(int)

    def classifier(inner=None, outer=None, callbacks=()):
        autoencoder = vae(inner, callbacks=callbacks)
        return AutoencoderClassifier(autoencoder, trainer=trainer(outer), random_state=0)

    with pytest.raises(Stops):
        classifier(tmp_path / "i", tmp_path / "o", [StopAfter(2)]).fit(X, labels)
    assert not (tmp_path / "o").exists()
    resumed = classifier(tmp_path / "i", tmp_path / "o").fit(X, labels, resume=True)
    expected = classifier().fit(X, labels)
    assert equal(weights(resumed.module_), weights(expected.module_))
    assert equal(weights(resumed.autoencoder_.module_), weights(expected.autoencoder_.module_))


# scikit-learn, and files


def test_parameters_and_clones(tmp_path):
    model = vae(tmp_path)
    assert model.get_params()["trainer__checkpoint"] == tmp_path
    assert clone(model).get_params()["trainer__checkpoint"] == tmp_path
    assert clone(model).set_params(trainer__checkpoint="x").trainer.checkpoint == "x"
    assert model.trainer.checkpoint == tmp_path
    assert eval(repr(model.trainer), {"Trainer": Trainer, "PosixPath": Path}) == model.trainer


@pytest.mark.parametrize("as_path", [str, Path])
def test_a_model_with_a_folder_is_saved_and_loaded(X, tmp_path, as_path):
    model = vae(as_path(tmp_path / "c")).fit(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = latente.load(model.save(tmp_path / "m"))
    assert np.array_equal(again.transform(X), model.transform(X))
    assert os.fspath(again.trainer.checkpoint) == os.fspath(tmp_path / "c")
    assert again.history_.to_dict() == model.history_.to_dict()
    resumed = again.fit(X, resume=True)
    assert np.array_equal(resumed.transform(X), model.transform(X))


def test_a_search_over_settings_finds_the_folder_taken(X, tmp_path):
    """One folder is one run; a search fits many."""
    search = GridSearchCV(vae(tmp_path), {"latent_dim": [2, 3]}, cv=2, error_score="raise", refit=False)
    with pytest.raises(CheckpointError, match="holds the checkpoints of an earlier run"):
        search.fit(X)


def test_a_second_pass_needs_no_folder(X, tmp_path):
    model = vae(tmp_path / "c").partial_fit(X).partial_fit(X)
    assert not (tmp_path / "c").exists()
    assert model.n_iter_ == 2
