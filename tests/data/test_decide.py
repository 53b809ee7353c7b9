"""What the front door takes an array for, by itself and when told."""

from __future__ import annotations

import numpy as np
import pytest

from latente.data import DataSpec, decide


def make(shape, dtype, low, high):
    """n samples whose smallest and largest values are low and high."""
    values = np.random.default_rng(0).uniform(low, high, size=shape)
    values.flat[0], values.flat[-1] = low, high
    return (values > (low + high) / 2) if dtype == "bool" else values.astype(dtype)


DECISIONS = [
    # shape, dtype, low, high -> kind, layout, sample shape, scale, output
    ((9, 5), "float64", -3, 8, "table", "nf", (5,), "standard", "identity"),
    ((9, 5), "float32", 0, 1, "table", "nf", (5,), "standard", "identity"),
    ((9, 1), "int64", 0, 9, "table", "nf", (1,), "standard", "identity"),
    ((9, 5), "bool", 0, 1, "table", "nf", (5,), "unit", "sigmoid"),
    ((9, 784), "float64", 0, 255, "table", "nf", (784,), "standard", "identity"),
    ((9, 64), "uint8", 0, 255, "image", "nf", (1, 8, 8), "unit", "sigmoid"),
    ((9, 64), "uint8", 0, 129, "image", "nf", (1, 8, 8), "unit", "sigmoid"),
    ((9, 64), "uint8", 0, 128, "table", "nf", (64,), "standard", "identity"),
    ((9, 49), "uint8", 0, 255, "table", "nf", (49,), "standard", "identity"),
    ((9, 65), "uint8", 0, 255, "table", "nf", (65,), "unit", "sigmoid"),
    ((9, 64), "uint16", 0, 255, "table", "nf", (64,), "standard", "identity"),
    ((9, 7, 5), "uint8", 0, 255, "image", "nhw", (1, 7, 5), "unit", "sigmoid"),
    ((9, 7, 5), "uint8", 0, 3, "image", "nhw", (1, 7, 5), "unit", "sigmoid"),
    ((9, 7, 5), "float32", 0, 1, "image", "nhw", (1, 7, 5), "none", "sigmoid"),
    ((9, 7, 5), "float64", -1, 1, "image", "nhw", (1, 7, 5), "none", "tanh"),
    ((9, 7, 5), "float64", 0, 16, "image", "nhw", (1, 7, 5), "minmax", "sigmoid"),
    ((9, 7, 5), "int16", -4, 16, "image", "nhw", (1, 7, 5), "minmax", "sigmoid"),
    ((9, 7, 5), "bool", 0, 1, "image", "nhw", (1, 7, 5), "unit", "sigmoid"),
    ((9, 7, 5, 3), "uint8", 0, 255, "image", "nhwc", (3, 7, 5), "unit", "sigmoid"),
    ((9, 3, 7, 5), "uint8", 0, 255, "image", "nchw", (3, 7, 5), "unit", "sigmoid"),
    ((9, 7, 5, 1), "float32", 0, 1, "image", "nhwc", (1, 7, 5), "none", "sigmoid"),
    ((9, 5, 5, 5), "float32", 0, 1, "image", "nchw", (5, 5, 5), "none", "sigmoid"),
]


@pytest.mark.parametrize(("shape", "dtype", "low", "high", "kind", "layout", "sample", "scale", "output"), DECISIONS)
def test_decisions(shape, dtype, low, high, kind, layout, sample, scale, output):
    schema = decide(make(shape, dtype, low, high))
    assert (schema.kind, schema.layout, schema.sample_shape) == (kind, layout, sample)
    assert (schema.scale, schema.output) == (scale, output)
    assert (schema.user_shape, schema.dtype) == (shape[1:], dtype)
    assert schema.bounds == {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0), "identity": None}[output]
    assert schema.kind in schema.describe()


