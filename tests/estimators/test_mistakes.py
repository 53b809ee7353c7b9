"""Bad calls: each a clear error before any training, and nothing is written."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
from torch import nn

import latente
from latente import MLP, VQ, Autoencoder, AutoencoderClassifier, Conv, DataSpec, Gaussian, GaussianNoise, Trainer
from latente.objectives import Trimmed
from latente.training.stepper import Stepper

TABLE = np.random.default_rng(0).normal(size=(20, 5))
PICTURES = np.random.default_rng(0).random((20, 8, 8))
HOLES = TABLE.copy()
HOLES[3, 2], HOLES[5, 1] = np.nan, np.inf
NAMES = pd.DataFrame(TABLE, columns=list("abcde"))


def fit(X=TABLE, model=None, **kwargs):
    return lambda: Autoencoder(2).set_params(**kwargs).fit(X) if model is None else model.fit(X, **kwargs)


DATA = {
    "NaN": (fit(HOLES), ValueError, r"1 NaN and 1 infinite values, the first at index \(3, 2\), in rows 3, 5\. Remove"),
    "a name twice": (fit(pd.DataFrame(TABLE, columns=list("abcab"))), ValueError, r"'a' \(2 times\), 'b' \(2"),
    "NaN in a column": (fit(pd.DataFrame(HOLES, columns=list("abcde"))), ValueError, "row 3, column 'c'"),
    "nothing": (fit(np.empty((0, 5))), ValueError, r"0 sample\(s\)"),
    "one sample": (fit(TABLE[:1]), ValueError, "at least 2 samples; got 1 sample"),
    "one axis": (fit(TABLE[0]), ValueError, "Expected 2D array, got 1D"),
    "five axes": (fit(np.zeros((3, 2, 2, 2, 2))), ValueError, "5 axes.*allowed: 2 .*Reshape"),
    "text": (fit(np.array([["a", "b"], ["c", "d"]], dtype=object)), ValueError, "must hold numbers"),
    "sparse": (fit(scipy.sparse.eye(5, format="csr")), TypeError, "[Ss]parse"),
    "complex": (fit(TABLE + 1j), ValueError, "Complex data"),
    "ragged": (fit([[1, 2], [3]]), ValueError, "samples of one shape"),
    "pandas text": (fit(NAMES.assign(city="x")), TypeError, r"not numbers: 'city' \("),
    "polars text": (fit(pl.from_pandas(NAMES).with_columns(city=pl.lit("x"))), TypeError, "not numbers: 'city'"),
    "pandas dates": (fit(NAMES.assign(day=pd.Timestamp(0))), TypeError, "not numbers: 'day'"),
    "categories": (fit(NAMES.assign(kind=pd.Categorical([1] * 20))), TypeError, "not numbers: 'kind'"),
    "no file": (fit("nowhere.npy"), FileNotFoundError, "no such file or folder: nowhere.npy"),
    "a class": (fit(dict), ValueError, "Expected 2D array"),
    "too large": (fit(TABLE * 1e200, data=DataSpec(scale="none")), ValueError, "do not fit into float32"),
    "target of another shape": (fit(target=TABLE[:, :4], model=Autoencoder(2)), ValueError, r"shape \(20, 5\); got"),
    "target with NaN": (fit(target=HOLES, model=Autoencoder(2)), ValueError, "target contains 1 NaN"),
    "held-out of another shape": (fit(validation=TABLE[:, :4], model=Autoencoder(2)), ValueError, "4 features"),
    "held-out without target": (
        fit(target=TABLE, validation=TABLE, model=Autoencoder(2)), ValueError, r"a pair \(X, target\); got ndarray",
    ),
    "a table to convolutions": (fit(network="conv"), ValueError, "Conv needs images or signals.*kind='signal'"),
}  # fmt: skip

Value, Type = ValueError, TypeError
SETTINGS = {
    "latent_dim 0": ({"latent_dim": 0}, Value, "latent_dim must be an integer of at least 1, or 'auto'; got 0"),
    "latent_dim -1": ({"latent_dim": -1}, Value, "or 'auto'; got -1"),
    "latent_dim 1.5": ({"latent_dim": 1.5}, Value, "got 1.5"),
    "latent_dim text": ({"latent_dim": "wide"}, Value, "at least 1, or 'auto'; got 'wide'"),
    "latent_dim misspelt": ({"latent_dim": "atuo"}, Value, "got 'atuo'. Did you mean 'auto'?"),
    "auto and levels": ({"latent_dim": "auto", "bottleneck": "fsq:4"}, Value, "'gaussian' or 'sparse'; got FSQ"),
    "auto and a codebook": ({"latent_dim": "auto", "bottleneck": "vq:16"}, Value, "fewer directions: .* got VQ"),
    "latent_dim True": ({"latent_dim": True}, Value, "got True"),
    "bottleneck name": ({"bottleneck": "gausian"}, Value, "'gausian'; known: .*Did you mean 'gaussian'"),
    "bottleneck class": ({"bottleneck": Gaussian}, Type, r"an instance, not a class"),
    "bottleneck argument": ({"bottleneck": "gaussian:bta=4"}, Value, "no argument 'bta'.*Did you mean 'beta'"),
    "another part": ({"bottleneck": GaussianNoise()}, Type, "bottleneck must be one of .*got GaussianNoise"),
    "beta": ({"bottleneck": Gaussian(beta=-1)}, Value, "beta must be .*at least 0; got -1"),
    "code_dim": ({"bottleneck": VQ(code_dim=3)}, Value, r"code_dim must divide latent_dim=2; got code_dim=3.*Allowed"),
    "k": ({"bottleneck": "k_sparse:3"}, Value, "k must be .*latent_dim=2; got 3"),
    "network name": ({"network": "convs"}, Value, "unknown network 'convs'.*Did you mean 'conv'"),
    "one module": ({"network": nn.Linear(5, 2)}, Type, "a pair .*; got a single one"),
    "encoder in": ({"network": (nn.Linear(4, 2), nn.Linear(2, 5))}, Value, r"encoder does not accept .*\(batch, 5\)"),
    "encoder out": ({"network": (nn.Linear(5, 3), nn.Linear(2, 5))}, Value, r"returned shape \(batch, 3\)"),
    "decoder out": ({"network": (nn.Linear(5, 2), nn.Linear(2, 4))}, Value, r"\(batch, 2\) to \(batch, 5\)"),
    "widths": ({"network": MLP((0,))}, Value, r"hidden_features must be positive integers; got \(0,\)"),
    "activation": ({"network": MLP((8,), "rellu")}, Value, "unknown activation 'rellu'.*Did you mean 'relu'"),
    "kernel": ({"network": Conv(kernel_size=4), "data": "signal"}, Value, "kernel_size must be odd .*got 4"),
    "corruption name": ({"corruption": "gauss"}, Value, "unknown corruption 'gauss'"),
    "corruption level": ({"corruption": "masking:2"}, Value, r"amount must be a number in \[0, 1\].*got 2"),
    "distortion name": ({"distortion": "squared"}, Value, "unknown distortion 'squared'.*Did you mean 'squared_error'"),
    "distortion scale": ({"distortion": "bernoulli"}, Value, r"Bernoulli distortion needs data in \[0, 1\].*Use"),
    "objective": ({"objective": "wasserstien"}, Value, "Did you mean 'wasserstein'"),
    "objective without its bottleneck": ({"objective": "importance_weighted"}, Value, "needs a Gaussian bottleneck"),
    "beta that is ignored": (
        {"bottleneck": "gaussian:4", "objective": "importance_weighted:5"},
        Value, "ImportanceWeighted would ignore beta=4 and free_bits=0: its bound weighs the rate by 1. Use beta=1",
    ),
    "beta inside another": (
        {"bottleneck": "gaussian:4", "objective": Trimmed(0.1, "importance_weighted")}, Value, "would ignore beta=4",
    ),
    "free bits": (
        {"bottleneck": "gaussian:free_bits=0.5", "objective": "beta_tc"}, Value, "BetaTC would ignore .*free_bits=0.5",
    ),
    "data": ({"data": "tabel"}, Value, "Did you mean 'table'"),
    "data type": ({"data": {"kind": "table"}}, Type, "data must be .*got {'kind'"),
    "layout": ({"data": DataSpec(layout="nhw")}, Value, r"'nhw' needs 3 axes; X has shape \(20, 5\)"),
    "epochs": ({"trainer": Trainer(epochs=0)}, Value, "epochs must be an integer of at least 1 or 'auto'; got 0"),
    "batch size": ({"trainer": Trainer(batch_size=-8)}, Value, "batch_size must be .*got -8"),
    "learning rate": ({"trainer": Trainer(learning_rate=0)}, Value, "learning_rate must be above 0 or 'auto'; got 0"),
    "patience": ({"trainer": Trainer(patience=3, validation_fraction=0)}, Value, "patience needs held-out samples"),
    "fraction": ({"trainer": Trainer(validation_fraction=1.0)}, Value, r"in \[0, 1\) or None; got 1.0"),
    "precision": ({"trainer": Trainer(precision="float16")}, Value, "precision must be one of .*got 'float16'"),
    "device": ({"trainer": Trainer(device="gpu")}, Value, "device 'gpu' cannot be used.*Use 'auto' or 'cpu'"),
    "callbacks": ({"trainer": Trainer(callbacks=[3])}, Value, "callbacks must be a list of functions"),
    "trainer": ({"trainer": {"epochs": 3}}, Type, r"trainer must be Trainer\(\.\.\.\) .*got {'epochs': 3}"),
    "random_state": ({"random_state": "seed"}, Value, "random_state must be None, an integer .*got 'seed'"),
    "negative random_state": ({"random_state": -1}, Value, "random_state must be .*got -1"),
}  # fmt: skip

CALLS = {**DATA, **{name: (fit(**kwargs), error, message) for name, (kwargs, error, message) in SETTINGS.items()}}


@pytest.fixture
def no_training(monkeypatch, tmp_path):
    """Any step of training fails the test; so does any new file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Stepper, "step", lambda *args: pytest.fail("a step of training was taken"))
    yield
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_training", "untouched_generators")
@pytest.mark.parametrize("name", CALLS)
def test_bad_calls(name):
    call, error, message = CALLS[name]
    with pytest.raises(error, match=message) as caught:
        call()
    assert isinstance(caught.value, (ValueError, TypeError, FileNotFoundError))
    assert len(str(caught.value)) > 20


