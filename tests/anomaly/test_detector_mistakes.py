"""What a detector refuses, and how it says so."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator

from latente import Autoencoder, Trainer
from latente.anomaly import AnomalyDetector, Ensemble

RNG = np.random.default_rng(0)
MIX = RNG.normal(size=(2, 6))
X = RNG.normal(size=(600, 2)) @ MIX + 0.1 * RNG.normal(size=(600, 6))
NORMAL = RNG.normal(size=(400, 2)) @ MIX + 0.1 * RNG.normal(size=(400, 6))
SMALL = Ensemble(members=4, rows=256, steps=100)
QUIET = Trainer(epochs=20, verbose=False)


def test_a_fitted_autoencoder_must_know_these_columns():
    frame = pd.DataFrame(X, columns=[f"c{i}" for i in range(X.shape[1])])
    known = FrozenEstimator(Autoencoder(2, trainer=QUIET, random_state=0).fit(frame))
    with pytest.raises(ValueError, match="not those that the FrozenEstimator's model was fitted on"):
        AnomalyDetector(known).fit(frame[frame.columns[::-1]])
    with pytest.raises(ValueError, match=r"trained on samples of shape"):
        AnomalyDetector(known).fit(X[:, 1:])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"contamination": 0.6}, "below 0.5; got 0.6"),
        ({"contamination": 0.5}, "below 0.5; got 0.5"),
        ({"contamination": 0}, "above 0 and below 0.5; got 0"),
        ({"contamination": -0.1}, "below 0.5"),
        ({"contamination": "some"}, "below 0.5; got 'some'"),
        ({"contamination": 0.1, "false_alarm_rate": 0.01}, "no false_alarm_rate; got 0.01 as well"),
        ({"false_alarm_rate": 0.0}, "false_alarm_rate must be between 0 and 1"),
        ({"false_alarm_rate": "low"}, "false_alarm_rate must be between 0 and 1"),
        ({"scoring": "nearst"}, "Did you mean 'nearest'"),
        ({"calibration": "crss"}, "Did you mean 'cross'"),
        ({"calibration": "cross:9"}, "9 folds need as many members"),
        ({"autoencoder": "ensemble:members=0"}, "members must be an integer"),
    ],
)
def test_settings_without_sense_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        AnomalyDetector(**{"autoencoder": SMALL, **settings}).fit(X)


def test_an_autoencoder_must_be_one():
    with pytest.raises(TypeError, match="autoencoder must be None, an Ensemble"):
        AnomalyDetector(3).fit(X)
    with pytest.raises(NotFittedError):
        AnomalyDetector(FrozenEstimator(Autoencoder(2))).fit(X)


def test_no_more_than_ten_rows_with_missing_values_are_named():
    broken = NORMAL.copy()
    broken[20:35] = np.nan
    with pytest.raises(ValueError, match=r"in rows 20, 21, 22, 23, 24, 25, 26, 27, 28, 29 and 5 more\. Remove"):
        AnomalyDetector(SMALL).fit(broken)


@pytest.mark.parametrize(
    ("calibration", "said"),
    [("auto", "1 held out for calibration by SplitConformal"), ("cross:2", "1 in each fold held out")],
)
def test_too_few_rows_for_calibration_and_an_autoencoder_are_counted(calibration, said):
    model = Autoencoder(1, trainer=Trainer(epochs=1, verbose=False))
    detector = AnomalyDetector(model, calibration=calibration, false_alarm_rate=0.6, random_state=0)
    with pytest.raises(ValueError, match=f"of the 2 samples of X, {said}.* leaves 1 to train .* at least 2"):
        detector.fit(X[:2])
    assert np.isfinite(detector.fit(X[:4]).score_samples(X[:5])).all()
    detector.set_params(calibration="quantile").fit(X[:2])
