"""Paths between codes against their formulas."""

from __future__ import annotations

import numpy as np
import pytest

from latente.estimators.interpolation import interpolate_codes

A, B = np.random.default_rng(0).normal(size=(2, 5, 4))


def test_linear():
    way = interpolate_codes(A, B, 5)
    np.testing.assert_allclose(way, [(1 - t) * A + t * B for t in (0, 0.25, 0.5, 0.75, 1)])


def test_spherical_turns_evenly_while_the_length_changes_evenly():
    way = interpolate_codes(A, B, 9, "spherical")
    np.testing.assert_allclose(way[[0, -1]], [A, B])
    length = np.linalg.norm(way, axis=2)
    np.testing.assert_allclose(np.diff(length, n=2, axis=0), 0, atol=1e-12)
    unit = way / length[..., None]
    turns = np.arccos((unit[:-1] * unit[1:]).sum(2))
    np.testing.assert_allclose(turns, np.broadcast_to(turns[:1], turns.shape), rtol=1e-6)
    normal = np.linalg.svd(np.stack([A, B], 1))[2][:, 2:]  # off the plane of a and b
    np.testing.assert_allclose(np.einsum("snd,nkd->snk", way, normal), 0, atol=1e-12)


def test_spherical_between_orthogonal_units_is_a_quarter_of_a_circle():
    way = interpolate_codes(np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]]), 4, "spherical")[:, 0]
    angle = np.array([0, 30, 60, 90]) * np.pi / 180
    np.testing.assert_allclose(way, np.column_stack([np.cos(angle), np.sin(angle)]), atol=1e-12)


@pytest.mark.parametrize("b", [A, 2 * A, -A, 0 * A], ids=["same", "parallel", "opposite", "zero"])
def test_without_an_arc_the_way_is_straight(b):
    np.testing.assert_allclose(interpolate_codes(A, b, 5, "spherical"), interpolate_codes(A, b, 5), atol=1e-12)


@pytest.mark.parametrize("path", ["linear", "spherical"])
def test_the_dtype_stays(path):
    assert interpolate_codes(A.astype(np.float32), B.astype(np.float32), 3, path).dtype == np.float32
