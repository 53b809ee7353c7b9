"""Detectors of anomalous steps: they find them, batch and stream agree, mistakes are named."""

from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors.torch import load_file
from sklearn.base import BaseEstimator, clone
from sklearn.ensemble import IsolationForest
from sklearn.exceptions import NotFittedError

from latente import Autoencoder, ModelFileError, Trainer
from latente.anomaly import AnomalyDetector, DriftWarning, Ensemble, SeriesDetector
from latente.anomaly.series_parts import default_detector
from latente.metrics import vus_pr

pytestmark = pytest.mark.filterwarnings("ignore::latente.anomaly.CalibrationWarning")  # series here are short
SMALL = Autoencoder(4, corruption="gaussian:0.3", trainer=Trainer(epochs=5, verbose=False), random_state=0)


class FarFromMean(BaseEstimator):
    """The cheapest detector of rows."""

    def fit(self, X, y=None):
        self.mean_ = X.mean(0)
        return self

    def score_samples(self, X):
        return -np.square(X - self.mean_).mean(1)


def wave(n=3000, seed=0, channels=1, noise=0.1):
    rng, t = np.random.default_rng(seed), np.arange(n)
    clean = np.column_stack([np.sin(2 * np.pi * t / 25 + c) * 10**c for c in range(channels)])
    return clean + noise * rng.normal(size=clean.shape) * 10.0 ** np.arange(channels)


def with_defect(series, start=1500, length=30):
    series = series.copy()
    series[start : start + length] = series.mean(0)  # a flat piece
    return series


@pytest.fixture(scope="module")
def fitted():
    return SeriesDetector(SMALL, window=50).fit(wave())


@pytest.fixture(scope="module")
def of_three_channels():
    return SeriesDetector(SMALL, window=25, random_state=0).fit([wave(1200, i, 3) for i in range(2)])


# Finding


def test_a_planted_defect_is_found(fitted):
    series = with_defect(wave(seed=1))
    assert 1490 < fitted.score_samples(series).argmin() < 1540
    assert (fitted.predict(series)[1500:1530] == -1).all()
    truth = np.zeros(3000, int)
    truth[1500:1530] = 1
    assert vus_pr(truth, -fitted.score_samples(series), max_window=50) > 0.7


def test_the_default_detector_and_the_automatic_window():
    detector = SeriesDetector(random_state=0).fit(wave(2000))
    assert (detector.period_, detector.window_) == (25, 100)  # four periods
    assert 1380 < detector.score_samples(with_defect(wave(2000, 1), 1400)).argmin() < 1450
    assert isinstance(clone(detector), SeriesDetector)


def test_channels_of_other_scales_count_alike(of_three_channels):
    series = wave(1000, 7, 3)
    series[500:520, 0] = 0  # the channel of the smallest scale
    assert 490 < of_three_channels.score_samples(series).argmin() < 530


def test_lists_give_lists(of_three_channels):
    pieces = [wave(300, 3, 3), wave(200, 4, 3)]
    for method in ("score_samples", "decision_function", "predict", "p_values"):
        found = getattr(of_three_channels, method)(pieces)
        assert [len(item) for item in found] == [300, 200]
        assert (found[0] == getattr(of_three_channels, method)(pieces[0])).all()


def test_any_detector_of_rows_will_do():
    detector = SeriesDetector(IsolationForest(random_state=0), window=20, align="end").fit(wave())
    assert 1500 < detector.score_samples(with_defect(wave(seed=1))).argmin() < 1540


def test_what_was_expected(of_three_channels):
    series = wave(600, 9, 3)
    series[300:310, 1] = 0
    why = of_three_channels.explain(series)
    assert why.expected.shape == why.contributions.shape == (600, 3)
    step, channel = why.top(1)[0]
    assert 290 < step < 320
    assert channel == 1
    clean = wave(600, 9, 3, noise=0)
    ordinary = np.r_[50:250, 350:550]
    assert np.square(why.expected - clean)[ordinary].mean(0) == pytest.approx([0, 0, 0], abs=0.3 * 50 * 100)
    assert (np.square(why.expected - clean)[ordinary].mean(0) < 0.2 * clean.var(0)).all()


def test_a_figure_of_what_was_expected(of_three_channels):
    series = wave(600, 9, 3)
    series[300:310, 1] = 0
    why = of_three_channels.explain(series)
    axes = why.figure(around=50, channels=2).axes
    assert len(axes) == 4
    x, y = axes[0].lines[0].get_data()
    assert (y == series[x.astype(int), 1]).all()  # the channel with the defect comes first
    assert axes[0].get_ylabel() == "channel 1"
    assert (axes[0].lines[1].get_ydata() == why.expected[x.astype(int), 1]).all()
    assert 300 - 60 < x.min() < x.max() < 310 + 60
    assert axes[-1].lines[1].get_ydata()[0] == of_three_channels.offset_
    assert why.figure(5, around=10).axes[0].lines[0].get_xdata().tolist() == list(range(16))
    with pytest.raises(ValueError, match="from 0 to 599"):
        why.figure(600)
    with pytest.raises(ValueError, match="at least 1"):
        why.figure(3, around=0)


