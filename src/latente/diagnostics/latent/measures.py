"""What is measured of a latent space: names, formulas, sources, and values to read a value by."""

from __future__ import annotations

__all__ = [
    "EQUAL", "FEWEST", "MEASURES", "NEIGHBOURS_OF", "NOTATION", "PATHS", "PLACES", "POSTERIOR", "UNITS", "Measure",
    "Row", "Skipped", "counted", "halfway", "reference",
]  # fmt: skip

from dataclasses import dataclass

PLACES, POSTERIOR, PATHS = "places of the codes", "draws of q(z|x)", "straight lines"
NEIGHBOURS_OF, UNITS = "neighbours", "active units"
EQUAL = "all codes are equal"
FEWEST = 40  # codes below which neighbours say nothing
REFERENCE_CODES = 3_000  # of which the references were measured
ALIKE = 1.5  # times as many codes, or as few, still compare
NOTATION = (
    "z are the n codes, x their samples, e and d encoder and decoder, y the m draws, rₖ(a) the distance from a to "
    "its k-th nearest (other) code, [ ] 1 where true, a and b the codes of a pair, N(a) the k nearest to a."
)


@dataclass(frozen=True)
class Measure:
    """One measure of a latent space.

    Attributes:
        name: of LatentReport's attribute.
        title: in a few words.
        meaning: what it is, in words.
        formula: the same in symbols, those of NOTATION.
        source: authors and year; what is our own says so.
        group: what it looks at; measures of a group apply together.
        ideal: its value for codes that are exactly N(0, I) and a linear decoder; None where that depends on the model.

    Example:
        >>> MEASURES[0].name, MEASURES[0].ideal
        ('hole_fraction', 0.01)
    """

    name: str
    title: str
    meaning: str
    formula: str
    source: str
    group: str
    ideal: float | None = None


@dataclass(frozen=True)
class Row:
    """A measure and the values to read it by.

    Attributes:
        measure: what is measured.
        value: of this model; None where it does not apply.
        ideal: codes exactly N(0, I) and a linear decoder.
        healthy: a variational autoencoder on MNIST, at a latent size near this model's.
        sick: a plain autoencoder of that size that saw too few images for too long.

    Example:
        >>> row = Row(MEASURES[0], value=0.3, ideal=0.01, healthy=0.02, sick=0.4)
        >>> row.measure.title, row.value > row.healthy
        ('hole fraction', True)
    """

    measure: Measure
    value: float | None
    ideal: float | None
    healthy: float | None
    sick: float | None


@dataclass(frozen=True)
class Skipped:
    """A group of measures that does not apply to a model, and why.

    Attributes:
        group: which measures.
        reason: in words.

    Example:
        >>> print(Skipped("active units", "there is no prior"))
        active units: there is no prior
    """

    group: str
    reason: str

    def __str__(self) -> str:
        return f"{self.group}: {self.reason}"


HOLES = "P( r₅(y) > 99% quantile of r₅(z) )"
COVERAGE = "1/n Σᵢ [ some y is nearer to zᵢ than r₅(zᵢ) ]"
DENSITY = "1/(5m) Σⱼ Σᵢ [ yⱼ is nearer to zᵢ than r₅(zᵢ) ]"
MMD = "mean κ(z, z′) + mean κ(y, y′) - 2 mean κ(z, y), κ(a, b) = exp(-‖a - b‖² / 2h²), h the median distance"
TRUST = "1 - 2/(nk(2n - 3k - 1)) Σᵢ Σⱼ (rank of xⱼ from xᵢ - k), j in N(zᵢ) but not in N(xᵢ), k = 12"
CYCLE = "‖e(d(c)) - c‖ / ‖b - a‖, "
SUPPORT = (
    "the support that neighbours span: Kynkäänniemi, Karras, Laine, Lehtinen, Aila (2019); one radius for all: ours"
)
NAEEM = "Naeem, Oh, Uh, Choi, Yoo (2020)"
GRETTON = "Gretton, Borgwardt, Rasch, Schölkopf, Smola (2012), equation 3"
BERTHELOT = "without labels, after Berthelot, Raffel, Roy, Goodfellow (2019)"
TWO_NN = "Facco, d'Errico, Rodriguez, Laio (2017)"
VENNA = "Venna, Kaski (2001)"
OURS = "ours"

