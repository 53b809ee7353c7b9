"""Deformations against scipy's, and against what is true of every one of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from latente.corruptions import Deformation

pytestmark = pytest.mark.usefixtures("untouched_generators")


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def pictures() -> torch.Tensor:
    """Two blurred pictures (2, 1, 24, 16), smooth enough that interpolation hardly matters."""
    rough = np.random.default_rng(0).random((2, 24, 16))
    return torch.from_numpy(np.stack([ndimage.gaussian_filter(p, 2) for p in rough])[:, None]).float()


def with_draws(monkeypatch, *draws: float) -> None:
    """Makes the five draws in [-1, 1] of every picture known."""
    values = (torch.tensor(draws) + 1) / 2
    monkeypatch.setattr(torch, "rand", lambda k, n, **kwargs: values[:k, None].expand(k, n).clone())


@pytest.mark.parametrize("draw", [-1.0, 0.4, 1.0])
def test_a_turn_is_scipys(pictures, draw, monkeypatch):
    """Also where height and width differ: angles stay angles."""
    with_draws(monkeypatch, draw, 0, 0, 0, 0)
    turned = Deformation(30, 0, 0)(pictures)
    expected = ndimage.rotate(pictures[1, 0].numpy(), 30 * draw, reshape=False, order=1, mode="nearest")
    np.testing.assert_allclose(turned[1, 0].numpy(), expected, atol=2e-3)


def test_a_shift_is_scipys(pictures, monkeypatch):
    with_draws(monkeypatch, 0, 0, 0, 0.5, -1)
    shifted = Deformation(0, 0, 0.25)(pictures)  # 2 columns to the left, 6 rows down
    expected = ndimage.shift(pictures[0, 0].numpy(), (6, -2), order=1, mode="nearest")
    np.testing.assert_allclose(shifted[0, 0].numpy(), expected, atol=1e-5)


def test_a_stretch_is_scipys(pictures, monkeypatch):
    with_draws(monkeypatch, 0, -1, 1, 0, 0)
    stretched = Deformation(0, 0.5, 0)(pictures)[0, 0].numpy()  # twice as wide; two thirds as high
    centre = np.array([11.5, 7.5])
    matrix = np.diag([1.5, 0.5])
    expected = ndimage.affine_transform(
        pictures[0, 0].numpy(), matrix, centre - matrix @ centre, order=1, mode="nearest"
    )
    np.testing.assert_allclose(stretched, expected, atol=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
def test_bends_are_as_large_as_promised(channels):
    """On a ramp the change of the value is the displacement; at the knots its standard deviation is `bend`."""
    ramp = torch.linspace(0, 1, 41).expand(2000, channels, 41, 41)
    bent = Deformation(0, 0, 0, bend=0.02)(ramp, generator())
    moved = (bent - ramp)[:, 0, 10, 20] * 40 / 41  # in sides, at the knot in the second row, the middle column
    assert moved.mean().abs() < 5 * 0.02 / 2000**0.5
    assert moved.std().item() == pytest.approx(0.02, rel=5 / 4000**0.5)
    if channels == 3:  # all channels move alike
        torch.testing.assert_close(bent[:, 0], bent[:, 2])


def test_every_picture_is_deformed_in_its_own_way(pictures):
    twice = pictures[:1].repeat(2, 1, 1, 1)
    one, other = Deformation()(twice, generator())
    assert not torch.allclose(one, other)
    torch.testing.assert_close(Deformation()(twice, generator())[1], other)


def test_bicubic_weights_are_those_of_keys(monkeypatch):
    """Keys' kernel (1981), a = -0.75: a (t^3 - 5 t^2 + 8 t - 4) at t = 1.5, (a + 2) t^3 - (a + 3) t^2 + 1 at 0.5."""
    with_draws(monkeypatch, 0, 0, 0, 1, 0)
    picture = 0.5 + torch.zeros(1, 1, 1, 16)
    picture[..., 8], picture[..., 2], picture[..., 13] = 0.7, 0, 1  # the last two: room on either side
    shifted = Deformation(0, 0, 1 / 32, interpolation="bicubic")(picture)[0, 0, 0]
    expected = 0.5 + 0.2 * torch.tensor([-0.09375, 0.59375, 0.59375, -0.09375])
    torch.testing.assert_close(shifted[6:10], expected)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_values_stay_within_those_of_the_picture(pictures, interpolation):
    deformed = Deformation(90, 0.5, 0.5, 0.1, interpolation)(pictures.repeat(50, 1, 1, 1), generator())
    assert deformed.min() >= pictures.min() - 1e-6
    assert deformed.max() <= pictures.max() + 1e-6


def test_only_pictures_can_be_deformed():
    with pytest.raises(ValueError, match=r"needs pictures .* got samples of shape \(5,\)"):
        Deformation()(torch.zeros(3, 5))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"rotation": 200}, r"rotation must be a number in \[0, 180\]; got 200"),
        ({"scale": 1}, r"scale must be a number in \[0, 0.9\]; got 1"),
        ({"shift": -0.1}, "shift must be"),
        ({"bend": "much"}, "bend must be"),
        ({"interpolation": "cubic"}, "interpolation must be 'bilinear' or 'bicubic'; got 'cubic'"),
    ],
)
def test_wrong_sizes(wrong, message):
    with pytest.raises(ValueError, match=message):
        Deformation(**wrong).check()
