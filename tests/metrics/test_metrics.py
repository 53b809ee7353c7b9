"""Metrics against scikit-learn, full singular value decompositions and the formulas."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_wine
from sklearn.decomposition import PCA
from sklearn.metrics import mean_squared_error, r2_score

from latente.metrics import (
    active_units,
    baselines,
    explained_variance,
    fit_pca,
    mean_error,
    pca_error,
    psnr,
    squared_error,
)

SHAPES = [(9, 4), (9, 1), (9, 5, 6), (9, 2, 3, 4)]


def pair(shape, dtype=np.float64):
    rng = np.random.default_rng(0)
    return rng.normal(size=shape).astype(dtype), rng.normal(size=shape).astype(dtype)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_squared_error_is_a_sum_for_each_sample(shape, dtype):
    x, x_hat = pair(shape, dtype)
    expected = [((a.astype(float) - b.astype(float)) ** 2).sum() for a, b in zip(x, x_hat, strict=True)]
    assert squared_error(x, x_hat).dtype == np.float64
    np.testing.assert_allclose(squared_error(x, x_hat), expected, rtol=1e-12)
    rows = mean_squared_error(x.reshape(9, -1).T, x_hat.reshape(9, -1).T, multioutput="raw_values")
    np.testing.assert_allclose(squared_error(x, x_hat), rows * x[0].size, rtol=1e-6)


def test_bytes_do_not_wrap_around():
    dark, bright = np.zeros((2, 3), np.uint8), np.full((2, 3), 255, np.uint8)
    for a, b in ((dark, bright), (bright, dark)):
        np.testing.assert_array_equal(squared_error(a, b), [3 * 255**2] * 2)
    assert explained_variance(np.array([[0], [255]], np.uint8), np.array([[0], [255]], np.uint8)) == 1


def test_shapes_have_to_agree():
    for function in (squared_error, psnr, explained_variance):
        with pytest.raises(ValueError, match=r"one shape; got \(2, 3\) and \(2, 1\)"):
            function(np.zeros((2, 3)), np.zeros((2, 1)))


@pytest.mark.parametrize("data_range", [1.0, 2.0, 255.0])
@pytest.mark.parametrize("shape", SHAPES)
def test_psnr(shape, data_range):
    x, x_hat = pair(shape)
    mse = np.array([mean_squared_error(a.ravel(), b.ravel()) for a, b in zip(x, x_hat, strict=True)])
    np.testing.assert_allclose(psnr(x, x_hat, data_range), 10 * np.log10(data_range**2 / mse))
    assert np.isinf(psnr(x, x, data_range)).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_explained_variance_is_the_variance_weighted_r2(shape):
    x, x_hat = pair(shape)
    x_hat = x + 0.3 * x_hat
    expected = r2_score(x.reshape(9, -1), x_hat.reshape(9, -1), multioutput="variance_weighted")
    assert explained_variance(x, x_hat) == pytest.approx(expected)


def test_explained_variance_at_its_marks():
    x, _ = pair((9, 4))
    assert explained_variance(x, x) == 1
    assert explained_variance(x, np.broadcast_to(x.mean(0), x.shape)) == pytest.approx(0)
    assert explained_variance(x, x + 10) < 0
    assert np.isnan(explained_variance(np.ones((3, 2)), np.ones((3, 2))))


@pytest.mark.parametrize("shape", SHAPES)
def test_the_mean_sample(shape):
    x, reference = pair(shape)
    expected = ((x - reference.mean(0)) ** 2).reshape(9, -1).sum(1).mean()
    assert mean_error(x, reference) == pytest.approx(expected)
    # Of the reference itself it is its total variance.
    assert mean_error(reference, reference) == pytest.approx(reference.reshape(9, -1).var(0).sum())


@pytest.mark.parametrize("components", [1, 3, 8])
def test_pca_leaves_the_small_eigenvalues(components):
    X = load_wine().data
    X = (X - X.mean(0)) / X.std(0)
    singular = np.linalg.svd(X - X.mean(0), compute_uv=False)
    assert pca_error(X, X, components) == pytest.approx((singular[components:] ** 2).sum() / len(X))


def test_pca_on_samples_that_it_has_not_seen():
    images = load_digits().images
    train, test = images[:1000], images[1000:]
    pca = PCA(10, svd_solver="full").fit(train.reshape(1000, -1))
    rows = test.reshape(len(test), -1)
    expected = ((rows - pca.inverse_transform(pca.transform(rows))) ** 2).sum(1).mean()
    assert pca_error(test, train, 10) == pytest.approx(expected)
    assert fit_pca(train, 10).components_.shape == (10, 64)


@pytest.mark.parametrize(("n", "d", "components"), [(5, 20, 50), (20, 5, 50), (4, 4, 4), (2, 1, 1)])
def test_as_many_components_as_there_are(n, d, components):
    x, _ = pair((n, d))
    assert pca_error(x, x, components) == pytest.approx(0, abs=1e-12)


def test_pca_of_bytes_is_that_of_their_values():
    x = np.random.default_rng(0).integers(0, 256, size=(60, 4, 4), dtype=np.uint8)
    assert pca_error(x, x, 3) == pytest.approx(pca_error(x.astype(float), x.astype(float), 3))


def test_large_data_is_sampled_and_wide_data_randomised(monkeypatch):
    """Structure of rank 4 plus noise of variance 0.01: any sample and solver finds it within a few per cent."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 4)) @ rng.normal(size=(4, 50)) + 0.1 * rng.normal(size=(600, 50))
    exact = pca_error(x, x, 4)
    monkeypatch.setattr(baselines, "LARGEST_SAMPLE", 300)
    assert exact < pca_error(x, x, 4) < 1.1 * exact
    assert pca_error(x, x, 4) == pca_error(x, x, 4)
    monkeypatch.setattr(baselines, "LARGEST_EXACT", 10)
    assert exact < pca_error(x, x, 4) < 1.1 * exact
    assert fit_pca(x, 4).components_.dtype == np.float32


