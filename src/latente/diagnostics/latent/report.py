"""All measures of a latent space in one result."""

from __future__ import annotations

__all__ = ["LatentReport", "latent_report", "measure_latent"]

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from latente.data import loaded
from latente.diagnostics.finding import Finding
from latente.diagnostics.latent.codes import Codes
from latente.diagnostics.latent.measures import FEWEST, MEASURES, Row, Skipped, counted, reference
from latente.diagnostics.latent.measuring import PAIRS, ROWS, has_prior, measure
from latente.diagnostics.latent.verdict import find
from latente.diagnostics.passed import Floats, check_model, scaled
from latente.estimators import Autoencoder
from latente.parts import is_integer
from latente.training import seed_of

HELD = 4  # every so many samples are held out where no others are given


@dataclass(frozen=True)
class LatentReport:
    """How healthy a latent space is. A measure that does not apply is None; `skipped` says why.

    Codes are the deterministic ones, as `transform` returns them. Most measures depend on how many codes there are:
    compare values of equally many.

    Attributes:
        latent_dim: the size of the code.
        codes: how many codes were looked at.
        held_out: how many others served as control.
        hole_fraction: share of a fitted Gaussian's draws that lie in holes; see `latente.metrics.hole_fraction`.
        hole_fraction_control: the same of held-out codes; about 0.01 where they are like the others.
        coverage_normal: share of codes that draws of N(0, I) reach; see `latente.metrics.code_coverage`.
        coverage_fitted: the same for draws of a Gaussian fitted to the codes.
        density_normal: see `latente.metrics.code_density`; draws of N(0, I).
        density_fitted: the same for the fitted Gaussian.
        mmd_fitted: MMD^2 of the codes to draws of the Gaussian fitted to them; see `latente.metrics.rbf_mmd`.
        mmd: MMD^2 of the codes to N(0, I); see `latente.metrics.rbf_mmd`.
        mmd_null: what it stays below in 95 of 100 cases when the codes are N(0, I).
        posterior_hole_fraction: share of N(0, I) in holes between draws of q(z|x), which the decoder was trained on.
        posterior_coverage: share of draws of q(z|x) that N(0, I) reaches.
        posterior_mmd: MMD^2 of draws of q(z|x) to N(0, I).
        jump: unevenness of decoded straight lines, 20 steps; see `latente.metrics.path_jump`.
        path_ratio: their length over the distance of their ends; see `latente.metrics.path_ratio`.
        cycle_gap: ||e(d(z)) - z|| / ||a - b|| for z halfway between codes a and b; see `latente.metrics.cycle_gap`.
        cycle_gap_control: the same for z = a.
        active_units: units with Var_x(z_j) > 0.01 (Burda, Grosse & Salakhutdinov, 2016); only where there is a prior.
        participation_ratio: directions that the variance is spread over; see `latente.metrics.participation_ratio`.
        intrinsic_dimension: of the codes (TwoNN); see `latente.metrics.intrinsic_dimension`.
        data_dimension: the same of the samples.
        trustworthiness: of the neighbours in the codes, 12 each; see `latente.metrics.trustworthiness`.
        continuity: of the neighbours in the data; see `latente.metrics.continuity`.
        skipped: what does not apply, and why.
        findings: what is good, what is sick and what to change, the gravest first.

    Example:
        >>> report = LatentReport(latent_dim=2, codes=100, held_out=25, hole_fraction=0.3)
        >>> report.rows[0].measure.title, report.rows[0].value, report.rows[0].ideal
        ('hole fraction', 0.3, 0.01)
    """

    latent_dim: int
    codes: int
    held_out: int
    hole_fraction: float | None = None
    hole_fraction_control: float | None = None
    coverage_normal: float | None = None
    coverage_fitted: float | None = None
    density_normal: float | None = None
    density_fitted: float | None = None
    mmd_fitted: float | None = None
    mmd: float | None = None
    mmd_null: float | None = None
    posterior_hole_fraction: float | None = None
    posterior_coverage: float | None = None
    posterior_mmd: float | None = None
    jump: float | None = None
    path_ratio: float | None = None
    cycle_gap: float | None = None
    cycle_gap_control: float | None = None
    active_units: int | None = None
    participation_ratio: float | None = None
    intrinsic_dimension: float | None = None
    data_dimension: float | None = None
    trustworthiness: float | None = None
    continuity: float | None = None
    skipped: tuple[Skipped, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def coverage(self) -> float | None:
        """The coverage of what samples are drawn from: the prior N(0, I), or the fitted density where there is none."""
        return self.coverage_fitted if self.coverage_normal is None else self.coverage_normal

    @property
    def verdict(self) -> str:
        """What is sick and what to change, in plain words, the gravest first."""
        return "\n".join(str(finding) for finding in self.findings)

    @property
    def rows(self) -> tuple[Row, ...]:
        """Each measure with the values to read it by."""
        k = self.latent_dim
        return tuple(
            Row(m, getattr(self, m.name), m.ideal, reference(m.name, k, sick=False), reference(m.name, k, sick=True))
            for m in MEASURES
        )

    def __str__(self) -> str:
        head = ["", "this model", "ideal", "healthy", "sick"]
        cells = [[r.measure.title, *(_short(v) for v in (r.value, r.ideal, r.healthy, r.sick))] for r in self.rows]
        widths = [max(len(line[i]) for line in [head, *cells]) for i in range(len(head))]
        lines = ["  ".join([line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))])
                 for line in [head, *cells]]  # fmt: skip
        near = 2 if self.latent_dim <= 4 else 8
        notes = [
            f"{_plural(self.codes, 'code')} of {_plural(self.latent_dim, 'number')}, {self.held_out} held out. "
            "Ideal: codes N(0, I), linear decoder. "
            f"Healthy: variational, MNIST, {near} units. Sick: plain, {near} units, overfitted to 500 images.",
            counted(self.codes),
            *(f"Does not apply: {skipped}." for skipped in self.skipped),
        ]
        return "\n".join([*lines, *notes, self.verdict])


