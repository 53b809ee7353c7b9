"""What the measures of a latent space mean, and what to change."""

from __future__ import annotations

__all__ = ["find"]

from typing import TYPE_CHECKING

from scipy.stats import binom

from latente.diagnostics.finding import Finding, ranked
from latente.diagnostics.latent.measures import EQUAL, FEWEST

if TYPE_CHECKING:
    from latente.diagnostics.latent.report import LatentReport

# What each of these means is told in docs/latent-space.md, with the values on both sides of it.
APART = 0.05  # of held-out codes in holes; by chance it is 0.01
QUANTILE_ABOVE = 0.01  # of codes beyond the radius of holes
UNLIKELY = 0.01  # as many held-out codes beyond it by chance
HOLES = (0.05, 0.15)  # of draws; from here a note, a warning: one in 20, one in 7
COVERED = (0.85, 0.5)  # of the codes by a density that can be exchanged; 32 Gaussians reach 0.85; a note, a warning
REACHED = (0.5, 0.25)  # of the codes by the prior, which is what it is: below these it misses most, nearly all
UNLIKE = 0.1  # MMD^2; that of N(0, I) from itself with every mean moved by two thirds of a standard deviation
JUMP = (0.05, 0.1)  # beyond an even walk; the longest of 20 steps is twice, three times as long as the mean one
CROOKED = 4.0  # times the straight distance; three quarters of the way lead nowhere
GAP = 0.2  # of the distance of two codes, four of the 20 steps; an encoder that leads elsewhere
FALSE = (0.9, 0.8)  # trustworthiness and continuity
FOLDED = 1.5  # times as many dimensions in the data as in the code

FOLLOWS = (  # from a collapsed posterior, whose codes are all but equal
    "held-out codes lie apart", "codes do not follow the prior", "coverage and MMD disagree", "interpolation jumps",
    "encoder does not invert the decoder", "decoder untrained between codes", "false neighbours",
    "fewer units than the data's dimension",
)  # fmt: skip

ADVICE_COLLAPSED = "Lower beta, or raise warmup or free_bits."
ADVICE_SMOOTH = (
    "Use more latent units, a bottleneck that adds noise to the code (bottleneck='gaussian'), a penalty on the decoder "
    "(objective='rae') or more data."
)

ADVICE_PRIOR = (
    "Samples of the prior are partly samples of nothing, or too often of one kind: raise beta (or the objective's "
    "weight) so that the codes meet the prior, or fit a density to the codes and sample that."
)
ADVICE_PLACES = (
    "N(0, I) may be sampled, beta need not be raised. A density that is fitted to the codes (latente.generation) also "
    "reaches the places that it misses."
)


def find(report: LatentReport, prior: bool, corrupted: bool) -> tuple[Finding, ...]:
    """Returns what the measures say, the gravest first, causes before symptoms; "healthy" where nothing is to be said.

    Args:
        report: the measures.
        prior: whether training drew the codes towards N(0, I).
        corrupted: whether training corrupted the input.
    """
    if report.codes < FEWEST:
        return (_few(report),)
    place = _prior(report) if prior else _holes(report)
    found = [*_apart(report), *place, *_jumps(report), *_cycle(report, corrupted), *_units(report)]
    found += [*_neighbours(report), *_folds(report)]
    if report.active_units == 0:
        return ranked(f for f in found if f.severity != "good")
    if not found:
        found += _constant(report)
    if not found and report.skipped and report.hole_fraction is None:
        message = "What can be measured of these codes shows no fault; what cannot is listed with its reason."
        return (Finding("nothing to say", "note", message),)
    if not any(f.severity != "good" for f in found):
        found.append(_healthy(report, prior))
    return ranked(found)


def _few(r: LatentReport) -> Finding:
    message = f"{r.codes} codes are too few to judge a latent space by: whether it has faults is not known."
    advice = f"Give at least {FEWEST} samples beside those held out; best the training data, thousands where there are."
    return Finding("too few samples", "note", message, advice)


