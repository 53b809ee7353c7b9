"""Squares of a picture as everything outside of them predicts them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from latente.anomaly.surroundings import RIDGE, SIDE, Surroundings

RNG = np.random.default_rng(0)


def pictures(n: int, channels: int = 1, h: int = 7, w: int = 9) -> torch.Tensor:
    mix = np.random.default_rng(1).normal(size=(6, channels * h * w))
    values = RNG.normal(size=(n, 6)) @ mix + 0.3 * RNG.normal(size=(n, channels * h * w)) + 2
    return torch.from_numpy(values.astype(np.float32)).view(n, channels, h, w)


def regression(train: np.ndarray, x: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """The residual of the pixels `inside` after a ridge regression on all others."""
    mean = train.mean(0)
    covariance = np.cov(train.T, bias=True)
    covariance += RIDGE * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    outside = np.setdiff1d(np.arange(train.shape[1]), inside)
    slope = np.linalg.solve(covariance[np.ix_(outside, outside)], covariance[np.ix_(outside, inside)])
    return x[:, inside] - mean[inside] - (x[:, outside] - mean[outside]) @ slope


@pytest.mark.parametrize("channels", [1, 2])
def test_a_square_is_predicted_as_by_regression(channels):
    train, x = pictures(400, channels), pictures(20, channels)
    flat, new = (part.flatten(1).numpy().astype(np.float64) for part in (train, x))
    places = np.arange(new.shape[1]).reshape(channels, 7, 9)
    squared, left, count = np.zeros_like(new), np.zeros_like(new), np.zeros(new.shape[1])
    for i in (0, 2):
        for j in (0, 2, 4):
            inside = places[:, i : i + SIDE, j : j + SIDE].ravel()
            e = regression(flat, new, inside)
            squared[:, inside] += e**2
            left[:, inside] += e
            count[inside] += 1
    found, expected = Surroundings.of(train)(x)
    np.testing.assert_allclose(found.flatten(1).numpy(), squared / count, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(expected.flatten(1).numpy(), new - left / count, rtol=1e-3, atol=1e-3)


def test_a_patch_stands_out_and_what_is_expected_is_nearer_to_what_was_there():
    known, clean = Surroundings.of(pictures(500)), pictures(50)
    broken = clean.clone()
    broken[:, :, 2:5, 3:6] = 8.0
    found, expected = known(broken)
    inside = torch.zeros(1, 7, 9, dtype=torch.bool)
    inside[:, 2:5, 3:6] = True
    assert float(found[:, inside].mean()) > 10 * float(found[:, ~inside].mean())
    before, after = ((part - clean)[:, inside].square().mean() for part in (broken, expected))
    assert float(after) < 0.1 * float(before)


def test_few_pictures_constant_ones_and_small_ones():
    for x in (pictures(2), torch.ones(5, 1, 6, 6), torch.rand(10, 3, 2, 4)):
        squared, expected = Surroundings.of(x)(x)
        assert squared.shape == expected.shape == x.shape
        assert bool(torch.isfinite(squared).all())
        assert bool(torch.isfinite(expected).all())


def test_pieces_do_not_matter():
    known, x = Surroundings.of(pictures(300)), pictures(40)
    whole = known(x)[0]
    torch.testing.assert_close(torch.cat([known(part)[0] for part in x.split(7)]), whole, rtol=1e-10, atol=1e-12)
