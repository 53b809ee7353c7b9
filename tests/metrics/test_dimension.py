"""Dimensions that are known, and the estimators by other means."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import cdist

from latente.metrics import intrinsic_dimension, participation_ratio


@pytest.mark.parametrize("shape", [(200, 6), (20, 50)])
def test_participation_ratio_by_eigenvalues(shape):
    x = np.random.default_rng(0).normal(size=shape) * np.linspace(0.1, 3, shape[1])
    values = np.linalg.eigvalsh(np.cov(x.T)).clip(0)
    assert participation_ratio(x) == pytest.approx(values.sum() ** 2 / np.square(values).sum(), rel=1e-9)
    for other in (1e-200 * x, 1e150 * x, x + 50):
        assert participation_ratio(other) == pytest.approx(participation_ratio(x), rel=1e-6)


def test_participation_ratio_at_its_ends():
    line = np.linspace(0, 1, 50)[:, None] * [1, 2, 3]
    assert participation_ratio(line) == pytest.approx(1)
    assert np.isnan(participation_ratio(np.ones((5, 2))))


@pytest.mark.parametrize("d", [1, 2, 4])
def test_dimension_of_a_cube_in_a_large_space(d):
    rng = np.random.default_rng(d)
    cube = rng.uniform(size=(3000, d)) @ np.linalg.qr(rng.normal(size=(20, d)))[0].T
    assert intrinsic_dimension(cube) == pytest.approx(d, rel=0.08)
    assert intrinsic_dimension(1e3 * cube + 1e4) == pytest.approx(intrinsic_dimension(cube), rel=1e-3)


def test_it_is_the_shape_of_a_pareto_distribution():
    """Facco et al. (2017): the ratios follow a Pareto law whose exponent is the dimension; scipy fits n / sum ln."""
    x = np.random.default_rng(0).normal(size=(500, 3))
    near = np.sort(cdist(x, x), 1)[:, 1:3]
    fitted = stats.pareto.fit(near[:, 1] / near[:, 0], floc=0, fscale=1)[0]
    assert intrinsic_dimension(x) == pytest.approx(fitted * 499 / 500, rel=1e-4)


def test_repeated_rows_count_once():
    x = np.random.default_rng(0).normal(size=(300, 3))
    assert intrinsic_dimension(np.repeat(x, 4, axis=0)) == pytest.approx(intrinsic_dimension(x), rel=1e-9)
    assert np.isnan(intrinsic_dimension(np.ones((10, 3))))


@pytest.mark.parametrize("function", [participation_ratio, intrinsic_dimension])
def test_mistakes(function):
    with pytest.raises(ValueError, match=r"must have shape \(n, d\)"):
        function([[1.0, 2.0]])
    with pytest.raises(ValueError, match="1 of 8 values are NaN"):
        function([[1.0, 2.0], [3.0, np.nan], [5.0, 6.0], [7.0, 8.0]])
