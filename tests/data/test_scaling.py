"""Shift and factor against numpy and scikit-learn, on easy and on hard numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from latente.data import rows
from latente.data.scaling import choose_scaling


def scaled(array, found):
    return (array.astype(np.float64) - found.shift) * found.factor


def test_columns_are_standardised_like_scikit_learn(monkeypatch):
    monkeypatch.setattr(rows, "CHUNK", 50)  # many pieces
    X = np.random.default_rng(0).lognormal(size=(101, 7)) * 10.0 ** np.arange(-9, 12, 3)
    found = choose_scaling(X, "table", "auto")
    np.testing.assert_allclose(scaled(X, found), StandardScaler().fit_transform(X), rtol=1e-9, atol=1e-9)
    assert (found.name, found.output, found.bounds) == ("standard", "identity", None)


def test_channels_are_standardised_over_time_and_pixels():
    X = np.random.default_rng(0).normal(5, 3, size=(20, 2, 6, 7))
    found = choose_scaling(X, "image", "standard")
    assert found.shift.shape == found.factor.shape == (2, 1, 1)
    np.testing.assert_allclose(found.shift.ravel(), X.mean((0, 2, 3)))
    np.testing.assert_allclose(1 / found.factor.ravel(), X.std((0, 2, 3)))
    assert "channels" in found.reason


def test_columns_get_a_range_each_and_pictures_one():
    X = np.random.default_rng(0).normal(size=(20, 3)) * [1, 100, 1e-5]
    np.testing.assert_allclose(scaled(X, choose_scaling(X, "table", "minmax")), MinMaxScaler().fit_transform(X))
    found = choose_scaling(X[:, None, None], "image", "minmax")
    np.testing.assert_allclose([found.shift, 1 / found.factor], [X.min(), np.ptp(X)])


@pytest.mark.parametrize(("dtype", "top"), [("uint8", 255), ("uint16", 65535), ("bool", 1)])
def test_the_natural_range_of_a_dtype(dtype, top):
    found = choose_scaling(np.array([[[0, 1]]]).astype(dtype), "image", "unit")
    assert (found.shift, 1 / found.factor, found.bounds) == (0, pytest.approx(top), (0, 1))


@pytest.mark.parametrize(("low", "high", "bounds"), [(0, 0.5, (0, 1)), (-0.5, 1, (-1, 1)), (-2, 1, None)])
def test_none_leaves_the_values_and_finds_the_bounds(low, high, bounds):
    found = choose_scaling(np.array([[low, high]]), "table", "none")
    assert (found.shift, found.factor, found.bounds) == (0, 1, bounds)


@pytest.mark.parametrize("offset", [1e6, 1e9, -1e12])
def test_small_changes_on_a_huge_offset_keep_their_digits(offset):
    small = np.random.default_rng(0).normal(size=(1000, 3))
    X = offset + small
    result = scaled(X, choose_scaling(X, "table", "auto"))
    exact = X - offset  # without rounding: both are multiples of the same power of two
    np.testing.assert_allclose(result, (exact - exact.mean(0)) / exact.std(0), atol=1e-6 + np.spacing(abs(offset)))


@pytest.mark.parametrize("unit", [1e-30, 1e-13, 1.0, 1e30])
def test_the_unit_does_not_matter(unit):
    X = np.random.default_rng(0).normal(size=(50, 2))
    result = scaled(X * unit, choose_scaling(X * unit, "table", "auto"))
    np.testing.assert_allclose(result, StandardScaler().fit_transform(X), rtol=1e-9)


@pytest.mark.parametrize("value", [0.0, 0.1, 7.0, -1e9, 1e-300, 1e300])
@pytest.mark.parametrize("scale", ["standard", "minmax"])
def test_constant_columns_become_zero(value, scale):
    X = np.column_stack([np.full(1001, value), np.arange(1001.0)])
    found = choose_scaling(X, "table", scale)
    assert (found.shift[0], found.factor[0]) == (value, 1.0)
    if scale == "standard":
        assert "1 constant" in found.reason


def test_a_column_that_differs_by_rounding_alone_is_constant():
    X = np.array([[0.3], [0.1 + 0.2], [0.3]])
    assert choose_scaling(X, "table", "auto").factor == 1.0


def test_one_far_outlier_leaves_the_rest_finite():
    X = np.append(np.random.default_rng(0).normal(size=1000), 1e150)[:, None]
    assert np.isfinite(scaled(X, choose_scaling(X, "table", "auto"))).all()


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(
        np.float64,
        st.tuples(st.integers(2, 12), st.integers(1, 4)),
        elements=st.floats(-1e100, 1e100, allow_nan=False, allow_subnormal=False),
    )
)
def test_any_table_is_standardised(X):
    found = choose_scaling(X, "table", "auto")
    assert np.isfinite(found.shift).all()
    assert np.isfinite(found.factor).all()
    result = scaled(X, found)
    assert np.abs(result.mean(0)).max() < 1e-6
    spread = result.std(0)
    assert np.all((np.abs(spread - 1) < 1e-6) | (found.factor == 1.0))
