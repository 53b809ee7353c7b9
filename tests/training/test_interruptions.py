"""Signals and kills: training ends between two steps, and a resumed run ends where the uninterrupted one does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch

import latente
from latente.bottlenecks import Gaussian
from latente.objectives import Plain
from latente.training import Trainer

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "NO_COLOR": "1", "TERM": "dumb"}
# A variational autoencoder (noise in every step) with early stopping on real photographs.
FIT = """
import sys, latente
from latente.datasets import load
from latente.networks import MLP
from latente.training import Trainer
trainer = Trainer(epochs=6, batch_size=50, patience=2, learning_rate=5e-3, threads=1, verbose=False, device="cpu",
                  checkpoint=sys.argv[1], checkpoint_every=5)
model = latente.VariationalAutoencoder(8, network=MLP((128,)), trainer=trainer, random_state=0)
model.fit(load("fashion-mnist-10k").x_train[:1000], resume=True)
model.save(sys.argv[2])
"""


def start(*arguments: object, cwd: Path) -> subprocess.Popen:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, *map(str, arguments)], cwd=cwd, env=ENVIRONMENT, **pipes)


def wait_for_states(running: subprocess.Popen, folder: Path, step: int) -> None:
    """Returns when there is a state of that step or a later one."""
    until = time.monotonic() + 120
    while time.monotonic() < until and running.poll() is None:
        if any(int(path.stem[5:]) >= step for path in folder.glob("step-*")):
            return
        time.sleep(0.005)
    pytest.fail(f"no state of step {step}: {running.communicate()}")


def same_models(one: Path, other: Path) -> bool:
    a, b = latente.load(one), latente.load(other)
    records = [[{**vars(record), "seconds": 0} for record in model.history_.records] for model in (a, b)]
    pairs = zip(a.module_.state_dict().values(), b.module_.state_dict().values(), strict=True)
    return records[0] == records[1] and all(torch.equal(left, right) for left, right in pairs)


@pytest.mark.slow
def test_killed_and_terminated_processes_end_where_the_uninterrupted_one_does(tmp_path):
    """Two kills at moments that follow from no step, one SIGTERM, then to the end; the full count is a benchmark."""
    whole = start("-c", FIT, "whole", "expected", cwd=tmp_path)
    checkpoints = tmp_path / "cut"
    for step, number in ((10, signal.SIGKILL), (45, signal.SIGKILL), (70, signal.SIGTERM)):
        running = start("-c", FIT, checkpoints, "model", cwd=tmp_path)
        wait_for_states(running, checkpoints, step)
        time.sleep(0.013)
        running.send_signal(number)
        out, err = running.communicate(timeout=60)
        assert (running.returncode, out, err) == (143 if number == signal.SIGTERM else -9, "", "")
        assert not (tmp_path / "model").exists()
    last = start("-c", FIT, checkpoints, "model", cwd=tmp_path)
    assert (last.communicate(timeout=120), last.returncode) == (("", ""), 0)
    assert (whole.communicate(timeout=120), whole.returncode) == (("", ""), 0)
    assert same_models(tmp_path / "model", tmp_path / "expected")
    assert [path.name for path in checkpoints.iterdir() if path.name.startswith(".")] == []


@pytest.mark.slow
def test_the_command_line_resumes(tmp_path):
    """SIGINT, then SIGTERM, then to the end; a line each, and a code that a shell understands."""
    draws = np.random.default_rng(0)
    np.save(tmp_path / "x.npy", (draws.normal(size=(400, 3)) @ draws.normal(size=(3, 20))).astype("f4"))
    command = ["-m", "latente", "fit", "x.npy", "--latent-dim", 3, "--bottleneck", "gaussian", "--epochs", 60]
    command += ["--batch-size", 10, "--network", "mlp:64", "--checkpoint-every", 20]
    whole = start(*command, "-o", "whole", "--quiet", cwd=tmp_path)
    folder = tmp_path / "m.checkpoints"
    for step, number, code, message in (
        (20, signal.SIGINT, 130, "interrupted after "),
        (200, signal.SIGTERM, 143, "terminated; "),
    ):
        running = start(*command, "-o", "m", "--resume", cwd=tmp_path)
        wait_for_states(running, folder, step)
        running.send_signal(number)
        out, err = running.communicate(timeout=60)
        assert (running.returncode, out) == (code, "")
        assert err.startswith(f"latente: {message}")
        assert err.endswith("the same command with --resume goes on from m.checkpoints\n")
        assert err.count("\n") == 1
        assert not (tmp_path / "m").exists()
    last = start(*command, "-o", "m", "--resume", "--quiet", cwd=tmp_path)
    assert (last.communicate(timeout=120), last.returncode) == (("", ""), 0)
    assert (whole.communicate(timeout=120), whole.returncode) == (("", ""), 0)
    assert same_models(tmp_path / "m", tmp_path / "whole")


def test_the_command_line_refuses_in_one_line(tmp_path, capsys):
    from latente.cli import main

    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(60, 6)).astype("f4"))
    command = ["fit", str(tmp_path / "x.npy"), "--latent-dim", "2", "--epochs", "2", "--quiet"]
    kept = ["--checkpoint", str(tmp_path / "c")]
    assert main([*command, "-o", str(tmp_path / "a"), *kept]) == 0
    assert main([*command, "-o", str(tmp_path / "b"), *kept]) == 2
    assert main([*command, "-o", str(tmp_path / "b"), *kept, "--resume", "--seed", "1"]) == 2
    assert main([*command, "-o", str(tmp_path / "b"), *kept, "--resume"]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert "holds the checkpoints of an earlier run; resume it" in lines[0]
    assert "is of another run: seed is 0 there, 1 here" in lines[1]
    assert same_models(tmp_path / "a", tmp_path / "b")


# In this process


class Signals(Plain):
    """Sends signals to this process at given steps."""

    def __init__(self, **at):
        self.at = {int(step.removeprefix("s")): number for step, number in at.items()}

    def __call__(self, module, batch, progress):
        if module.training and progress.step in self.at:
            os.kill(os.getpid(), self.at[progress.step])
        return super().__call__(module, batch, progress)


def quick(**settings):
    return Trainer(**{"epochs": 4, "batch_size": 16, "verbose": False, **settings})


@pytest.fixture
def handlers():
    """Starts with Python's own handlers (a process in the background ignores SIGINT) and wants them back."""
    own = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    found = {number: signal.signal(number, handler) for number, handler in own.items()}
    yield
    left = {number: signal.signal(number, handler) for number, handler in found.items()}
    assert left == own


