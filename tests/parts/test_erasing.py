"""Erased pieces are rectangles of the stated sizes, one value each."""

from __future__ import annotations

import pytest
import torch

from latente.corruptions import Corruption, Erasing

pytestmark = pytest.mark.usefixtures("untouched_generators")


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_one_rectangle_of_the_stated_sides_and_one_value_a_channel():
    x = 2 + torch.zeros(300, 2, 20, 10)
    y = Erasing(1, 0.2, 0.4)(x, generator(), (0.0, 1.0))
    heights, widths, empty = [], [], 0
    for picture in y:
        changed = picture[0] != 2
        assert (changed == (picture[1] != 2)).all()
        rows, columns = changed.any(1), changed.any(0)
        assert changed.sum() == rows.sum() * columns.sum()  # a rectangle
        if changed.any():
            assert picture[:, changed].unique(dim=1).shape[1] == 1
            assert 0 <= picture[0, changed].min() <= 1
            empty += float(picture[0, changed].max() == 0)
            heights.append(int(rows.sum()))
            widths.append(int(columns.sum()))
    assert max(heights) == 8
    assert max(widths) == 4
    assert len(heights) == 300  # sides of 0.2 always reach the middle of a pixel
    assert 0.2 < empty / 300 < 0.4


def test_pieces_of_signals():
    y = Erasing(1, 0.1, 0.1)(2 + torch.zeros(50, 3, 40), generator(), (0.0, 1.0))
    lengths = (y != 2).any(1).sum(1)
    assert lengths.max() <= 4
    assert ((y != 2).all(1) == (y != 2).any(1)).all()


def test_standardised_data_gets_values_in_its_range():
    y = Erasing(8, 0.3, 0.5)(10 + torch.zeros(200, 1, 12, 12), generator())
    erased = y[y != 10]
    assert -3 <= erased.min() < -2
    assert 2 < erased.max() <= 3


def test_the_generator_decides_and_the_input_stays():
    x = torch.rand(20, 1, 9, 9, generator=generator(5))
    before = x.clone()
    assert torch.equal(Erasing()(x, generator(1)), Erasing()(x, generator(1)))
    assert not torch.equal(Erasing()(x, generator(1)), Erasing()(x, generator(2)))
    assert torch.equal(x, before)


def test_settings_and_data_that_make_no_sense():
    assert Corruption.from_string("erasing:2") == Erasing(2)
    for part, message in (
        (Erasing(0), "count must be an integer of at least 1"),
        (Erasing(1, -0.1), "smallest must be a number"),
        (Erasing(1, 0.5, 0.4), "smallest 0.5 is above largest 0.4"),
    ):
        with pytest.raises(ValueError, match=message):
            part.check()
    with pytest.raises(ValueError, match="For rows of a table"):
        Erasing()(torch.zeros(3, 4))