def _healthy(r: LatentReport, prior: bool) -> Finding:
    """Says what was found below the limits, with the figures and the limits."""
    random = prior and r.posterior_hole_fraction is not None
    holes = r.posterior_hole_fraction if random else r.hole_fraction
    limit = HOLES[1] if prior else HOLES[0]
    told = []
    if holes is not None:
        draws = "N(0, I)" if random else "a Gaussian fitted to the codes"
        much = "hardly any holes" if holes < HOLES[0] else "some holes"
        told.append(f"{much} ({holes:.0%} of draws of {draws}; 1% by chance, {limit:.0%} is a fault)")
    if r.jump is not None:
        told.append(f"no jumps (the longest of 20 steps is {r.jump + 0.05:.1%} of the way; 10% is a jump)")
    agreed = _agreement(r)
    if agreed is not None:
        told.append(f"few false neighbours (trustworthiness and continuity {agreed:.2f} or more; {FALSE[0]} is enough)")
    found = f": {'; '.join(told)}" if told else ""
    return Finding("healthy", "good", f"Nothing that was measured is beyond its limit{found}.")


def _constant(r: LatentReport) -> list[Finding]:
    if not any(skipped.reason == EQUAL for skipped in r.skipped):
        return []
    message = f"All {r.codes} samples have the same code, so there is no latent space to speak of."
    advice = "Where the samples differ, nothing passes the bottleneck: latente.diagnostics.diagnose says why."
    return [Finding("constant code", "warning", message, advice)]


def _apart(r: LatentReport) -> list[Finding]:
    if r.hole_fraction_control is None or r.hole_fraction_control < APART:
        return []
    by_chance = QUANTILE_ABOVE + 1 / (r.codes + 1)  # of few codes the quantile is little more than their largest
    if binom.sf(round(r.hole_fraction_control * r.held_out) - 1, r.held_out, by_chance) > UNLIKELY:
        return []
    message = (
        f"{r.hole_fraction_control:.0%} of the held-out codes lie where there are no others; 1% is what chance gives."
    )
    advice = "The encoder treats new samples differently: look for overfitting, or for data of another kind."
    return [Finding("held-out codes lie apart", "warning", message, advice)]


def _prior(r: LatentReport) -> list[Finding]:
    """Judges whether N(0, I) can be sampled: by draws of q(z|x) where codes are random, else by the codes.

    Coverage and holes look at places, MMD^2 at the distribution as a whole; where they disagree, that is said.
    """
    random = r.posterior_coverage is not None
    covered, holes, mmd = (
        (r.posterior_coverage, r.posterior_hole_fraction, r.posterior_mmd)
        if random
        else (r.coverage_normal, r.hole_fraction, r.mmd)
    )
    if covered is None or holes is None or mmd is None:
        return []
    what = "what the decoder was trained on (draws of q(z|x))" if random else "the codes"
    source = "draws of N(0, I)" if random else "draws of a Gaussian fitted to them"
    message = f"N(0, I) covers {covered:.0%} of {what}; {holes:.0%} of {source} fall into holes. {_whole(mmd, r)}"
    alike = r.mmd_null is not None and mmd <= r.mmd_null
    if covered >= REACHED[0] and holes <= HOLES[1]:
        if mmd <= UNLIKE:
            return [Finding("codes follow the prior", "good", message)]
        message += " The two disagree: draws reach the codes, but in other proportions than the data have."
        return [Finding("coverage and MMD disagree", "note", message, ADVICE_PRIOR)]
    if alike:
        message += " The two disagree: as a whole the codes follow the prior, in places there are too few or too many."
        return [Finding("coverage and MMD disagree", "note", message, ADVICE_PLACES)]
    grave = covered < REACHED[1] or holes > 2 * HOLES[1] or mmd > UNLIKE
    return [Finding("codes do not follow the prior", "warning" if grave else "note", message, ADVICE_PRIOR)]


def _whole(mmd: float, r: LatentReport) -> str:
    """Returns what MMD^2 says, in words."""
    if r.mmd_null is None:
        return f"MMD² is {mmd:.2g}."
    if mmd <= r.mmd_null:
        return f"As a whole they cannot be told from it (MMD² {mmd:.2g}, by chance up to {r.mmd_null:.2g})."
    size = "far from it" if mmd > UNLIKE else "a little off"
    return f"As a whole they are {size} (MMD² {mmd:.2g}, by chance up to {r.mmd_null:.2g}; far from {UNLIKE:g})."