MEASURES = (
    Measure(
        "hole_fraction", "hole fraction",
        "the share of draws from a Gaussian fitted to the codes that lie farther from their 5th nearest code than 99% "
        "of the codes do from theirs", f"{HOLES}, y ~ N(mean, covariance of z)", SUPPORT, PLACES, 0.01,
    ),
    Measure(
        "hole_fraction_control", "… of held-out codes", "the same share of codes of other samples",
        f"{HOLES}, y held-out codes", SUPPORT, PLACES, 0.01,
    ),
    Measure(
        "coverage_fitted", "coverage, fitted Gaussian",
        "the share of codes with a draw nearer than their own 5th nearest code; draws of the fitted Gaussian",
        f"{COVERAGE}, y ~ N(mean, covariance of z)", NAEEM, PLACES, 0.97,
    ),
    Measure(
        "coverage_normal", "coverage, N(0, I)", "the same; draws of N(0, I)", f"{COVERAGE}, y ~ N(0, I)", NAEEM,
        PLACES, 0.97,
    ),
    Measure(
        "density_fitted", "density, fitted Gaussian",
        "in how many of the codes' neighbourhoods a draw of the fitted Gaussian lies, over 5",
        f"{DENSITY}, y ~ N(mean, covariance of z)", NAEEM, PLACES, 1.0,
    ),
    Measure(
        "density_normal", "density, N(0, I)", "the same; draws of N(0, I)", f"{DENSITY}, y ~ N(0, I)", NAEEM, PLACES,
        1.0,
    ),
    Measure(
        "mmd_fitted", "MMD² to fitted Gaussian",
        "how far the codes are from the Gaussian fitted to them, which has their mean and covariance: what is left is "
        "another shape. By chance it stays below what is given for N(0, I), and rather lower",
        f"{MMD}; y ~ N(mean, covariance of z)", GRETTON, PLACES, 0.0,
    ),
    Measure(
        "mmd", "MMD² to N(0, I)",
        "how far the codes are from N(0, I): likeness within codes plus likeness within draws less twice that between "
        "them; likeness is a Gaussian of the distance, as wide as the median distance", f"{MMD}; y ~ N(0, I)",
        GRETTON, PLACES, 0.0,
    ),
    Measure(
        "mmd_null", "… by chance", "what MMD² stays below in 95 of 100 cases without any difference",
        "95% quantile of MMD² over random divisions of z and y into two", "Gretton et al. (2012), section 5", PLACES,
    ),
    Measure(
        "posterior_hole_fraction", "holes for N(0, I) in q(z)",
        "the share of draws from N(0, I) in holes between draws of q(z|x), which the decoder was trained on",
        f"{HOLES}, z ~ q(z|x), y ~ N(0, I)", SUPPORT, POSTERIOR, 0.01,
    ),
    Measure(
        "posterior_coverage", "coverage of q(z) by N(0, I)", "of draws of q(z|x) by N(0, I)",
        f"{COVERAGE}, z ~ q(z|x), y ~ N(0, I)", NAEEM, POSTERIOR, 0.97,
    ),
    Measure(
        "posterior_mmd", "MMD² of q(z) to N(0, I)", "of draws of q(z|x) to N(0, I)",
        f"{MMD}; z ~ q(z|x), y ~ N(0, I)", GRETTON, POSTERIOR, 0.0,
    ),
    Measure(
        "jump", "jump",
        "the longest of 20 steps along a decoded straight line as a share of the whole way, less 1/20",
        "maxₜ sₜ / Σₜ sₜ - 1/20, sₜ = ‖d(cₜ₊₁) - d(cₜ)‖, cₜ evenly from a to b", BERTHELOT, PATHS, 0.0,
    ),
    Measure(
        "path_ratio", "path ratio", "the length of a decoded straight line over the distance of its ends",
        "Σₜ sₜ / ‖d(b) - d(a)‖", "Arvanitidis, Hansen, Hauberg (2018)", PATHS, 1.0,
    ),
    Measure(
        "cycle_gap", "cycle gap halfway",
        "how far a code halfway between two moves when decoded and encoded again, over the distance of the two",
        f"{CYCLE}c = (a + b)/2", OURS, PATHS, 0.0,
    ),
    Measure(
        "cycle_gap_control", "… at the ends", "the same at the codes of samples", f"{CYCLE}c = a", OURS, PATHS, 0.0
    ),
    Measure(
        "active_units", UNITS, "latent units whose code varies by more than 0.01 over the data",
        "Σⱼ [ variance of zⱼ over the data > 0.01 ]", "Burda, Grosse, Salakhutdinov (2016)", UNITS,
    ),
    Measure(
        "participation_ratio", "participation ratio",
        "over how many directions the codes' variance is spread: (sum of eigenvalues)² over sum of squares",
        "(Σⱼ λⱼ)² / Σⱼ λⱼ², λ eigenvalues of the codes' covariance",
        "Gao, Trautmann, Yu, Santhanam, Ryu, Shenoy, Ganguli (2017)", "",
    ),
    Measure(
        "intrinsic_dimension", "dimension of the codes",
        "from the ratio of the distances to the first two neighbours (TwoNN)", "(n - 1) / Σᵢ ln(r₂(zᵢ) / r₁(zᵢ))",
        TWO_NN, PLACES,
    ),
    Measure(
        "data_dimension", "dimension of the data", "the same of the samples themselves",
        "(n - 1) / Σᵢ ln(r₂(xᵢ) / r₁(xᵢ))", TWO_NN, NEIGHBOURS_OF,
    ),
    Measure(
        "trustworthiness", "trustworthiness",
        "1 less the ranks, in the data, of the 12 nearest in the codes that are not among the 12 nearest in the data",
        TRUST, VENNA, NEIGHBOURS_OF, 1.0,
    ),
    Measure(
        "continuity", "continuity", "the same with data and codes swapped", "trustworthiness with x and z swapped",
        VENNA, NEIGHBOURS_OF, 1.0,
    ),
)  # fmt: skip