def test_active_units_vary_over_the_data():
    codes = np.random.default_rng(0).normal(size=(10_000, 4)) * [0.0, 0.05, 0.2, 1.0]
    assert active_units(codes).tolist() == [False, False, True, True]
    assert active_units(codes, threshold=0.5).tolist() == [False, False, False, True]
    assert active_units(codes + 100).tolist() == [False, False, True, True]
    assert active_units(codes.reshape(10_000, 2, 2)).shape == (4,)


def test_lists_are_taken_as_arrays():
    x, x_hat = pair((5, 3))
    for function in (squared_error, psnr, explained_variance):
        np.testing.assert_array_equal(function(x.tolist(), x_hat.tolist()), function(x, x_hat))


def test_psnr_of_integers_knows_their_range():
    """Bytes by 255, as scikit-image has it; signed integers have no range that pictures share."""
    x, x_hat = np.full((2, 4, 4), 100, np.uint8), np.full((2, 4, 4), 110, np.uint8)
    np.testing.assert_allclose(psnr(x, x_hat), 10 * np.log10(255**2 / 100))
    wide = psnr(x.astype(np.uint16) * 257, x_hat.astype(np.uint16) * 257)
    np.testing.assert_allclose(wide, psnr(x, x_hat))
    with pytest.raises(ValueError, match="data_range is the range of possible values; give it for values of int32"):
        psnr(x.astype(np.int32), x_hat.astype(np.int32))


def test_active_units_of_half_precision():
    """Squares of values around 100 overflow float16."""
    codes = 100 + np.array([0.2, 0.05]) * np.random.default_rng(0).normal(size=(1000, 2))
    assert active_units(codes.astype(np.float16)).tolist() == [True, False]
