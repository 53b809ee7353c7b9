"""Streams that bear what sensors send: lost values, huge values, gaps, restarts."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from latente import Autoencoder, ModelFileError, Trainer
from latente.anomaly import DriftMonitor, DriftWarning, SeriesDetector, drift_test

SMALL = Autoencoder(4, corruption="gaussian:0.3", trainer=Trainer(epochs=5, verbose=False), random_state=0)
HUGE = (1e3, -1e10, 1e19, 1e30, -1e36, 1e100, 1e300, -1.7e308)


def wave(n, seed=0, noise=0.1, channels=1):
    t = np.arange(n)[:, None] + np.arange(channels)
    return np.sin(2 * np.pi * t / 25) + noise * np.random.default_rng(seed).normal(size=(n, channels))


@pytest.fixture(scope="module", params=["mean", "end"])
def detector(request):
    return SeriesDetector(SMALL, window=20, align=request.param, false_alarm_rate=0.1).fit(wave(3000))


@pytest.fixture(scope="module")
def default():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return SeriesDetector(window=20, random_state=0).fit(wave(2000, channels=2))


def joined(results):
    """Returns scores and flags of all steps, which must come in order."""
    place = 0
    for result in results:
        assert result.start == place
        assert len(result.scores) == len(result.flags)
        place += len(result.scores)
    return np.concatenate([r.scores for r in results]), np.concatenate([r.flags for r in results])


@pytest.mark.parametrize("cuts", [[], [100, 101, 250], list(range(1, 300))])
def test_lost_steps_are_flagged_and_cut_the_series(detector, cuts):
    series = wave(300, 3)
    series[100], series[110:112], series[240] = np.nan, np.inf, -np.inf
    stream = detector.stream(drift=False)
    scores, flags = joined([*(stream.push(piece) for piece in np.split(series, cuts)), stream.gap()])
    lost = ~np.isfinite(series[:, 0])
    assert (np.isnan(scores) == (lost | ((np.arange(300) > 100) & (np.arange(300) < 110)))).all()
    assert flags[lost].all()
    for part in (slice(0, 100), slice(112, 240), slice(241, 300)):
        alone = detector.score_samples(series[part])
        assert scores[part] == pytest.approx(alone, rel=1e-5)
        assert (flags[part] == (scores[part] < detector.offset_)).all()
    assert not flags[101:110].any()
    assert (stream.steps, len(scores)) == (300, 300)


def test_a_generator_goes_on_after_lost_values(detector):
    series = wave(200, 4)
    series[50] = np.nan
    scores, flags = joined(list(detector.score_stream(np.split(series, [49, 52, 52, 130]), drift=False)))
    assert (len(scores), np.isnan(scores).sum(), flags[50]) == (200, 1, True)


def test_a_gap_starts_anew(detector):
    stream, one, two = detector.stream(drift=False), wave(90, 5), 3 + wave(70, 6)
    scores, _ = joined([stream.push(one), stream.gap(), stream.gap(), stream.push(two), stream.gap()])
    both = np.concatenate([detector.score_samples(one), detector.score_samples(two)])
    assert scores == pytest.approx(both, rel=1e-5)


def test_empty_pieces_and_refused_ones_leave_the_stream_as_it_was(detector):
    stream, series = detector.stream(drift=False), wave(120, 7)
    results = [stream.push(series[:50])]
    for empty in ([], np.empty(0), np.empty((0, 1))):
        results.append(stream.push(empty))
        assert len(results[-1].scores) == 0
    with pytest.raises(ValueError, match="1 channels; got 2"):
        stream.push(np.zeros((5, 2)))
    with pytest.raises(ValueError, match="must hold numbers"):
        stream.push(["on", "off"])
    scores, _ = joined([*results, stream.push(series[50:]), stream.gap()])
    assert scores == pytest.approx(detector.score_samples(series), rel=1e-5)


@pytest.mark.filterwarnings("ignore::latente.anomaly.DriftWarning")
def test_huge_values_are_flagged_and_the_stream_goes_on(default):
    usual = default.score_samples(wave(400, 8, channels=2)).min()
    stream = default.stream()
    for value in HUGE:
        series = wave(400, 8, channels=2)
        series[200, 1] = value
        scores = default.score_samples(series)
        assert np.isfinite(scores).all()
        assert scores.min() < 10 * usual
        assert 180 < scores.argmin() < 220
        assert default.predict(series)[200] == -1
        result = stream.push(series)
        assert result.flags[stream.steps - 200 - result.start]
    assert np.isfinite(stream.push(wave(300, 9, channels=2)).scores).all()


def test_a_stream_is_saved_and_goes_on_where_it_was(detector, tmp_path):
    series = wave(900, 10)
    series[400] = np.nan
    whole, stopped = detector.stream(), detector.stream()
    pieces = np.array_split(series, 30)
    expected = [whole.push(piece) for piece in pieces]
    found = []
    for piece in pieces:
        found.append(stopped.push(piece))
        stopped = detector.stream(resume=stopped.save(tmp_path / "stream"))
    for one, two in zip(expected, found, strict=True):
        assert (one.start, one.drift) == (two.start, two.drift)
        assert np.array_equal(one.scores, two.scores, equal_nan=True)
        assert (one.flags == two.flags).all()
    assert sum(len(one.drift) for one in expected) == 2
    assert whole.monitor.tests == stopped.monitor.tests == 2
    quiet = detector.stream(resume=detector.stream(drift=False).save(tmp_path / "quiet"))
    assert quiet.monitor is None
    again = SeriesDetector.load(detector.save(tmp_path / "detector"))
    assert again.stream(resume=tmp_path / "stream").steps == 900
    other = SeriesDetector(SMALL, window=20, align=detector.align, false_alarm_rate=0.1).fit(wave(1500, 1))
    with pytest.raises(ModelFileError, match="saved with another detector"):
        other.stream(resume=tmp_path / "stream")
    with pytest.raises(ModelFileError, match="another kind of model, SeriesDetector, not SeriesStream"):
        detector.stream(resume=tmp_path / "detector")


# Drift in short streams


def test_a_large_change_is_seen_in_a_short_stream(detector):
    with pytest.warns(DriftWarning, match="has drifted"):
        detector.stream().push(wave(8 * 20, 11, noise=1.0))  # the first test has eight windows


def test_growing_batches_and_weights():
    rng = np.random.default_rng(0)
    monitor = DriftMonitor(rng.normal(size=(100, 3)), batch=30, first=8, weights=[0.25, 0.25, 0.5])
    rows = rng.normal(size=(200, 3))
    sizes = []
    for row in rows:
        if monitor.update(row[None]):
            sizes.append(len(sizes))
    assert monitor.tests == len(sizes) == 2 + (200 - 24) // 30
    a, b = rng.normal(size=(50, 3)), rng.normal(size=(40, 3)) + np.array([0, 0, 1.0])
    assert drift_test(a, b, weights=[0.25, 0.25, 0.5]).p_value == pytest.approx(drift_test(a, b).p_value * 2 / 3)
    warned = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        monitor = DriftMonitor(rng.normal(size=(40, 3)), rate=0.1, batch=30, first=8, weights=[0.25, 0.25, 0.5])
        warned += any(test.drifted for test in monitor.update(rng.normal(size=(300, 3))))
    assert warned / 200 < 0.1 + 3 * np.sqrt(0.1 * 0.9 / 200)


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"first": 1}, "first"), ({"weights": [1, 1, 1]}, "weights"), ({"weights": [0.5, 0.5]}, "weights")],
)
def test_settings_that_make_no_sense(settings, message):
    with pytest.raises(ValueError, match=message):
        DriftMonitor(np.zeros((9, 3)), **settings)


# Learning on


class Counting:
    """A detector of rows that counts its trainings."""

    trained = 0

    def get_params(self, deep=True):
        return {}

    def fit(self, X, y=None):
        Counting.trained += 1
        return self

    def score_samples(self, X):
        return -np.square(X).mean(1)


def test_partial_fit_learns_when_enough_has_come():
    Counting.trained = 0
    detector = SeriesDetector(Counting(), window=20, false_alarm_rate=0.2).partial_fit(wave(1000))
    for i in range(99):
        detector.partial_fit(wave(1, i))
    assert Counting.trained == 1
    detector.partial_fit(wave(30, 3))
    assert Counting.trained == 2
    assert len(detector._buffer) == 1129
    often = SeriesDetector(Counting(), window=20, false_alarm_rate=0.2, update_every=1).fit(wave(1000))
    often.partial_fit(wave(1)).partial_fit(wave(1))
    assert Counting.trained == 5
    with pytest.raises(ValueError, match="update_every"):
        SeriesDetector(Counting(), update_every=0).fit(wave(1000))
