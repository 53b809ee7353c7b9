"""Distinct rows are counted as numpy counts them; the schema knows constant columns."""

from __future__ import annotations

import json

import numpy as np
import pytest

from latente.data import DataSpec, Schema, as_rows, count_distinct, decide

RNG = np.random.default_rng(0)
ARRAYS = {
    "bytes": RNG.integers(0, 2, (500, 3, 3)).astype(np.uint8),
    "bits": RNG.integers(0, 2, (500, 7)).astype(bool),
    "small integers": RNG.integers(-3, 3, (500, 3)).astype(np.int16),
    "floats": RNG.integers(0, 4, (500, 4)).astype(np.float32),
    "doubles": RNG.normal(size=(500, 5))[RNG.integers(0, 100, 500)],
    "powers of two": 2.0 ** RNG.integers(-60, 60, (500, 2)),
    "columns in another order": np.asfortranarray(RNG.integers(0, 3, (500, 4)).astype(float)),
}


@pytest.mark.parametrize("X", ARRAYS.values(), ids=ARRAYS)
def test_as_many_as_numpy_counts(X):
    assert count_distinct(as_rows(X)) == len(np.unique(X.reshape(len(X), -1), axis=0))


def test_minus_zero_is_zero():
    assert count_distinct(as_rows(np.array([[0.0, 1.0], [-0.0, 1.0]]))) == 1


def test_nearly_equal_rows_are_distinct():
    """Rows of a million that differ in the last bit of one value."""
    X = np.ones((1000, 8))
    X[np.arange(1000), np.arange(1000) % 8] += np.arange(1000) * np.finfo(float).eps
    assert count_distinct(as_rows(X)) == len(np.unique(X, axis=0))


@pytest.mark.parametrize("scale", ["auto", "standard", "minmax", "none"])
def test_constant_columns_are_known(scale):
    X = RNG.normal(size=(50, 5))
    X[:, [1, 4]] = 3.5
    schema = decide(X, DataSpec(scale=scale))
    assert schema.constant == (1, 4)
    described = json.loads(json.dumps(schema.to_dict()))
    assert Schema.from_dict(described, schema.shift, schema.factor).constant == (1, 4)
    del described["constant"]  # of an older version
    assert Schema.from_dict(described, schema.shift, schema.factor).constant == ()
