"""Latent spaces whose health is known: maps set by hand, healthy ones and ones that are sick on purpose."""

from __future__ import annotations

import dataclasses
import warnings

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.manifold import trustworthiness
from torch import nn

import latente
import latente.estimators
from latente import Autoencoder, Trainer
from latente.diagnostics import LatentReport, latent_report, scaled
from latente.diagnostics.latent.codes import Codes, gaussian_draws, straight_paths
from latente.diagnostics.latent.measures import MEASURES

NOTHING = Trainer(epochs=1, learning_rate=1e-12, verbose=False)
QUICK = Trainer(epochs=5, verbose=False)


class Map(nn.Module):
    """Any function, with one weight that does nothing, so that there is something to train."""

    def __init__(self, function) -> None:
        super().__init__()
        self.function, self.idle = function, nn.Parameter(torch.zeros(()))

    def forward(self, x):
        return self.function(x) + 0 * self.idle


def by_hand(encoder, decoder, X, k=2) -> Autoencoder:
    """A model whose maps are these functions of standardised columns."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", latente.estimators.LatentSizeWarning)  # as many units as columns are meant
        return Autoencoder(k, network=(Map(encoder), Map(decoder)), trainer=NOTHING, random_state=0).fit(X)


def same(x):
    return x


@pytest.fixture(scope="module")
def normal() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(4000, 2))


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    return load_digits().images


@pytest.fixture(scope="module")
def variational(digits) -> Autoencoder:
    return latente.VariationalAutoencoder(4, trainer=QUICK, random_state=0).fit(digits)


def names(report: LatentReport) -> set[str]:
    return {finding.name for finding in report.findings}


@pytest.fixture(scope="module")
def ideal(normal) -> LatentReport:
    """Codes that are N(0, I), maps that are the identity."""
    return latent_report(by_hand(same, same, normal), normal, random_state=0)


def test_the_ideal_values_are_those_of_an_ideal_model(ideal):
    spread = {"hole_fraction": 0.012, "hole_fraction_control": 0.012, "coverage_normal": 0.02, "coverage_fitted": 0.02,
              "density_normal": 0.1, "density_fitted": 0.1, "mmd_fitted": 0.003, "mmd": 0.003}  # fmt: skip
    for measure in MEASURES:
        value = getattr(ideal, measure.name)
        if measure.ideal is not None and value is not None:
            assert value == pytest.approx(measure.ideal, abs=spread.get(measure.name, 1e-5)), measure.name
    assert (ideal.codes, ideal.held_out, ideal.latent_dim) == (3000, 1000, 2)
    assert ideal.participation_ratio == pytest.approx(2, abs=0.01)
    assert ideal.intrinsic_dimension == pytest.approx(2, abs=0.1)
    assert 0 < ideal.mmd_null < 0.005


def test_an_ideal_model_is_called_healthy(ideal):
    assert names(ideal) == {"no holes", "healthy"}
    assert ideal.verdict.startswith("good: ")
    assert ideal.active_units is None
    assert {s.group for s in ideal.skipped} == {"active units", "draws of q(z|x)"}


def test_healthy_says_what_was_found(ideal):
    told = ideal.findings[-1].message
    assert "no holes" not in told
    assert f"hardly any holes ({ideal.hole_fraction:.0%} of draws of a Gaussian fitted to the codes" in told
    assert "the longest of 20 steps is 5.0% of the way" in told


def test_two_islands_have_a_hole_between_them():
    rng = np.random.default_rng(0)
    islands = rng.normal(size=(2000, 2)) * 0.05 + rng.choice([-1, 1], (2000, 1))
    report = latent_report(by_hand(same, same, islands), islands, random_state=0)
    # on the line through both islands a Gaussian of variance 1 puts P(| |t| - 1| > about 0.2) outside of them
    assert report.hole_fraction > 0.7
    assert report.hole_fraction_control < 0.03
    assert "holes between the codes" in names(report)
    assert f"{report.hole_fraction:.0%} of the draws" in report.verdict


def test_a_step_of_the_decoder_is_a_jump(normal):
    model = by_hand(same, lambda z: torch.tanh(1e4 * z[:, :1]).expand(-1, 2), normal)
    a, b = np.array([[-1.0, 0.3], [-1, 0]], np.float32), np.array([[1.05, 0.1], [-2, 0]], np.float32)
    walk = straight_paths(model, a, b, 20)
    assert walk.jump[0] == pytest.approx(1 - 1 / 20, abs=1e-4)
    assert walk.ratio[0] == pytest.approx(1)
    assert np.isnan(walk.jump[1])  # it stays on one side: nothing moves
    report = latent_report(model, normal, random_state=0)
    assert report.jump == pytest.approx(0.95, abs=0.01)
    assert "interpolation jumps" in names(report)


def test_a_decoder_that_winds_makes_a_longer_way(normal):
    def helix(z):
        return torch.stack([torch.cos(3 * z[:, 0]), torch.sin(3 * z[:, 0])], 1)

    a, b = np.array([[-0.5, 0]], np.float32), np.array([[0.5, 0]], np.float32)
    walk = straight_paths(by_hand(same, helix, normal), a, b, 400)
    assert walk.ratio[0] == pytest.approx(3 / (2 * np.sin(1.5)), rel=1e-3)


def test_an_encoder_that_does_not_invert_the_decoder(normal):
    model = by_hand(lambda x: x + torch.tensor([3.0, 4.0]), same, normal)
    walk = straight_paths(model, np.zeros((1, 2), np.float32), np.ones((1, 2), np.float32), 4)
    np.testing.assert_allclose(walk.again, [[3.5, 4.5]], rtol=1e-5)
    report = latent_report(model, normal, random_state=0)
    assert report.cycle_gap == pytest.approx(report.cycle_gap_control, rel=1e-4)  # a shift of 5 everywhere
    assert "encoder does not invert the decoder" in names(report)
    assert "Train longer" in report.verdict  # nothing was corrupted
    assert report.hole_fraction == pytest.approx(0.01, abs=0.012)  # a shifted Gaussian has no holes
    assert report.coverage_normal < 0.1
    assert "N(0, I)" in report.verdict


def test_held_out_samples_of_another_kind(normal):
    model = by_hand(same, same, normal)
    report = latent_report(model, normal, held_out=normal + 9, random_state=0)
    assert report.hole_fraction_control > 0.9
    assert report.findings[0].name == "held-out codes lie apart"
    assert latent_report(model, normal, held_out=normal[:500], random_state=0).held_out == 500


def test_neighbours_are_those_of_scikit_learn(digits):
    model = latente.VanillaAutoencoder(2, trainer=QUICK, random_state=0).fit(digits)
    X = digits[:800]
    report = latent_report(model, X, held_out=digits[800:], random_state=0)
    flat, codes = X.reshape(800, -1), model.transform(X)
    assert report.trustworthiness == pytest.approx(trustworthiness(flat, codes, n_neighbors=12), abs=1e-4)
    assert report.continuity == pytest.approx(trustworthiness(codes, flat, n_neighbors=12), abs=1e-4)


def test_draws_of_a_fitted_gaussian():
    rng = np.random.default_rng(0)
    codes = rng.normal(size=(500, 3)) @ rng.normal(size=(3, 3)) + [1, 2, 3]
    codes = np.column_stack([codes, codes[:, 0] - codes[:, 1]])  # a singular covariance
    draws = gaussian_draws(codes, 200_000, rng)
    np.testing.assert_allclose(draws.mean(0), codes.mean(0), atol=0.03)
    np.testing.assert_allclose(np.cov(draws.T), np.cov(codes.T), atol=0.06)
    np.testing.assert_allclose(draws[:, 3], draws[:, 0] - draws[:, 1], atol=1e-6)


def test_random_codes_are_drawn_from_the_posterior(variational, digits):
    x = scaled(variational, digits)
    codes = Codes.of(variational, x, np.random.default_rng(0))
    np.testing.assert_allclose(codes.z, variational.transform(digits), atol=1e-5)
    with torch.inference_mode():
        mu, logvar = variational.module_.bottleneck.moments(variational.module_.features(torch.from_numpy(x)))
    noise = (codes.posterior - mu.numpy()) / np.exp(0.5 * logvar.numpy())
    assert noise.mean() == pytest.approx(0, abs=0.05)
    assert noise.std() == pytest.approx(1, abs=0.03)


def test_a_variational_model(variational, digits):
    report = latent_report(variational, digits, random_state=0)
    assert report.skipped == ()
    assert report.active_units == variational.evaluate(digits).active_units
    assert report.posterior_coverage > 0.5
    assert report.posterior_mmd < 0.05
    assert all(getattr(report, measure.name) is not None for measure in MEASURES)


def test_a_collapsed_posterior_is_named(digits):
    model = latente.VariationalAutoencoder(3, network="mlp:32", trainer=QUICK, random_state=0).fit(digits)
    last = [m for m in model.module_.encoder.modules() if isinstance(m, nn.Linear)][-1]
    with torch.no_grad():
        last.weight.zero_()
    report = latent_report(model, digits, random_state=0)
    assert (report.active_units, report.hole_fraction, report.jump) == (0, None, None)
    assert report.findings[0].name == "collapsed posterior"
    assert {s.reason for s in report.skipped} == {"all codes are equal"}


@pytest.mark.parametrize("parts", [{"beta": 1000.0}, {"distortion": "squared_error", "beta": 10}])
def test_a_collapsed_posterior_comes_before_what_follows_from_it(digits, parts):
    trainer = Trainer(epochs=20, verbose=False)
    model = latente.VariationalAutoencoder(8, trainer=trainer, random_state=0, **parts).fit(digits[:1200])
    report = latent_report(model, digits[:1200], held_out=digits[1200:], random_state=0)
    assert report.active_units == 0
    first, *others = report.findings
    assert first.name == "collapsed posterior"
    assert "Lower beta" in first.advice
    assert {f.name for f in others} >= {"held-out codes lie apart", "encoder does not invert the decoder"}
    assert {f.advice for f in others} == {"It follows from: collapsed posterior."}
    assert "good" not in {f.severity for f in report.findings}
    assert "overfitting" not in report.verdict


def test_the_discrepancy_of_two_points_to_the_gaussian_that_fits_them():
    """Codes 5 and 7, half of them each, against N(6, 1): MMD^2 in closed form for a kernel of width h."""
    rng = np.random.default_rng(0)
    points = rng.choice([-1, 1], (4000, 1)) + 1e-3 * rng.normal(size=(4000, 1))
    report = latent_report(by_hand(lambda x: x + 6, lambda z: z - 6, points, k=1), points, random_state=0)
    drawn = np.where(rng.random(2000) < 0.5, np.sign(rng.normal(size=2000)), rng.normal(size=2000))
    h = np.median(np.abs(drawn[:, None] - drawn)[np.triu_indices(2000, 1)])
    alike = (1 + np.exp(-2 / h**2)) / 2 + h / np.sqrt(h**2 + 2)
    expected = alike - 2 * h / np.sqrt(h**2 + 1) * np.exp(-0.5 / (h**2 + 1))
    assert report.mmd_fitted == pytest.approx(expected, abs=0.005)
    assert report.mmd_fitted > 5 * report.mmd_null
    assert report.mmd > 0.3  # N(0, 1) is elsewhere


def test_the_fitted_gaussian_has_mean_and_scale_of_the_codes(normal):
    model = by_hand(lambda x: 3 * x + torch.tensor([3.0, 4.0]), same, normal)
    report = latent_report(model, normal, random_state=0)
    assert report.mmd > 0.3
    assert report.mmd_fitted < report.mmd_null


@pytest.mark.parametrize("bottleneck", ["vq:16,code_dim=2", "fsq:5"])
def test_quantised_codes(bottleneck, digits):
    model = Autoencoder(4, bottleneck=bottleneck, trainer=QUICK, random_state=0).fit(digits)
    report = latent_report(model, digits, random_state=0)
    assert (report.hole_fraction, report.jump, report.mmd, report.active_units) == (None, None, None, None)
    assert report.participation_ratio >= 1
    assert 0 < report.trustworthiness <= 1
    assert "quantised" in str(report)


def test_a_prior_by_its_objective(digits):
    model = Autoencoder(2, objective="wasserstein", trainer=QUICK, random_state=0).fit(digits)
    report = latent_report(model, digits, random_state=0)
    assert report.active_units == 2
    assert report.posterior_mmd is None
    assert names(report) & {"codes follow the prior", "codes do not follow the prior"}


def test_codes_that_repeat(normal):
    X = np.round(normal.clip(-1, 1))
    report = latent_report(by_hand(same, same, X), X, random_state=0)
    assert report.hole_fraction is None
    assert report.path_ratio == pytest.approx(1, abs=1e-5)
    assert "of the codes differ" in str(report)
    assert "healthy" not in names(report)  # where the codes lie was not looked at


def test_a_constant_code_is_a_fault(normal):
    report = latent_report(by_hand(lambda x: 0 * x, same, normal), normal, random_state=0)
    assert (report.hole_fraction, report.jump, report.trustworthiness) == (None, None, None)
    assert [(f.name, f.severity) for f in report.findings] == [("constant code", "warning")]


def test_one_sample_is_refused(variational, digits):
    with pytest.raises(ValueError, match="at least 2 samples, and judged by no fewer than 40; got 1. Give more"):
        latent_report(variational, digits[:1], random_state=0)
    with pytest.raises(ValueError, match="got 1"):
        latent_report(variational, digits[:1], held_out=digits, random_state=0)


def test_few_samples_of_a_prior_are_not_judged(variational, digits):
    """Two samples count no units as inactive: by chance two codes agree in some."""
    report = latent_report(variational, digits[:2], random_state=0)
    assert [f.name for f in report.findings] == ["too few samples"]


@pytest.mark.parametrize("n", [2, 3, 20])
def test_few_samples(normal, n):
    report = latent_report(by_hand(same, same, normal), normal[:n], random_state=0)
    assert report.hole_fraction is None
    assert "are too few; 40 are needed" in str(report)
    assert [f.name for f in report.findings] == ["too few samples"]
    assert "no fault" not in str(report)


def test_a_table_of_one_latent_unit(normal):
    X = np.column_stack([normal, normal[:, 0] ** 2])
    report = latent_report(Autoencoder(1, trainer=QUICK, random_state=0).fit(X), X, random_state=0)
    assert report.participation_ratio == pytest.approx(1)
    assert report.hole_fraction is not None


def test_the_random_state_decides_everything(variational, digits, untouched_generators):
    first, second, other = (latent_report(variational, digits, random_state=seed) for seed in (0, 0, 1))
    assert first == second
    assert first != other
    assert not variational.module_.training
    values = [r.hole_fraction for r in (first, other)]
    assert values[0] == pytest.approx(values[1], abs=0.1)


def test_large_samples_get_fewer_lines(monkeypatch, normal):
    from latente.diagnostics.latent import measuring

    asked = []
    monkeypatch.setattr(measuring, "DECODED", 21 * 2 * 40)
    monkeypatch.setattr(
        measuring,
        "straight_paths",
        lambda model, a, b, steps: asked.append(len(a)) or straight_paths(model, a, b, steps),
    )
    model = by_hand(same, same, normal)
    for pairs in (10, 300):
        latent_report(model, normal, pairs=pairs, random_state=0)
    assert asked == [10, 40]


def test_denoising_has_its_own_advice(digits):
    model = latente.DenoisingAutoencoder(4, corruption="masking:0.9", trainer=QUICK, random_state=0).fit(digits)
    report = latent_report(model, digits, random_state=0)
    assert report.cycle_gap > 0.2
    assert "weaker corruption" in report.verdict


def test_rows_and_pairs_are_limits(normal):
    report = latent_report(by_hand(same, same, normal), normal, held_out=normal, rows=100, pairs=1, random_state=0)
    assert (report.codes, report.held_out) == (100, 100)


def test_every_measure_is_an_attribute_and_a_line(ideal):
    fields = {field.name for field in dataclasses.fields(LatentReport)}
    known = {measure.name for measure in MEASURES}
    assert fields - known == {"latent_dim", "codes", "held_out", "skipped", "findings"}
    assert known <= fields
    assert [row.measure for row in ideal.rows] == list(MEASURES)
    lines = str(ideal).splitlines()
    assert all(line.startswith(measure.title) for line, measure in zip(lines[1:], MEASURES, strict=False))
    assert len({len(line) for line in lines[: len(MEASURES) + 1]}) == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        ideal.jump = 0.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rows": 1}, "rows must be an integer of at least 2; got 1"),
        ({"pairs": 0}, "pairs must be an integer of at least 1; got 0"),
        ({"random_state": "x"}, "random_state must be"),
        ({"held_out": np.zeros((5, 3))}, "features|shape"),
    ],
)
def test_mistakes(normal, arguments, message):
    model = by_hand(same, same, normal)
    with pytest.raises(ValueError, match=message):
        latent_report(model, normal, **arguments)


def test_what_is_no_fitted_model(normal):
    from sklearn.decomposition import PCA
    from sklearn.exceptions import NotFittedError

    with pytest.raises(TypeError, match="fitted autoencoder of latente; got PCA"):
        latent_report(PCA(2).fit(normal), normal)
    with pytest.raises(NotFittedError):
        latent_report(Autoencoder(2), normal)


def test_coverage_is_that_of_the_density_that_samples_come_from():
    made = {"latent_dim": 2, "codes": 100, "held_out": 25, "coverage_fitted": 0.4}
    assert LatentReport(**made).coverage == 0.4
    assert LatentReport(**made, coverage_normal=0.7).coverage == 0.7
