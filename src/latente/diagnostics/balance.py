"""Do distortion and rate weigh what they should, and can the output reach the data?"""

from __future__ import annotations

__all__ = ["bounded_output", "rate_weight"]

import numpy as np
import torch

from latente.bottlenecks import Gaussian
from latente.diagnostics.data import POOR
from latente.diagnostics.evidence import Evidence
from latente.diagnostics.finding import SUSPICION, Finding
from latente.diagnostics.passed import decode
from latente.distortions import Distortion
from latente.metrics import squared_error

LOOKED_AT = 64  # samples
AVERAGED = 0.02  # relative difference of two costs that count as equal
FAR = (1e2, 1e3, 1e4)  # standard deviations of the codes from which the decoder's range is looked up
AT_BOUND = 0.1  # of the outputs; so many lie at a bound where there is one
OUT_OF_REACH = 0.25  # of the error, by values that no code can reach
WEIGHED = ("collapsed posterior", "loss spikes", "loss never moved", *POOR)
SEED = 0


def rate_weight(evidence: Evidence) -> list[Finding]:
    """Looks for what makes the rate weigh too much: an averaged distortion, a large beta, an error that is no nats.

    Args:
        evidence: what was measured.
    """
    part, distortion = evidence.model.recipe_.bottleneck, evidence.model.recipe_.distortion
    if not isinstance(part, Gaussian) or part.beta == 0 or distortion is None:
        return []
    return _averaged(evidence) or _large_beta(evidence, part) or _no_nats(evidence, distortion)


def _averaged(evidence: Evidence) -> list[Finding]:
    """Repeats every sample side by side: a sum over elements doubles, a mean stays."""
    x, size = torch.from_numpy(evidence.passed.x[:LOOKED_AT]), evidence.model.schema_.size
    x_hat = x.mean(0, keepdim=True).expand_as(x)
    distortion = evidence.model.module_.distortion
    if distortion.from_logits or len(x) < 2 or size < 2:
        return []
    device = evidence.model.module_.device
    try:
        with torch.no_grad():
            once = distortion(x_hat.to(device), x.to(device)).double()
            twice = distortion(torch.cat([x_hat, x_hat], -1).to(device), torch.cat([x, x], -1).to(device)).double()
    except (RuntimeError, ValueError, TypeError, IndexError):  # a function for one shape only
        return []
    once_, twice_ = float(once.mean()), float(twice.mean())
    if once_ <= 0 or abs(twice_ / once_ - 1) > AVERAGED:
        return []
    message = (
        f"The distortion does not grow with the number of elements: it averages over the {size} of a sample "
        f"({once_:.3g} for the mean sample), while the rate is a sum in nats. That is a beta {size} times too high."
    )
    advice = f"Sum over the elements of a sample, best in nats: distortion='auto'. Or return {size} times as much."
    return [Finding("averaged distortion", SUSPICION, message, advice, evidence.change(distortion="auto"), WEIGHED)]


def _large_beta(evidence: Evidence, part: Gaussian) -> list[Finding]:
    if part.beta <= 1:
        return []
    message = (
        f"The rate weighs beta={part.beta:g} times as much as in the evidence bound; a unit pays for its rate only "
    )
    message += "where it lowers the distortion by more than that."
    change = evidence.change(beta=1.0) or evidence.change(bottleneck__beta=1.0)
    return [Finding("beta too high", SUSPICION, message, "Use beta=1.", change, WEIGHED)]


def _no_nats(evidence: Evidence, distortion: Distortion) -> list[Finding]:
    if distortion.is_likelihood:
        return []
    variance = evidence.evaluation.mean_error / evidence.model.schema_.size
    message = (
        f"The rate is in nats, {distortion.short_name!r} need not be: a squared error means a variance of 0.5 for each "
        f"element around its reconstruction, and the elements of these data vary by {variance:.3g} in all."
    )
    change = evidence.change(distortion="auto")
    advice = "Use distortion='auto', a Gaussian likelihood whose variance is learned."
    return [Finding("distortion not in nats", SUSPICION, message, advice, change, WEIGHED)]


def bounded_output(evidence: Evidence) -> list[Finding]:
    """Sends codes far out through the decoder: where the outputs end at a bound, data beyond it cannot be rebuilt.

    Args:
        evidence: what was measured.
    """
    z, x = evidence.passed.z, evidence.passed.x
    spread, error = float(z.std()), float(evidence.passed.errors.mean())
    if spread == 0 or error == 0:
        return []
    way = np.random.default_rng(SEED).normal(size=(LOOKED_AT, z.shape[1])) * spread
    far = np.stack([decode(evidence.model, (factor * way).astype(np.float32)) for factor in FAR])
    low, high = float(far.min()), float(far.max())
    if not np.isfinite([low, high]).all() or high <= low:
        return []
    width = high - low
    at_low, at_high = (far <= low + 1e-3 * width).mean(), (far >= high - 1e-3 * width).mean()
    reach = (low if at_low > AT_BOUND else -np.inf, high if at_high > AT_BOUND else np.inf)
    lost = float(squared_error(x, x.clip(*reach)).mean())
    if lost < OUT_OF_REACH * error:
        return []
    message = (
        f"The decoder's outputs stay in [{reach[0]:.3g}, {reach[1]:.3g}], the scaled data lie in [{x.min():.3g}, "
        f"{x.max():.3g}]: what is out of reach makes {lost:.3g} of the error of {error:.3g} a sample."
    )
    advice = (
        "Take the activation off the end of the decoder: an output that fits the scale "
        f"({evidence.model.schema_.output}) is put there already."
    )
    explains = ("loss never moved", "too few steps", *POOR)
    return [Finding("output cannot reach the data", "warning", message, advice, explains=explains)]
