"""Models with the user's own modules and functions: their code is not in the file and has to be passed again."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import latente
from latente import Autoencoder, Compose, ModelFileError, Trainer

TABLE = np.random.default_rng(0).normal(size=(30, 6))
ONE = Trainer(epochs=1)


def encoder(width=8):
    return nn.Sequential(nn.Linear(6, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Linear(width, 2))


def decoder():
    return nn.Sequential(nn.Linear(2, 6))


def cubic(x_hat, x):
    return (x_hat - x).abs().pow(3).flatten(1).sum(1)


def blur(x):
    return 0.5 * x + 0.1 * torch.randn_like(x)


@pytest.fixture
def modules(tmp_path):
    """A model of the user's own modules, and where it is saved."""
    model = Autoencoder(2, network=(encoder(), decoder()), trainer=ONE, random_state=0).fit(TABLE)
    return model, model.save(tmp_path / "m")


def test_modules_are_passed_again(modules):
    model, folder = modules
    mine = encoder()
    before = [parameter.clone() for parameter in mine.parameters()]
    for load in (latente.load, Autoencoder.load):
        again = load(folder, encoder=mine, decoder=decoder())
        np.testing.assert_array_equal(again.transform(TABLE), model.transform(TABLE))
        np.testing.assert_array_equal(again.reconstruct(TABLE), model.reconstruct(TABLE))
    assert all(torch.equal(a, b) for a, b in zip(mine.parameters(), before, strict=True))  # only copied


def test_the_users_modules_are_not_trained_themselves():
    mine = encoder()
    before = [parameter.clone() for parameter in mine.parameters()]
    model = Autoencoder(2, network=(mine, decoder()), trainer=ONE).fit(TABLE)
    assert all(torch.equal(a, b) for a, b in zip(mine.parameters(), before, strict=True))
    assert model.set_params(trainer__epochs=2).fit(TABLE).n_iter_ == 2


@pytest.mark.parametrize(
    ("own", "error", "message"),
    [
        ({}, ModelFileError, r"nn.Modules of the user's own.*latente.load\(path, encoder=..., decoder=...\)"),
        ({"encoder": encoder()}, ModelFileError, "encoder=..., decoder=..."),
        ({"encoder": encoder(9), "decoder": decoder()}, ModelFileError, "do not fit the model.*size mismatch"),
        (
            {"encoder": nn.Linear(6, 2), "decoder": decoder()},
            ModelFileError,
            "do not fit .*Missing|Unexpected",
        ),
        (
            {"encoder": nn.Linear(6, 3), "decoder": decoder()},
            ValueError,
            r"encoder must map .*\(batch, 2\); it returned",
        ),
        (
            {"encoder": decoder(), "decoder": encoder()},
            ValueError,
            "encoder does not accept a batch",
        ),
        (
            {"encoder": nn.Linear, "decoder": decoder()},
            TypeError,
            "encoder must be an nn.Module .*; got <class",
        ),
        ({"encoder": "mlp", "decoder": decoder()}, TypeError, "encoder must be an nn.Module"),
    ],
)
def test_without_them_or_with_others(modules, own, error, message):
    with pytest.raises(error, match=message):
        latente.load(modules[1], **own)


@pytest.mark.parametrize("keyword", ["encoder", "decoder", "corruption", "distortion"])
def test_what_a_model_has_no_place_for(keyword, tmp_path):
    folder = Autoencoder(2, network="mlp:8", corruption="gaussian", trainer=ONE).fit(TABLE).save(tmp_path / "m")
    with pytest.raises(TypeError, match=f"is none of the user's own; load it without {keyword}="):
        latente.load(folder, **{keyword: encoder() if keyword.endswith("coder") else blur})


def test_a_distortion_is_passed_again(tmp_path):
    model = Autoencoder(2, network="mlp:8", distortion=cubic, trainer=ONE, random_state=0).fit(TABLE)
    folder = model.save(tmp_path / "m")
    with pytest.raises(ModelFileError, match=r"distortion of the user's own.*latente.load\(path, distortion=...\)"):
        latente.load(folder)
    again = latente.load(folder, distortion=cubic)
    np.testing.assert_array_equal(again.score_samples(TABLE), model.score_samples(TABLE))


def test_a_corruption_may_be_passed_again(tmp_path):
    model = Autoencoder(2, network="mlp:8", corruption=blur, trainer=ONE, random_state=0).fit(TABLE)
    folder = model.save(tmp_path / "m")
    again = latente.load(folder, corruption=blur)
    np.testing.assert_array_equal(again.corrupt(TABLE, random_state=0), model.corrupt(TABLE, random_state=0))
    with pytest.warns(UserWarning, match=r"to corrupt or to train again.*|corruption of the user's own") as caught:
        without = latente.load(folder)
    assert caught[0].filename == __file__
    np.testing.assert_array_equal(without.reconstruct(TABLE), model.reconstruct(TABLE))
    with pytest.raises(ValueError, match="custom corruption's function is not here"):
        without.corrupt(TABLE)
    assert isinstance(without.save(tmp_path / "again"), type(folder))


def test_a_corruption_inside_a_composition(tmp_path):
    corruption = Compose(("gaussian:0.1", blur))
    folder = Autoencoder(2, network="mlp:8", corruption=corruption, trainer=ONE).fit(TABLE).save(tmp_path / "m")
    with pytest.warns(UserWarning, match="corruption of the user's own"):
        without = latente.load(folder)
    assert without.transform(TABLE).shape == (30, 2)
    again = latente.load(folder, corruption=corruption)
    assert again.corrupt(TABLE, random_state=0).shape == TABLE.shape


def test_modules_that_share_a_tensor(tmp_path):
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.down, self.up = nn.Linear(6, 2), nn.Linear(6, 2)
            self.up.weight = self.down.weight

        def forward(self, x):
            return self.down(x) + self.up(x)

    model = Autoencoder(2, network=(Tied(), decoder()), trainer=ONE, random_state=0).fit(TABLE)
    again = latente.load(model.save(tmp_path / "m"), encoder=Tied(), decoder=decoder())
    np.testing.assert_array_equal(again.transform(TABLE), model.transform(TABLE))
