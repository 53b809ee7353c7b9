"""Is the model better than the mean sample, and than PCA?"""

from __future__ import annotations

__all__ = ["against_baselines"]

from latente.diagnostics.evidence import Evidence
from latente.diagnostics.finding import Finding
from latente.networks import MLP

NO_BETTER = 0.99  # of the mean's error; above it, a model has learned nothing worth the name
NEARLY = 1.05  # of PCA's error; up to there, a model is as good
TRADED = 1.5  # likewise for one that pays for its rate with error
NOTHING_LEFT = 1e-9  # of the mean's error; below it, PCA rebuilds the data exactly


def against_baselines(evidence: Evidence) -> list[Finding]:
    """Compares the reconstruction error with those of the mean sample and of PCA at the same latent size.

    Args:
        evidence: what was measured.
    """
    e = evidence.evaluation
    if e.mean_error == 0:
        message = f"All {e.samples} samples equal the mean sample, so there is nothing to learn from them."
        return [Finding("no variation", "warning", message, "Give data that vary.")]
    if e.error >= NO_BETTER * e.mean_error:
        message = f"The error of {e.error:.3g} a sample is no better than the {e.mean_error:.3g} of the mean sample."
        return [Finding("not better than the mean", "warning", message, _advice_for_nothing_learned(evidence))]
    if e.pca_error <= NOTHING_LEFT * e.mean_error:
        message = f"PCA rebuilds these data exactly from {e.latent_dim} numbers; the model's error is {e.error:.3g}."
        return [Finding("nothing to compress", "note", message, "Use a smaller latent_dim, or a penalised bottleneck.")]
    ratio = e.error / e.pca_error
    numbers = f"The error is {e.error:.3g} a sample, PCA's with as many numbers ({e.latent_dim}) {e.pca_error:.3g}"
    if e.beats_pca:
        return [Finding("better than PCA", "good", f"{numbers}: {_percent(1 - ratio)} less.")]
    quantised = evidence.passed.codes is not None
    bits = f" The code is quantised to {e.rate / 0.6931:.0f} bits, PCA's is not." if quantised else ""
    message = f"{numbers}: {ratio:.2f} times as much.{bits}"
    near = TRADED if evidence.model.module_.bottleneck.beta > 0 else NEARLY
    severity = "note" if quantised or ratio < near else "warning"
    return [Finding("worse than PCA", severity, message, _advice_against_pca(evidence))]


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.0f}%" if fraction >= 0.01 else f"{100 * fraction:.2g}%"


def _advice_for_nothing_learned(evidence: Evidence) -> str:
    objects = "train longer, try a learning rate ten times higher or lower, and check that X is what the model expects"
    return f"{_trained(evidence)}{objects[0].upper()}{objects[1:]}."


def _advice_against_pca(evidence: Evidence) -> str:
    """Returns what to change, the likeliest cause first."""
    model, steps = evidence.model, []
    network = model.recipe_.network
    if model.module_.corruption is not None:
        steps.append("these are clean samples and the model was trained for corrupted ones, so judge it by those too")
    if model.module_.bottleneck.beta > 0:
        steps.append("lower the bottleneck's beta, which trades error for rate")
    if evidence.passed.codes is not None:
        steps.append("give the code more bits (a larger codebook or more groups)")
    if isinstance(network, MLP) and not tuple(network.hidden_features):
        steps.append("train longer or at a higher learning rate: a single layer each way comes close to PCA at best")
        steps.append("for more, add hidden layers (Autoencoder, ConvolutionalAutoencoder)")
    else:
        steps.append("train for more epochs")
        steps.append("try a larger network or another learning rate")
    steps.append("or use PCA, which is cheaper")
    return f"{_trained(evidence)}{steps[0][0].upper()}{'; '.join(steps)[1:]}."


def _trained(evidence: Evidence) -> str:
    history = getattr(evidence.model, "history_", None)
    return f"It was trained for {len(history)} epoch{'s' if len(history) != 1 else ''}. " if history else ""