@pytest.mark.usefixtures("no_training")
@pytest.mark.parametrize("name", [name for name in SETTINGS if not name.startswith(("patience", "fraction"))])
def test_bad_settings_are_found_by_partial_fit_too(name):
    kwargs, error, message = SETTINGS[name]
    with pytest.raises(error, match=message):
        Autoencoder(2).set_params(**kwargs).partial_fit(TABLE)


def test_there_are_enough_of_them():
    assert len(CALLS) >= 40


AFTERWARDS = {
    "fewer columns": (lambda m: m.transform(TABLE[:, :4]), "X has 4 features, but Autoencoder is expecting 5"),
    "a picture": (lambda m: m.transform(TABLE.reshape(4, 5, 5)), r"trained on samples of shape \(5,\).*reshape X"),
    "NaN": (lambda m: m.reconstruct(HOLES), "1 NaN and 1 infinite"),
    "NaN codes": (lambda m: m.inverse_transform(np.full((2, 2), np.nan)), "Z contains 4 NaN"),
    "code size": (lambda m: m.inverse_transform(np.zeros((2, 3))), r"shape \(n, 2\); got \(2, 3\)"),
    "reference": (lambda m: m.evaluate(TABLE, reference=TABLE[:, :3]), "3 features"),
    "one sample without a reference": (
        lambda m: m.evaluate(TABLE[:1]),
        "baselines .* need at least 2 samples .*got 1.*reference=",
    ),
    "a reference of one sample": (lambda m: m.evaluate(TABLE, reference=TABLE[:1]), "at least 2 samples"),
    "no file": (lambda m: m.score("nowhere.csv"), "nowhere.csv"),
    "no prior": (lambda m: m.sample(3), "latente.generation"),
    "unknown path": (lambda m: m.interpolate(TABLE[0], TABLE[1], path="arc"), "linear, spherical; got 'arc'"),
    "another estimator": (lambda m: latente.load("nowhere"), "no model in nowhere"),
    "an unknown keyword": (lambda m: latente.load("nowhere", encodr=1), "got 'encodr'. Did you mean 'encoder'"),
}


