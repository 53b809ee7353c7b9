"""Covariances of clusters with few pictures, beside the same made picture by picture."""

from __future__ import annotations

import numpy as np
import pytest

from latente.codec.images.whole import covariances as module
from latente.codec.images.whole.covariances import copying, covariances, directions


def test_copies_are_moved_and_stretched_pictures():
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 255, (5, 7, 2))
    edges = np.pad(x, [(1, 1), (1, 1), (0, 0)], mode="edge")
    moved = [edges[1:-1, :-2], edges[1:-1, 2:], edges[:-2, 1:-1], edges[2:, 1:-1]]
    found = [(kind @ x.ravel()).reshape(x.shape) for kind in copying(x.shape)]
    assert len(found) == 8
    np.testing.assert_allclose(found[:4], moved, rtol=1e-6)
    for k, part in ((4, 1 / 1.06), (6, 1.06)):
        rows, columns = 2 + (np.arange(5) - 2) * part, 3 + (np.arange(7) - 3) * part
        higher = [[np.interp(rows, np.arange(5), x[:, j, c]) for j in range(7)] for c in range(2)]
        wider = [[np.interp(columns, np.arange(7), x[i, :, c]) for i in range(5)] for c in range(2)]
        np.testing.assert_allclose(found[k], np.transpose(higher, (2, 1, 0)), rtol=1e-5)
        np.testing.assert_allclose(found[k + 1], np.transpose(wider, (1, 2, 0)), rtol=1e-5)


@pytest.mark.parametrize("shape", [None, (3, 4, 1)])
def test_covariances_are_those_of_pictures_and_copies(shape, monkeypatch):
    rng = np.random.default_rng(1)
    x = rng.normal(100, 1 + np.arange(12), (90, 12)).astype(np.float32)
    shares = rng.dirichlet([1, 1], 90).astype(np.float32)
    monkeypatch.setattr(module, "COPIES", 9.0)
    means, found = covariances(x, shares, 0.0, shape)
    kinds = copying(shape) if shape else []
    for k in range(2):
        weights = shares[:, k]
        mean = np.average(x, axis=0, weights=weights)
        np.testing.assert_allclose(means[k], mean, rtol=1e-5)
        part = min(0.6, 9 / weights.sum())
        rows = np.concatenate([x, *((kind @ x.T).T for kind in kinds)])
        counts = np.concatenate([weights, *(part * weights for _ in kinds)])
        away = rows - mean
        np.testing.assert_allclose(found[k], (away.T * counts) @ away / counts.sum(), rtol=1e-3, atol=0.02)


def test_few_pictures_are_drawn_to_the_correlations_of_all():
    rng = np.random.default_rng(2)
    mixed = rng.normal(size=(6, 6))
    x = (rng.normal(size=(4000, 6)) @ mixed * 20).astype(np.float32)
    shares = np.eye(2, dtype=np.float32)[(np.arange(4000) >= 3990).astype(int)]
    x[3990:] *= 3
    true = mixed.T @ mixed * 400
    true_correlations = true / np.sqrt(np.outer(np.diag(true), np.diag(true)))

    def error(sure):
        few = covariances(x, shares, sure)[1][1]
        return np.abs(few / np.sqrt(np.outer(np.diag(few), np.diag(few))) - true_correlations).max()

    assert error(1000.0) < 0.1 < error(0.0)
    loose, strict = (np.diag(covariances(x, shares, sure)[1][1]) for sure in (0.0, 1000.0))
    np.testing.assert_allclose(loose, strict, rtol=1e-4)  # variances stay the cluster's own


def test_a_cluster_without_pictures_has_what_all_have():
    rng = np.random.default_rng(3)
    x = rng.normal(100, 20, (500, 4)).astype(np.float32)
    shares = np.zeros((500, 2), np.float32)
    shares[:, 0] = 1
    means, found = covariances(x, shares, 50.0)
    np.testing.assert_allclose(means[1], x.mean(0), rtol=1e-5)
    np.testing.assert_allclose(found[1], found[0], rtol=1e-3, atol=0.5)


def test_directions_come_by_variance():
    rng = np.random.default_rng(4)
    turn = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    variances, found = directions((turn * [1.0, 9.0, 4.0, 25.0, 16.0]) @ turn.T)
    np.testing.assert_allclose(variances, [25, 16, 9, 4, 1], rtol=1e-5)
    np.testing.assert_allclose(np.abs(found.T @ turn[:, [3, 4, 1, 2, 0]]), np.eye(5), atol=1e-5)