def _holes(r: LatentReport) -> list[Finding]:
    """Judges codes that nothing drew towards a prior: only a density that is fitted to them can be sampled."""
    if r.hole_fraction is None or r.coverage_fitted is None or r.coverage_normal is None:
        return []
    control = "" if r.hole_fraction_control is None else f" (held-out codes: {r.hole_fraction_control:.1%})"
    message = (
        f"{r.hole_fraction:.0%} of the draws of a Gaussian fitted to the codes fall into holes{control}; they cover "
        f"{r.coverage_fitted:.0%} of the codes, draws of N(0, I) {r.coverage_normal:.0%}."
    )
    if r.hole_fraction < HOLES[0] and r.coverage_fitted >= COVERED[0]:
        advice = "" if r.coverage_normal >= COVERED[0] else "Sample the fitted Gaussian, not N(0, I)."
        return [Finding("no holes", "good", message, advice)]
    advice = (
        "Do not decode draws of N(0, I). To sample, fit a density of many components to the codes (latente.generation, "
        "or scikit-learn's GaussianMixture) or train with a prior (VariationalAutoencoder, objective='wasserstein')."
    )
    grave = r.hole_fraction >= HOLES[1] or r.coverage_fitted < COVERED[1]
    return [Finding("holes between the codes", "warning" if grave else "note", message, advice)]


def _jumps(r: LatentReport) -> list[Finding]:
    if r.jump is None or r.path_ratio is None or (r.jump < JUMP[0] and r.path_ratio < CROOKED):
        return []
    message = (
        f"On straight lines between codes the decoder's longest of 20 steps is {r.jump + 0.05:.1%} of the way (5% is "
        f"even), and the way is {r.path_ratio:.2f} times the straight distance."
    )
    grave = r.jump >= JUMP[1] or r.path_ratio >= CROOKED
    return [Finding("interpolation jumps", "warning" if grave else "note", message, ADVICE_SMOOTH)]


def _cycle(r: LatentReport, corrupted: bool) -> list[Finding]:
    if r.cycle_gap is None or r.cycle_gap < GAP or r.cycle_gap_control is None:
        return []
    numbers = f"the gap is {r.cycle_gap:.2f} of the distance of two codes halfway, {r.cycle_gap_control:.2f} at codes"
    if r.cycle_gap < 1.5 * r.cycle_gap_control:
        message = f"The encoder does not lead back to a code that was decoded, even at the samples' own: {numbers}."
        advice = (
            "Usual where training corrupts the input: the encoder has seen few clean samples. Use weaker corruption, "
            "or a range of levels that begins at 0."
            if corrupted
            else "Look for overfitting first: the encoder may know the training samples only. Train longer where there "
            "is none; a single layer whose output is squashed cannot do better."
        )
        return [Finding("encoder does not invert the decoder", "note" if corrupted else "warning", message, advice)]
    message = f"Between codes, what is decoded does not lead back to its code: {numbers}."
    severity = "note" if corrupted else "warning"
    return [Finding("decoder untrained between codes", severity, message, ADVICE_SMOOTH)]


def _units(r: LatentReport) -> list[Finding]:
    if r.active_units is None or r.active_units >= r.latent_dim:
        return []
    count = int(r.active_units)
    message = f"{count} of {r.latent_dim} latent units are active (their code varies by more than 0.01)."
    if count == 0:
        message += " Beside the prior's variance of 1 all codes are as good as equal; nothing else can be read off."
        return [Finding("collapsed posterior", "warning", message, ADVICE_COLLAPSED, explains=FOLLOWS)]
    return [Finding("inactive units", "note", message, f"latent_dim={count} would do as well.")]


def _neighbours(r: LatentReport) -> list[Finding]:
    agreed = _agreement(r)
    if agreed is None or agreed >= FALSE[0]:
        return []
    message = (
        f"Neighbours in the codes are neighbours in the data to {r.trustworthiness:.2f} (trustworthiness; 1 is all), "
        f"the reverse to {r.continuity:.2f} (continuity)."
    )
    advice = "Do not read groups or distances off a map of these codes; use more latent units or train longer."
    return [Finding("false neighbours", "warning" if agreed < FALSE[1] else "note", message, advice)]


def _agreement(r: LatentReport) -> float | None:
    return None if r.trustworthiness is None or r.continuity is None else min(r.trustworthiness, r.continuity)


def _folds(r: LatentReport) -> list[Finding]:
    """Names a likely reason of false neighbours; where neighbours agree, few units are no fault."""
    agreed = _agreement(r)
    if r.data_dimension is None or r.data_dimension < FOLDED * r.latent_dim or agreed is None or agreed >= FALSE[0]:
        return []
    message = f"Near each other the data vary in about {r.data_dimension:.0f} directions; the code has {r.latent_dim}."
    advice = "It folds or drops some: use more latent units unless the picture in few dimensions is what you want."
    return [Finding("fewer units than the data's dimension", "note", message, advice)]
