"""What is not finite stops training with its step and cause, and never stays in the weights."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from latente.corruptions import Custom
from latente.data import ArraySource
from latente.objectives import Plain, Progress
from latente.training import Trainer, TrainingDiverged
from latente.training.adam import Adam
from latente.training.clipping import SPIKE, SpikeClip
from latente.training.schedule import constant
from latente.training.stepper import Stepper


def quick(**settings):
    return Trainer(**{"epochs": 3, "batch_size": 16, "verbose": False, **settings})


class Poisons(Plain):
    """Multiplies the loss from a given step on."""

    def __init__(self, step, factor):
        self.step, self.factor = step, factor

    def __call__(self, module, batch, progress):
        losses = super().__call__(module, batch, progress)
        if module.training and progress.step >= self.step:
            object.__setattr__(losses, "loss", losses.loss * self.factor)
        return losses


@pytest.mark.parametrize("factor", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_names_its_step_and_keeps_the_good_weights(make, table, weights, same, factor):
    module, at_epoch = make(), {}
    keep = [lambda record: at_epoch.update({record.epoch: weights(module)})]
    with pytest.raises(TrainingDiverged, match=r"at step 13 of 15: .*learning rate of 0.002 is too high; try 0.0002"):
        quick(callbacks=keep).fit(module, table(80), Poisons(12, factor))
    assert list(at_epoch) == [1, 2]
    assert same(weights(module), at_epoch[2])
    assert not module.training
    assert module.generator is None


def test_in_the_first_epoch_the_weights_are_those_of_the_start(make, table, weights, same):
    module = make()
    start = weights(module)
    with pytest.raises(TrainingDiverged, match="at step 3 of 15"):
        quick().fit(module, table(80), Poisons(2, math.nan))
    assert same(weights(module), start)


def test_a_learning_rate_far_too_high(make, table):
    module = make()
    with pytest.raises(TrainingDiverged, match=r"learning rate of 1e\+30 is too high; try 1e\+29"):
        quick(epochs=50, learning_rate=1e30).fit(module, table(), Plain())
    assert all(torch.isfinite(p).all() for p in module.parameters())


def test_values_in_the_data_are_named(make):
    x = torch.randn(40, 10, generator=torch.Generator().manual_seed(0))
    x[7, 3] = math.inf
    with pytest.raises(TrainingDiverged, match="a batch has values that are not finite, so the data or the corruption"):
        quick().fit(make(), ArraySource(x), Plain())


def test_values_that_nobody_scaled_are_named(make):
    x = 1e25 * torch.randn(40, 10, generator=torch.Generator().manual_seed(0))
    with pytest.raises(TrainingDiverged, match=r"scaled values reach .*e\+25; let the front door scale the data"):
        quick().fit(make(), ArraySource(x), Plain())


def test_a_corruption_that_makes_them_is_near_the_first_step(make, table):
    module = make(corruption=Custom(lambda x: x / 0))
    with pytest.raises(TrainingDiverged, match="at step 1 of 15, the first one: the network or the distortion returns"):
        quick().fit(module, table(80), Plain())


class SpikyGradient(nn.Module):
    """Finite values whose gradient is infinite at zero."""

    def forward(self, x):
        return x.abs().sqrt()


def test_a_finite_loss_with_an_infinite_gradient(make, weights, same):
    """sqrt(0) is 0 and its derivative is not: one step would turn the weights into NaN unseen, were it the last."""
    module = make()
    module.decoder.append(SpikyGradient())
    with torch.no_grad():
        module.decoder[-2][0][0].weight.zero_()
    start = weights(module)
    source = ArraySource(torch.ones(10, 10))
    with pytest.raises(TrainingDiverged, match="the loss is finite but its gradient is not at step 1 of 1"):
        quick(epochs=1).fit(module, source, Plain())
    assert same(weights(module), start)


def test_the_last_step_of_all_is_looked_at_too(make, table, weights, same, monkeypatch):
    """Nothing comes after it that would show a loss of NaN."""
    module = make()
    start = weights(module)

    def overflow(optimizer, *args, **named):
        with torch.no_grad():
            module.decoder[0][0].weight.fill_(math.inf)

    monkeypatch.setattr(Adam, "step", overflow)
    with pytest.raises(TrainingDiverged, match="the weights are not finite after epoch 1, step 1 of 1"):
        quick(epochs=1, batch_size=80).fit(module, table(80), Plain())
    assert same(weights(module), start)


def test_a_validation_loss_that_is_not_finite(make, table):
    held = table(10)
    held.x[0, 0] = math.nan
    with pytest.raises(TrainingDiverged, match="the validation loss is nan after epoch 1"):
        quick(patience=2).fit(make(), table(), Plain(), validation=held)


def stepper(module, **settings):
    return Stepper(module, Plain(), **{"learning_rate": 1e-3, "schedule": constant, **settings})


@pytest.mark.parametrize("on_host", [True, False])
def test_spikes_of_the_gradient_are_clipped_at_a_multiple_of_their_usual_norm(on_host):
    clip = SpikeClip(on_host)

    def clipped(norm):
        scale = clip.scale(torch.tensor(norm), norm if on_host else None)
        return norm if scale is None else norm / scale.item()

    assert clipped(1.0) == pytest.approx(1.0)
    assert clipped(4.9) == pytest.approx(4.9)
    usual = 0.98 + 0.02 * 4.9
    assert float(clip.usual) == pytest.approx(usual)
    assert clipped(1e6) == pytest.approx(SPIKE * usual, rel=1e-4)
    # A spike counts as what it was clipped to, so that a second one finds the measure nearly as it was.
    assert float(clip.usual) == pytest.approx(usual * (0.98 + 0.02 * SPIKE), rel=1e-4)
    assert clipped(1e-3) == pytest.approx(1e-3)


@pytest.mark.parametrize("on_host", [True, False])
def test_a_gradient_of_zero_is_no_measure_and_not_divided_by_zero(on_host):
    clip = SpikeClip(on_host)
    for norm in (0.0, 0.0, 3.0):
        scale = clip.scale(torch.tensor(norm), norm if on_host else None)
        assert scale is None or scale.item() == 1.0
    assert float(clip.usual) == pytest.approx(3.0)


def test_a_first_batch_without_gradient_does_not_freeze_training(make, table):
    """Rows of zeros are rebuilt perfectly by biases of zero: their gradient, 0, is no measure of what is usual."""
    module = make()
    x = torch.zeros(64, 10)
    x[32:] = table(32).x
    step = stepper(module, learning_rate=0.01)
    source = ArraySource(x)
    losses = [
        step.step(batch, Progress(1, 1, 64)).loss.mean().item() for _ in range(30) for batch in source.batches(32)
    ]
    assert losses[0] == 0
    assert losses[-1] < 0.8 * losses[1]


@pytest.mark.parametrize("clip", [True, False])
def test_clipping_can_be_switched_off(make, table, clip):
    """One row in a thousand is a thousand times as large; without clipping its gradient moves Adam's memory."""
    moved = {}
    for size in (1.0, 1e3):
        module = make()
        step = stepper(module, clip=clip)
        for i, batch in enumerate(table(80).batches(8)):
            scaled = type(batch)(batch.x * (size if i == 5 else 1.0), batch.target)
            losses = step.step(scaled, Progress(1, 1, 80))
            assert torch.isfinite(losses.loss).all()
        moved[size] = step.optimizer.squares[0].sum().item()
    ratio = moved[1e3] / moved[1.0]
    assert ratio < 100 if clip else ratio > 1e4
