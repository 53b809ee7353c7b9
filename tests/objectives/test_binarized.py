"""Pixels drawn anew: their mean is the grey value, the objective inside sees nothing else."""

from __future__ import annotations

import pytest
import torch

from latente.bottlenecks import Gaussian
from latente.distortions import Bernoulli
from latente.objectives import Batch, Binarized, ImportanceWeighted, Losses, Objective, Plain, Progress


class Sees(Objective):
    """Keeps the batches."""

    def __init__(self):
        self.seen = []

    def __call__(self, module, batch, progress):
        self.seen.append(batch)
        zero = torch.zeros(len(batch))
        return Losses(zero, zero, zero, zero)


def binary(make):
    return make(Gaussian(), distortion=Bernoulli(), output="sigmoid", bounds=(0.0, 1.0))


def test_drawn_pixels_are_black_or_white_and_grey_on_average(make, batch):
    sees, module, grey = Sees(), binary(make), batch(8)
    for _ in range(2000):
        Binarized(sees)(module, grey, Progress())
    drawn = torch.stack([seen.x for seen in sees.seen])
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    assert all(seen.target is seen.x for seen in sees.seen)
    assert (drawn.mean(0) - grey.x).abs().max() < 0.05  # four standard errors
    assert not torch.equal(drawn[0], drawn[1])


def test_a_target_of_its_own_is_drawn_too(make, batch):
    sees, grey = Sees(), batch(8)
    Binarized(sees)(binary(make), Batch(grey.x, 1 - grey.x), Progress())
    assert set(sees.seen[0].target.unique().tolist()) == {0.0, 1.0}
    assert not torch.equal(sees.seen[0].target, sees.seen[0].x)


def test_on_binary_data_it_is_the_objective_inside(make, batch):
    black = batch(8).x.round()
    for inner in (None, "plain", ImportanceWeighted(3)):
        one, other = binary(make), binary(make)
        other.generator.set_state(one.generator.get_state())
        torch.bernoulli(black, generator=other.generator)  # as many draws as the other takes
        expected = (Plain() if not isinstance(inner, Objective) else inner)(other, Batch(black, black), Progress())
        torch.testing.assert_close(Binarized(inner)(one, Batch(black, black), Progress()).loss, expected.loss)


def test_only_for_data_between_0_and_1(make):
    with pytest.raises(ValueError, match="Binarized needs scaled data in \\[0, 1\\]; got bounds None"):
        Binarized().check(make(Gaussian()))
    with pytest.raises(ValueError, match="ImportanceWeighted needs a Gaussian bottleneck"):
        Binarized("importance_weighted:5").check(make(bounds=(0.0, 1.0)))
    Binarized().check(binary(make))
