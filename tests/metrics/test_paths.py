"""Paths of known length and pace."""

from __future__ import annotations

import numpy as np
import pytest

from latente.metrics import cycle_gap, path_jump, path_ratio


def circle(turn, points=400):
    angle = np.linspace(0, turn, points)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


@pytest.mark.parametrize("turn", [0.5, np.pi / 2, np.pi])
def test_an_arc_over_its_chord(turn):
    paths = circle(turn)[None]
    assert path_ratio(paths)[0] == pytest.approx(turn / (2 * np.sin(turn / 2)), rel=1e-4)
    assert path_jump(paths)[0] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("steps", [1, 2, 20])
def test_a_single_jump_and_an_even_walk(steps):
    jump = np.zeros((steps + 1, 3))
    jump[-1] = 5
    even = np.linspace(0, 1, steps + 1)[:, None] * [1, 2, 3]
    np.testing.assert_allclose(path_jump([jump, even]), [1 - 1 / steps, 0], atol=1e-12)
    np.testing.assert_allclose(path_ratio([jump, even]), [1, 1])


def test_size_and_unit_make_no_difference():
    paths = np.random.default_rng(0).normal(size=(4, 9, 2, 5, 3))
    flat = paths.reshape(4, 9, 30)
    for measure in (path_jump, path_ratio):
        np.testing.assert_allclose(measure(paths), measure(255 * flat + 7))
        assert np.isfinite(measure(paths)).all()
        assert (measure(paths) >= 0).all()
    assert (path_ratio(paths) >= 1).all()


def test_what_stands_still_or_comes_back():
    still, back = np.zeros((3, 1)), np.array([[0.0], [1.0], [0.0]])
    np.testing.assert_array_equal(path_ratio([still, back]), [np.nan, np.inf])
    np.testing.assert_array_equal(path_jump([still, back]), [np.nan, 0])


def test_cycle_gap():
    z = np.random.default_rng(0).normal(size=(5, 3))
    np.testing.assert_allclose(cycle_gap(z, z + np.array([0, 3, 4]), np.full(5, 2.0)), 2.5)
    np.testing.assert_array_equal(cycle_gap(z, z, np.zeros(5)), np.full(5, np.nan))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: path_jump(np.zeros((3, 4))), r"shape \(n, points, d\).*got \(3, 4\)"),
        (lambda: path_ratio(np.zeros((3, 1, 4))), "at least 2 points"),
        (lambda: path_ratio(np.full((3, 2, 4), np.nan)), "NaN or infinite"),
        (lambda: cycle_gap(np.zeros((3, 2)), np.zeros((3, 1)), np.ones(3)), "must have one shape"),
        (lambda: cycle_gap(np.zeros((3, 2)), np.zeros((3, 2)), 1.0), r"length \(n,\)"),
    ],
)
def test_mistakes(call, message):
    with pytest.raises(ValueError, match=message):
        call()
