"""Looks at a fitted model from all sides."""

from __future__ import annotations

__all__ = ["diagnose", "judge"]

from typing import Any

from latente.diagnostics.baselines import against_baselines
from latente.diagnostics.codebook import codebook_use
from latente.diagnostics.evidence import Evidence
from latente.diagnostics.finding import SEVERITIES, Finding
from latente.diagnostics.training import loss_moved, overfitting
from latente.diagnostics.units import bottleneck_use, units
from latente.estimators import Autoencoder

CHECKS = (against_baselines, loss_moved, overfitting, units, codebook_use, bottleneck_use)


def diagnose(model: Autoencoder, X: Any, *, reference: Any = None) -> tuple[Finding, ...]:
    """Returns what is good and what is wrong about a fitted model, the gravest first.

    Looked for are: an error that is no better than PCA's or the mean sample's, a loss that never moved, overfitting, a
    collapsed posterior, inactive or dead latent units, unused entries of a codebook, a decoder that ignores the code.

    Args:
        model: fitted.
        X: (n, ...), best samples that were not trained on.
        reference: the training data, which PCA and the mean are fitted on; None fits them on X, which favours them.

    Raises:
        TypeError, ValueError: for data that the model cannot take.

    Example:
        >>> from sklearn.datasets import load_digits
        >>> from latente import Trainer
        >>> X = load_digits().images
        >>> model = Autoencoder(8, trainer=Trainer(epochs=2, learning_rate=1e-9), random_state=0).fit(X)
        >>> [finding.name for finding in diagnose(model, X) if finding.severity == "warning"]
        ['not better than the mean', 'loss never moved']
    """
    return judge(Evidence.of(model, X, reference))


def judge(evidence: Evidence) -> tuple[Finding, ...]:
    """Returns the findings that the evidence supports, the gravest first.

    Args:
        evidence: what was measured.
    """
    found = [finding for check in CHECKS for finding in check(evidence)]
    return tuple(sorted(found, key=lambda finding: SEVERITIES.index(finding.severity)))