@pytest.fixture(scope="module")
def fitted():
    return Autoencoder(2, trainer=Trainer(epochs=1), random_state=0).fit(TABLE)


@pytest.mark.usefixtures("no_training")
@pytest.mark.parametrize("name", AFTERWARDS)
def test_bad_calls_of_a_fitted_model(name, fitted):
    call, message = AFTERWARDS[name]
    with pytest.raises((ValueError, TypeError, FileNotFoundError), match=message):
        call(fitted)


def test_pictures_of_another_size():
    model = Autoencoder(2, trainer=Trainer(epochs=1), random_state=0).fit(PICTURES)
    with pytest.raises(ValueError, match=r"samples of shape \(8, 7\), but this model was trained on .*\(8, 8\)"):
        model.transform(PICTURES[:, :, :7])
    with pytest.raises(ValueError, match=r"samples of shape \(7, 8\), but this model was trained on .*\(8, 8\)"):
        model.transform(PICTURES[:, :7])
    labels = np.arange(len(PICTURES)) % 2
    classifier = AutoencoderClassifier(model, trainer=Trainer(epochs=1), random_state=0).fit(PICTURES, labels)
    with pytest.raises(ValueError, match=r"samples of shape \(7, 8\), but this model was trained on .*\(8, 8\)"):
        classifier.predict(PICTURES[:, :7])
