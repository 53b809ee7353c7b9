"""Looks at a fitted model from all sides."""

from __future__ import annotations

__all__ = ["diagnose", "judge"]

from typing import Any

from latente.diagnostics.balance import bounded_output, rate_weight
from latente.diagnostics.baselines import against_baselines
from latente.diagnostics.codebook import codebook_use
from latente.diagnostics.data import constant_columns, duplicate_rows, unscaled
from latente.diagnostics.evidence import Evidence
from latente.diagnostics.finding import Finding, ranked
from latente.diagnostics.hiding import heavy_penalty, hidden_data
from latente.diagnostics.sizes import codebook_size, latent_size, narrow_layer
from latente.diagnostics.training import history_signs, overfitting
from latente.diagnostics.units import bottleneck_use, units
from latente.estimators import Autoencoder

# Causes before what they bring about: the data, the parts, how they are weighed, training, and what came of it.
CHECKS = (
    unscaled, constant_columns, duplicate_rows, latent_size, narrow_layer, codebook_size, hidden_data, bounded_output,
    rate_weight, heavy_penalty, history_signs, against_baselines, overfitting, units, codebook_use, bottleneck_use,
)  # fmt: skip


def diagnose(model: Autoencoder, X: Any, *, reference: Any = None) -> tuple[Finding, ...]:
    """Returns what is good and what is wrong about a fitted model, the gravest first and causes before symptoms.

    Looked for are symptoms (an error that is no better than PCA's or the mean sample's, overfitting, a loss that spiked
    or never moved, a collapsed posterior, dead units, an unused codebook, a decoder that ignores the code) and what
    may have caused them in the data, the parts and the training. Each cause has the one change that helps as `advice`
    and, where it is an argument of the estimator, as `change`: `model.set_params(**finding.change)`.

    Args:
        model: fitted.
        X: (n, ...), best samples that were not trained on.
        reference: the training data, which PCA and the mean are fitted on; None fits them on X, which favours them.

    Raises:
        NotFittedError: when the model is not fitted.
        TypeError: when it is no autoencoder of latente.
        TypeError, ValueError: for data that the model cannot take; for a single sample without a reference.

    Example:
        >>> from sklearn.datasets import load_digits
        >>> from latente import Trainer
        >>> X = load_digits().images
        >>> trainer = Trainer(epochs=2, learning_rate=1e-9)
        >>> model = Autoencoder(8, network="mlp", trainer=trainer, random_state=0).fit(X)
        >>> [finding.name for finding in diagnose(model, X) if finding.severity == "warning"]
        ['learning rate too low', 'loss never moved', 'not better than the mean']
    """
    return judge(Evidence.of(model, X, reference))


def judge(evidence: Evidence) -> tuple[Finding, ...]:
    """Returns the findings that the evidence supports, the gravest first and causes before symptoms.

    Args:
        evidence: what was measured.

    Example:
        >>> import numpy as np
        >>> from latente import Trainer
        >>> X = np.random.default_rng(0).normal(size=(200, 4))
        >>> X[:, 1:] = 1.0
        >>> model = Autoencoder(1, trainer=Trainer(epochs=2), random_state=0).fit(X)
        >>> "constant columns" in [finding.name for finding in judge(Evidence.of(model, X))]
        True
    """
    return ranked(finding for check in CHECKS for finding in check(evidence))
