"""The imputer obeys scikit-learn."""

from __future__ import annotations

from sklearn.utils.estimator_checks import parametrize_with_checks

from latente import Trainer
from latente.denoising import Imputer


@parametrize_with_checks([Imputer((8,), trainer=Trainer(epochs=1), random_state=0)])
def test_scikit_learn_checks(estimator, check):
    check(estimator)