# Thresholds


def test_predictions_follow_p_values_and_contamination(fitted):
    series = with_defect(wave(seed=1))
    assert ((fitted.predict(series) == -1) == (fitted.p_values(series) <= 0.01)).all()
    assert ((fitted.decision_function(series) < 0) == (fitted.predict(series) == -1)).all()
    known = SeriesDetector(FarFromMean(), window=50, contamination=0.02).fit(series)
    assert (known.predict(series) == -1).mean() == pytest.approx(0.02, abs=0.001)
    with pytest.raises(ValueError, match="held-out"):
        known.p_values(series)
    with pytest.raises(ValueError, match="held-out"):
        known.drift_monitor()


# Streams


@pytest.mark.parametrize(("align", "power"), [("mean", None), ("mean", 4), ("end", None)])
def test_a_stream_scores_as_the_batch(fitted, align, power):
    series = with_defect(wave(700, 1), 400)
    detector = clone(fitted).set_params(align=align, power=power, contamination=0.1).fit(wave(600))
    whole = detector.score_samples(series)
    rng = np.random.default_rng(0)
    for cuts in ([1, 2, 51], sorted(rng.choice(np.arange(1, 700), 40, replace=False)), [350]):
        found = list(detector.score_stream(np.split(series, cuts)))
        np.testing.assert_allclose(np.concatenate([part.scores for part in found]), whole, rtol=1e-5, atol=1e-5)
        assert [part.start for part in found] == np.cumsum([0] + [len(part.scores) for part in found])[:-1].tolist()
        assert (np.concatenate([part.flags for part in found]) == (detector.predict(series) == -1)).all()
    late = 49 if align == "mean" else 0
    steps = next(iter(detector.score_stream([series[:300]]))).scores
    assert len(steps) == 300 - late


def test_a_stream_shorter_than_a_window(fitted):
    with pytest.raises(ValueError, match="ended after 30 steps"):
        list(fitted.score_stream([np.zeros(10), np.zeros(20)]))
    short = list(fitted.score_stream([wave(60, 3)], drift=False))  # fewer windows than a window has steps
    assert (np.concatenate([part.scores for part in short]) == fitted.score_samples(wave(60, 3))).all()


def test_a_stream_warns_of_drift_and_of_nothing_else():
    detector = SeriesDetector(SMALL, window=10, false_alarm_rate=0.05).fit(wave(4000))
    tests = [test for part in detector.score_stream(np.split(wave(3000, 5), 10)) for test in part.drift]
    assert len(tests) == 11  # of 8, 16, then 30 windows
    assert not any(test.drifted for test in tests)
    with pytest.warns(DriftWarning, match=r"after 300 steps the score differs .*corrected p") as caught:
        parts = list(detector.score_stream(np.split(wave(3000, 5, noise=0.5), 10)))
    assert sum(test.drifted for part in parts for test in part.drift) > 5
    assert len(caught) == 1  # where it begins
    advice = str(caught[0].message)
    assert "fit on newer data" in advice
    assert "partial_fit" in advice


def test_learning_piece_by_piece_in_bounded_memory():
    detector = SeriesDetector(SMALL, window=20, buffer_size=1000, false_alarm_rate=0.05)
    for seed in range(3):
        detector.partial_fit(wave(600, seed))
        assert len(detector._buffer) <= 1000
    before = detector.score_samples(wave(600, 9)).mean()
    for seed in range(12):
        detector.partial_fit(5 + 3 * wave(600, seed))
    new = 5 + 3 * wave(600, 30)
    assert (detector.predict(new) == -1).mean() < 0.3
    assert detector.score_samples(new).mean() > 30 * before
    assert detector.partial_fit(wave(10, 1)) is detector
    forest = SeriesDetector(FarFromMean(), window=20).partial_fit(wave(600)).partial_fit(wave(100))
    assert forest.detector_.mean_.shape == (20,)


# Keeping


def test_saved_and_loaded(of_three_channels, tmp_path):
    loaded = SeriesDetector.load(of_three_channels.save(tmp_path / "detector"))
    series = wave(300, 5, 3)
    assert (loaded.score_samples(series) == of_three_channels.score_samples(series)).all()
    assert (loaded.p_values(series) == of_three_channels.p_values(series)).all()
    assert loaded.get_params(deep=False) | {"detector": None, "random_state": None} == of_three_channels.get_params(
        deep=False
    ) | {"detector": None, "random_state": None}
    assert loaded.partial_fit(series).window_ == 25
    assert (loaded.drift_features(series).shape[1], loaded.drift_reference_.shape[1]) == (5, 5)