def _plural(n: int, noun: str) -> str:
    return f"{n} {noun}" + ("" if n == 1 else "s")


def _short(value: float | None) -> str:
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.3g}" if abs(value) >= 1e-3 else f"{value:.4f}"


def latent_report(
    model: Autoencoder,
    X: Any,
    *,
    held_out: Any = None,
    random_state: Any = None,
    rows: int = ROWS,
    pairs: int = PAIRS,
) -> LatentReport:
    """Measures how healthy the latent space of a fitted model is: holes, prior, jumps, neighbours, dimensions.

    It takes seconds: of many samples, evenly spaced ones are looked at.

    Args:
        model: any fitted autoencoder of latente.
        X: (n, ...), as in `fit`, best the training data: the decoder knows the space between those codes.
        held_out: (m, ...) samples that were not trained on, whose codes serve as control; None holds out every fourth
            of X instead, which cannot show overfitting.
        random_state: decides draws and pairs: None, an integer or a numpy generator.
        rows: at most so many codes are looked at, and as many held-out ones.
        pairs: at most so many straight lines are decoded; fewer where samples are large.

    Raises:
        NotFittedError: when the model is not fitted.
        TypeError: when it is no autoencoder of latente.
        ValueError: for a single sample, data that the model cannot take, or settings that make no sense.

    Example:
        >>> from sklearn.datasets import load_digits
        >>> from latente import Trainer
        >>> X = load_digits().images
        >>> model = Autoencoder(2, trainer=Trainer(epochs=3), random_state=0).fit(X[:1400])
        >>> report = latent_report(model, X[:1400], held_out=X[1400:], random_state=0)
        >>> report.hole_fraction > report.hole_fraction_control    # draws land where no code is, held-out codes do not
        True
        >>> report.active_units is None
        True
    """
    check_model(model)
    for name, value, low in (("rows", rows, 2), ("pairs", pairs, 1)):
        if not is_integer(value, low):
            raise ValueError(f"{name} must be an integer of at least {low}; got {value!r}")
    seed = seed_of(random_state)
    if held_out is None:
        return measure_latent(model, scaled(model, loaded(X), rows + rows // (HELD - 1)), seed=seed, pairs=pairs)
    x, others = (scaled(model, loaded(data), rows) for data in (X, held_out))
    return measure_latent(model, x, others, seed=seed, pairs=pairs)


def measure_latent(
    model: Autoencoder, x: Floats, held_out: Floats | None = None, *, seed: int = 0, pairs: int = PAIRS
) -> LatentReport:
    """Returns the report on scaled samples, all of them; see `latent_report`.

    Raises:
        ValueError: for a single sample.

    Args:
        model: fitted.
        x: (n, *sample_shape), as `latente.diagnostics.scaled` returns them.
        held_out: (m, *sample_shape); None holds out a random quarter of x.
        seed: decides draws and pairs.
        pairs: at most so many straight lines are decoded; fewer where samples are large.

    Example:
        >>> from latente import Trainer
        >>> X = np.random.default_rng(0).normal(size=(200, 4))
        >>> model = Autoencoder(2, trainer=Trainer(epochs=2), random_state=0).fit(X)
        >>> report = measure_latent(model, scaled(model, X))
        >>> report.codes, report.held_out
        (150, 50)
    """
    if len(x) < 2:
        raise ValueError(
            f"a latent space is looked at through at least 2 samples, and judged by no fewer than {FEWEST}; got "
            f"{len(x)}. Give more, best the training data"
        )
    rng = np.random.default_rng(seed)
    codes = Codes.of(model, x, rng)
    if held_out is None:
        order = rng.permutation(len(codes))
        apart = len(codes) // HELD
        others, codes = codes.take(np.sort(order[:apart])), codes.take(np.sort(order[apart:]))
    else:
        others = Codes.of(model, held_out, rng)
    values, skipped = measure(model, codes, others if len(others) else None, pairs, rng)
    active = values.pop("active_units")
    report = LatentReport(codes.z.shape[1], len(codes), len(others), skipped=tuple(skipped))
    report = replace(report, active_units=None if active is None else int(active), **values)
    return replace(report, findings=find(report, has_prior(model), model.module_.corruption is not None))
