"""Do the latent units carry anything, and does the decoder look at them?"""

from __future__ import annotations

__all__ = ["bottleneck_use", "dead_units", "units"]

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.diagnostics.evidence import Evidence
from latente.diagnostics.finding import Finding
from latente.diagnostics.passed import decode
from latente.metrics import active_units, squared_error
from latente.training.signs import NO_RATE

DEAD = 1e-8  # of the largest unit's variance; a unit that varies less is dead
ROUNDING = 1e-12  # of the mean square; a variance below it is that of rounding
IGNORED = 1e-3  # of the data's variance; reconstructions that change less with the code ignore it
SEED = 0


def units(evidence: Evidence) -> list[Finding]:
    """Looks for latent units that carry nothing.

    Units of a Gaussian bottleneck have a scale of their own (the prior's), so Var(mu) > 0.01 counts as active (Burda,
    Grosse & Salakhutdinov, 2016). Units of other bottlenecks have none, so only those that do not vary are dead.

    Args:
        evidence: what was measured.
    """
    return _dead(evidence) if evidence.passed.rate_per_unit is None else _posterior(evidence)


def _posterior(evidence: Evidence) -> list[Finding]:
    """Counts active units of a variational bottleneck; units may vary and carry nothing, where q(z|x) is wide."""
    if len(evidence.passed.z) < 2:  # one sample varies in nothing
        return []
    active = active_units(evidence.passed.z)
    k, count, rate = len(active), int(active.sum()), float(evidence.passed.rate.mean())
    numbers = (
        f"{count} of {k} latent units are active (variance of mu above 0.01); the rate is {rate:.3g} nats a sample."
    )
    if count == 0 or rate < NO_RATE:
        numbers = numbers if count == 0 else f"{numbers[:-1]}, so they carry next to nothing."
        advice = "Lower beta, raise warmup or free_bits, or train longer; until then samples and codes say nothing."
        return [Finding("collapsed posterior", "warning", numbers, advice, explains=("ignored bottleneck",))]
    if count < k:
        advice = (
            f"A variational model prunes units that do not pay for their rate; latent_dim={count} would do as well."
        )
        return [Finding("inactive units", "note", numbers, advice)]
    return [Finding("all units active", "good", numbers)]


def _dead(evidence: Evidence) -> list[Finding]:
    """Counts units whose code is constant."""
    n = len(evidence.passed.z)
    dead = dead_units(evidence.passed.z)
    k, count = len(dead), int(dead.sum())
    if count == k and n > 1:
        message = f"All {k} latent units have the same value for all {n} samples."
        advice = "Nothing passes the bottleneck: check the encoder's activations, the learning rate and any penalty."
        return [Finding("constant code", "warning", message, advice)]
    if count and n > 1:
        message = f"{count} of {k} latent units are dead: their variance over {n} samples is zero."
        advice = f"latent_dim={k - count} would do as well; dead units come from relu codes, large penalties or rates."
        return [Finding("dead units", "warning" if 2 * count > k else "note", message, advice)]
    return []


def dead_units(z: NDArray[Any]) -> NDArray[np.bool_]:
    """Returns (latent_dim,): which units have the same value for all codes z (n, latent_dim), up to rounding.

    Example:
        >>> dead_units(np.array([[1.0, 0.1], [2.0, 0.1]]))
        array([False,  True])
    """
    z = z.astype(np.float64)
    variance = z.var(0)
    return variance <= max(DEAD * float(variance.max()), ROUNDING * float(np.square(z).mean()))


def bottleneck_use(evidence: Evidence) -> list[Finding]:
    """Gives every sample the code of another and looks whether the decoder's output changes.

    Args:
        evidence: what was measured.
    """
    z, x_hat = evidence.passed.z, evidence.passed.x_hat
    spread = evidence.evaluation.mean_error
    if len(z) < 2 or spread == 0 or dead_units(z).all():
        return []  # a constant code is reported as such
    order = np.random.default_rng(SEED).permutation(len(z))
    change = float(squared_error(x_hat, decode(evidence.model, z[order])).mean())
    if change > IGNORED * spread:
        return []
    message = (
        f"Decoding each sample from another sample's code changes the output by {change:.3g} a sample; the data "
        f"themselves vary by {spread:.3g}."
    )
    advice = "The decoder ignores the code: lower beta or the penalty, check the decoder, or raise the learning rate."
    return [Finding("ignored bottleneck", "warning", message, advice)]
