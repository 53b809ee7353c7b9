"""All that the checks look at, measured once."""

from __future__ import annotations

__all__ = ["Evidence"]

from dataclasses import dataclass
from typing import Any

from latente.data import ArrayRows, as_rows, count_distinct, loaded
from latente.diagnostics.passed import Passed, check_model, pass_through, scaled
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
        rows: how many samples the reference has, or X without one.
        distinct: how many of those differ from all others before them; None of a stream.

    Example:
        >>> import numpy as np
        >>> from latente import Trainer
        >>> X = np.random.default_rng(0).normal(size=(200, 4))
        >>> evidence = Evidence.of(Autoencoder(2, trainer=Trainer(epochs=2), random_state=0).fit(X), X)
        >>> evidence.rows, evidence.distinct, evidence.passed.z.shape
        (200, 200, (200, 2))
    """

    model: Autoencoder
    evaluation: Evaluation
    passed: Passed
    reference_error: float | None = None
    rows: int = 0
    distinct: int | None = None

    @staticmethod
    def of(model: Autoencoder, X: Any, reference: Any = None) -> Evidence:
        """Measures a fitted model.

        Args:
            model: fitted.
            X: (n, ...), best samples that were not trained on.
            reference: the training data, which the baselines are fitted on; None fits them on X.

        Raises:
            NotFittedError: when the model is not fitted.
            TypeError: when it is no autoencoder of latente.
            TypeError, ValueError: for data that the model cannot take.
        """
        check_model(model)
        X, reference = loaded(X), None if reference is None else loaded(reference)
        evaluation = model.evaluate(X, reference=reference)
        passed = pass_through(model, scaled(model, X, LARGEST))
        error = None
        if reference is not None:
            error = float(pass_through(model, scaled(model, reference, LARGEST)).errors.mean())
        rows = as_rows(X if reference is None else reference)
        distinct = count_distinct(rows) if isinstance(rows, ArrayRows) else None
        return Evidence(model, evaluation, passed, error, len(rows), distinct)

    @property
    def trained_on(self) -> int:
        """How many samples the model was trained on, as its history says, or else as many as there are rows."""
        history = getattr(self.model, "history_", None)
        return getattr(history, "samples", 0) or self.rows

    def change(self, **wanted: Any) -> dict[str, Any]:
        """Returns arguments for `set_params`, or nothing where the model does not have all of them.

        Args:
            wanted: by name; `part__argument` reaches into a part.
        """
        known = self.model.get_params(deep=False)
        return wanted if all(name.partition("__")[0] in known for name in wanted) else {}