def counted(codes: int) -> str:
    """Returns how many codes the references have, and where it matters that a model has another number.

    Args:
        codes: of the model that is read by them.

    Example:
        >>> counted(3000)
        'Healthy and sick are of 3,000 codes each.'
        >>> "this model's values of 500" in counted(500)
        True
    """
    if REFERENCE_CODES / ALIKE <= codes <= REFERENCE_CODES * ALIKE:
        return f"Healthy and sick are of {REFERENCE_CODES:,} codes each."
    return (
        f"Healthy and sick are of {REFERENCE_CODES:,} codes each, this model's values of {codes:,}: holes, coverage, "
        "density, MMD², dimension and neighbours change with the number, so only jump, path ratio, cycle gap, active "
        "units and participation ratio can be read beside theirs."
    )


def reference(name: str, latent_dim: int, sick: bool) -> float | None:
    """Returns a measure of the healthy or the sick reference model, of the nearer of the latent sizes 2 and 8.

    Args:
        name: of the measure.
        latent_dim: of the model that is read by it.
        sick: which of the two.
    """
    return REFERENCES[2 if latent_dim <= 4 else 8].get(name, (None, None))[sick]


def halfway(latent_dim: int) -> tuple[float, float]:
    """Returns how far from training images halfway from ones to sevens is: the healthy and the sick reference model.

    In distances to the nearest training image, those of the reconstructions of the two ends being 1.

    Args:
        latent_dim: of the model that is read by them.

    Example:
        >>> healthy, sick = halfway(8)
        >>> abs(healthy - sick) < 0.1    # halfway, a healthy model is no nearer to data than a sick one
        True
    """
    return HALFWAY[2 if latent_dim <= 4 else 8]


# Printed by benchmarks/latent/run.py --references: (healthy, sick) at latent sizes 2 and 8.
HALFWAY = {2: (1.19, 1.07), 8: (1.19, 1.17)}
REFERENCES: dict[int, dict[str, tuple[float | None, float | None]]] = {
    2: {
        "hole_fraction": (0.00533, 0.0517),
        "hole_fraction_control": (0.00711, 0.00467),
        "coverage_fitted": (0.887, 0.676),
        "coverage_normal": (0.765, 0.492),
        "density_fitted": (0.907, 0.875),
        "density_normal": (0.916, 0.9),
        "mmd_fitted": (0.00522, 0.0632),
        "mmd": (0.0485, 0.204),
        "mmd_null": (0.00115, 0.000985),
        "posterior_hole_fraction": (0.000444, None),
        "posterior_coverage": (0.78, None),
        "posterior_mmd": (0.0438, None),
        "jump": (0.0326, 0.0644),
        "path_ratio": (2.91, 5.06),
        "cycle_gap": (0.0386, 0.0555),
        "cycle_gap_control": (0.0364, 0.0639),
        "active_units": (2, None),
        "participation_ratio": (1.93, 1.62),
        "intrinsic_dimension": (2.03, 1.96),
        "data_dimension": (12.3, 12.3),
        "trustworthiness": (0.936, 0.839),
        "continuity": (0.923, 0.862),
    },
    8: {
        "hole_fraction": (0.0118, 0.11),
        "hole_fraction_control": (0.00822, 0.0107),
        "coverage_fitted": (0.693, 0.633),
        "coverage_normal": (0.642, 0.159),
        "density_fitted": (0.496, 0.519),
        "density_normal": (0.584, 0.736),
        "mmd_fitted": (0.000626, 0.000527),
        "mmd": (0.0129, 0.169),
        "mmd_null": (0.000488, 0.000506),
        "posterior_hole_fraction": (0.00122, None),
        "posterior_coverage": (0.644, None),
        "posterior_mmd": (0.0131, None),
        "jump": (0.0193, 0.0301),
        "path_ratio": (1.86, 1.9),
        "cycle_gap": (0.0601, 0.228),
        "cycle_gap_control": (0.0513, 0.16),
        "active_units": (8, None),
        "participation_ratio": (7.28, 7.05),
        "intrinsic_dimension": (6.64, 6.32),
        "data_dimension": (12.3, 12.3),
        "trustworthiness": (0.987, 0.959),
        "continuity": (0.984, 0.975),
    },
}
