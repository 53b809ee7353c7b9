"""Two processes under torchrun train as one process with batches twice as large does, and resume after a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

import latente
from latente.datasets import load
from latente.training import Trainer
from latente.training.processes import ALONE, Processes, current_processes

pytestmark = pytest.mark.skipif(not torch.distributed.is_available(), reason="this torch has no torch.distributed")
# The pictures are an odd number, so that the ranks' shares differ.
FIT = """
import json, sys, latente
from latente.datasets import load
from latente.networks import MLP
from latente.training import Trainer, current_processes
batch, folder, epochs, bottleneck = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
data = load("fashion-mnist-10k")
trainer = Trainer(epochs=epochs, batch_size=batch, precision="float32", threads=1, device="cpu", verbose=False,
                  checkpoint=folder + "/checkpoints", checkpoint_every=4)
model = latente.Autoencoder(8, network=MLP((64,)), bottleneck=bottleneck, trainer=trainer, random_state=0)
model.fit(data.x_train[:1001], validation=data.x_test[:101], resume=True)
if current_processes().first:
    print("finished", flush=True)
model.save(folder + "/model")
"""
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"}


def start(folder: Path, batch: int, ranks: int, epochs: int = 4, bottleneck: str = "deterministic") -> subprocess.Popen:
    """Starts a fit in a session of its own."""
    folder.mkdir(exist_ok=True)
    script = folder / "fit.py"
    script.write_text(FIT, encoding="utf-8")
    several = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(ranks)] if ranks > 1 else []
    command = [sys.executable, *several, str(script), str(batch), str(folder), str(epochs), bottleneck]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, env=ENVIRONMENT, start_new_session=True, **streams)


def finish(running: subprocess.Popen, folder: Path) -> latente.Autoencoder:
    """Returns the model that a fit ends with."""
    out, err = running.communicate(timeout=240)
    assert running.returncode == 0, err[-3000:]
    assert out.count("finished") == 1
    return latente.load(folder / "model")


def kill(running: subprocess.Popen, folder: Path) -> None:
    """Kills torchrun and its workers, which have sessions of their own."""
    os.killpg(running.pid, signal.SIGKILL)
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            mine = str(folder).encode() in path.read_bytes().split(b"\0")
        except OSError:
            continue
        if mine:
            os.kill(int(path.parent.name), signal.SIGKILL)
    running.communicate()


@pytest.mark.slow
def test_two_ranks_are_one_with_batches_twice_as_large(tmp_path):
    one = finish(start(tmp_path / "one", 64, 1), tmp_path / "one")
    two = finish(start(tmp_path / "two", 32, 2), tmp_path / "two")
    for column in ("loss", "distortion", "validation_loss"):
        expected = one.history_.column(column)
        assert len(expected) == 4
        assert two.history_.column(column) == pytest.approx(expected, rel=1e-5)
    x = load("fashion-mnist-10k").x_test[:50]
    np.testing.assert_allclose(two.transform(x), one.transform(x), atol=1e-3)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="finds torchrun's workers in /proc")
@pytest.mark.parametrize("bottleneck", ["deterministic", "vq:32"])  # codebooks differ between ranks within an epoch
def test_two_ranks_killed_and_resumed_end_as_if_nothing_had_happened(tmp_path, bottleneck):
    whole = finish(start(tmp_path / "whole", 32, 2, epochs=30, bottleneck=bottleneck), tmp_path / "whole")
    folder = tmp_path / "killed"
    running = start(folder, 32, 2, epochs=30, bottleneck=bottleneck)
    until = time.monotonic() + 120
    while time.monotonic() < until and len(list(folder.glob("checkpoints/step-*.safetensors"))) < 2:
        time.sleep(0.005)
    kill(running, folder)
    assert not (folder / "model").exists()
    resumed = finish(start(folder, 32, 2, epochs=30, bottleneck=bottleneck), folder)
    assert resumed.history_.column("loss") == whole.history_.column("loss")
    pairs = zip(resumed.module_.state_dict().values(), whole.module_.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    assert 1 <= len(list(folder.glob("checkpoints/step-*.safetensors"))) <= 2  # kept by one rank for both


@pytest.fixture
def group(tmp_path):
    """A process group of one, which makes every collective operation real."""
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path / 'store'}", rank=0, world_size=1)
    yield Processes(0, 2)  # says that it is two, so that nothing is skipped; sums are over one
    torch.distributed.destroy_process_group()


def test_without_torchrun_there_is_one_process(monkeypatch):
    for name in ("WORLD_SIZE", "RANK", "LOCAL_RANK", "MASTER_ADDR"):
        monkeypatch.delenv(name, raising=False)
    assert current_processes() == ALONE
    monkeypatch.setenv("WORLD_SIZE", "4")  # of a scheduler that starts no group
    assert current_processes() == ALONE


@pytest.mark.parametrize(
    ("gpus", "nccl", "backend"), [(True, True, "cpu:gloo,cuda:nccl"), (True, False, "gloo"), (False, True, "gloo")]
)
def test_a_run_on_the_cpu_works_beside_gpus_too(monkeypatch, gpus, nccl, backend):
    """nccl moves nothing but tensors on GPUs; a Trainer(device="cpu") has none."""
    chosen, devices = [], []
    for name, value in {"WORLD_SIZE": "2", "RANK": "1", "LOCAL_RANK": "1", "MASTER_ADDR": "localhost"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus)
    monkeypatch.setattr(torch.cuda, "set_device", devices.append)
    monkeypatch.setattr(torch.distributed, "is_nccl_available", lambda: nccl)
    monkeypatch.setattr(torch.distributed, "init_process_group", chosen.append)
    monkeypatch.setattr(torch.distributed, "get_rank", lambda: 1)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 2)
    assert current_processes() == Processes(1, 2)
    assert (chosen, devices) == ([backend], [1] if gpus and nccl else [])


def test_alone_nothing_is_exchanged():
    value = torch.tensor([1.0, 2.0])
    assert ALONE.sum(value) is value
    assert ALONE.any([True, False], torch.device("cpu")) == [True, False]
    assert ALONE.gather("x") == ["x"]
    assert ALONE.from_first(3) == 3
    assert ALONE.average([torch.nn.Parameter(value)], value) is value


def test_collective_operations(group):
    assert group.sum(torch.tensor([1.0, 2.0])).tolist() == [1.0, 2.0]
    assert group.any([True, False], torch.device("cpu")) == [True, False]
    assert group.from_first({"a": 1}) == {"a": 1}
    group.wait()
    module = torch.nn.BatchNorm1d(3)
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    group.align(module)
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())


def test_gradients_are_averaged_in_one_exchange(group):
    used, unused = torch.nn.Parameter(torch.ones(2, 3)), torch.nn.Parameter(torch.ones(4))
    used.grad = torch.arange(6.0).reshape(2, 3)
    loss = group.average([used, unused], torch.tensor(3.0))
    assert loss.item() == 1.5  # the sum is over one process, the mean over the two that the group says it is
    assert used.grad.tolist() == [[0.0, 0.5, 1.0], [1.5, 2.0, 2.5]]
    assert unused.grad.tolist() == [0.0] * 4


def test_a_source_too_small_to_share_is_nobodys_share(table):
    assert Processes(0, 3).share(table(2)) is None
    shares = [Processes(rank, 3).share(table(8)) for rank in range(3)]
    seen = torch.cat([batch.x for share in shares for batch in share.batches(2)])
    assert sorted(seen[:, 0].tolist()) == sorted(next(iter(table(8).batches(8))).x[:, 0].tolist())


def test_several_processes_share_an_automatic_batch():
    assert Trainer().resolve_batch_size(60_000, 4) == Trainer().resolve_batch_size(60_000) // 4
    assert Trainer(batch_size=100).resolve_batch_size(60_000, 4) == 100
