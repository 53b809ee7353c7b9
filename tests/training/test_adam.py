"""Adam against torch's own, whatever the parameters look like."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from latente.training.adam import Adam

STEPS = 60


def parameters():
    """A matrix, a scalar, an empty one, filters in channels_last, a transposed matrix, float64, one unused."""
    generator = torch.Generator().manual_seed(0)

    def draw(*shape, dtype=torch.float32):
        return torch.randn(shape, generator=generator, dtype=dtype)

    values = [
        draw(5, 7),
        draw(),
        draw(0, 3),
        draw(6, 3, 3, 3).to(memory_format=torch.channels_last),
        draw(4, 9).T,
        draw(3, 2, dtype=torch.float64),
        draw(11),
    ]
    return [nn.Parameter(value) for value in values]


def gradients(shapes, step, largest=1.0):
    """Returns gradients; the last parameter has none at all, the second only in every third step."""
    generator = torch.Generator().manual_seed(1000 + step)
    drawn = [torch.randn(p.shape, generator=generator, dtype=p.dtype) * largest for p in shapes]
    drawn[-1] = None
    if step % 3:
        drawn[1] = None
    return drawn


def put(params, values):
    for parameter, value in zip(params, values, strict=True):
        parameter.grad = (
            None if value is None else torch.empty_like(parameter).copy_(value)
        )  # laid out alike, as autograd does


@pytest.mark.parametrize(
    ("fused", "tolerance"), [(True, {"rtol": 0, "atol": 0}), (False, {"rtol": 1e-5, "atol": 1e-6})]
)
@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_it_is_torchs_adam(fused, tolerance, decay):
    """With weight decay it is AdamW, whose decay reaches matrices and filters only."""
    ours, theirs = parameters(), parameters()
    adam = Adam(ours, betas=(0.8, 0.99), eps=1e-6, weight_decay=decay)
    groups = [{"params": [p for p in theirs if (p.ndim > 1) == matrix]} for matrix in (True, False)]
    groups[0]["weight_decay"], groups[1]["weight_decay"] = decay, 0.0
    reference = torch.optim.AdamW(groups, lr=1.0, betas=(0.8, 0.99), eps=1e-6, fused=fused)
    for step in range(STEPS):
        rate = 0.05 / (1 + step)
        for group in reference.param_groups:
            group["lr"] = rate
        for params in (ours, theirs):
            put(params, gradients(params, step))
        adam.step(rate)
        reference.step()
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, **tolerance)
        assert mine.stride() == other.stride()
    start = parameters()
    assert torch.equal(ours[-1], start[-1])
    assert not torch.equal(ours[0], start[0])
    assert [int(step) for step in adam.steps] == [STEPS, STEPS // 3, STEPS, STEPS, STEPS, STEPS, 0]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_scale_divides_the_gradients(dtype):
    """What comes of a gradient g with the scale s is what comes of g / s."""
    ours, theirs = parameters(), parameters()
    adam, reference = Adam(ours), Adam(theirs)
    for step in range(STEPS):
        scale = torch.tensor(1.0 + step % 7, dtype=dtype)
        put(ours, gradients(ours, step))
        put(theirs, [None if g is None else g / scale.to(g) for g in gradients(theirs, step)])
        adam.step(0.01, scale=scale)
        reference.step(0.01)
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other)
    for mine, other in zip(adam.squares, reference.squares, strict=True):
        torch.testing.assert_close(mine, other)


@pytest.mark.parametrize("scale", [None, torch.tensor(2.0)])
def test_a_skipped_step_never_happened(scale):
    """Gradients that are not finite come and go; the rest is as if they had not been there."""
    ours, theirs = parameters(), parameters()
    adam, reference = Adam(ours), Adam(theirs)
    for step in range(STEPS):
        put(ours, gradients(ours, step, largest=float("nan") if step % 4 == 1 else 1.0))
        adam.step(0.01, scale=scale, skip=torch.tensor(float(step % 4 == 1)))
        if step % 4 != 1:
            put(theirs, gradients(theirs, step))
            reference.step(0.01, scale=scale)
    for name, tensor in adam.state().items():
        assert torch.equal(tensor, reference.state()[name]), name
    for mine, other in zip(ours, theirs, strict=True):
        assert torch.equal(mine, other)


def test_the_state_can_be_taken_up():
    ours, theirs = parameters(), parameters()
    first, whole = Adam(ours), Adam(theirs)
    for step in range(STEPS):
        if step == STEPS // 2:
            kept = {name: tensor.contiguous().clone() for name, tensor in first.state().items()}
            ours = [nn.Parameter(p.detach().clone(memory_format=torch.preserve_format)) for p in ours]
            first = Adam(ours)
            first.load(kept)
        for adam, params in ((first, ours), (whole, theirs)):
            put(params, gradients(params, step))
            adam.step(0.01)
    for mine, other in zip(ours, theirs, strict=True):
        assert torch.equal(mine, other)


def test_gradients_are_forgotten():
    params = parameters()
    put(params, gradients(params, 0))
    adam = Adam(params)
    adam.zero_grad()
    assert all(parameter.grad is None for parameter in params)
    before = [parameter.detach().clone() for parameter in params]
    adam.step(0.1)  # nothing to do
    for mine, start in zip(params, before, strict=True):
        assert torch.equal(mine, start)
