"""Did training do what it should?"""

from __future__ import annotations

__all__ = ["loss_moved", "overfitting"]

import math

from latente.diagnostics.evidence import Evidence
from latente.diagnostics.finding import Finding
from latente.training import History

STILL = 1e-3  # of the first loss; a training loss that fell by less never moved
RISEN = 0.1  # of all that the validation loss had won; giving back more is overfitting
APART = 1.5  # a held-out error this many times the training error is overfitting
ADVICE = (
    "Stop earlier (Trainer(patience=10) keeps the best weights), use a smaller network or latent_dim, corrupt the "
    "input while training (corruption='gaussian:0.1'), or train on more samples."
)


def loss_moved(evidence: Evidence) -> list[Finding]:
    """Looks whether the training loss ever fell.

    Args:
        evidence: what was measured.
    """
    history: History | None = getattr(evidence.model, "history_", None)
    if history is None or len(history) < 2:
        return []
    losses = [float(value) for value in history.column("loss")]
    first, lowest = losses[0], min(losses)
    if first - lowest > STILL * abs(first):
        return []
    rate = max(history.column("learning_rate"))
    message = f"The training loss was {first:.5g} in the first epoch and never below {lowest:.5g} in {len(losses)}."
    advice = (
        f"The learning rate reached {rate:.2g}; try {10 * rate:.2g} and {rate / 10:.2g}. Check that the data vary and "
        "that the network's weights can be trained."
    )
    return [Finding("loss never moved", "warning", message, advice)]


def overfitting(evidence: Evidence) -> list[Finding]:
    """Compares what was trained on with what was held out, in the history and on the data themselves.

    Args:
        evidence: what was measured.
    """
    return _rising(evidence) or _apart_in_training(evidence) or _apart_on_data(evidence)


def _validation(evidence: Evidence) -> tuple[History, list[float]] | None:
    """Returns the history and its validation losses, where there are some."""
    history: History | None = getattr(evidence.model, "history_", None)
    if history is None:
        return None
    held = [float(v) for v in history.column("validation_loss") if v is not None and math.isfinite(v)]
    return (history, held) if len(held) >= 2 and len(held) == len(history) else None


def _rising(evidence: Evidence) -> list[Finding]:
    """Finds a validation loss that rose again while the training loss went on falling; the weights kept are asked."""
    found = _validation(evidence)
    if found is None:
        return []
    history, held = found
    kept = held[min(len(held), history.best_epoch or len(held)) - 1]
    lowest, won = min(held), held[0] - min(held)
    epoch = held.index(lowest) + 1
    if won <= 0 or kept - lowest <= RISEN * won:
        return []
    loss = history.column("loss")
    message = (
        f"The validation loss was lowest, {lowest:.4g}, after epoch {epoch} and had risen to {kept:.4g} in the weights "
        f"that were kept, while the training loss fell from {loss[epoch - 1]:.4g} to {min(loss):.4g}."
    )
    return [Finding("overfitting", "warning", message, ADVICE)]


def _apart_in_training(evidence: Evidence) -> list[Finding]:
    """Compares validation and training distortion where that is an error (a log-likelihood has no ratio)."""
    found, distortion = _validation(evidence), evidence.model.recipe_.distortion
    if found is None or distortion is None or distortion.is_likelihood:
        return []
    history, _ = found
    record = history.records[min(len(history), history.best_epoch or len(history)) - 1]
    held = record.validation_distortion
    if held is None or record.distortion <= 0 or held < APART * record.distortion:
        return []
    message = (
        f"The validation distortion of {held:.4g} is {held / record.distortion:.1f} times the training distortion of "
        f"{record.distortion:.4g}."
    )
    return [Finding("overfitting", "warning", message, ADVICE)]


def _apart_on_data(evidence: Evidence) -> list[Finding]:
    """Compares the error on X with that on the reference."""
    error, trained = evidence.evaluation.error, evidence.reference_error
    if trained is None or trained <= 0 or error < APART * trained:
        return []
    message = (
        f"The error of {error:.4g} a sample is {error / trained:.1f} times the {trained:.4g} of the training data."
    )
    return [Finding("overfitting", "warning", message, ADVICE)]