pytestmark = pytest.mark.usefixtures("handlers")


def test_an_interruption_ends_after_the_present_step(make, table, weights, same, tmp_path):
    module = make(Gaussian())
    history = quick(checkpoint=tmp_path).fit(module, table(80), Signals(s12=signal.SIGINT), resume=True)
    assert (history.stopped, len(history)) == ("interrupted", 2)
    assert [path.name for path in tmp_path.iterdir()] == ["step-000000000013.safetensors"]
    resumed, whole = make(Gaussian()), make(Gaussian())
    assert quick(checkpoint=tmp_path).fit(resumed, table(80), Signals(), resume=True).stopped == "finished"
    quick().fit(whole, table(80), Signals())
    assert same(weights(resumed), weights(whole))


def test_an_interruption_at_an_epochs_last_step(make, table, weights, same, tmp_path):
    for step in (4, 19):
        folder = tmp_path / str(step)
        history = quick(checkpoint=folder).fit(make(Gaussian()), table(80), Signals(**{f"s{step}": signal.SIGINT}))
        assert history.stopped == "interrupted"
        resumed, whole = make(Gaussian()), make(Gaussian())
        again = quick(checkpoint=folder).fit(resumed, table(80), Signals(), resume=True)
        expected = quick().fit(whole, table(80), Signals())
        assert same(weights(resumed), weights(whole))
        assert again.column("loss") == expected.column("loss")


