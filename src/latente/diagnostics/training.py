"""Did training do what it should?"""

from __future__ import annotations

__all__ = ["history_signs", "overfitting"]

from latente.diagnostics.evidence import Evidence
from latente.diagnostics.finding import Finding
from latente.training import History
from latente.training.signs import OVERFITTING, signs

APART = 1.5  # a held-out error this many times the training error is overfitting,
FAR_APART = 3.0  # and a warning even where the held-out error is below PCA's


def history_signs(evidence: Evidence) -> list[Finding]:
    """Returns what the history alone shows.

    Args:
        evidence: what was measured.
    """
    history: History | None = getattr(evidence.model, "history_", None)
    return [] if history is None else signs(history)


def overfitting(evidence: Evidence) -> list[Finding]:
    """Compares errors on what was trained on and on what was held out, in the history and on the data themselves.

    Args:
        evidence: what was measured.
    """
    if any(finding.name == "overfitting" for finding in history_signs(evidence)):
        return []
    return _apart_in_training(evidence) or _apart_on_data(evidence)


def _validated(evidence: Evidence) -> History | None:
    """Returns the history where it has a validation loss for each of several epochs."""
    history: History | None = getattr(evidence.model, "history_", None)
    held = [] if history is None else [v for v in history.column("validation_loss") if v is not None]
    return history if len(held) >= 2 and len(held) == len(history or ()) else None


def _apart_in_training(evidence: Evidence) -> list[Finding]:
    """Compares validation and training distortion where that is an error (a log-likelihood has no ratio)."""
    history, distortion = _validated(evidence), evidence.model.recipe_.distortion
    if history is None or distortion is None or distortion.is_likelihood:
        return []
    record = history.records[min(len(history), history.best_epoch or len(history)) - 1]
    held = record.validation_distortion
    if held is None or record.distortion <= 0 or held < APART * record.distortion:
        return []
    message = (
        f"The validation distortion of {held:.4g} is {held / record.distortion:.1f} times the training distortion of "
        f"{record.distortion:.4g}."
    )
    return [_gap(evidence, held / record.distortion, message)]


def _apart_on_data(evidence: Evidence) -> list[Finding]:
    """Compares the error on X with that on the reference."""
    error, trained = evidence.evaluation.error, evidence.reference_error
    if trained is None or trained <= 0 or error < APART * trained:
        return []
    message = (
        f"The error of {error:.4g} a sample is {error / trained:.1f} times the {trained:.4g} of the training data."
    )
    return [_gap(evidence, error / trained, message)]


def _gap(evidence: Evidence, ratio: float, message: str) -> Finding:
    """Returns the finding: only a note where held-out samples are still rebuilt better than by PCA.

    A network always rebuilds better what it was trained on. A quantised code is not held against PCA.
    """
    fine = evidence.evaluation.beats_pca or evidence.passed.codes is not None
    severity = "note" if fine and ratio < FAR_APART else "warning"
    explains = ("worse than PCA",) if severity == "warning" else ()
    return Finding("overfitting", severity, message, OVERFITTING, {"trainer__patience": 10}, explains)
