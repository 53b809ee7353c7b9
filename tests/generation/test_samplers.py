"""All samplers: what every one must do, and what each computes."""

# latente.generation is reached through `latente` inside the tests only: it registers parts when it is imported, and
# tests/parts goes through all that are registered when its tests are collected.

from __future__ import annotations

import copy
import json

import numpy as np
import pytest
from scipy.stats import gaussian_kde, multivariate_normal, norm
from sklearn.exceptions import NotFittedError
from sklearn.mixture import GaussianMixture

import latente

ALL = [
    "gaussian",
    "mixture:3",
    "kde",
    "kde:scott",
    "flow:maf,epochs=8",
    "flow:spline,epochs=8",
    "second_stage:epochs=40",
]
QUICK = ["gaussian", "mixture:3", "kde", "flow:maf,epochs=2", "second_stage:epochs=2"]
every_sampler = pytest.mark.parametrize("text", ALL)
quick_sampler = pytest.mark.parametrize("text", QUICK)
MEAN, COVARIANCE = np.array([3.0, -50.0]), np.array([[4.0, 12.0], [12.0, 100.0]])


def sampler(text):
    return latente.Sampler.from_string(text)


def codes(n=2000, seed=0):
    return np.random.default_rng(seed).multivariate_normal(MEAN, COVARIANCE, n)