TABLE, CUBE = ((9, 64), "uint8", 0, 255), ((9, 3, 32), "float64", -5, 5)
TOLD = [
    (TABLE, DataSpec(kind="table"), "table", "nf", (64,), "standard"),
    (TABLE, DataSpec(layout="nf"), "table", "nf", (64,), "standard"),
    (TABLE, DataSpec(kind="signal"), "signal", "nt", (1, 64), "standard"),
    (TABLE, DataSpec(layout="nt", scale="unit"), "signal", "nt", (1, 64), "unit"),
    (TABLE, DataSpec(shape=(4, 16)), "image", "nf", (1, 4, 16), "unit"),
    (TABLE, DataSpec(shape=[4, 4, 4]), "image", "nf", (4, 4, 4), "unit"),
    (TABLE, DataSpec(kind="image", shape=(16, 4), scale="standard"), "image", "nf", (1, 16, 4), "standard"),
    (((9, 12), "uint8", 0, 3), DataSpec(shape=(3, 4)), "image", "nf", (1, 3, 4), "unit"),
    (((9, 12), "float64", 0, 3), DataSpec(kind="image", shape=(3, 4)), "image", "nf", (1, 3, 4), "minmax"),
    (CUBE, DataSpec(kind="signal"), "signal", "nct", (3, 32), "standard"),
    (CUBE, DataSpec(layout="nct"), "signal", "nct", (3, 32), "standard"),
    (CUBE, DataSpec(layout="ntc"), "signal", "ntc", (32, 3), "standard"),
    (CUBE, DataSpec(kind="image", scale="none"), "image", "nhw", (1, 3, 32), "none"),
    (((9, 3, 7, 5), "uint8", 0, 255), DataSpec(layout="nhwc"), "image", "nhwc", (5, 3, 7), "unit"),
    (((9, 7, 5, 3), "uint16", 0, 9), DataSpec(layout="nchw", scale="unit"), "image", "nchw", (7, 5, 3), "unit"),
    (((9, 7, 5), "float32", 0, 1), DataSpec(scale="standard"), "image", "nhw", (1, 7, 5), "standard"),
    (((9, 5), "float32", 0, 1), DataSpec(scale="minmax"), "table", "nf", (5,), "minmax"),
]


@pytest.mark.parametrize(("data", "spec", "kind", "layout", "sample", "scale"), TOLD)
def test_what_the_user_says_comes_first(data, spec, kind, layout, sample, scale):
    schema = decide(make(*data), spec)
    assert (schema.kind, schema.layout, schema.sample_shape, schema.scale) == (kind, layout, sample, scale)


@pytest.mark.parametrize(
    ("shape", "spec", "message"),
    [
        ((9, 2, 3, 4, 5), DataSpec(), r"5 axes \(shape \(9, 2, 3, 4, 5\)\); allowed: 2 .*Reshape"),
        ((9, 2, 3, 4), DataSpec(kind="signal"), "X has 4 axes"),
        ((9, 2, 3, 4), DataSpec(kind="table"), "X has 4 axes"),
        ((9, 2, 3), DataSpec(kind="table"), r"a table has two axes; X has shape \(9, 2, 3\)\. Reshape"),
        ((9, 12), DataSpec(kind="image"), r"rows of 12 values: say their shape.*shape=\(height, width\)"),
        ((9, 12), DataSpec(layout="nchw"), r"'nchw' needs 4 axes; X has shape \(9, 12\)"),
        ((9, 12), DataSpec(shape=(5, 5)), r"shape \(5, 5\) does not hold the 12 values of a row"),
        ((9, 3, 4), DataSpec(shape=(3, 4)), r"shape is for pictures flattened in rows .*X has shape \(9, 3, 4\)"),
        ((9, 12), DataSpec(scale="unit"), "scale 'unit' needs a dtype of uint8.*X is float64. Use 'minmax'"),
        ((9, 12), DataSpec(kind="pictures"), "kind must be one of auto, table, image, signal; got 'pictures'"),
        ((9, 12), DataSpec(kind="imge"), "Did you mean 'image'"),
        ((9, 12), DataSpec(layout="ncwh"), "layout must be one of .*got 'ncwh'.*Did you mean 'nchw'"),
        ((9, 12), DataSpec(scale="standardise"), "Did you mean 'standard'"),
        ((9, 12), DataSpec(kind="table", layout="nt"), "layout 'nt' is for kind 'signal'; got kind 'table'"),
        ((9, 12), DataSpec(kind="table", shape=(3, 4)), "kind 'image' or 'auto'.*got kind 'table'"),
        ((9, 12), DataSpec(layout="nt", shape=(3, 4)), "without a layout; got kind 'auto', layout 'nt'"),
        ((9, 12), DataSpec(shape=12), r"shape must be \(height, width\).*got 12"),
        ((9, 12), DataSpec(shape=(3, -4)), r"integers of at least 1; got \(3, -4\)"),
        ((9, 12), DataSpec(shape=("3", "4")), "integers of at least 1"),
    ],
)
def test_specs_that_do_not_fit(shape, spec, message):
    with pytest.raises(ValueError, match=message):
        decide(np.random.default_rng(0).normal(size=shape), spec)


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("auto", DataSpec()),
        ("signal", DataSpec(kind="signal")),
        ("nct", DataSpec(layout="nct")),
        ("kind=image,scale=none", DataSpec(kind="image", scale="none")),
        ("shape=3x28x14", DataSpec(shape=(3, 28, 14))),
    ],
)
def test_short_strings(text, spec):
    assert DataSpec.from_string(text) == spec


@pytest.mark.parametrize(
    ("text", "message"),
    [("signl", "Did you mean 'signal'"), ("kid=image", "Did you mean 'kind'"), ("", "data must be one of")],
)
def test_wrong_short_strings(text, message):
    with pytest.raises(ValueError, match=message):
        DataSpec.from_string(text)
