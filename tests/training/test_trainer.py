"""The loop: what it reports, when it stops, and which weights it leaves."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from latente.bottlenecks import Gaussian
from latente.corruptions import Masking
from latente.objectives import Batch, Losses, Plain, Progress, Wasserstein
from latente.training import Trainer
from latente.training.schedule import warmup_cosine


def quick(**settings):
    return Trainer(**{"epochs": 4, "batch_size": 16, "verbose": False, **settings})


def test_it_learns(make, table):
    source, module = table(400), make()
    history = quick(epochs=40, learning_rate=0.02).fit(module, source, Plain())
    losses = history.column("loss")
    assert losses[-1] < 0.1 * losses[0]
    x_hat = module(source.x)[0]
    variance = (source.x - source.x.mean(0)).square().sum(1).mean()
    assert (x_hat - source.x).square().sum(1).mean() < 0.1 * variance


def test_the_history_holds_every_epoch(make, table):
    source, held = table(70), table(30, seed=1)
    history = quick(epochs=3, batch_size=16).fit(make(Gaussian()), source, Wasserstein(), validation=held)
    assert len(history) == 3
    assert history.column("epoch") == [1, 2, 3]
    assert (history.stopped, history.best_epoch, history.batch_size, history.precision) == (
        "finished",
        3,
        16,
        "float32",
    )
    for record in history.records:
        assert record.seconds > 0
        assert set(record.extra) == {"mmd"}
        for value in (record.loss, record.distortion, record.rate, record.penalty, record.validation_loss):
            assert math.isfinite(value)
    # The schedule of 5 batches an epoch: the rate of the epoch's last step.
    expected = [2e-3 * warmup_cosine(5 * epoch - 1, 15) for epoch in (1, 2, 3)]
    assert history.column("learning_rate") == pytest.approx(expected)
    assert history.seconds == pytest.approx(sum(history.column("seconds")))


def test_losses_are_means_over_samples_of_sums_over_elements(make, table):
    """With a learning rate of nearly nothing the weights stand still, so the means can be computed afterwards."""
    source, held, module = table(50), table(23, seed=1), make()
    history = quick(epochs=1, batch_size=16, learning_rate=1e-12).fit(module, source, Plain(), validation=held)
    (record,) = history.records
    with torch.no_grad():
        for data, value in ((source, record.loss), (held, record.validation_loss)):
            expected = (module(data.x)[0] - data.x).square().sum(1).mean().item()
            assert value == pytest.approx(expected, rel=1e-5)
    assert record.distortion == record.loss
    assert record.rate == record.penalty == 0


def test_the_parts_of_the_loss_are_reported(make, table):
    history = quick(epochs=2).fit(make(Gaussian(beta=0.5, warmup=0.0)), table(), Plain())
    for record in history.records:
        assert record.loss == pytest.approx(record.distortion + 0.5 * record.rate, rel=1e-5)


def test_every_epoch_sees_every_sample_once_in_a_new_order(make, table):
    seen = []

    class Spy(Plain):
        def __call__(self, module, batch, progress):
            assert module.training
            seen.append((batch.x.clone(), progress))
            return super().__call__(module, batch, progress)

    source = table(50)
    quick(epochs=2, batch_size=16, precision="float32", threads=1).fit(make(), source, Spy())
    first, second = (torch.cat([x for x, _ in seen[i : i + 4]]) for i in (0, 4))
    for order in (first, second):
        assert torch.equal(order.sort(0).values, source.x.sort(0).values)
    assert not torch.equal(first, second)
    assert [progress for _, progress in seen] == [Progress(step, 8, 50) for step in range(8)]


def test_the_schedule_is_that_of_the_optimizer(make, table):
    rates = []
    module = make()
    trainer = quick(epochs=5, batch_size=16, learning_rate=0.01, callbacks=[lambda r: rates.append(r.learning_rate)])
    trainer.fit(module, table(80), Plain())
    assert rates == pytest.approx([0.01 * warmup_cosine(5 * epoch - 1, 25) for epoch in range(1, 6)])


def test_evaluation_mode_afterwards_and_no_generator_left(make, table):
    module = make(Gaussian(), corruption=Masking(0.5))
    quick(epochs=1).fit(module, table(), Plain())
    assert not module.training
    assert module.generator is None
    assert torch.equal(module(table().x)[0], module(table().x)[0])


def test_a_failure_leaves_no_generator_either(make, table):
    class Fails(Plain):
        def __call__(self, module, batch, progress):
            raise RuntimeError("no")

    module = make()
    with pytest.raises(RuntimeError, match="no"):
        quick().fit(module, table(), Fails())
    assert module.generator is None
    assert not module.training


def test_validation_draws_no_corruption_and_no_noise(make, table):
    module = make(Gaussian(), corruption=Masking(1.0))
    history = quick(epochs=1, learning_rate=1e-12).fit(module, table(), Plain(), validation=table())
    (record,) = history.records
    with torch.no_grad():
        x_hat, latent = module(table().x)
    assert record.validation_distortion == pytest.approx((x_hat - table().x).square().sum(1).mean().item(), rel=1e-5)
    assert record.validation_rate == pytest.approx(latent.rate.mean().item(), rel=1e-5)
    # Early or late, the validation loss has the whole of beta: epochs are compared by one measure.
    assert record.validation_loss == pytest.approx(record.validation_distortion + record.validation_rate, rel=1e-5)


class Jumps(nn.Module):
    """A module whose validation loss is a list: in training its weight counts the epochs."""

    def __init__(self, losses):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))
        self.losses, self.epoch = losses, 0


class Script:
    """An objective that reads the list; training takes one step an epoch."""

    def check(self, module):
        pass

    def __call__(self, module, batch, progress):
        if module.training:
            module.epoch += 1
            value = module.weight.expand(len(batch))
        else:
            value = torch.full((len(batch),), float(module.losses[module.epoch - 1]))
        return Losses(value, value, value, value)


@pytest.mark.parametrize(
    ("losses", "patience", "epochs_run", "best"),
    [
        ([5, 4, 3, 3.5, 3.2, 3.1, 2, 1], 3, 6, 3),
        ([5, 4, 3, 3.5, 3.2, 2, 2.1, 2.2, 2.3], 3, 9, 6),
        ([5, 4, 3, 2, 1], 1, 5, 5),
        ([1, 2, 3], 1, 2, 1),
        ([3, 3, 3, 3], 2, 3, 1),
        ([2, 3, 1], 2, 3, 3),
    ],
)
def test_early_stopping_waits_and_restores_the_best(table, losses, patience, epochs_run, best):
    module, at_epoch = Jumps(losses), {}
    keep = [lambda record: at_epoch.update({record.epoch: module.weight.item()})]
    trainer = quick(epochs=len(losses), batch_size=80, patience=patience, callbacks=keep, learning_rate=0.1)
    history = trainer.fit(module, table(80), Script(), validation=table(8))
    assert len(history) == epochs_run
    assert history.best_epoch == best
    assert history.stopped == ("early stopping" if epochs_run - best == patience else "finished")
    assert module.weight.item() == at_epoch[best]
    assert len(set(at_epoch.values())) == epochs_run


def test_early_stopping_of_a_real_module(make, table, weights, same):
    """Few rows and a large learning rate: the network overfits and the held-out loss turns up."""
    module, at_epoch = make(), {}
    keep = [lambda record: at_epoch.update({record.epoch: weights(module)})]
    trainer = quick(epochs=200, learning_rate=0.05, patience=5, callbacks=keep)
    history = trainer.fit(module, table(12), Plain(), validation=table(40, seed=1))
    assert history.stopped == "early stopping"
    held = history.column("validation_loss")
    assert history.best_epoch == 1 + held.index(min(held)) == len(held) - 5
    assert same(weights(module), at_epoch[history.best_epoch])
    assert not same(weights(module), at_epoch[len(held)])


def test_without_patience_the_last_weights_stay(make, table, weights, same):
    module, at_epoch = make(), {}
    keep = [lambda record: at_epoch.update({record.epoch: weights(module)})]
    history = quick(learning_rate=0.5, callbacks=keep).fit(module, table(12), Plain(), validation=table(40))
    assert same(weights(module), at_epoch[4])
    assert history.best_epoch == 4


def test_callbacks_are_all_asked_and_any_one_stops(make, table):
    asked = []
    callbacks = [
        lambda record: asked.append(("first", record.epoch)) or record.epoch == 2,
        lambda record: asked.append(("second", record.epoch)),
    ]
    history = quick(epochs=10, callbacks=callbacks).fit(make(), table(), Plain())
    assert history.stopped == "callback"
    assert len(history) == history.best_epoch == 2
    assert asked == [("first", 1), ("second", 1), ("first", 2), ("second", 2)]


def interrupt_at(epoch):
    def callback(record):
        if record.epoch == epoch:
            raise KeyboardInterrupt

    return callback


def test_an_interruption_keeps_what_was_reached(make, table, weights, same):
    module, at_epoch = make(), {}
    keep = [lambda record: at_epoch.update({record.epoch: weights(module)}), interrupt_at(3)]
    history = quick(epochs=10, callbacks=keep).fit(module, table(), Plain())
    assert (history.stopped, len(history), history.best_epoch) == ("interrupted", 3, 3)
    assert same(weights(module), at_epoch[3])
    assert not module.training


def test_an_interruption_restores_the_best_so_far(table):
    module, at_epoch = Jumps([5, 1, 2, 3, 0]), {}
    keep = [lambda record: at_epoch.update({record.epoch: module.weight.item()}), interrupt_at(4)]
    trainer = quick(epochs=5, batch_size=80, patience=4, callbacks=keep)
    history = trainer.fit(module, table(80), Script(), validation=table(8))
    assert (history.stopped, history.best_epoch) == ("interrupted", 2)
    assert module.weight.item() == at_epoch[2]


def test_an_interruption_in_the_middle_of_an_epoch(make, table):
    class Interrupts(Plain):
        def __call__(self, module, batch, progress):
            if progress.step == 7:
                raise KeyboardInterrupt
            return super().__call__(module, batch, progress)

    module = make()
    history = quick(epochs=5, batch_size=16).fit(module, table(80), Interrupts())
    assert (history.stopped, len(history), history.best_epoch) == ("interrupted", 1, 1)
    assert all(torch.isfinite(p).all() for p in module.parameters())


def test_patience_needs_held_out_samples(make, table):
    with pytest.raises(ValueError, match="patience needs held-out samples"):
        quick(patience=2).fit(make(), table(), Plain())


def test_there_must_be_something_to_train(make, table):
    module = make().requires_grad_(False)
    with pytest.raises(ValueError, match="nothing to train"):
        quick().fit(module, table(), Plain())


def test_frozen_parts_stay(make, table, weights):
    module = make()
    module.encoder.requires_grad_(False)
    before = weights(module)
    quick().fit(module, table(), Plain())
    after = weights(module)
    changed = {name.split(".")[0] for name in after if not torch.equal(after[name], before[name])}
    assert changed == {"decoder"}


def test_the_objective_is_checked_before_anything(make, table, weights, same):
    module = make()
    before = weights(module)
    with pytest.raises(ValueError, match="weight must be at least 0"):
        quick().fit(module, table(), Wasserstein(-1))
    assert same(weights(module), before)


def test_a_batch_larger_than_the_data_is_the_data(make, table):
    history = quick(epochs=2, batch_size=1_000).fit(make(), table(7), Plain())
    assert len(history) == 2


def test_batches_know_their_length():
    assert len(Batch(torch.zeros(5, 2), torch.zeros(5, 2))) == 5
