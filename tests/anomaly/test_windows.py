"""Windows of series and the way back to steps."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest

from latente.anomaly.windows import as_series, find_period, read_series, steps_of, windows_of


@pytest.mark.parametrize("channels", [1, 3])
def test_windows_are_views_of_what_they_say(channels):
    series = np.random.default_rng(0).normal(size=(50, channels))
    windows = windows_of(series, 7)
    assert windows.shape == (44, 7 * channels)
    assert np.shares_memory(windows, series)
    for i in range(44):
        assert (windows[i] == series[i : i + 7].ravel()).all()


@pytest.mark.parametrize(("n", "window"), [(10, 3), (5, 4), (5, 5), (7, 5), (100, 7), (9, 2)])
def test_a_step_gets_the_mean_of_its_windows(n, window):
    scores = np.random.default_rng(0).normal(size=n - window + 1)
    windows = windows_of(np.arange(n), window)
    expected = [np.mean([s for s, steps in zip(scores, windows, strict=True) if t in steps]) for t in range(n)]
    assert steps_of(scores, window) == pytest.approx(expected)
    ends = [scores[max(0, t - window + 1)] for t in range(n)]
    assert (steps_of(scores, window, "end") == ends).all()


def test_the_power_mean_of_windows():
    scores = -np.random.default_rng(0).random(8)
    expected = [-(np.mean([abs(scores[i]) ** 4 for i in range(8) if i <= t < i + 3]) ** 0.25) for t in range(10)]
    assert steps_of(scores, 3, power=4) == pytest.approx(expected)
    assert (steps_of(scores, 3, "end", power=4) == steps_of(scores, 3, "end")).all()
    assert (steps_of(np.array([-np.inf, 0.0]), 2, power=4) == [-np.inf, -np.inf, 0]).all()
    with pytest.raises(ValueError, match="never positive, .* got up to 1; use power=1"):
        steps_of(np.array([1.0, -1.0]), 2, power=2)


def test_periods_are_found_through_noise_and_trend():
    rng, t = np.random.default_rng(0), np.arange(3000)
    wave = np.sin(2 * np.pi * t / 37) + 0.2 * rng.normal(size=3000) + 0.01 * t
    assert find_period([wave[:, None]], 4, 400) == 37
    both = np.column_stack([wave, np.full(3000, 5.0)])  # a constant channel says nothing
    assert find_period([both, both[:1000]], 4, 400) == 37
    assert find_period([rng.normal(size=(3000, 1))], 4, 400) is None
    assert find_period([np.full((3000, 1), 5.0)], 4, 400) is None
    assert find_period([wave[:100, None]], 4, 400) is None


def test_reading():
    series, listed = read_series([1, 2, 3])
    assert (listed, series[0].tolist()) == (False, [[1.0], [2.0], [3.0]])
    series, listed = read_series((np.zeros((5, 2), int), np.ones((3, 2), bool)))
    assert (listed, [item.dtype for item in series]) == (True, [np.float64, np.float64])


def test_objects_that_are_numbers_are_read():
    mixed = np.array([1, 2.5, True, Decimal("0.25"), np.float32(3), "1e3"], object)
    assert read_series(mixed)[0][0].ravel().tolist() == [1, 2.5, 1, 0.25, 3, 1000]
    np.testing.assert_array_equal(
        as_series(np.array([[1, None], [pd.NA, 2]]), finite=False), [[1, np.nan], [np.nan, 2]]
    )


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([np.zeros(5), np.zeros((5, 2))], "different numbers of channels"),
        ([np.zeros(5), np.array([0, np.nan, 1, np.inf])], "series 1 has 2 values .* first at step 1, channel 0"),
        (np.array([[0, 1], [0, np.nan]]), "the series has 1 values .* first at step 1, channel 1"),
        (np.array(["a", "b"]), "must hold numbers"),
        (np.array([[1, 2], [3, "?"]], object), "the series must hold numbers; got '\\?' at step 1, channel 1"),
        (np.array([1, 2, {"x": 3}], object), "got {'x': 3} at step 2: make it one, or NaN"),
        (np.array([1.0, None], object), "the series has 1 values that are NaN"),
        (pl.DataFrame({"flow": [1.0, None], "heat": [2.0, 3.0]}), "first at step 1, channel 'flow'"),
        (pl.DataFrame({"flow": [1.0, 2.0], "heat": [None, None]}), "no value at any of its 2 steps in channel 'heat'"),
        (np.zeros((2, 2, 2)), "shape"),
        (np.zeros(0), "shape"),
    ],
)
def test_series_that_make_no_sense(X, message):
    with pytest.raises(ValueError, match=message):
        read_series(X)


def test_a_series_shorter_than_its_window():
    with pytest.raises(ValueError, match="5 steps is shorter than the window of 6"):
        windows_of(np.zeros(5), 6)
