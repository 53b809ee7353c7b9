"""The page about a series."""

from __future__ import annotations

import re

import numpy as np
import pytest

from latente.anomaly import SeriesDetector
from latente.report import write_series_report
from latente.report.series_plots import thinned


def heartbeat(steps: int, seed: int) -> np.ndarray:
    t = np.arange(steps)
    return np.sin(2 * np.pi * t / 20) + 0.1 * np.random.default_rng(seed).normal(size=steps)


@pytest.fixture(scope="module")
def detector():
    return SeriesDetector(window=20, false_alarm_rate=0.2, random_state=0).fit(heartbeat(1200, 0))


def test_the_worst_stretch_comes_first_and_is_explained(detector, tmp_path):
    today = heartbeat(600, 1)
    today[200:230], today[400:405] = 4.0, 2.0
    names = [f"<{i}>" for i in range(600)]
    text = write_series_report(detector, tmp_path / "page.html", today, ids=names).read_text()
    flagged = int((detector.predict(today) == -1).sum())
    assert f"<dt>flagged</dt><dd><strong>{flagged}</strong>" in text
    assert "<600>" not in text
    first = text[text.index('id="top"') :]
    spans = [(int(a), int(b)) for a, b in re.findall(r"&lt;(\d+)&gt; to &lt;(\d+)&gt;", first)]
    assert spans[0][0] in range(180, 215)
    assert spans[0][1] in range(215, 250)
    assert any(a <= 404 and b >= 400 for a, b in spans[1:])
    peak = int(detector.score_samples(today).argmin())
    assert peak in range(195, 235)
    assert "channel 0 = 4.00, expected" in first
    assert text.count('class="plot"') >= 4


def test_nothing_flagged_shows_the_least_normal_steps(tmp_path):
    quiet = SeriesDetector(window=20, false_alarm_rate=0.2, random_state=0).fit(heartbeat(1200, 0))
    quiet.offset_ = -np.inf
    text = write_series_report(quiet, tmp_path / "page.html", heartbeat(300, 1)).read_text()
    assert "No step is flagged; the least normal ones are:" in text
    assert "there is no threshold" in text


def test_drift_and_extrapolation_are_said(tmp_path):
    with pytest.warns(UserWarning, match="extrapolated"):
        few = SeriesDetector(window=20, false_alarm_rate=0.01, random_state=0).fit(heartbeat(2000, 0))
    text = write_series_report(few, tmp_path / "page.html", 3 * heartbeat(1200, 1)).read_text()
    assert "is extrapolated" in text
    assert "has drifted away" in text


def test_a_detector_that_reconstructs_nothing_is_not_explained(tmp_path):
    from sklearn.ensemble import IsolationForest

    forest = IsolationForest(n_estimators=10, random_state=0)
    plain = SeriesDetector(forest, window=20, false_alarm_rate=0.2).fit(heartbeat(900, 0))
    text = write_series_report(plain, tmp_path / "page.html", heartbeat(300, 1)).read_text()
    assert "expected in colour" not in text
    assert 'id="top"' in text


def test_ids_must_be_as_many(detector):
    with pytest.raises(ValueError, match="as many as steps; got 2 for 300"):
        write_series_report(detector, "page.html", heartbeat(300, 1), ids=[1, 2])


def test_long_curves_keep_their_extremes():
    values = np.random.default_rng(0).normal(size=50_000)
    values[777], values[31_234], values[5] = 40.0, -50.0, np.nan
    steps, kept = thinned(values)
    assert len(steps) <= 1200
    assert {777, 31_234} <= set(steps.tolist())
    np.testing.assert_array_equal(values[steps], kept)
