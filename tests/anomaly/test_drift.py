"""Drift is found, and false warnings are as rare as stated."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy.stats import ks_2samp

from latente.anomaly import DriftMonitor, DriftTest, drift_test


def test_the_statistic_and_the_correction():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(80, 3)), rng.normal(size=(60, 3)) + np.array([0, 0, 0.7])
    found, single = drift_test(a, b), ks_2samp(a[:, 2], b[:, 2])
    assert (found.feature, found.statistic) == (2, single.statistic)
    assert found.p_value == pytest.approx(3 * single.pvalue)
    assert drift_test(a, a).p_value == 1


@pytest.mark.parametrize("draw", [lambda rng, n: rng.normal(size=(n, 4)), lambda rng, n: rng.exponential(size=(n, 1))])
def test_false_warnings_are_as_rare_as_stated(draw):
    """Of 600 tests at 5 % at most 5 % and three standard errors warn; the distribution does not matter."""
    rng = np.random.default_rng(0)
    rate = np.mean([drift_test(draw(rng, 60), draw(rng, 40), rate=0.05).drifted for _ in range(600)])
    assert 0.005 < rate < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 600)


def test_a_stream_without_drift_ends_without_a_warning_at_the_stated_rate():
    """Thirty tests each of 100 streams at 10 %: any false warning in at most that share, within three errors."""
    warned = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        monitor = DriftMonitor(rng.normal(size=(100, 3)), rate=0.1, batch=20)
        warned += any(test.drifted for test in monitor.update(rng.normal(size=(600, 3))))
        assert monitor.tests == 30
    assert warned / 100 < 0.1 + 3 * np.sqrt(0.1 * 0.9 / 100)


def test_drift_is_found_soon_and_pieces_do_not_matter():
    rng = np.random.default_rng(0)
    reference, rows = rng.normal(size=(200, 5)), rng.normal(size=(400, 5))
    rows[200:, 3] += 1.5
    whole = DriftMonitor(reference, batch=50).update(rows)
    monitor = DriftMonitor(reference, batch=50)
    pieces = [test for piece in np.array_split(rows, 23) for test in monitor.update(piece)]
    assert whole == pieces
    assert [test.drifted for test in whole] == [False] * 4 + [True] * 4
    assert {test.feature for test in whole[4:]} == {3}
    assert monitor.update(rows[:0]) == []


def test_drift_begins_once_and_may_begin_again():
    rng = np.random.default_rng(0)
    usual, moved = rng.normal(size=(5, 100, 2)), rng.normal([0, 2], size=(5, 100, 2))
    monitor = DriftMonitor(pl.DataFrame(rng.normal(size=(300, 2)), schema=["flow", "heat"]), batch=50)
    tests = [monitor.update(np.concatenate(rows)) for rows in (usual, moved, usual, moved)]
    assert [[test.drifted for test in part] for part in tests] == [[False] * 10, [True] * 10] * 2
    assert [[test.onset for test in part] for part in tests[1::2]] == [[True] + [False] * 9] * 2
    assert {test.name for test in tests[1]} == {"heat"}


def test_a_weak_sign_of_drift_does_not_end_it():
    monitor = DriftMonitor(np.zeros((9, 1)), rate=0.01)
    found = [monitor._judged(DriftTest(p, 1e-4, 0, 0.5)).onset for p in (1e-5, 1e-3, 1e-5, 0.02, 1e-5)]
    assert found == [True, False, False, False, True]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda a: drift_test(a, a[:, :2]), "as many columns"),
        (lambda a: drift_test(a, a, rate=1), "rate"),
        (lambda a: DriftMonitor(a, batch=1), "batch"),
        (lambda a: DriftMonitor(a, names=["flow"]), "names must be"),
        (lambda a: DriftMonitor(a * np.nan), "finite"),
        (lambda a: DriftMonitor(a).update(a[:, :1]), "as many columns"),
    ],
)
def test_input_that_makes_no_sense(call, message):
    with pytest.raises(ValueError, match=message):
        call(np.arange(12.0).reshape(4, 3))


def test_few_reference_rows_get_as_many_new_ones_as_a_warning_takes():
    weights = [0.5, 0.5]
    sizes = {m: DriftMonitor(np.zeros((m, 2)), batch=30, first=8, weights=weights)._size() for m in (1, 2, 3, 4, 40)}
    assert sizes == {1: 657, 2: 35, 3: 14, 4: 9, 40: 8}
    for m, n in sizes.items():
        smallest = ks_2samp(np.arange(m), m + np.arange(n), method="exact").pvalue
        assert smallest / 0.5 <= 0.01 * 6 / np.pi**2
    rng = np.random.default_rng(0)
    monitor = DriftMonitor(rng.normal(size=(2, 2)), batch=30, first=8, weights=weights)
    assert monitor.update(5 + rng.normal(size=(34, 2))) == []
    assert [test.drifted for test in monitor.update(5 + rng.normal(size=(1, 2)))] == [True]
    assert DriftMonitor(np.zeros((1, 2)), rate=1e-4, batch=30, weights=weights)._size() == 1000


def test_a_small_reference_warns_falsely_no_more_often_than_stated():
    rng, false = np.random.default_rng(1), 0
    for _ in range(300):
        monitor = DriftMonitor(rng.normal(size=(2, 3)), rate=0.1, batch=30, first=8, weights=[0.25, 0.25, 0.5])
        false += any(test.drifted for test in monitor.update(rng.normal(size=(120, 3))))
    assert false / 300 <= 0.1 + 3 * np.sqrt(0.1 * 0.9 / 300)


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_columns_of_frames_are_named(library):
    rng = np.random.default_rng(0)
    columns = {"flow": rng.normal(size=200), "heat": rng.normal(size=200)}
    frame = {
        "pandas": lambda c: pd.DataFrame(c), "polars": lambda c: pl.DataFrame(c), "pyarrow": lambda c: pa.table(c)
    }[library]  # fmt: skip
    assert drift_test(frame(columns), frame(columns | {"heat": columns["heat"] + 3})).name == "heat"
