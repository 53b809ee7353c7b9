"""What a history shows: each sign in a run made for it, none in a healthy one; kept in files and checkpoints."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

import latente
from latente.bottlenecks import Gaussian
from latente.objectives import Losses, Plain
from latente.training import EpochRecord, Finding, History, Trainer
from latente.training.finding import SUSPICION, ranked
from latente.training.pulse import Pulse, weight_scale
from latente.training.schedule import warmup_cosine
from latente.training.signs import signs, way

QUIET = {"verbose": False, "batch_size": 16}


def history(losses, *, highest=None, held=None, rate=0.0, **fields):
    """A history of healthy settings with these losses; the untrained network's is 100."""
    highest, held = highest or losses, held or [None] * len(losses)
    rates = rate if isinstance(rate, list) else [rate] * len(losses)
    rows = zip(losses, highest, held, rates, strict=True)
    records = [
        EpochRecord(i, loss, loss, r, 0.0, v, v, None, 0.1, 1e-3, {}, 100.0 if i == 1 else loss, high)
        for i, (loss, high, v, r) in enumerate(rows, 1)
    ]
    known = {"planned": len(losses), "steps": 100, "samples": 1600, "learning_rate": 2e-3, "weight_scale": 0.05}
    return History(records, **{"best_epoch": len(losses), **known, **fields})


def found(history):
    return {finding.name: finding for finding in ranked(signs(history))}


def numbers(text):
    return [float(number) for number in re.findall(r"\d+\.?\d*(?:e[+-]?\d+)?", text)]


HEALTHY = [50.0, 20.0, 12.0, 10.0, 9.5, 9.2, 9.0, 8.9, 8.85, 8.8]


def test_nothing_in_a_healthy_run():
    assert found(history(HEALTHY)) == {}
    assert found(history(HEALTHY, held=[loss + 1 for loss in HEALTHY])) == {}
    assert found(History()) == {}


def test_the_way_is_the_sum_of_the_learning_rates():
    run = history(HEALTHY)
    exact = sum(2e-3 * warmup_cosine(step, 1000) for step in range(1000)) / 0.05
    assert way(run) == pytest.approx(exact, rel=0.01)
    begun = replace(run, records=run.records[:3])
    assert way(begun) == way(run)  # of a run that goes on all steps count
    begun.stopped = "interrupted"
    assert way(begun) == pytest.approx(sum(2e-3 * warmup_cosine(s, 1000) for s in range(300)) / 0.05, rel=0.01)


def test_a_loss_that_never_moved():
    still = found(history([10.0, 10.0, 9.999]))["loss never moved"]
    assert numbers(still.message) == [10, 9.999, 3]
    assert "loss never moved" not in found(history([10.0, 9.9, 9.9]))


def test_a_spike_is_named_with_its_epoch():
    """An epoch's highest had fallen from 100 to 20 when a batch gave back 60; half of 80 is 40."""
    spiked = found(history([50.0, 10.0, 12.0, 9.0], highest=[100.0, 20.0, 80.0, 20.0]))["loss spikes"]
    assert (spiked.severity, spiked.epoch) == ("note", 3)
    assert numbers(spiked.message)[:5] == [1, 4, 3, 80, 3]
    assert spiked.change == {"trainer__learning_rate": pytest.approx(2e-4)}
    lasting = found(history([50.0, 10.0, 60.0, 55.0], highest=[100.0, 20.0, 80.0, 70.0]))["loss spikes"]
    assert lasting.severity == "warning"
    assert "loss spikes" not in found(history([50.0, 10.0, 12.0, 9.0], highest=[100.0, 20.0, 60.0, 20.0]))


def test_an_unstable_run_with_large_steps_is_told_to_take_small_ones():
    """Steps of 0.2 / 0.05, four times a weight's size."""
    run = history([50.0, 10.0, 60.0, 55.0], highest=[100.0, 20.0, 80.0, 70.0], learning_rate=0.2)
    cause, symptom = ranked(signs(run))
    assert (cause.name, cause.severity, symptom.name) == ("learning rate too high", "warning", "loss spikes")
    assert numbers(cause.message)[:3] == [0.2, 0.05, 400]
    assert cause.change == {"trainer__learning_rate": 2e-3}
    assert symptom.advice == "It follows from: learning rate too high."
    assert found(history(HEALTHY, learning_rate=0.04)) == {}


