"""Saved and loaded classifiers are the same, their labels too."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors import safe_open
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from torch import nn

import latente
from latente import Autoencoder, AutoencoderClassifier, ModelFileError, Pretraining, StackedAutoencoder, Trainer
from latente.estimators.classifier_saving import labels_from, labels_record
from latente.persistence import read_model, write_model

TABLE = np.random.default_rng(0).normal(size=(40, 6))
SIDE = (TABLE[:, 0] > 0).astype(int)
ONE = Trainer(epochs=1)
STACK = StackedAutoencoder(3, hidden_features=(8,), pretraining=Pretraining(epochs=1), trainer=ONE, random_state=0)
STARTS = {
    "a stack": STACK,
    "a linear path": Autoencoder(3, trainer=ONE, random_state=0),
    "a quantiser": Autoencoder(4, network="mlp:8", bottleneck="vq:4,2", trainer=ONE, random_state=0),
}
LABELS = {
    "strings": np.array(["dog", "cat"]),
    "objects": np.array(["dog", "a cat"], dtype=object),
    "truth values": np.array([True, False]),
    "small numbers": np.array([-3, 7], dtype=np.int8),
    "large numbers": np.array([2**62, 2**62 + 1]),
    "unsigned": np.array([0, 2**64 - 1], dtype=np.uint64),
    "float32": np.array([0.0, 1.0], dtype=np.float32),
    "accents": np.array(["chêne", "érable"]),
}


def fitted(start=STARTS["a stack"], labels=LABELS["strings"], frozen=False, **settings):
    start = FrozenEstimator(start.fit(TABLE)) if frozen else start
    return AutoencoderClassifier(start, trainer=ONE, random_state=1, **settings).fit(TABLE, labels[SIDE])


def same(model, folder, **own):
    """Saves, loads, compares all that a classifier can do, and returns the loaded one."""
    again = latente.load(model.save(folder), **own)
    assert type(again) is AutoencoderClassifier
    np.testing.assert_array_equal(again.predict_proba(TABLE), model.predict_proba(TABLE))
    predicted, before = again.predict(TABLE), model.predict(TABLE)
    assert (predicted.dtype, again.classes_.dtype) == (before.dtype, model.classes_.dtype)
    assert predicted.tolist() == before.tolist()
    assert (again.n_features_in_, again.n_iter_, again.history_) == (6, 1, model.history_)
    np.testing.assert_array_equal(again.autoencoder_.transform(TABLE), model.autoencoder_.transform(TABLE))
    assert not again.module_.training
    return again


@pytest.mark.parametrize("frozen", [True, False])
@pytest.mark.parametrize("name", STARTS)
def test_every_start(name, frozen, tmp_path):
    model = fitted(STARTS[name], frozen=frozen, dropout=0.1, corruption="masking:0.1")
    again = same(model, tmp_path / "m")
    assert isinstance(again.autoencoder, FrozenEstimator) is frozen
    assert (again.dropout, again.corruption, again.trainer, again.random_state) == (0.1, model.corruption, ONE, 1)
    refitted = again.fit(TABLE, LABELS["strings"][SIDE])  # the settings are all there
    np.testing.assert_array_equal(refitted.predict_proba(TABLE), model.predict_proba(TABLE))
    assert isinstance(AutoencoderClassifier.load(tmp_path / "m"), AutoencoderClassifier)


@pytest.mark.parametrize("name", LABELS)
def test_labels_keep_their_dtype(name, tmp_path):
    again = same(fitted(labels=LABELS[name]), tmp_path / "m")
    assert again.classes_.dtype == LABELS[name].dtype
    assert set(again.classes_.tolist()) == set(LABELS[name].tolist())


def test_names_of_columns(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(TABLE, columns=list("abcdef"))
    model = AutoencoderClassifier(STACK, trainer=ONE, random_state=0).fit(frame, SIDE)
    again = latente.load(model.save(tmp_path / "m"))
    assert list(again.feature_names_in_) == list("abcdef")
    np.testing.assert_array_equal(again.predict_proba(frame), model.predict_proba(frame))


@pytest.mark.filterwarnings("ignore::latente.estimators.LatentSizeWarning")  # 32 units for 6 columns
def test_a_default_start(tmp_path, monkeypatch):
    monkeypatch.setattr("latente.estimators.stacked.MLP", lambda *_: latente.MLP((8,)))
    monkeypatch.setattr("latente.estimators.stacked.Trainer", lambda: Trainer(epochs=1))
    again = same(fitted(None), tmp_path / "m")
    assert again.autoencoder is None


def test_nothing_in_the_file_is_a_pickle(tmp_path):
    folder = fitted().save(tmp_path / "m")
    assert sorted(file.name for file in folder.iterdir()) == ["config.json", "model.safetensors"]
    with safe_open(folder / "model.safetensors", framework="pt") as file:
        stored = json.loads(file.metadata()["latente"])
    assert stored == json.loads((folder / "config.json").read_text())
    assert stored["data"]["labels"] == {"dtype": "<U3", "values": ["cat", "dog"]}


@pytest.mark.usefixtures("untouched_generators")
def test_what_was_fitted_is_saved_not_what_was_set_since(tmp_path):
    model = fitted(dropout=0.2).set_params(dropout=0.5, corruption="masking:0.5")
    again = same(model, tmp_path / "m")
    assert (again.dropout, again.corruption) == (0.2, None)


def test_code_of_the_users_own(tmp_path):
    def halve(x):
        return x / 2

    def modules():
        return nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 2)), nn.Linear(2, 6)

    start = Autoencoder(2, network=modules(), trainer=ONE, random_state=0)
    model = fitted(start, corruption=halve)
    encoder, decoder = modules()
    again = same(model, tmp_path / "m", encoder=encoder, decoder=decoder, corruption=halve)
    assert again.corruption is halve
    with pytest.raises(ModelFileError, match=r"latente.load\(path, encoder=..., decoder=...\)"):
        latente.load(tmp_path / "m")
    with pytest.warns(UserWarning, match="pass it: .*corruption=.* It predicts without; to train again it is needed"):
        quiet = latente.load(tmp_path / "m", encoder=encoder, decoder=decoder)
    np.testing.assert_array_equal(quiet.predict_proba(TABLE), model.predict_proba(TABLE))
    with pytest.raises(TypeError, match="load it without corruption="):
        latente.load(fitted().save(tmp_path / "plain"), corruption=halve)


def test_a_corruption_of_both(tmp_path):
    def halve(x):
        return x / 2

    model = fitted(Autoencoder(2, network="mlp:8", corruption=halve, trainer=ONE, random_state=0), corruption=halve)
    again = same(model, tmp_path / "m", corruption=halve)
    assert again.corruption is again.autoencoder_.corruption is halve


def test_the_class_must_be_the_right_one(tmp_path):
    folder = fitted().save(tmp_path / "m")
    with pytest.raises(TypeError, match="holds a AutoencoderClassifier, not a Autoencoder; use latente.load"):
        Autoencoder.load(folder)
    with pytest.raises(TypeError, match="holds a StackedAutoencoder, not a AutoencoderClassifier"):
        AutoencoderClassifier.load(STACK.fit(TABLE).save(tmp_path / "a"))


def test_refused(tmp_path):
    class Mine(AutoencoderClassifier):
        pass

    with pytest.raises(TypeError, match="cannot save a Mine"):
        Mine(STACK, trainer=ONE).fit(TABLE, SIDE).save(tmp_path / "m")
    with pytest.raises(NotFittedError):
        AutoencoderClassifier().save(tmp_path / "m")
    with pytest.raises(TypeError, match="labels of dtype .* cannot be saved; fit with labels that are numbers"):
        labels_record(np.array([1, 2], dtype=np.longdouble))
    for record in ({"dtype": "<M8[s]", "values": [1, 2]}, {"dtype": "<i8", "values": [1]}):
        with pytest.raises(ValueError, match="labels"):
            labels_from(record)


@pytest.mark.parametrize(
    "change",
    [
        lambda stored: stored["data"]["labels"].update(dtype="V8"),
        lambda stored: stored["data"]["labels"].update(values=["a", "b", "c"]),
        lambda stored: stored["data"].pop("labels"),
        lambda stored: stored["data"].pop("autoencoder"),
        lambda stored: stored["data"]["autoencoder"].update(estimator="Other"),
        lambda stored: stored["params"].update(autoencoder="pickled"),
        lambda stored: stored["params"].update(more=3),
    ],
)
def test_a_wrong_description(change, tmp_path):
    tensors, stored = read_model(fitted().save(tmp_path / "m"))
    description = {name: stored.model_dump()[name] for name in ("estimator", "params", "data", "training", "features")}
    change(description)
    write_model(tmp_path / "n", tensors, description)
    with pytest.raises(ModelFileError, match=str(tmp_path / "n")):
        latente.load(tmp_path / "n")


def test_missing_tensors(tmp_path):
    tensors, stored = read_model(fitted().save(tmp_path / "m"))
    description = {name: stored.model_dump()[name] for name in ("estimator", "params", "data", "training", "features")}
    for start in ("module.head", "module.encoder", "autoencoder.data.shift", "autoencoder.module.encoder"):
        some = {name: value for name, value in tensors.items() if not name.startswith(start)}
        assert len(some) < len(tensors)
        write_model(tmp_path / "n", some, description)
        with pytest.raises(ModelFileError):
            latente.load(tmp_path / "n")


def test_the_command_line_says_what_it_is(tmp_path, capsys):
    from latente.cli import main

    folder = fitted().save(tmp_path / "m")
    assert main(["info", str(folder), "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["estimator"], record["settings"]["dropout"]) == ("AutoencoderClassifier", 0.0)
    assert record["parameters"] == sum(p.numel() for p in latente.load(folder).module_.parameters())
    assert main(["info", str(folder)]) == 0
    assert main(["transform", str(folder), str(folder), "-o", str(tmp_path / "z.npy")]) != 0
    assert "holds an AutoencoderClassifier, not an autoencoder: latente info takes it" in capsys.readouterr().err


def test_the_weights_are_copies(tmp_path):
    again = same(fitted(frozen=True), tmp_path / "m")
    mine, start = (module.encoder.state_dict() for module in (again.module_, again.autoencoder_.module_))
    assert not any(torch.equal(mine[name], start[name]) for name in mine if name.endswith("weight"))
