"""What goes in comes back: dtype, units, layout, for every kind of data."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch

from latente import Autoencoder, ConvolutionalAutoencoder, DataSpec, Trainer


def make(**kwargs):
    return Autoencoder(3, **{"network": "mlp:64", "trainer": Trainer(epochs=80), "random_state": 0, **kwargs})


def factors(*shape, low=0.0, high=1.0, n=80):
    """n samples that are mixtures of three patterns, between low and high."""
    generator = np.random.default_rng(0)
    weights = generator.dirichlet(np.ones(3), size=n)
    patterns = generator.random((3, *shape))
    patterns = (patterns - patterns.min()) / np.ptp(patterns)
    return low + (high - low) * np.tensordot(weights, patterns, 1)


CASES = {
    "bytes nhw": (factors(6, 5, high=255).astype(np.uint8), "auto"),
    "bytes nhwc": (factors(6, 5, 3, high=255).astype(np.uint8), "auto"),
    "bytes nchw": (factors(3, 6, 5, high=255).astype(np.uint8), "auto"),
    "bytes in rows": (factors(64, high=255).astype(np.uint8), "auto"),
    "bytes in rows of no square": (factors(70, high=255).astype(np.uint8), "auto"),
    "bytes in rows of a told shape": (factors(60, high=255).astype(np.uint8), DataSpec(shape=(3, 4, 5))),
    "16 bits": (factors(6, 5, high=65535).astype(np.uint16), DataSpec(scale="unit")),
    "pictures in [0, 1]": (factors(6, 5), "auto"),
    "pictures in [-1, 1]": (factors(6, 5, low=-1).astype(np.float32), "auto"),
    "pictures in 0..16": (factors(6, 5, high=16), "auto"),
    "half precision": (factors(6, 5).astype(np.float16), "auto"),
    "black and white": (factors(6, 5) > 0.5, "auto"),
    "signals nct": (factors(2, 20, low=-3e4, high=3e4).astype(np.int16), "nct"),
    "signals ntc": (factors(20, 2, low=-3e4, high=3e4).astype(np.int16), "ntc"),
    "signals nt": (factors(20, low=-3e4, high=3e4).astype(np.int16), "nt"),
    "table on a huge offset": (1e9 + factors(6), "auto"),
    "table of tiny numbers": (1e-12 * factors(6), "auto"),
    "table of integers": (factors(6, high=1000).astype(np.int64), "auto"),
    "table with constant columns": (np.hstack([factors(4), np.full((80, 2), 7.0)]), "auto"),
    "table of yes and no": (factors(6) > 0.5, "auto"),
}


@pytest.mark.parametrize("case", CASES)
def test_reconstructions_look_like_the_data(case):
    X, data = CASES[case]
    model = make(data=data).fit(X)
    x_hat = model.reconstruct(X)
    assert (x_hat.dtype, x_hat.shape) == (X.dtype, X.shape)
    x, x_hat_ = X.astype(np.float64), x_hat.astype(np.float64)
    explained = 1 - np.square(x - x_hat_).sum() / np.square(x - x.mean(0)).sum()
    assert explained > 0.6, "in the user's own units"
    again = model.inverse_transform(model.transform(X))
    np.testing.assert_array_equal(again, x_hat)


@pytest.mark.parametrize(
    "case", ["bytes nhw", "bytes nhwc", "bytes nchw", "bytes in rows", "signals nct", "signals ntc"]
)
def test_convolutions_take_every_layout(case):
    X, data = CASES[case]
    model = ConvolutionalAutoencoder(3, channels=(4, 8), data=data, trainer=Trainer(epochs=1), random_state=0).fit(X)
    x_hat = model.reconstruct(X)
    assert (x_hat.dtype, x_hat.shape) == (X.dtype, X.shape)


def test_layouts_differ_by_their_axes_alone():
    X = factors(3, 6, 5, high=255).astype(np.uint8)
    first = make(data="nchw").fit(X)
    last = make(data="nhwc").fit(X.transpose(0, 2, 3, 1))
    np.testing.assert_array_equal(first.transform(X), last.transform(X.transpose(0, 2, 3, 1)))
    np.testing.assert_array_equal(first.reconstruct(X).transpose(0, 2, 3, 1), last.reconstruct(X.transpose(0, 2, 3, 1)))


def test_a_constant_column_survives():
    X = np.column_stack([factors(4), np.full(80, 1e6), np.zeros(80)])
    x_hat = make(trainer=Trainer(epochs=200)).fit(X).reconstruct(X)
    assert np.isfinite(x_hat).all()
    np.testing.assert_allclose(x_hat[:, 4:], X[:, 4:], atol=0.2)


@pytest.mark.filterwarnings("ignore::latente.estimators.LatentSizeWarning")
def test_tables_of_one_column():
    X = np.linspace(5, 9, 50)[:, None]
    for network in ("auto", "mlp:8", "mlp"):
        model = make(network=network).fit(X)
        assert model.reconstruct(X).shape == (50, 1)
        assert np.abs(model.reconstruct(X) - X).max() < 1
    signals = ConvolutionalAutoencoder(1, channels=(4,), trainer=Trainer(epochs=1), random_state=0).fit(X)
    assert (signals.schema_.kind, signals.reconstruct(X).shape) == ("signal", (50, 1))


@pytest.mark.parametrize("shape", [(1, 27, 31), (3, 33, 20), (5, 17, 17), (1, 1, 9), (2, 37)])
def test_odd_sizes(shape):
    X = factors(*shape, n=12)
    data = DataSpec(layout="nct" if len(shape) == 2 else "nchw")
    for model in (make(data=data), ConvolutionalAutoencoder(3, channels=(4, 8, 8), data=data)):
        model.set_params(trainer__epochs=1).fit(X)
        assert model.reconstruct(X).shape == X.shape


@pytest.mark.parametrize("of", [list, torch.tensor, pd.DataFrame, pl.DataFrame], ids=lambda of: of.__name__)
def test_containers_give_arrays_of_the_same_numbers(of):
    X = factors(6)
    plain = make(trainer=Trainer(epochs=2)).fit(X)
    model = make(trainer=Trainer(epochs=2)).fit(of(X))
    for method in ("transform", "reconstruct", "score_samples"):
        found = getattr(model, method)(of(X))
        assert isinstance(found, np.ndarray)
        np.testing.assert_array_equal(found, getattr(plain, method)(X))


def test_other_dtypes_of_the_same_numbers_give_the_same_codes():
    X = factors(6, 5, high=255).astype(np.uint8)
    model = make(trainer=Trainer(epochs=2)).fit(X)
    for dtype in (np.int16, np.float32, np.float64, "<i8", ">f4"):
        np.testing.assert_allclose(model.transform(X.astype(dtype)), model.transform(X), atol=1e-5)
        assert model.reconstruct(X.astype(dtype)).dtype == np.uint8


def test_the_users_data_is_left_alone():
    for case in CASES.values():
        X = case[0].copy()
        make(data=case[1], trainer=Trainer(epochs=1), corruption="gaussian").fit(X).reconstruct(X, corrupt=True)
        np.testing.assert_array_equal(X, case[0])
