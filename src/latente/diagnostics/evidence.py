"""All that the checks look at, measured once."""

from __future__ import annotations

__all__ = ["Evidence"]

from dataclasses import dataclass
from typing import Any

from latente.diagnostics.passed import Passed, pass_through, scaled
from latente.estimators import Autoencoder
from latente.estimators.evaluation import Evaluation

LARGEST = 5_000  # samples that the latent variables are studied on


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known about a fitted model.

    Attributes:
        model: the model.
        evaluation: its errors on all of X beside those of the mean sample and PCA.
        passed: at most 5,000 samples of X, and what the model makes of them.
        reference_error: the mean squared error a sample on at most 5,000 samples of the reference; None without one.
    """

    model: Autoencoder
    evaluation: Evaluation
    passed: Passed
    reference_error: float | None = None

    @staticmethod
    def of(model: Autoencoder, X: Any, reference: Any = None) -> Evidence:
        """Measures a fitted model.

        Args:
            model: fitted.
            X: (n, ...), best samples that were not trained on.
            reference: the training data, which the baselines are fitted on; None fits them on X.

        Raises:
            TypeError, ValueError: for data that the model cannot take.
        """
        evaluation = model.evaluate(X, reference=reference)
        passed = pass_through(model, scaled(model, X, LARGEST))
        error = None
        if reference is not None:
            error = float(pass_through(model, scaled(model, reference, LARGEST)).errors.mean())
        return Evidence(model, evaluation, passed, error)
