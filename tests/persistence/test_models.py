"""Saved and loaded models are the same, for every estimator and every part."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import latente
from latente import (
    VQ,
    Autoencoder,
    Conv,
    GaussianLikelihood,
    Pretraining,
    Trainer,
)

GENERATOR = np.random.default_rng(0)
TABLE = GENERATOR.normal(size=(30, 6))
PICTURES = GENERATOR.integers(0, 256, size=(30, 9, 7), dtype=np.uint8)
SIGNALS = GENERATOR.normal(size=(30, 11, 2))
ONE = Trainer(epochs=1)

BOTTLENECKS = ["deterministic", "gaussian:2,0.1", "sparse:0.2", "k_sparse:2", VQ(8, 2), "fsq:4,5,3,2"]
NAMED = {
    "Autoencoder": {},
    "VanillaAutoencoder": {"activation": "tanh"},
    "ConvolutionalAutoencoder": {"channels": (4, 8), "normalization": "batch", "bottleneck": "vq:4,2"},
    "DenoisingAutoencoder": {"corruption": "masking:0.2+gaussian:0.1..0.3"},
    "StackedAutoencoder": {"hidden_features": (8, 5), "pretraining": Pretraining(epochs=(1, 1, 1), trainer=ONE)},
    "VariationalAutoencoder": {"warmup": 0.2, "objective": "importance_weighted:2"},
}


def same(model, folder, X, **own):
    """Saves, loads, compares everything that a model can do, and returns the loaded one."""
    again = latente.load(model.save(folder), **own)
    assert type(again) is type(model)
    for method in ("transform", "reconstruct", "score_samples"):
        np.testing.assert_array_equal(getattr(again, method)(X), getattr(model, method)(X))
    state = again.module_.state_dict()
    assert all(torch.equal(state[name], tensor) for name, tensor in model.module_.state_dict().items())
    assert again.schema_.to_dict() == model.schema_.to_dict()
    assert again.n_features_in_ == model.n_features_in_
    assert not again.module_.training
    return again


@pytest.mark.parametrize("bottleneck", BOTTLENECKS, ids=str)
@pytest.mark.parametrize(
    ("network", "X", "data"),
    [
        ("mlp:8", TABLE, "auto"),
        (Conv((4, 8)), PICTURES, "auto"),
        (Conv((4,), (5,), normalization="batch", upsample="nearest"), SIGNALS, "ntc"),
    ],
    ids=["mlp", "conv 2-D", "conv 1-D"],
)
def test_every_bottleneck_with_every_network(bottleneck, network, X, data, tmp_path):
    model = Autoencoder(4, bottleneck=bottleneck, network=network, data=data, trainer=ONE, random_state=0).fit(X)
    again = same(model, tmp_path / "m", X)
    if isinstance(bottleneck, VQ) or "gaussian" in str(bottleneck) or "fsq" in str(bottleneck):
        np.testing.assert_array_equal(again.sample(3, random_state=1), model.sample(3, random_state=1))


@pytest.mark.parametrize("name", NAMED)
def test_every_estimator(name, tmp_path):
    cls = getattr(latente, name)
    model = cls(4, trainer=ONE, random_state=3, **NAMED[name]).fit(TABLE)
    again = same(model, tmp_path / "m", TABLE)
    assert isinstance(cls.load(tmp_path / "m"), cls)
    assert again.history_ == model.history_
    assert again.n_iter_ == 1
    assert again.recipe_ == model.recipe_
    assert again.trainer == ONE
    refitted = again.fit(TABLE)  # the settings are all there
    np.testing.assert_array_equal(refitted.transform(TABLE), model.transform(TABLE))


@pytest.mark.parametrize(
    "distortion", ["gaussian", GaussianLikelihood(per_feature=True), "bernoulli", "huber:0.5", "absolute"]
)
def test_every_distortion(distortion, tmp_path):
    model = Autoencoder(4, network="mlp:8", distortion=distortion, trainer=ONE, random_state=0).fit(PICTURES / 255)
    same(model, tmp_path / "m", PICTURES / 255)


def test_settings_keep_their_short_strings(tmp_path):
    model = Autoencoder(2, network="mlp:8", corruption="masking:0.2", data="table", trainer=ONE, random_state=0)
    again = same(model.fit(TABLE), tmp_path / "m", TABLE)
    assert repr(again) == repr(model)


def test_numpy_numbers_in_the_settings(tmp_path):
    model = latente.StackedAutoencoder(
        np.int64(2),
        hidden_features=(np.int64(8), np.int32(5)),
        pretraining=Pretraining(epochs=np.int64(1)),
        trainer=Trainer(epochs=np.int64(1), learning_rate=np.float32(1e-3), batch_size=np.int32(8)),
        random_state=np.int64(3),
    ).fit(TABLE)
    again = same(model, tmp_path / "m", TABLE)
    assert again.get_params(deep=False) == model.get_params(deep=False)
    random = Autoencoder(2, network="mlp:8", trainer=ONE, random_state=np.random.default_rng(0)).fit(TABLE)
    assert same(random, tmp_path / "r", TABLE).random_state is None


def test_names_of_columns(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(TABLE, columns=list("abcdef"))
    again = same(Autoencoder(2, network="mlp:8", trainer=ONE).fit(frame), tmp_path / "m", frame)
    assert list(again.feature_names_in_) == list("abcdef")
    with pytest.raises(ValueError, match="same order"):
        again.transform(frame[list("bacdef")])


def test_what_was_fitted_is_saved_not_what_was_set_since(tmp_path):
    model = Autoencoder(2, network="mlp:8", trainer=ONE, random_state=0).fit(TABLE)
    model.set_params(latent_dim=4, network="mlp:3", bottleneck="gaussian")
    again = same(model, tmp_path / "m", TABLE)
    assert (again.latent_dim, again.bottleneck) == (2, None)


def test_saving_over_an_older_model(tmp_path):
    first = Autoencoder(2, network="mlp:8", trainer=ONE).fit(TABLE)
    first.save(tmp_path / "a" / "b")
    second = latente.VariationalAutoencoder(3, network="conv:4", trainer=ONE).fit(PICTURES)
    same(second, tmp_path / "a" / "b", PICTURES)
    with pytest.raises(FileExistsError, match="is a file; a model is saved as a folder"):
        first.save(tmp_path / "a" / "b" / "config.json")


def test_saving_twice_gives_the_same_bytes(tmp_path):
    model = Autoencoder(2, network="mlp:8", trainer=ONE).fit(TABLE)
    loaded = latente.load(model.save(tmp_path / "a"))
    for again in (model.save(tmp_path / "b"), loaded.save(tmp_path / "c")):
        assert (again / "model.safetensors").read_bytes() == (tmp_path / "a" / "model.safetensors").read_bytes()


def test_a_loaded_model_trains_on(tmp_path):
    model = Autoencoder(2, network="mlp:8", trainer=Trainer(epochs=1, callbacks=[print]), random_state=0)
    folder = model.partial_fit(TABLE).save(tmp_path / "m")
    first, again = (latente.load(folder).partial_fit(TABLE).transform(TABLE) for _ in "ab")
    np.testing.assert_array_equal(first, again)
    assert latente.load(folder).fit(TABLE).trainer.callbacks == ()  # functions are not in the file


@pytest.mark.usefixtures("untouched_generators")
def test_loading_touches_no_generator(tmp_path):
    latente.load(Autoencoder(2, bottleneck="vq:4,2", trainer=ONE, random_state=0).fit(TABLE).save(tmp_path / "m"))


def test_a_device_that_is_not_here_gives_way_to_the_cpu(tmp_path, monkeypatch):
    model = Autoencoder(2, network="mlp:8", trainer=ONE, random_state=0).fit(TABLE)
    model._params["trainer"]["params"]["device"] = "cuda:7"
    again = latente.load(model.save(tmp_path / "m"))
    assert again.module_.device == torch.device("cpu")
    np.testing.assert_array_equal(again.transform(TABLE), model.transform(TABLE))


def test_the_class_must_be_the_right_one(tmp_path):
    folder = latente.VanillaAutoencoder(2, trainer=ONE).fit(TABLE).save(tmp_path / "m")
    assert isinstance(Autoencoder.load(folder), latente.VanillaAutoencoder)
    with pytest.raises(TypeError, match="holds a VanillaAutoencoder, not a StackedAutoencoder; use latente.load"):
        latente.StackedAutoencoder.load(folder)


def test_estimators_of_the_users_own_are_refused(tmp_path):
    class Mine(Autoencoder):
        pass

    with pytest.raises(TypeError, match="cannot save a Mine: only latente's own estimators"):
        Mine(2, network="mlp:8", trainer=ONE).fit(TABLE).save(tmp_path / "m")
    assert list(tmp_path.iterdir()) == []
