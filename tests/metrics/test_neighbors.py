"""Neighbours against full distance matrices, the formulas written out, and what equal distributions must give."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from latente.metrics import code_coverage, code_density, continuity, hole_fraction, kth_distance, trustworthiness


def normal(n, d, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


@pytest.mark.parametrize("d", [1, 2, 8, 40])
@pytest.mark.parametrize("k", [1, 5])
def test_kth_distance(d, k):
    points, queries = normal(90, d), normal(70, d, 1)
    np.testing.assert_allclose(kth_distance(points, queries, k), np.sort(cdist(queries, points), 1)[:, k - 1])
    np.testing.assert_allclose(kth_distance(points, k=k), np.sort(cdist(points, points), 1)[:, k])


def test_distances_far_from_the_origin_keep_their_digits():
    points = normal(100, 30)
    np.testing.assert_allclose(kth_distance(points + 1e6), kth_distance(points), rtol=1e-6)


def test_repeated_points_are_neighbours():
    np.testing.assert_array_equal(kth_distance([[0.0], [0.0], [0.0], [4.0]], k=2), [0, 0, 0, 4])


@pytest.mark.parametrize("d", [1, 2, 6])
def test_draws_of_the_same_distribution(d):
    codes, draws = normal(4000, d), normal(4000, d, 1)
    assert hole_fraction(codes, draws) == pytest.approx(0.01, abs=0.007)
    assert hole_fraction(codes, draws, quantile=0.9) == pytest.approx(0.1, abs=0.025)
    n = m = 4000
    expected = 1 - np.prod([(n - i) / (n + m - i) for i in range(1, 6)])  # Naeem et al. (2020), appendix
    assert code_coverage(codes, draws) == pytest.approx(expected, abs=0.012)
    assert code_density(codes, draws) == pytest.approx(1, abs=0.1)


def test_a_hole_of_known_size():
    rng = np.random.default_rng(0)
    sides = rng.uniform(1, 1.1, 2000) * rng.choice([-1, 1], 2000)  # nothing between -1 and 1
    draws = rng.uniform(-1.1, 1.1, 4000)
    assert hole_fraction(sides[:, None], draws[:, None]) == pytest.approx(2 / 2.2, abs=0.02)
    assert hole_fraction(draws[:2000, None], sides[:, None]) < 0.05  # the other way round there is none


@pytest.mark.parametrize("k", [1, 3])
def test_density_and_coverage_by_the_formula(k):
    codes, draws = normal(40, 2), 0.5 + normal(30, 2, 1)
    radii = [sorted(np.linalg.norm(codes - c, axis=1))[k] for c in codes]
    inside = np.array([[np.linalg.norm(d - c) <= r for c, r in zip(codes, radii, strict=True)] for d in draws])
    assert code_density(codes, draws, k=k) == pytest.approx(inside.sum() / (k * 30))
    assert code_coverage(codes, draws, k=k) == pytest.approx(inside.any(0).mean())


def test_what_density_and_coverage_are_blind_to():
    codes = normal(1000, 2)
    one_place = np.zeros((1000, 2)) + 1e-3 * normal(1000, 2, 1)
    assert code_density(codes, one_place) > 0.5
    assert code_coverage(codes, one_place) < 0.05
    assert code_density(codes, 100 + codes) == code_coverage(codes, 100 + codes) == 0


def test_trustworthiness_by_the_formula():
    x, z, k, n = normal(60, 5), normal(60, 2, 1), 7, 60
    ranks = cdist(x, x).argsort(1).argsort(1)  # 0 is the point itself
    near = cdist(z, z).argsort(1)[:, 1 : k + 1]
    total = sum(max(0, ranks[i, j] - k) for i in range(n) for j in near[i])
    expected = 1 - 2 / (n * k * (2 * n - 3 * k - 1)) * total
    assert trustworthiness(x, z, k) == pytest.approx(expected, abs=1e-12)
    assert continuity(z, x, k) == pytest.approx(expected, abs=1e-12)
    assert trustworthiness(x, x @ np.linalg.qr(normal(5, 5, 2))[0], k) == 1


def test_samples_of_any_shape():
    assert trustworthiness(normal(30, 12).reshape(30, 3, 2, 2), normal(30, 12), 5) == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: kth_distance(x[:, 0]), r"points must have shape \(n, d\) .*got \(20,\)"),
        (lambda x: kth_distance(x, x[:, :1]), "as many columns; got 2 and 1"),
        (lambda x: kth_distance(x, k=20), "k must be an integer from 1 to 19.*got 20"),
        (lambda x: kth_distance(x, k=0), "k must be an integer from 1 to 19"),
        (lambda x: hole_fraction(x * [1, np.nan], x), "20 of 40 values are NaN"),
        (lambda x: hole_fraction(x, x, quantile=1), "between 0 and 1; got 1"),
        (lambda x: code_density(x, x[:, :1]), "codes and draws must have as many columns"),
        (lambda x: code_coverage(x * np.nan, x), "codes must be finite"),
        (lambda x: hole_fraction(x, x[:, :1]), "codes and draws must have as many columns"),
        (lambda x: code_coverage(x, x[:0]), r"draws must have shape .*at least 1"),
        (lambda x: trustworthiness(x, x[:-1]), "as many rows; got 20 and 19"),
        (lambda x: trustworthiness(x, x, 10), "k must be an integer from 1 to 9"),
    ],
)
def test_mistakes(call, message):
    with pytest.raises(ValueError, match=message):
        call(normal(20, 2))