def test_steps_larger_than_a_weight_are_a_note_even_where_the_loss_falls():
    (alone,) = found(history(HEALTHY, learning_rate=0.2)).values()
    assert (alone.name, alone.severity) == ("learning rate too high", "note")
    assert alone.change == {"trainer__learning_rate": 2e-3}


def test_the_advised_rate_fits_the_weights():
    """Where the usual rate is too large for the weights, 3% of their size is advised."""
    cause = ranked(signs(history([10.0, 11.0, 12.0], weight_scale=1e-3, learning_rate=0.1)))[0]
    assert cause.change == {"trainer__learning_rate": pytest.approx(3e-5)}


def test_small_steps():
    slow = found(history(HEALTHY, learning_rate=2e-5))["learning rate too low"]
    assert slow.severity == "note"  # whether the result is poor is not known here
    assert numbers(slow.message)[:3] == [2e-5, 0.05, 0.04]


def test_few_steps():
    few = found(history([80.0, 70.0], steps=5))
    assert list(few) == ["too few steps", "still falling"]
    assert few["too few steps"].change["trainer__epochs"] > 10


@pytest.mark.parametrize(("stopped", "change"), [("early stopping", "patience"), ("callback", "callbacks")])
def test_a_run_that_was_ended_early(stopped, change):
    early = found(history([50.0, 30.0], stopped=stopped, planned=60, best_epoch=1))["stopped too early"]
    assert numbers(early.message)[:3] == [2, 60, 1]
    assert list(early.change) == [f"trainer__{change}"]
    assert found(history(HEALTHY, stopped=stopped, planned=60)) == {}
    assert "stopped too early" not in found(history([50.0, 30.0], planned=60))


def test_a_run_that_was_interrupted():
    early = found(history([50.0, 30.0], stopped="interrupted", planned=60))["stopped too early"]
    assert "an interruption after 2 of 60 epochs" in early.message
    assert early.change == {}


def test_a_loss_that_still_falls_at_the_end():
    """Of 90 that it fell, 20 in the last fifth."""
    falling = found(history([90.0, 80.0, 70.0, 50.0, 30.0, 10.0]))["still falling"]
    assert numbers(falling.message)[:4] == [50, 10, 2, 44]
    assert falling.change == {"trainer__epochs": 12}
    assert found(history([90.0, 80.0, 70.0, 50.0, 30.0], planned=10)) == {}  # it is not the end


def test_a_rate_that_vanishes():
    collapsed = found(history([50.0, 20.0, 10.0, 9.5], rate=[3.0, 0.5, 0.04, 0.01]))["collapsed posterior"]
    assert (collapsed.severity, collapsed.epoch) == ("warning", 3)
    assert numbers(collapsed.message) == [0.01, 0.05, 3, 3]
    assert "collapsed posterior" not in found(history([50.0, 20.0, 10.0, 9.5], rate=[0.01, 0.02, 3.0, 8.0]))
    assert "collapsed posterior" not in found(history(HEALTHY))  # no rate at all


def test_overfitting():
    risen = found(history([8.0, 4.0, 2.0, 1.0, 0.5], held=[10.0, 4.0, 2.0, 3.0, 5.0]))["overfitting"]
    assert (risen.epoch, numbers(risen.message)) == (3, [2, 3, 5, 2, 0.5])


# The order


def finding(name, severity="warning", *explains):
    return Finding(name, severity, f"{name}.", "Act.", explains=explains)


def test_causes_come_first_and_inherit_the_severity():
    given = [finding("b"), finding("good", "good"), finding("a", "note", "b"), finding("c", "note")]
    order = ranked(given)
    assert [(f.name, f.severity) for f in order] == [
        ("a", "warning"),
        ("b", "warning"),
        ("c", "note"),
        ("good", "good"),
    ]
    assert [f.advice for f in order] == ["Act.", "It follows from: a.", "Act.", "Act."]


def test_suspicions_need_something_to_explain():
    assert ranked([finding("a", SUSPICION, "b"), finding("b", SUSPICION, "c")]) == ()
    assert [f.severity for f in ranked([finding("a", SUSPICION, "b"), finding("b", "note")])] == ["note", "note"]
    assert [f.name for f in ranked([finding("a", SUSPICION, "b"), finding("b", "good")])] == ["b"]


