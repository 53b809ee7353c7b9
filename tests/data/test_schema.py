"""Into the model's units and back: every layout, every dtype."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from latente.data import DataSpec, Schema, decide

DTYPES = ["bool", "uint8", "int8", "int16", "uint16", "int32", "int64", "float16", "float32", "float64"]
LAYOUTS = {"nf": (4,), "nt": (6,), "nhw": (3, 4), "nhwc": (3, 4, 2), "nchw": (2, 3, 4), "nct": (2, 6), "ntc": (6, 2)}


def through(schema, array):
    """There and back, without a model."""
    return schema.restore(schema.prepare(schema.ingest(array)).numpy())


def make(shape, dtype):
    values = np.random.default_rng(0).uniform(0, 100, size=shape)
    return values > 50 if dtype == "bool" else values.astype(dtype)


@pytest.mark.parametrize("scale", ["auto", "none", "minmax", "standard"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_there_and_back(layout, dtype, scale):
    X = make((9, *LAYOUTS[layout]), dtype)
    back = through(decide(X, DataSpec(layout=layout, scale=scale)), X)
    assert (back.dtype, back.shape) == (X.dtype, X.shape)
    np.testing.assert_allclose(
        back.astype(float), X.astype(float), rtol=2e-3 if dtype == "float16" else 2e-6, atol=2e-5
    )


@pytest.mark.parametrize(("layout", "axes"), [("nhwc", (0, 3, 1, 2)), ("ntc", (0, 2, 1))])
def test_channels_come_first_inside(layout, axes):
    X = make((9, *LAYOUTS[layout]), "float64")
    inside = decide(X, DataSpec(layout=layout, scale="none")).ingest(X)
    np.testing.assert_array_equal(inside.numpy(), X.transpose(axes).astype(np.float32))


@pytest.mark.parametrize("layout", ["nhw", "nhwc", "nchw"])
def test_bytes_stay_bytes_in_memory(layout):
    X = make((9, *LAYOUTS[layout]), "uint8")
    schema = decide(X, DataSpec(layout=layout))
    raw = schema.ingest(X)
    assert raw.dtype == torch.uint8
    assert schema.prepare(raw).max() == pytest.approx(X.max() / 255)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["int16", "uint16", "int32", "float32", "float64"]), st.integers(-300, 300), st.data())
def test_tables_of_any_size_come_back(dtype, exponent, data):
    limit = {"int16": 3e4, "uint16": 6e4, "int32": 2e9, "float32": 1e38, "float64": 1e200}[dtype]
    unit = min(limit, 10.0**exponent) / 4
    values = data.draw(st.lists(st.lists(st.floats(0, 1), min_size=2, max_size=2), min_size=2, max_size=8))
    X = (np.array(values) * unit).astype(dtype)
    back = through(decide(X), X)
    np.testing.assert_allclose(back, X, rtol=0, atol=2e-6 * max(np.ptp(X.astype(float), axis=0).max(), float(X.max())))


def test_other_dtypes_mean_the_same_numbers():
    """A model of uint16 or bool must not read the bytes of a later array as 0..255."""
    for dtype, top in (("uint16", 65535), ("bool", 1)):
        X = np.zeros((4, 3, 3), dtype=dtype)
        X[0] = top
        schema = decide(X, DataSpec(scale="unit"))
        later = np.ones((2, 3, 3), dtype=np.uint8)
        np.testing.assert_allclose(schema.prepare(schema.ingest(later)).numpy(), 1 / top)
    pictures = decide(make((4, 3, 3), "uint8"))
    for dtype in ("int64", "float64"):
        later = np.full((2, 3, 3), 51).astype(dtype)
        np.testing.assert_allclose(pictures.prepare(pictures.ingest(later)).numpy(), 0.2, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int64", "uint64", "float16", "float32"])
def test_what_the_dtype_cannot_hold_becomes_its_nearest(dtype):
    schema = decide(make((9, 3), dtype), DataSpec(kind="table", scale="standard"))
    info = np.iinfo(dtype) if np.dtype(dtype).kind in "iu" else np.finfo(dtype)
    high = schema.restore(np.full((1, 3), 3e38, dtype=np.float32))
    low = schema.restore(np.full((1, 3), -3e38, dtype=np.float32))
    np.testing.assert_allclose(high.astype(float), float(info.max), rtol=1e-3)
    np.testing.assert_allclose(low.astype(float), float(info.min), rtol=1e-3)


def test_integers_are_rounded_not_cut():
    schema = decide(np.array([[0, 10], [10, 0]], dtype=np.int64), DataSpec(scale="none"))
    np.testing.assert_array_equal(schema.restore(np.array([[0.6, 9.4]], np.float32)), [[1, 9]])


def test_values_beyond_float32_are_refused():
    schema = decide(np.array([[0.0], [1.0]]))
    with pytest.raises(ValueError, match="do not fit into float32 after scaling.*clip outliers"):
        schema.ingest(np.array([[1e300]]))


@pytest.mark.parametrize("shape", [(2, 3), (2, 4, 4), (2, 5)])
def test_samples_of_another_shape_are_refused(shape):
    schema = decide(np.random.default_rng(0).normal(size=(9, 4)))
    with pytest.raises(
        ValueError, match=r"samples of shape .*trained on samples of shape \(4,\).*reshape X to \(n, 4\)"
    ):
        schema.check_shape(np.zeros(shape))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_to_json_and_back(layout):
    X = make((9, *LAYOUTS[layout]), "float64")
    schema = decide(X, DataSpec(layout=layout))
    text = json.dumps(schema.to_dict())
    again = Schema.from_dict(json.loads(text), schema.shift, schema.factor)
    assert again.to_dict() == schema.to_dict()
    assert torch.equal(again.ingest(X), schema.ingest(X))


def test_the_users_array_is_not_changed():
    for dtype in ("uint8", "float32"):
        X = make((9, 3, 4), dtype)
        kept = X.copy()
        schema = decide(X)
        schema.prepare(schema.ingest(X)).add_(1)
        np.testing.assert_array_equal(X, kept)
