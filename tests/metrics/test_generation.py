"""Fréchet distance, density, coverage, precision, recall and copies, against closed forms and plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import sqrtm

from latente.metrics import (
    density_coverage,
    frechet_distance,
    frechet_normal,
    memorization,
    nearest_neighbors,
    precision_recall,
)


def points(n, d, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def distances(a, b):
    return np.array([[np.sqrt(((x - y) ** 2).sum()) for y in b] for x in a])


def radii(points, k):
    return np.sort(distances(points, points), axis=1)[:, k]  # the first is the point itself


def test_frechet_of_normal_distributions_with_commuting_covariances():
    """For diagonal covariances it is ||m - m'||^2 + sum (s - s')^2 (Dowson & Landau, 1982)."""
    s, t = np.array([1.0, 2.0, 0.0]), np.array([3.0, 0.5, 1.0])
    expected = 25 + ((s - t) ** 2).sum()
    assert frechet_normal([0, 0, 0], np.diag(s**2), [3, 0, 4], np.diag(t**2)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("d", [1, 2, 7])
def test_frechet_distance_against_scipys_matrix_root(d):
    a, b = points(50, d) @ points(d, d, 1), points(60, d, 2) + 1
    first, second = (np.atleast_2d(np.cov(x, rowvar=False)) for x in (a, b))
    root = np.real(sqrtm(first @ second))
    difference = a.mean(0) - b.mean(0)
    expected = difference @ difference + np.trace(first + second - 2 * root)
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-9)
    assert frechet_distance(b, a) == pytest.approx(expected, rel=1e-9)


def test_frechet_distance_of_a_set_to_itself_moved_and_turned():
    a = points(100, 5)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-10)
    assert frechet_distance(a, a + 2) == pytest.approx(4 * 5)
    turn = np.linalg.qr(points(5, 5, 1))[0]
    assert frechet_distance(a @ turn, 3 * a @ turn) == pytest.approx(frechet_distance(a, 3 * a))


def test_frechet_distance_with_fewer_points_than_columns():
    a, b = points(5, 20), points(6, 20, 1)
    values = np.linalg.eigvals(np.cov(a.T) @ np.cov(b.T))
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.cov(a.T).trace() + np.cov(b.T).trace()
    expected -= 2 * np.sqrt(np.maximum(values.real, 0)).sum()
    with pytest.warns(UserWarning, match="5 points are too few to know the covariance of 20 columns"):
        found = frechet_distance(a, b)
    assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("k", [1, 3, 5])
def test_density_coverage_precision_and_recall_against_their_definitions(k):
    real, fake = points(60, 3), points(45, 3, 1) * 0.7 + 0.3
    inside = distances(real, fake) <= radii(real, k)[:, None]  # (real, fake)
    found = density_coverage(real, fake, k)
    assert found.density == pytest.approx(inside.sum() / (k * len(fake)))
    assert found.coverage == pytest.approx(inside.any(1).mean())
    both = precision_recall(real, fake, k)
    assert both.precision == pytest.approx(inside.any(0).mean())
    assert both.recall == pytest.approx((distances(real, fake) <= radii(fake, k)).any(1).mean())


def test_what_the_same_distribution_gets():
    """Density about 1 and coverage about 1 - 2^-k (Naeem et al., 2020)."""
    found = density_coverage(points(3000, 4), points(3000, 4, 1), 5)
    assert found.density == pytest.approx(1, abs=0.05)
    assert found.coverage == pytest.approx(1 - 2**-5, abs=0.01)


def test_one_mode_of_two_is_precise_but_does_not_cover():
    real, fake = np.concatenate([points(300, 2), points(300, 2, 1) + 50]), points(600, 2, 2)
    assert density_coverage(real, fake).coverage < 0.51
    found = precision_recall(real, fake)
    assert found.precision > 0.95
    assert found.recall < 0.51


def test_nearest_neighbors_against_a_loop():
    samples, train = points(20, 3), points(30, 3, 1)
    table, found = distances(samples, train), nearest_neighbors(samples, train)
    assert (found.index == table.argmin(1)).all()
    np.testing.assert_allclose(found.distance, table.min(1))


def test_memorization_tells_copies_from_new_samples():
    train, held_out, fresh = points(1000, 4), points(1000, 4, 1), points(1000, 4, 2)
    new = memorization(fresh, train, held_out)
    assert new.near_copies == pytest.approx(0.01, abs=0.01)
    assert new.median_ratio == pytest.approx(1, abs=0.05)
    copies = memorization(np.concatenate([train[:5], train[5:10] + 1e-4]), train, held_out)
    assert (copies.index == np.arange(10)).all()
    assert (copies.distance[:5] == 0).all()
    assert copies.near_copies == 1
    assert copies.median_ratio < 1e-3


def test_what_was_found_is_said_in_a_line_however_many_samples_there_are():
    train = points(1000, 4)
    found = memorization(train[:400], train, points(1000, 4, 1))
    assert repr(found) == "Memorization(of 400 samples, median_ratio=0, near_copies=1)"
    assert repr(nearest_neighbors(train[:2] + np.array([1e-3, 0, 0, 0]), train)) == (
        "Neighbors(of 2 samples, at distances of 0.001 to 0.001)"
    )


def test_pictures_are_flattened():
    pictures = np.random.default_rng(0).integers(0, 256, (40, 4, 4)).astype(np.uint8)
    assert frechet_distance(pictures[:20], pictures[20:]) == frechet_distance(
        pictures[:20].reshape(20, 16), pictures[20:].reshape(20, 16)
    )
    assert (nearest_neighbors(pictures, pictures).distance == 0).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: frechet_distance(points(5, 2), points(5, 3)), "as many columns; got 2 and 3"),
        (lambda: frechet_distance([[1.0]], points(5, 1)), "n at least 2"),
        (lambda: frechet_distance(np.full((3, 2), np.nan), points(5, 2)), "NaN or infinite"),
        (lambda: density_coverage(points(5, 2), points(5, 2), 5), "k must be an integer from 1 to 4"),
        (lambda: precision_recall(points(9, 2), points(3, 2), 3), "k must be an integer from 1 to 2"),
        (lambda: nearest_neighbors(points(5, 2), points(5, 3)), "as many columns"),
        (lambda: memorization(points(5, 2), points(5, 2), points(5, 2)), "held_out .* not trained on"),
    ],
)
def test_mistakes(call, message):
    with pytest.raises(ValueError, match=message):
        call()