def labelled(n=300):
    """Three clusters and the labels that name them."""
    y = np.repeat(["a", "b", "c"], [n // 2, n // 3, n - n // 2 - n // 3])
    centres = {"a": 0.0, "b": 20.0, "c": 40.0}
    noise = np.random.default_rng(0).normal(size=(n, 2))
    return noise + np.array([centres[label] for label in y])[:, None], y


@every_sampler
def test_samples_have_the_moments_and_the_density_of_the_codes(text, untouched_generators):
    fitted = sampler(text).fit(codes(), random_state=0)
    drawn = fitted.sample(20_000, random_state=1)
    assert drawn.shape == (20_000, 2)
    spread = np.sqrt(np.diag(COVARIANCE))
    np.testing.assert_allclose((drawn.mean(0) - MEAN) / spread, 0, atol=0.15)
    np.testing.assert_allclose(drawn.std(0) / spread, 1, atol=0.15)
    assert np.corrcoef(drawn.T)[0, 1] == pytest.approx(0.6, abs=0.1)
    fresh = codes(500, 5)
    true = multivariate_normal(MEAN, COVARIANCE).logpdf(fresh).mean()
    assert fitted.log_density(fresh).mean() == pytest.approx(true, abs=0.15)


@pytest.mark.parametrize("text", ["gaussian", "mixture:3", "kde", "flow:maf,epochs=8", "flow:spline,epochs=8"])
def test_densities_integrate_to_one(text):
    fitted = sampler(text).fit(codes(500), random_state=0)
    axes = [np.linspace(m - 9 * s, m + 9 * s, 220) for m, s in zip(MEAN, np.sqrt(np.diag(COVARIANCE)), strict=True)]
    grid = np.stack(np.meshgrid(*axes), -1).reshape(-1, 2)
    cell = np.prod([axis[1] - axis[0] for axis in axes])
    assert np.exp(fitted.log_density(grid)).sum() * cell == pytest.approx(1, abs=0.01)


def test_a_second_stage_draws_as_widely_as_its_codes():
    """Nine skewed clusters, correlated: with u ~ N(0, I) the draws have 0.78 of the variance."""

    def shaped(n, seed):
        fixed, rng = np.random.default_rng(0), np.random.default_rng(seed)
        centres, mix = 2 * fixed.normal(size=(9, 6)), fixed.normal(size=(6, 6))
        return (centres[rng.integers(9, size=n)] + 0.5 * rng.exponential(size=(n, 6))) @ mix

    known, others = shaped(2000, 1), shaped(20_000, 2)
    fitted, plain = (sampler(f"second_stage:epochs=20,n_components={n}").fit(known, random_state=0) for n in (10, 0))
    drawn = fitted.sample(20_000, random_state=0)
    np.testing.assert_allclose(drawn.var(0) / others.var(0), 1, atol=0.1)
    np.testing.assert_allclose(np.corrcoef(drawn.T), np.corrcoef(others.T), atol=0.1)
    assert plain.sample(20_000, random_state=0).var(0).sum() < 0.85 * others.var(0).sum()
    assert fitted.log_density(others[:1000]).mean() > plain.log_density(others[:1000]).mean() + 0.5


def test_the_density_of_a_second_stage_is_that_of_its_model_where_the_prior_is_normal():
    fitted = sampler("second_stage:epochs=3,n_components=0").fit(codes(200), random_state=0)
    fresh = codes(50, 1)
    model, scaled = fitted.densities_[0].model(), (fresh - fitted.shift_) / fitted.scale_
    expected = model.log_likelihood(scaled.astype(np.float32), 100, random_state=0)
    expected = expected + np.log(np.broadcast_to(model.schema_.factor, 2)).sum() - np.log(fitted.scale_).sum()
    np.testing.assert_allclose(fitted.log_density(fresh), expected, atol=0.1)


@quick_sampler
def test_random_state_decides_fit_and_draws(text, untouched_generators):
    first, second = (sampler(text).fit(codes(200), random_state=3) for _ in range(2))
    draws = [fitted.sample(50, random_state=4) for fitted in (first, second)]
    assert (draws[0] == draws[1]).all()
    assert (first.sample(50, random_state=5) != draws[0]).any()
    assert (first.log_density(codes(20, 1)) == second.log_density(codes(20, 1))).all()


@quick_sampler
def test_temperature_scales_the_spread(text):
    fitted = sampler(text).fit(codes(500), random_state=0)
    spreads = [fitted.sample(4000, temperature=t, random_state=0).std(0) for t in (0.0, 0.5, 1.0)]
    assert (spreads[0] <= spreads[1]).all()
    assert (spreads[1] <= spreads[2]).all()
    assert (spreads[0] < spreads[2]).all()
    if text == "gaussian":
        np.testing.assert_allclose(spreads[0], 0, atol=1e-9)
        np.testing.assert_allclose(spreads[1], 0.5 * spreads[2])


@quick_sampler
def test_one_density_for_each_label(text):
    z, y = labelled()
    fitted = sampler(text).fit(z, y, random_state=0)
    assert fitted.classes_.tolist() == ["a", "b", "c"]
    for label, centre in (("a", 0), ("b", 20), ("c", 40)):
        assert np.median(fitted.sample(200, y=label, random_state=0)) == pytest.approx(centre, abs=2)
    mixed = fitted.sample(4, y=["c", "a", "a", "c"], temperature=0.1, random_state=0).mean(1)
    np.testing.assert_allclose(mixed, [40, 0, 0, 40], atol=6)
    free = fitted.sample(3000, random_state=0).mean(1)
    assert (free < 10).mean() == pytest.approx(0.5, abs=0.04)


def test_the_density_without_a_label_is_the_weighted_sum():
    z, y = labelled()
    fitted = sampler("gaussian").fit(z, y)
    parts = [np.log(w) + fitted.log_density(z, y=label) for w, label in zip((0.5, 1 / 3, 1 / 6), "abc", strict=True)]
    np.testing.assert_allclose(fitted.log_density(z), np.logaddexp.reduce(parts))
    own = multivariate_normal(z[y == "b"].mean(0), np.cov(z[y == "b"].T, bias=True)).logpdf(z)
    np.testing.assert_allclose(fitted.log_density(z, y="b"), own, rtol=1e-3, atol=1e-3)


def test_gaussian_against_scipy():
    z, x = codes(300), codes(50, 1)
    ours = sampler("gaussian").fit(z).log_density(x)
    np.testing.assert_allclose(ours, multivariate_normal(z.mean(0), np.cov(z.T, bias=True)).logpdf(x), atol=1e-3)


def test_mixture_against_scikit_learn():
    z = codes(300)
    scaled = (z - z.mean(0)) / z.std(0)
    fitted = sampler("mixture:3").fit(z, random_state=0)
    seed = int(np.random.SeedSequence(0).generate_state(1)[0])
    theirs = GaussianMixture(3, max_iter=200, random_state=seed).fit(scaled)
    np.testing.assert_allclose(fitted.log_density(z), theirs.score_samples(scaled) - np.log(z.std(0)).sum(), rtol=1e-9)


@pytest.mark.parametrize(("text", "method"), [("kde:scott", "scott"), ("kde:silverman", "silverman"), ("kde:0.3", 0.3)])
def test_kernels_against_scipy(text, method):
    z, x = codes(300), codes(50, 1)
    ours = sampler(text).fit(z).log_density(x)
    np.testing.assert_allclose(ours, gaussian_kde(z.T, method).logpdf(x.T), atol=2e-3)


def test_cross_validation_finds_a_narrow_kernel_for_clusters():
    rng = np.random.default_rng(0)
    z, x = (rng.normal(100 * rng.integers(8, size=(800, 1)), 1.0) for _ in range(2))
    found = [sampler(text).fit(z, random_state=0).log_density(x).mean() for text in ("kde:cv", "kde:scott")]
    assert found[0] > found[1] + 1


def bandwidth(z) -> float:
    """The kernels' width in standard deviations: det(L)^(1/d) of standardised codes, over that of their correlation."""
    fitted = sampler("kde").fit(z, random_state=0)
    determinant = np.linalg.det(fitted.densities_[0].factor) / np.linalg.det(np.corrcoef(z.T)) ** 0.5
    return float(determinant ** (1 / z.shape[1]))


@pytest.mark.parametrize("rounding", [0, 1e-7])
def test_cross_validation_leaves_out_all_codes_that_are_equal(rounding):
    z = np.random.default_rng(0).normal(size=(400, 4))
    twice = np.concatenate([z, z * (1 + rounding)])
    assert bandwidth(twice) == pytest.approx(bandwidth(z), rel=0.25)
    assert bandwidth(twice) > 0.4


def test_a_bandwidth_at_the_end_of_those_tried_warns():
    rng = np.random.default_rng(0)
    z = np.repeat(rng.normal(size=(200, 4)), 2, axis=0)
    near_copies = z + 1e-3 * rng.normal(size=z.shape)
    with pytest.warns(latente.generation.BandwidthWarning, match="the lowest bandwidth.*repeat the codes.*'scott'"):
        sampler("kde").fit(near_copies, random_state=0)


@pytest.mark.parametrize("kind", ["spline", "maf"])
def test_a_flow_of_one_number_has_the_density_of_a_gaussian(kind):
    rng = np.random.default_rng(0)
    z, x = rng.normal(5.0, 2.0, size=(300, 1)), rng.normal(5.0, 2.0, size=(2000, 1))
    fitted = sampler(f"flow:{kind},epochs=120").fit(z, random_state=0)
    best = norm(z.mean(), z.std()).logpdf(x).mean()
    assert fitted.log_density(x).mean() > best - 0.05
    drawn = fitted.sample(4000, random_state=0)
    assert abs(drawn.mean() - z.mean()) < 2.0 / 30**0.5  # 30 held-out codes choose the epoch
    assert abs(drawn.std() / z.std() - 1) < 0.1


def test_a_flow_takes_enough_steps_for_few_codes():
    few, many = (sampler("flow").resolve_epochs(steps) for steps in (2, 40))
    assert (few, many) == (250, 30)  # 500 steps at least
    assert sampler("flow:epochs=7").resolve_epochs(2) == 7


def test_a_flow_bends_where_a_gaussian_cannot():
    rng = np.random.default_rng(0)
    z, x = (np.stack([u, u**2 + rng.normal(0, 0.2, 1500)], 1) for u in rng.normal(size=(2, 1500)))
    found = {t: sampler(t).fit(z, random_state=0).log_density(x).mean() for t in ("gaussian", "flow:epochs=12")}
    assert found["flow:epochs=12"] > found["gaussian"] + 0.5


@quick_sampler
def test_codes_that_do_not_vary_and_single_columns(text):
    z = codes(200)
    z[:, 1] = 7.0
    drawn = sampler(text).fit(z, random_state=0).sample(100, random_state=0)
    np.testing.assert_allclose(drawn[:, 1], 7, atol=1e-3)
    one = sampler(text).fit(codes(200)[:, :1], random_state=0)
    assert one.sample(5, random_state=0).shape == (5, 1)
    assert np.isfinite(one.log_density([[3.0]])).all()


@every_sampler
def test_samplers_are_value_objects(text):
    part = sampler(text)
    assert part == copy.deepcopy(part) == sampler(text)
    again = type(part).from_dict(json.loads(json.dumps(part.to_dict())))
    assert again == part
    assert type(part)(**part.get_params()) == part
    assert latente.Sampler.from_string("mixture:20") == latente.MixtureSampler(20)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sampler("mixtur"), r"unknown sampler 'mixtur'; known: .*Did you mean 'mixture'"),
        (lambda: sampler("mixture:0").fit(codes(9)), "n_components must be an integer of at least 1; got 0"),
        (lambda: sampler("mixture:50").fit(codes(9)), r"50 components need as many codes .* got 9"),
        (lambda: sampler("kde:-1").fit(codes(9)), "bandwidth must be one of scott, silverman, cv"),
        (lambda: sampler("flow:planar").fit(codes(9)), "kind must be one of spline, maf; got 'planar'"),
        (lambda: sampler("flow:epochs=0").fit(codes(9)), "epochs must be"),
        (lambda: sampler("flow:epochs=some").fit(codes(9)), "epochs must be an integer of at least 1 or 'auto'"),
        (lambda: sampler("second_stage:epochs=0").fit(codes(9)), "epochs must be"),
        (lambda: sampler("second_stage:n_components=-1").fit(codes(9)), "n_components must be"),
        (lambda: sampler("gaussian:0").fit(codes(9)), "regularization must be above 0"),
        (lambda: sampler("gaussian").fit(codes(1)), "n at least 2"),
        (lambda: sampler("gaussian").fit(codes(9)[:, 0]), r"codes must have shape \(n, latent_dim\); got \(9,\)"),
        (lambda: sampler("gaussian").fit(codes(9) * np.nan), "NaN"),
        (lambda: sampler("gaussian").fit(codes(9), [0, 1]), r"one label for each of the 9 samples.*got \(2,\)"),
        (lambda: sampler("gaussian").fit(codes(3), [0, 0, 1]), "every label needs at least 2 samples; 1 has 1"),
        (lambda: sampler("gaussian").fit(codes(2), [0.5, 0.5]), "integers, booleans or strings; got dtype float64"),
        (lambda: sampler("gaussian").fit(codes(9)).sample(0), "n must be an integer of at least 1; got 0"),
        (lambda: sampler("gaussian").fit(codes(9)).sample(2, temperature=-1), "temperature must be .* got -1"),
        (lambda: sampler("gaussian").fit(codes(9)).sample(2, y=1), "fit got no labels"),
        (lambda: sampler("gaussian").fit(codes(4), [0, 0, 1, 1]).sample(2, y=3), "unknown label 3; fit got 0, 1"),
        (lambda: sampler("gaussian").fit(codes(9)).log_density([[1.0]]), r"shape \(n, 2\)"),
    ],
)
def test_mistakes(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_before_fit():
    with pytest.raises(NotFittedError, match="call fit"):
        sampler("kde").sample(3)
    with pytest.raises(NotFittedError, match="call fit"):
        sampler("kde").log_density(codes(3))


def test_the_extra_is_named_where_zuko_is_missing(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "zuko", None)
    with pytest.raises(ImportError, match=r"latente\[flows\]"):
        sampler("flow").fit(codes(9))
