"""The table of epochs, the states that are kept, and the progress bar."""

from __future__ import annotations

import json

import pytest
import torch
from torch import nn

from latente.objectives import Losses, Plain, Progress
from latente.training import EpochRecord, Finding, History, Trainer
from latente.training.checkpoint import MemoryCheckpoint
from latente.training.means import Means, measure
from latente.training.progress import progress_bar


def record(epoch, loss=1.0, validation=None):
    return EpochRecord(epoch, loss, loss / 2, 0.25, 0.0, validation, validation, validation, 0.5, 1e-3, {"mmd": 0.125})


def test_columns():
    history = History([record(1, 4.0), record(2, 2.0)], best_epoch=2)
    assert len(history) == 2
    assert history.column("loss") == [4.0, 2.0]
    assert history.seconds == 1.0
    with pytest.raises(AttributeError):
        history.column("nonsense")


@pytest.mark.parametrize("validation", [None, 3.5])
def test_json_round_trip(validation):
    history = History([record(1, 4.0, validation)], "early stopping", 1, "bfloat16", 64)
    assert History.from_dict(json.loads(json.dumps(history.to_dict()))) == history


def test_a_real_history_goes_through_json(make, table):
    history = Trainer(epochs=2, verbose=False).fit(make(), table(), Plain(), validation=table(9))
    assert History.from_dict(json.loads(json.dumps(history.to_dict(), allow_nan=False))) == history


def test_the_printed_table_is_short_and_complete():
    text = repr(History([record(i, 10.0 - i / 10, 5.0) for i in range(1, 51)], "finished", 50, "float32", 32))
    lines = text.splitlines()
    assert [line.split()[0] for line in lines[:-1]] == ["epoch", "1", "2", "3", "...", *map(str, range(43, 51))]
    assert lines[-1] == "finished, 25.0 s, batches of 32, float32, weights of epoch 50"
    assert len(repr(History([record(1)])).splitlines()) == 3
    assert repr(History()).splitlines()[-1].startswith("finished, 0.0 s")


def test_means_are_over_samples_not_over_batches():
    means = Means()
    for value, n in ((1.0, 3), (5.0, 1)):
        tensor = torch.full((n,), value)
        means.add(Losses(tensor, 2 * tensor, 3 * tensor, 4 * tensor, {"extra": torch.tensor(value)}))
    values, extra = means.result()
    assert values == {"loss": 2.0, "distortion": 4.0, "rate": 6.0, "penalty": 8.0}
    assert extra == {"extra": 2.0}


def test_measuring_leaves_the_mode_and_no_gradients(make, table):
    for training in (True, False):
        module = make().train(training)
        values = measure(module, table(50), Plain(), 16, Progress(1, 1, 50))
        assert module.training is training
        assert all(p.grad is None for p in module.parameters())
        x_hat = module.eval()(table(50).x)[0]
        expected = (x_hat - table(50).x).square().sum(1).mean().item()
        assert values["loss"] == pytest.approx(expected, rel=1e-5)


def test_memory_keeps_copies():
    module = nn.Linear(2, 2)
    checkpoint = MemoryCheckpoint()
    checkpoint.load_into(module)  # nothing to load
    for _ in range(2):
        checkpoint.save(module)
        kept = module.weight.detach().clone()
        with torch.no_grad():
            module.weight.add_(1)
        checkpoint.load_into(module)
        assert torch.equal(module.weight, kept)
        with torch.no_grad():
            module.weight.mul_(2)


@pytest.mark.parametrize(("verbose", "shown"), [(True, True), (False, False), ("auto", False)])
def test_the_bar_is_seen_on_standard_error_when_asked_for(capsys, verbose, shown):
    with progress_bar(verbose, 3) as show:
        show(record(1, 12.5, 6.25))
    out, err = capsys.readouterr()
    assert out == ""
    assert ("loss 12.5 distortion 6.25 rate 0.25 validation 6.25" in err.replace("\n", " ")) is shown


def test_the_bar_names_what_is_wrong(capsys):
    with progress_bar(True, 3) as show:
        show(record(1, 12.5), [Finding("loss spikes", "warning", "..."), Finding("still falling", "note", "...")])
    err = capsys.readouterr().err.replace("\n", " ")
    assert "loss spikes" in err
    assert "still falling" not in err


def test_in_a_terminal_auto_shows_it(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with progress_bar("auto", 3) as show:
        show(record(1))
    assert "epoch" in capsys.readouterr().err


def test_training_is_quiet_outside_a_terminal(make, table, capfd):
    Trainer(epochs=1).fit(make(), table(), Plain())
    assert capfd.readouterr() == ("", "")
