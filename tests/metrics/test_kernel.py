"""The discrepancy against sums written out and against its closed form between Gaussians."""

from __future__ import annotations

import numpy as np
import pytest

from latente.metrics import median_bandwidth, rbf_mmd, rbf_mmd_threshold


def normal(n, d, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def test_the_formula():
    a, b, s = normal(7, 3), normal(5, 3, 1), 1.7

    def k(x, y):
        return np.exp(-((x - y) ** 2).sum() / (2 * s * s))

    aa = np.mean([k(x, y) for i, x in enumerate(a) for j, y in enumerate(a) if i != j])
    bb = np.mean([k(x, y) for i, x in enumerate(b) for j, y in enumerate(b) if i != j])
    ab = np.mean([k(x, y) for x in a for y in b])
    assert rbf_mmd(a, b, bandwidth=s) == pytest.approx(aa + bb - 2 * ab, abs=1e-12)
    assert rbf_mmd(b, a, bandwidth=s) == pytest.approx(rbf_mmd(a, b, bandwidth=s), abs=1e-12)


def test_the_bandwidth_is_the_median_distance():
    a, b = normal(7, 3), normal(5, 3, 1)
    pooled = np.concatenate([a, b])
    distances = [np.linalg.norm(pooled[i] - pooled[j]) for i in range(12) for j in range(i)]
    assert median_bandwidth(a, b) == pytest.approx(np.median(distances))
    assert rbf_mmd(a, b) == rbf_mmd(a, b, bandwidth=median_bandwidth(a, b))
    assert rbf_mmd(np.zeros((3, 2)), np.zeros((3, 2))) == 0


@pytest.mark.parametrize(("d", "shift"), [(1, 0.0), (1, 1.0), (2, 2.0), (8, 1.5)])
def test_between_gaussians(d, shift):
    """For N(0, I) and N(m, I) it is 2 (s^2 / (s^2 + 2))^(d / 2) (1 - exp(-|m|^2 / (2 (s^2 + 2))))."""
    s, m = 1.5, np.zeros(d)
    m[0] = shift
    expected = 2 * (s**2 / (s**2 + 2)) ** (d / 2) * (1 - np.exp(-(shift**2) / (2 * (s**2 + 2))))
    found = np.mean([rbf_mmd(normal(500, d, i), m + normal(500, d, 100 + i), bandwidth=s) for i in range(6)])
    assert found == pytest.approx(expected, abs=0.008)


def test_the_threshold_holds_in_95_of_100_cases(untouched_generators):
    below = [
        rbf_mmd(a, b) <= rbf_mmd_threshold(a, b, permutations=100, random_state=i)
        for i in range(150)
        for a, b in [(normal(25, 2, i), normal(25, 2, 1000 + i))]
    ]
    assert 0.88 <= np.mean(below) <= 0.99


def test_the_threshold_is_decided_by_its_seed():
    a, b = normal(30, 2), normal(30, 2, 1)
    assert rbf_mmd_threshold(a, b, random_state=1) == rbf_mmd_threshold(a, b, random_state=1)
    assert rbf_mmd_threshold(a, b, random_state=1) != rbf_mmd_threshold(a, b, random_state=2)
    assert rbf_mmd_threshold(a, b, level=0.5) < rbf_mmd_threshold(a, b, level=0.99)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda a: rbf_mmd(a, a[:1]), "at least 2 points each; got 9 and 1"),
        (lambda a: rbf_mmd(a, a[:, :1]), "as many columns; got 2 and 1"),
        (lambda a: rbf_mmd(a, a, bandwidth=0), "bandwidth must be a positive number or None; got 0"),
        (lambda a: rbf_mmd_threshold(a, a, level=95), "level must be a number between 0 and 1; got 95"),
        (lambda a: rbf_mmd_threshold(a, a, permutations=0), "permutations must be an integer"),
        (lambda a: rbf_mmd(a * np.inf, a), "a must be finite"),
    ],
)
def test_mistakes(call, message):
    with pytest.raises(ValueError, match=message):
        call(1 + np.abs(normal(9, 2)))
