"""The detector obeys scikit-learn."""

from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from latente import Autoencoder, Trainer
from latente.anomaly import AnomalyDetector, Ensemble

SMALL = Ensemble(members=4, rows=64, steps=20)
WRAPPED = Autoencoder(1, trainer=Trainer(epochs=1, verbose=False))


@pytest.mark.filterwarnings("ignore::latente.anomaly.CalibrationWarning")  # of 10 samples none can be flagged at 5%
@parametrize_with_checks(
    [
        AnomalyDetector(SMALL, random_state=0),
        AnomalyDetector(WRAPPED, scoring="reconstruction", calibration="quantile", random_state=0),
    ]
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)
