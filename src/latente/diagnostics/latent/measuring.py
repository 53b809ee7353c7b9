"""The measures of a latent space, and which of them apply."""

from __future__ import annotations

__all__ = ["PAIRS", "ROWS", "STEPS", "Values", "measure"]

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.diagnostics.latent.codes import Codes, encode, gaussian_draws, straight_paths
from latente.diagnostics.latent.measures import EQUAL, FEWEST, NEIGHBOURS_OF, PATHS, PLACES, POSTERIOR, UNITS, Skipped
from latente.diagnostics.passed import evenly
from latente.estimators import Autoencoder
from latente.metrics import (
    active_units,
    code_coverage,
    code_density,
    continuity,
    cycle_gap,
    hole_fraction,
    intrinsic_dimension,
    participation_ratio,
    rbf_mmd,
    rbf_mmd_threshold,
    trustworthiness,
)

ROWS = 3_000  # codes that are looked at
PAIRS = 300  # straight lines that are decoded
STEPS = 20  # of each
DECODED = 2**24  # values on all straight lines
FEWEST_PAIRS = 30  # but at least so many lines where so many are asked for
COMPARED = 2_000  # samples whose neighbours are ranked, in data and codes
KERNEL_ROWS = 1_000  # codes in the discrepancy, whose cost grows with their square
LARGEST = 2**25  # values of the samples whose neighbours are ranked
RANKED = 12  # neighbours, of trustworthiness and continuity

Values = dict[str, Any]  # floats or None


def measure(
    model: Autoencoder, codes: Codes, held_out: Codes | None, pairs: int, rng: np.random.Generator
) -> tuple[Values, list[Skipped]]:
    """Returns all measures by the names of LatentReport's attributes, None where one does not apply, and why.

    Args:
        model: fitted.
        codes: of the data.
        held_out: codes of other samples, or None.
        pairs: at most so many straight lines are decoded.
        rng: decides draws and pairs.
    """
    values: Values = {}
    reasons = _reasons(model, codes)
    if PLACES not in reasons:
        values |= _places(codes, held_out, rng)
        if codes.posterior is not None:
            values |= _posterior(codes.posterior, rng)
    if PATHS not in reasons:
        values |= _paths(model, codes, pairs, rng)
    if NEIGHBOURS_OF not in reasons:
        values |= _neighbourhoods(codes)
    values["participation_ratio"] = participation_ratio(codes.z) if len(codes) > 1 else None
    values["active_units"] = float(active_units(codes.z).sum()) if has_prior(model) and len(codes) > 1 else None
    finite = {name: value if value is None or not np.isnan(value) else None for name, value in values.items()}
    return finite, [Skipped(group, reason) for group, reason in reasons.items()]


def has_prior(model: Autoencoder) -> bool:
    """Returns whether training drew the codes towards N(0, I)."""
    return model.recipe_.has_prior


def _reasons(model: Autoencoder, codes: Codes) -> dict[str, str]:
    """Returns the groups of measures that do not apply, and why."""
    from latente.bottlenecks import FSQ, VQ

    n, reasons = len(codes), {}
    everything = (PLACES, PATHS, NEIGHBOURS_OF)
    if n < FEWEST:
        reasons = dict.fromkeys(everything, f"{n} codes are too few; {FEWEST} are needed")
    elif codes.constant:
        reasons = dict.fromkeys(everything, EQUAL)
    elif isinstance(model.recipe_.bottleneck, (VQ, FSQ)):
        reason = "the codes are quantised, so what lies between two of them is no code"
        reasons = dict.fromkeys((PLACES, PATHS), reason)
    elif codes.distinct < 0.5:
        reasons = {PLACES: f"only {codes.distinct:.0%} of the codes differ, so they have no density"}
    if codes.posterior is None and PLACES not in reasons:
        reasons[POSTERIOR] = "the codes are not random: there is no q(z|x) to draw from"
    if not has_prior(model):
        reasons[UNITS] = "no unit has a scale of its own without a prior"
    return reasons


def _places(codes: Codes, held_out: Codes | None, rng: np.random.Generator) -> Values:
    """Measures where the codes lie, and where a fitted Gaussian and N(0, I) expect them."""
    z = codes.z.astype(np.float64)
    fitted, normal = gaussian_draws(z, len(z), rng), rng.normal(size=z.shape)
    rows = evenly(len(z), KERNEL_ROWS)
    few = z[rows]
    others, seed = rng.normal(size=few.shape), int(rng.integers(2**31))
    return {
        "hole_fraction": hole_fraction(z, fitted),
        "hole_fraction_control": None if held_out is None else hole_fraction(z, held_out.z),
        "coverage_normal": code_coverage(z, normal),
        "coverage_fitted": code_coverage(z, fitted),
        "density_normal": code_density(z, normal),
        "density_fitted": code_density(z, fitted),
        "mmd_fitted": rbf_mmd(few, fitted[rows]),
        "mmd": rbf_mmd(few, others),
        "mmd_null": rbf_mmd_threshold(few, others, random_state=seed),
        "intrinsic_dimension": intrinsic_dimension(z),
    }


def _posterior(draws: NDArray[np.float32], rng: np.random.Generator) -> Values:
    """Measures how well N(0, I) meets what the decoder was trained on, draws of q(z|x)."""
    z = draws.astype(np.float64)
    normal, few = rng.normal(size=z.shape), z[evenly(len(z), KERNEL_ROWS)]
    return {
        "posterior_hole_fraction": hole_fraction(z, normal),
        "posterior_coverage": code_coverage(z, normal),
        "posterior_mmd": rbf_mmd(few, rng.normal(size=few.shape)),
    }


def _paths(model: Autoencoder, codes: Codes, pairs: int, rng: np.random.Generator) -> Values:
    """Measures what the decoder shows on straight lines between random codes."""
    pairs = min(pairs, max(FEWEST_PAIRS, DECODED // ((STEPS + 1) * codes.x[0].size)))
    first = rng.integers(len(codes), size=pairs)
    second = (first + rng.integers(1, len(codes), size=pairs)) % len(codes)
    a, b = codes.z[first], codes.z[second]
    walk = straight_paths(model, a, b, STEPS)
    length = np.linalg.norm(b.astype(np.float64) - a, axis=1)
    ends = codes.take(first)
    back = encode(model, _decoded(model, ends))
    ratio = walk.ratio[np.isfinite(walk.ratio)]
    return {
        "jump": _mean(walk.jump),
        "path_ratio": _mean(ratio),
        "cycle_gap": _mean(cycle_gap((a + b) / 2, walk.again, length)),
        "cycle_gap_control": _mean(cycle_gap(a, back, length)),
    }


def _decoded(model: Autoencoder, codes: Codes) -> NDArray[np.float32]:
    from latente.diagnostics.passed import decode

    return decode(model, codes.z)


def _neighbourhoods(codes: Codes) -> Values:
    """Measures whether the neighbours in the data are those in the codes."""
    limit = min(COMPARED, max(FEWEST, LARGEST // codes.x[0].size))
    few = codes.take(evenly(len(codes), limit))
    k = min(RANKED, (len(few) - 1) // 3)
    return {
        "trustworthiness": trustworthiness(few.x, few.z, k),
        "continuity": continuity(few.x, few.z, k),
        "data_dimension": intrinsic_dimension(few.x),
    }


def _mean(values: NDArray[np.float64]) -> float | None:
    """Returns the mean of what is a number; None where nothing is."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None
