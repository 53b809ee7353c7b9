"""A series judged as a whole: steps without values, stretches, drift, and detectors from their folders."""

from __future__ import annotations

import numpy as np
import pytest

from latente.anomaly import AnomalyDetector, Ensemble, SeriesDetector, load
from latente.anomaly.series_judged import judge


def heartbeat(steps: int, seed: int) -> np.ndarray:
    t = np.arange(steps)
    return np.sin(2 * np.pi * t / 20) + 0.1 * np.random.default_rng(seed).normal(size=steps)


@pytest.fixture(scope="module")
def detector():
    return SeriesDetector(window=20, false_alarm_rate=0.2, random_state=0).fit(heartbeat(1200, 0))


def test_without_holes_it_says_what_the_methods_say(detector):
    today = heartbeat(500, 1)
    today[300:310] = 3.0
    found = judge(detector, today)
    np.testing.assert_array_equal(found.scores, detector.score_samples(today))
    np.testing.assert_array_equal(found.flags, detector.predict(today) == -1)
    np.testing.assert_array_equal(found.p_values, detector.p_values(today))
    np.testing.assert_array_equal(judge(detector, today, 0.3).flags, detector.select(today, 0.3))
    worst = found.stretches(10)[0]
    assert worst.start <= 300
    assert worst.end >= 310
    assert found.scores[worst.peak] == found.scores.min()


def test_steps_that_are_not_finite_cut_the_series(detector):
    today = heartbeat(500, 1)
    today[[200, 210]] = np.nan
    scores = detector.score_samples(today, missing="nan")
    np.testing.assert_array_equal(scores[:200], detector.score_samples(today[:200]))
    np.testing.assert_array_equal(scores[211:], detector.score_samples(today[211:]))
    assert np.isnan(scores[200:211]).all()
    assert np.isnan(detector.p_values_of(scores)[200:211]).all()
    found = judge(detector, today)
    np.testing.assert_array_equal(found.scores, scores)
    assert found.flags[[200, 210]].all()
    assert not found.flags[201:210].any()
    assert found.missing.sum() == 2
    assert all(alarm.end <= 200 or alarm.start >= 211 for alarm in found.stretches(0))
    assert len(detector.score_samples([today, today[:100]], missing="nan")) == 2
    with pytest.raises(ValueError, match="missing must be 'raise' or 'nan'; got 'drop'"):
        detector.score_samples(today, missing="drop")
    with pytest.raises(ValueError, match="no 20 steps in a row"):
        judge(detector, np.where(np.arange(100) % 10 == 0, np.nan, today[:100]))


def test_the_least_normal_steps_are_apart(detector):
    found = judge(detector, heartbeat(300, 1))
    steps = sorted(alarm.peak for alarm in found.least_normal(4, apart=20))
    assert len(steps) == 4
    assert min(np.diff(steps)) > 20
    assert np.nanargmin(found.scores) in steps


def test_a_folder_says_which_kind_of_detector_it_holds(detector, tmp_path):
    X = np.random.default_rng(0).normal(size=(60, 2))
    AnomalyDetector(Ensemble(members=4, steps=5), random_state=0).fit(X).save(tmp_path / "rows")
    detector.save(tmp_path / "series")
    assert isinstance(load(tmp_path / "rows"), AnomalyDetector)
    restored = load(tmp_path / "series")
    assert isinstance(restored, SeriesDetector)
    np.testing.assert_array_equal(restored.score_samples(heartbeat(100, 2)), detector.score_samples(heartbeat(100, 2)))
