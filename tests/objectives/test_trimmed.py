"""Trimmed is the inner objective without the worst of a batch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from latente.objectives import Batch, Contractive, Plain, Progress, Trimmed
from latente.objectives.trimmed import kept


@pytest.mark.parametrize("fraction", [0.0, 0.1, 0.25, 0.5, 0.99])
@pytest.mark.parametrize("inner", [None, Contractive(0.3)])
def test_it_is_the_mean_of_the_smallest_losses(make, batch, fraction, inner):
    x = batch().x
    whole = (inner or Plain())(make(), Batch(x, x), Progress()).loss.detach().numpy()
    got = Trimmed(fraction, inner)(make(), Batch(x, x), Progress()).loss.mean().item()
    stay = max(1, 12 - int(12 * fraction))
    assert got == pytest.approx(np.sort(whole)[:stay].mean(), rel=1e-5)


def test_what_is_left_out_has_no_gradient(make, batch):
    module, x = make(), batch().x.clone()
    x[3] += 100.0
    loss = Trimmed(0.1)(module, Batch(x, x), Progress()).loss
    assert loss[3] == 0
    own = [g.clone() for g in torch.autograd.grad(loss.mean(), list(module.parameters()))]
    rest = torch.cat([x[:3], x[4:]])
    plain = torch.autograd.grad(Plain()(module, Batch(rest, rest), Progress()).loss.mean(), list(module.parameters()))
    for a, b in zip(own, plain, strict=True):
        torch.testing.assert_close(a, b)


def test_each_row_of_losses_is_trimmed_by_itself():
    loss = torch.tensor([[1.0, 5.0, 2.0], [9.0, 0.0, 3.0]])
    assert kept(loss, 0.34).tolist() == [[1.5, 0.0, 1.5], [0.0, 1.5, 1.5]]


@pytest.mark.parametrize("fraction", [-0.1, 1.0, "half"])
def test_a_fraction_outside_is_refused(make, fraction):
    with pytest.raises(ValueError, match="fraction must be in"):
        Trimmed(fraction).check(make())
