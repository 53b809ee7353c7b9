"""What makes a run this run: also what functions and objects of the user's own hold."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import torch

from latente import Autoencoder, Trainer
from latente.corruptions import GaussianNoise
from latente.networks import MLP
from latente.training import CheckpointError


@pytest.fixture(scope="module")
def X():
    draws = np.random.default_rng(0)
    return (draws.normal(size=(60, 3)) @ draws.normal(size=(3, 8))).astype("f4")


def fitted(X, folder, corruption=None, resume=False, **settings):
    trainer = Trainer(**{"epochs": 2, "batch_size": 20, "verbose": False, "checkpoint": folder, **settings})
    model = Autoencoder(2, network=MLP((6,)), corruption=corruption, trainer=trainer, random_state=0)
    return list(model.fit(X, resume=resume).module_.state_dict().values())


def same(one, other):
    return all(map(torch.equal, one, other))


def shifted(x, by=1.0):
    return x + by


class Shift:
    """A corruption that is an object."""

    def __init__(self, by):
        self.by, self._calls = by, 0

    def __call__(self, x):
        self._calls += 1
        return x + torch.as_tensor(self.by, dtype=x.dtype)

    def twice(self, x):
        return x + 2 * self.by


@pytest.mark.parametrize(
    "corruption",
    [
        lambda by: GaussianNoise(np.float32(by)),
        lambda by: functools.partial(shifted, by=by),
        lambda by: lambda x: x + by,
        Shift,
        lambda by: Shift(np.full(8, by)),
        lambda by: Shift(by).twice,
    ],
    ids=["numpy", "partial", "closure", "object", "array", "method"],
)
def test_what_a_function_holds_belongs_to_the_settings(X, tmp_path, corruption):
    first = fitted(X, tmp_path, corruption(0.5))
    assert same(fitted(X, tmp_path, corruption(0.5), resume=True), first)
    with pytest.raises(CheckpointError, match="corruption"):
        fitted(X, tmp_path, corruption(0.25), resume=True)


def test_numpy_numbers_are_numbers_in_a_folder_too(X, tmp_path):
    """What `np.arange` and a parameter grid give."""
    given = {
        "epochs": np.int64(2),
        "patience": np.int64(2),
        "threads": np.int64(1),
        "learning_rate": np.float32(0.5**9),
        "validation_fraction": np.float32(0.25),
        "clip": np.bool_(True),
    }
    first = fitted(X, tmp_path, **given)
    plain = {name: value.item() for name, value in given.items()}
    assert same(fitted(X, tmp_path, resume=True, **plain), first)