def test_the_later_finding_of_a_name_counts():
    assert [f.severity for f in ranked([finding("a"), finding("a", "note")])] == ["note"]


# Measuring


def test_the_pulse_of_an_epoch(make, table):
    """The first loss is that of the untrained network; no batch is above the highest."""
    module, rows, seen = make(), table(64), []

    class Watched(Plain):
        def __call__(self, module, batch, progress):
            losses = super().__call__(module, batch, progress)
            if module.training and torch.is_grad_enabled():
                seen.append(losses.loss.mean().item())
            return losses

    run = Trainer(epochs=2, learning_rate=0.01, threads=1, precision="float32", compile=False, **QUIET).fit(
        module, rows, Watched()
    )
    seen = np.array(seen[-8:]).reshape(2, 4)
    assert [record.first_loss for record in run.records] == pytest.approx(seen[:, 0])
    assert [record.highest_loss for record in run.records] == pytest.approx(seen.max(1))
    assert (run.samples, run.planned, run.steps, run.learning_rate) == (64, 2, 4, 0.01)


def test_a_pulse_of_tensors_is_that_of_numbers():
    numbers_, tensors = Pulse(), Pulse()
    for value in (2.0, 5.0, 1.0):
        numbers_.add(value)
        tensors.add(torch.tensor(value))
    again = Pulse()
    again.load(tensors.state())
    again.add(torch.tensor(3.0))
    assert numbers_.result() == tensors.result() == again.result() == (2.0, 5.0)
    again.load({})  # of an older version
    assert again.result() == (None, None)


def test_the_size_of_weights(make):
    module = make()
    with torch.no_grad():
        scales = [float(np.sqrt(np.square(p.numpy()).mean())) for p in module.parameters() if p.ndim > 1]
    assert min(scales) <= weight_scale(module) <= max(scales)
    assert sorted(scales)[(len(scales) - 1) // 2] == pytest.approx(weight_scale(module))


# Keeping


class Spiking(Plain):
    """The loss of one step is a thousand times what it should be."""

    def __call__(self, module, batch, progress):
        losses = super().__call__(module, batch, progress)
        factor = 1e3 if module.training and progress.step == 14 else 1.0
        return Losses(losses.loss * factor, losses.distortion, losses.rate, losses.penalty)


def test_findings_survive_a_resumption(make, table, tmp_path):
    def train(**settings):
        resume = settings.pop("resume", False)
        trainer = Trainer(epochs=6, learning_rate=0.01, **QUIET, **settings)
        return trainer.fit(make(Gaussian()), table(64), Spiking(), seed=3, resume=resume)

    whole = train()
    assert [(f.name, f.epoch) for f in whole.findings if f.name == "loss spikes"] == [("loss spikes", 4)]

    class Killed(Exception):
        pass

    def kill(record):
        if record.epoch == 5:
            raise Killed

    with pytest.raises(Killed):
        train(checkpoint=tmp_path / "c", checkpoint_every=3, callbacks=[kill])
    again = train(checkpoint=tmp_path / "c", checkpoint_every=3, resume=True)
    assert again.findings == whole.findings
    plain = [[{k: v for k, v in asdict(r).items() if k != "seconds"} for r in h.records] for h in (whole, again)]
    assert plain[0] == plain[1]


def test_findings_survive_a_file(tmp_path):
    X = np.random.default_rng(0).normal(size=(60, 5))
    model = latente.Autoencoder(2, trainer=Trainer(epochs=3, learning_rate=1e-12, verbose=False), random_state=0).fit(X)
    assert [f.name for f in model.history_.findings] == ["learning rate too low", "loss never moved"]
    again = latente.load(model.save(tmp_path / "m"))
    assert again.history_ == model.history_
    assert History.from_dict(json.loads(json.dumps(model.history_.to_dict()))) == model.history_


def test_a_history_of_an_older_version_is_read():
    old = asdict(history(HEALTHY))
    for name in ("findings", "samples", "planned", "steps", "learning_rate", "weight_scale"):
        del old[name]
    for record in old["records"]:
        del record["first_loss"], record["highest_loss"]
    read = History.from_dict(old)
    assert read.column("loss") == HEALTHY
    assert ranked(signs(read)) == ()