@pytest.mark.parametrize("windows", [None, AnomalyDetector(Ensemble(members=4, steps=20), random_state=0)])
def test_no_windows_are_kept_for_explanations_that_nobody_asks_for(windows, tmp_path):
    fitted = SeriesDetector(windows, window=20, false_alarm_rate=0.05, random_state=0).fit(wave(600))
    folder = fitted.save(tmp_path / "series")
    rows = fitted._rows([fitted._scaled(wave(600))[:480]])  # what the detector of windows was trained on
    alone = clone(windows) if windows else default_detector(20, 0)
    file = alone.fit(rows).save(tmp_path / "rows") / "model.safetensors"
    assert len(load_file(file)["expectation.rows"]) == len(rows) == 461  # a detector of rows does keep them
    kept = folder / "detector" / "model.safetensors"
    assert not any(name.startswith("expectation") for name in load_file(kept))
    assert file.stat().st_size - kept.stat().st_size >= 4 * rows.size
    assert (SeriesDetector.load(folder).score_samples(wave(300)) == fitted.score_samples(wave(300))).all()


def test_folders_that_are_refused(fitted, of_three_channels, tmp_path):
    fitted.save(tmp_path / "a")
    of_three_channels.save(tmp_path / "b")
    with pytest.raises(ModelFileError, match="missing"):
        SeriesDetector.load(tmp_path / "c")
    with pytest.raises(
        ModelFileError, match="another kind of model, Autoencoder, not SeriesDetector; use latente.load"
    ):
        SeriesDetector.load(tmp_path / "a" / "detector")
    (tmp_path / "b" / "detector").rename(tmp_path / "old")
    (tmp_path / "a" / "detector").rename(tmp_path / "b" / "detector")
    with pytest.raises(ModelFileError, match="not the one that was saved here"):
        SeriesDetector.load(tmp_path / "b")
    with pytest.raises(TypeError, match="without pickle"):
        SeriesDetector(FarFromMean(), window=20).fit(wave()).save(tmp_path / "d")
    (tmp_path / "file").write_text("")
    with pytest.raises(FileExistsError, match="is a file"):
        fitted.save(tmp_path / "file")
    assert json.loads((tmp_path / "b" / "config.json").read_text())["estimator"] == "SeriesDetector"


# Mistakes


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"window": 1}, "window"),
        ({"window": "long"}, "window"),
        ({"align": "middle"}, "align"),
        ({"power": 0}, "power must be an integer"),
        ({"contamination": 0.5}, "contamination"),
        ({"contamination": 0}, "contamination"),
        ({"false_alarm_rate": 1}, "false_alarm_rate"),
        ({"false_alarm_rate": 0.1, "contamination": 0.1}, "not both"),
        ({"calibration_fraction": 0.5}, "calibration_fraction"),
        ({"max_windows": 0}, "max_windows"),
        ({"buffer_size": 1.5}, "buffer_size"),
        ({"window": 2500}, "windows of 2500 steps are left to train on"),
        ({"window": 2900}, "only 0 windows"),
    ],
)
def test_settings_that_make_no_sense(settings, message):
    with pytest.raises(ValueError, match=message):
        SeriesDetector(FarFromMean(), **settings).fit(wave())


def test_series_unlike_those_of_fit(fitted):
    with pytest.raises(ValueError, match="1 channels; got 2"):
        fitted.score_samples(np.zeros((100, 2)))
    with pytest.raises(ValueError, match="shorter than the window of 50"):
        fitted.predict(np.zeros(49))
    with pytest.raises(ValueError, match="first at step 3"):
        fitted.score_samples(np.where(np.arange(100) == 3, np.nan, 0))
    with pytest.raises(NotFittedError):
        SeriesDetector().predict(np.zeros(100))
    with pytest.raises(TypeError, match="score_samples"):
        SeriesDetector(Trainer()).fit(wave())
    with pytest.raises(TypeError, match="does not reconstruct"):
        SeriesDetector(FarFromMean(), window=20).fit(wave()).explain(wave())


def test_a_constant_series_and_a_constant_channel():
    flat = SeriesDetector(FarFromMean(), window=10).fit(np.full(500, 7.0))
    assert (flat.predict(np.full(50, 7.0)) == 1).all()
    assert flat.predict(np.r_[np.full(50, 7.0), 9.0])[-1] == -1
    both = SeriesDetector(FarFromMean(), window=10).fit(np.column_stack([wave(500)[:, 0], np.ones(500)]))
    assert np.isfinite(both.score_samples(np.column_stack([wave(500)[:, 0], np.ones(500)]))).all()


def test_the_default_detector_saved_and_explained(tmp_path):
    detector = SeriesDetector(window=20, random_state=0, false_alarm_rate=0.05).fit(wave(600))
    loaded, series = SeriesDetector.load(detector.save(tmp_path / "detector")), with_defect(wave(400, 1), 200, 10)
    assert (loaded.score_samples(series) == detector.score_samples(series)).all()
    assert (detector.power_, loaded.power_, clone(loaded).power) == (4, 4, 4)
    assert 190 < detector.explain(series).top(1)[0][0] < 220
    assert detector.drift_reference_.shape == (6, 11)  # 10 codes and the score of 6 windows that do not overlap
    assert loaded.partial_fit(series).window_ == 20