def test_a_termination_checkpoints_and_ends_the_process(make, table, tmp_path):
    module = make()
    with pytest.raises(SystemExit) as caught:
        quick(checkpoint=tmp_path).fit(module, table(80), Signals(s7=signal.SIGTERM))
    assert caught.value.code == 128 + signal.SIGTERM
    assert [path.name for path in tmp_path.iterdir()] == ["step-000000000008.safetensors"]
    assert not module.training
    assert module.generator is None


def test_a_second_interruption_does_not_wait(make, table, weights, same):
    """It may come in the middle of an update, so the weights are those of the last epoch."""
    module, kept = make(), {}
    callbacks = [lambda record: kept.update({record.epoch: weights(module)})]

    class Twice(Plain):
        def __call__(self, module, batch, progress):
            if module.training and progress.step == 12:
                os.kill(os.getpid(), signal.SIGINT)
                with torch.no_grad():
                    next(module.parameters()).fill_(7.0)
                os.kill(os.getpid(), signal.SIGINT)
                pytest.fail("nothing comes after it")
            return super().__call__(module, batch, progress)

    history = quick(callbacks=callbacks).fit(module, table(80), Twice())
    assert (history.stopped, len(history)) == ("interrupted", 2)
    assert same(weights(module), kept[2])


def test_without_checkpoints_a_termination_is_not_our_business(make, table):
    got = []
    signal.signal(signal.SIGTERM, lambda number, frame: got.append(number))
    try:
        assert quick().fit(make(), table(80), Signals(s3=signal.SIGTERM)).stopped == "finished"
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    assert got == [signal.SIGTERM]

    class Looks(Plain):
        def __call__(self, module, batch, progress):
            assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
            assert signal.getsignal(signal.SIGINT) != signal.default_int_handler
            return super().__call__(module, batch, progress)

    quick().fit(make(), table(80), Looks())


def test_handlers_of_the_users_own_stay(make, table, tmp_path):
    got = []
    signal.signal(signal.SIGTERM, lambda number, frame: got.append(number))
    try:
        history = quick(checkpoint=tmp_path).fit(make(), table(80), Signals(s3=signal.SIGTERM))
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    assert (history.stopped, got) == ("finished", [signal.SIGTERM])


def test_handlers_come_back_after_an_error(make, table, tmp_path):
    class Fails(Plain):
        def __call__(self, module, batch, progress):
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        quick(threads=1, checkpoint=tmp_path).fit(make(), table(80), Fails())


def test_in_a_thread_signals_are_left_alone(make, table, weights, same, tmp_path):
    module, whole, seen = make(Gaussian()), make(Gaussian()), []

    class Looks(Plain):
        def __call__(self, module, batch, progress):
            seen.append((signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)))
            return super().__call__(module, batch, progress)

    worker = threading.Thread(target=lambda: quick(checkpoint=tmp_path).fit(module, table(80), Looks()))
    worker.start()
    worker.join()
    assert set(seen) == {(signal.default_int_handler, signal.SIG_DFL)}
    assert any(tmp_path.glob("step-*"))
    quick().fit(whole, table(80), Plain())
    assert same(weights(module), weights(whole))


def test_an_interrupted_pretraining_goes_on(tmp_path):
    """The signal comes while the second of three layers is trained."""
    from latente.pretraining import Pretraining

    X = np.random.default_rng(0).normal(size=(60, 8)).astype("f4")

    def model(folder=None, callbacks=()):
        own = Trainer(batch_size=20, verbose=False, callbacks=callbacks)
        trainer = Trainer(epochs=2, batch_size=20, verbose=False, checkpoint=folder)
        named = {"pretraining": Pretraining(epochs=3, trainer=own), "trainer": trainer, "random_state": 0}
        return latente.StackedAutoencoder(2, hidden_features=(7, 5), **named)

    seen = []

    def press(record):
        seen.append(record)
        if len(seen) == 4:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        model(tmp_path, [press]).fit(X)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["layer-1", "layer-2"]
    resumed, whole = model(tmp_path).fit(X, resume=True), model().fit(X)
    assert np.array_equal(resumed.transform(X), whole.transform(X))
