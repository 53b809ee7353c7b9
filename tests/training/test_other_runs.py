"""A checkpoint folder is for one run: one process at a time, the same data, the same functions, the same callbacks."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from latente.corruptions import Custom
from latente.data import ArraySource
from latente.objectives import Plain
from latente.training import CheckpointError, CheckpointWarning, Trainer

CLAIM = """
import sys
from latente.training.claim import FolderClaim
from pathlib import Path
claim = FolderClaim(Path(sys.argv[1]))
print(claim.take(), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def fit(make, table, tmp_path, weights):
    """A function (epochs=..., source=..., ...) -> weights and history of a run with checkpoints in one folder."""

    def run(source=None, *, resume=True, corruption=None, seed=3, **settings):
        module = make(corruption=corruption)
        standard = {
            "epochs": 3,
            "batch_size": 16,
            "verbose": False,
            "checkpoint": tmp_path / "c",
            "checkpoint_every": 2,
        }
        history = Trainer(**{**standard, **settings}).fit(
            module, source or table(600), Plain(), seed=seed, resume=resume
        )
        return weights(module), history

    return run


def stop_after(epoch):
    return lambda record: record.epoch == epoch


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such locks")
def test_a_second_process_is_kept_out_while_the_first_lives(fit, tmp_path):
    (tmp_path / "c").mkdir()
    other = subprocess.Popen(
        [sys.executable, "-c", CLAIM, str(tmp_path / "c")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout.readline() == "True\n"
    with pytest.raises(CheckpointError, match="another run is training with the checkpoint folder"):
        fit()
    assert list((tmp_path / "c").iterdir()) == []
    other.kill()
    other.communicate()
    fit()
    fit()  # the first gave it back


def test_a_change_in_the_last_sample_is_noticed(fit, table):
    fit(callbacks=[stop_after(1)])
    changed = table(600).x.clone()
    changed[-1, -1] += 1.0
    with pytest.raises(CheckpointError, match=r"not the same data\.values"):
        fit(ArraySource(changed))


def test_functions_are_compared_by_what_they_do(fit):
    def noise(factor):
        return Custom(lambda x: x * factor)

    fit(corruption=noise(1.0), callbacks=[stop_after(1)])
    for other in (Custom(lambda x: x * 0.0), noise(2.0)):
        with pytest.raises(CheckpointError, match="corruption"):
            fit(corruption=other)
    assert len(fit(corruption=noise(1.0))[1]) == 3


@pytest.mark.parametrize("changed", [{"threads": 2}, {"compile": False}], ids=str)
def test_threads_and_compilation_are_part_of_the_run(fit, changed):
    fit(callbacks=[stop_after(1)])
    with pytest.raises(CheckpointError, match=next(iter(changed))):
        fit(**changed)


def test_what_a_callback_stopped_goes_on_without_it(fit, same, tmp_path):
    stopped, history = fit(callbacks=[stop_after(2)])
    assert (history.stopped, len(history)) == ("callback", 2)
    again, history = fit(callbacks=[stop_after(2)])
    assert (history.stopped, len(history)) == ("callback", 2)
    assert same(again, stopped)
    resumed, history = fit()
    assert (history.stopped, len(history)) == ("finished", 3)
    assert same(resumed, fit(checkpoint=tmp_path / "other")[0])


def test_lost_best_weights_do_not_lose_the_run(make, table, tmp_path):
    def run(resume, epochs_stop=None):
        callbacks = [stop_after(epochs_stop)] if epochs_stop else []
        trainer = Trainer(
            epochs=4, batch_size=16, patience=4, verbose=False, checkpoint=tmp_path / "c", callbacks=callbacks,
            checkpoint_every=10**6, checkpoints_kept=1,
        )  # fmt: skip
        return trainer.fit(make(), table(80), Plain(), validation=table(20, seed=1), seed=3, resume=resume)

    run(False, 2)
    for path in (tmp_path / "c").glob("best-*"):
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.warns(CheckpointWarning, match="without the best weights so far"):
        history = run(True)
    assert [record.epoch for record in history.records] == [1, 2, 3, 4]
    assert history.best_epoch > 2


@pytest.mark.parametrize("kept", [1, 3])
def test_so_many_states_are_kept(fit, tmp_path, kept):
    fit(checkpoint_every=1, checkpoints_kept=kept)
    assert len(list((tmp_path / "c").glob("step-*"))) == kept


def test_streams_are_told_apart(make, tmp_path):
    from latente.data import ArrayRows, DataSpec, StreamSource
    from latente.data.decide import decide

    def run(x):
        rows = ArrayRows(x)
        source = StreamSource(rows, decide(rows, DataSpec()))
        trainer = Trainer(epochs=2, verbose=False, checkpoint=tmp_path / "c")
        return trainer.fit(make(), source, Plain(), seed=0, resume=True)

    x = np.random.default_rng(0).normal(size=(3000, 10)).astype(np.float32)
    run(x)
    run(x)
    x = x.copy()
    x[2990:] *= 3
    with pytest.raises(CheckpointError, match=r"not the same data\.values"):
        run(x)
