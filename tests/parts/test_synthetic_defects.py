"""Synthetic defects: where they are, how large, what they show, and in how many pictures."""

from __future__ import annotations

import pytest
import torch
from scipy.ndimage import label

from latente.corruptions import Corruption, SyntheticDefects
from latente.corruptions.defects import _Draw, _shape, _stain, _stroke

pytestmark = pytest.mark.usefixtures("untouched_generators")


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def inside(maker, n=400, size=(40, 60)):
    x = torch.zeros(n, 1, *size)
    return maker(x, _Draw(x, generator()))[:, 0] > 0


def test_the_stated_fraction_stays_clean():
    x = torch.rand(2000, 1, 12, 12, generator=generator(1))
    for clean in (0.0, 0.3, 1.0):
        y = SyntheticDefects(1, clean)(x, generator(), (0.0, 1.0))
        assert float((y == x).flatten(1).all(1).float().mean()) == pytest.approx(clean, abs=0.04)


def test_values_stay_within_the_bounds_and_some_lie_on_them():
    x = torch.rand(300, 3, 16, 20, generator=generator(1)) * 0.5 + 0.25
    y = SyntheticDefects(3, 0.0)(x, generator(), (0.0, 1.0))
    assert y.shape == x.shape
    assert 0 <= float(y.min()) < 0.05
    assert 0.95 < float(y.max()) <= 1
    standardised = SyntheticDefects(2, 0.0)(torch.zeros(300, 1, 16, 16), generator())
    assert -3 <= float(standardised.min()) < -2.5
    assert 2.5 < float(standardised.max()) <= 3


def test_a_stain_covers_between_a_fiftieth_and_a_quarter():
    covered = inside(_stain).float().mean((1, 2))
    assert 0.015 < float(covered.min()) < 0.05
    assert 0.2 < float(covered.max()) <= 0.255
    assert float(covered.mean()) == pytest.approx(0.135, abs=0.02)


def test_a_stroke_is_one_thin_piece():
    strokes = [stroke for stroke in inside(_stroke).numpy() if stroke.any()]
    assert len(strokes) > 350
    assert sum(label(stroke, structure=[[1] * 3] * 3)[1] == 1 for stroke in strokes) > 0.95 * len(strokes)
    areas = torch.tensor([float(stroke.sum()) for stroke in strokes])
    assert float(areas.max()) < 0.08 * 40 * 2 * 0.9 * 40  # widest times twice the longest


def test_a_shape_has_the_area_of_its_superellipse():
    areas = inside(_shape).float().sum((1, 2)) / 40**2
    assert float(areas.max()) <= 4 * 0.35**2 * 1.05
    assert float(areas.median()) == pytest.approx(3.6 * 0.1**2, rel=0.5)  # half axes of 0.1, between pi and 4
    whole = [shape for shape in inside(_shape, 50).numpy() if shape.any()]
    assert all(label(shape)[1] == 1 for shape in whole)


def test_edges_are_as_soft_as_it_is_told():
    """Of edges that are to be next to sharp few pixels lie between; the widest reach across the picture."""
    x = torch.zeros(300, 1, 64, 64)
    between = []
    for softest in (0.0, 0.05, 0.3):
        y = SyntheticDefects(1, 0.0, softest)(x, generator(), (1.0, 1.0))[:, 0]  # y is the opacity
        most = y.amax((1, 2), keepdim=True)
        between.append(float(((y > 0.1 * most) & (y < 0.9 * most)).float().mean()))
    assert 0 < between[0] < between[1] / 1.5 < between[2] / 3


def test_opacity_and_contents_are_as_told():
    x = torch.full((400, 1, 32, 32), 0.5)
    y = SyntheticDefects(1, 0.0, faintest=0.7, painted=1.0)(x, generator(), (0.0, 1.0))
    deepest = (y - x).abs().amax((1, 2, 3))
    extreme = float((deepest > 0.3).float().mean())  # at least 0.35 for the lowest or the highest value where not faint
    assert 4 / 11 < extreme < 4 / 11 + 0.4
    z = SyntheticDefects(1, 0.0, faintest=0.7, painted=0.0)(x, generator(), (0.0, 1.0))
    assert float(((z - x).abs().amax((1, 2, 3)) == 0).float().mean()) > 0.4  # pieces of pictures just like it
    faint = SyntheticDefects(1, 0.0, faintest=0.0, painted=1.0)(x, generator(), (0.0, 1.0))
    assert float((faint - x).abs().mean()) < float((y - x).abs().mean())


def test_a_single_picture_gets_every_kind_and_the_generator_decides():
    x = torch.rand(1, 1, 24, 24, generator=generator(5))
    damage = SyntheticDefects(1, 0.0)
    seen = {round(float((damage(x, generator(seed), (0.0, 1.0)) != x).float().mean()), 1) for seed in range(60)}
    assert len(seen) > 3  # thin ones and large ones
    assert torch.equal(damage(x, generator(1), (0.0, 1.0)), damage(x, generator(1), (0.0, 1.0)))
    assert not torch.equal(damage(x, generator(1), (0.0, 1.0)), damage(x, generator(2), (0.0, 1.0)))


def test_settings_and_data_that_make_no_sense():
    assert Corruption.from_string("synthetic_defects:3") == SyntheticDefects(3)
    for part, message in (
        (SyntheticDefects(0), "count must be an integer of at least 1"),
        (SyntheticDefects(1, 1.5), "clean must be a number in"),
        (SyntheticDefects(1, faintest=1.1), "faintest must be a number in"),
        (SyntheticDefects(1, painted="all"), "painted must be a number in"),
        (SyntheticDefects(1, softest=-0.1), "softest must be a number in"),
    ):
        with pytest.raises(ValueError, match=message):
            part.check()
    with pytest.raises(ValueError, match="For flattened pictures"):
        SyntheticDefects()(torch.zeros(3, 4))
