"""Checkpoints on disk: which are kept, what damage does, what happens when they cannot be written."""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from latente import files
from latente.bottlenecks import Gaussian
from latente.objectives import Plain
from latente.training import CheckpointError, CheckpointWarning, Trainer
from latente.training.checkpoint import TrainingState
from latente.training.folder import CheckpointFolder


class Killed(Exception):
    """The end of a process, as far as a test in one process can have it."""


class Fit(Plain):
    """The objective that is killed before the step `at`."""

    def __init__(self, at=-1):
        self.at = at

    def __call__(self, module, batch, progress):
        if module.training and progress.step == self.at:
            raise Killed
        return super().__call__(module, batch, progress)


@pytest.fixture
def train(make, table, weights):
    """A function (at=step, ...) -> weights after 20 steps, with the best of four epochs kept."""

    def run(at=-1, *, resume=False, **settings):
        module = make(Gaussian(warmup=0.0))
        standard = {"epochs": 4, "batch_size": 16, "patience": 4, "learning_rate": 0.01, "verbose": False}
        trainer = Trainer(**{**standard, **settings})
        trainer.fit(module, table(80), Fit(at), validation=table(20, seed=1), seed=3, resume=resume)
        return weights(module)

    return run


@pytest.fixture
def killed(train, tmp_path):
    """A folder of a run that was killed after step 13, with states of the last two steps and the best weights."""
    with pytest.raises(Killed):
        train(13, checkpoint=tmp_path / "c", checkpoint_every=1)
    return tmp_path / "c"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def step(n):
    return f"step-{n:012d}.safetensors"


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# What is kept


def test_the_last_two_and_the_best_are_kept(killed, weights):
    assert names(killed) == ["best-000002.safetensors", step(12), step(13)]


def test_a_best_that_older_states_name_is_kept_with_them(train, tmp_path):
    """Right after an epoch that was better, the two states name different weights."""
    with pytest.raises(Killed):
        train(11, checkpoint=tmp_path / "c", checkpoint_every=1)
    assert names(tmp_path / "c") == [*(f"best-{n:06d}.safetensors" for n in (1, 2)), step(10), step(11)]


def test_states_are_written_when_they_are_due(train, tmp_path, monkeypatch):
    written = []
    original = CheckpointFolder.save
    monkeypatch.setattr(
        CheckpointFolder, "save", lambda self, state: [written.append(state.step), original(self, state)]
    )
    train(checkpoint=tmp_path / "a", checkpoint_every=7)
    assert written == [7, 14, 20]
    written.clear()
    train(checkpoint=tmp_path / "b")  # a minute is longer than the run
    assert written == [20]
    monkeypatch.setattr("latente.training.run.SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    written.clear()
    train(checkpoint=tmp_path / "d")
    assert written == [*range(1, 21), 20]


def test_a_state_holds_everything(killed):
    with safe_open(killed / step(13), framework="pt") as file:
        groups = {key.partition("/")[0] for key in file.keys()}  # noqa: SIM118
    assert groups == {"weights", "optimizer", "means", "generators"}


def test_there_is_no_pickle_in_it(killed):
    for data in content(killed).values():
        assert b"torch" not in data[:64]
        assert data[8:9] == b"{"  # safetensors: eight bytes of length, then JSON


# Damage


def truncate(path):
    path.write_bytes(path.read_bytes()[:-100])


def cut_to_nothing(path):
    path.write_bytes(b"")


def zeros(path):
    path.write_bytes(bytes(path.stat().st_size))


def flip_last(path):
    data = bytearray(path.read_bytes())
    data[-50] ^= 1
    path.write_bytes(data)


def flip_described(path):
    data = path.read_bytes()
    assert data.count(b'\\"step\\": 13') == 1
    path.write_bytes(data.replace(b'\\"step\\": 13', b'\\"step\\": 12'))


def no_file_of_this_kind(path):
    path.write_bytes(b"something else entirely")


DAMAGES = [truncate, cut_to_nothing, zeros, flip_last, flip_described, no_file_of_this_kind]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda f: f.__name__)
def test_a_damaged_newest_state_is_passed_over(train, killed, same, damage):
    damage(killed / step(13))
    with pytest.warns(CheckpointWarning, match=f"{step(13)} is damaged: .*; going on from {step(12)} instead"):
        resumed = train(checkpoint=killed, resume=True)
    assert same(resumed, train())


def test_any_flipped_bit_is_found(train, killed, same, tmp_path):
    """Bits all over the file, its header and its description."""
    expected, data = train(), (killed / step(13)).read_bytes()
    header = int.from_bytes(data[:8], "little")
    draws = np.random.default_rng(0)
    places = [*range(8), *draws.integers(8, header + 8, 40), *draws.integers(header + 8, len(data), 20)]
    for i, place in enumerate(places):
        folder = tmp_path / str(i)
        shutil.copytree(killed, folder)
        flipped = bytearray(data)
        flipped[place] ^= 1 << int(draws.integers(8))
        (folder / step(13)).write_bytes(flipped)
        found = CheckpointFolder(folder, {})
        found._check_run = lambda path, run: None
        if place >= header + 8 or i % 10 == 0:
            with pytest.warns(CheckpointWarning):
                assert found.restore().step == 12
            continue
        with pytest.warns(CheckpointWarning) if _is_damaged(folder / step(13)) else nullcontext():
            state = found.restore()
        if state.step == 13:  # the bit was in white space or in the order of keys: nothing that is read has changed
            assert state.weights.keys() == _intact(killed).weights.keys()
            for name, tensor in _intact(killed).weights.items():
                assert torch.equal(tensor, state.weights[name])
    assert same(train(checkpoint=killed, resume=True), expected)


def _is_damaged(path):
    try:
        CheckpointFolder(path.parent, {})._read(path)
    except CheckpointError:
        return True
    return False


def _intact(folder):
    return CheckpointFolder(folder, {})._read(folder / step(13))[0]


def test_what_was_damaged_is_gone_afterwards(train, killed, same):
    """Otherwise it would be found again, and count among the last two."""
    truncate(killed / step(13))
    with pytest.warns(CheckpointWarning), pytest.raises(Killed):
        train(13, checkpoint=killed, checkpoint_every=20, resume=True)
    assert step(13) in names(killed)  # until there is a better one
    with pytest.warns(CheckpointWarning), pytest.raises(Killed):
        train(16, checkpoint=killed, checkpoint_every=15, resume=True)
    assert names(killed) == ["best-000002.safetensors", step(12), step(15)]
    assert same(train(checkpoint=killed, resume=True), train())


@pytest.mark.parametrize("damage", [*DAMAGES[:4], Path.unlink], ids=lambda f: f.__name__)
def test_damaged_best_weights(train, tmp_path, same, damage):
    """The state before the newest names other ones; what is damaged is written anew when training comes there again."""
    with pytest.raises(Killed):
        train(11, checkpoint=tmp_path, checkpoint_every=1)
    damage(tmp_path / "best-000002.safetensors")
    message = f"best-000002.safetensors is damaged: .* from {step(10)} instead"
    with pytest.warns(CheckpointWarning, match=message), pytest.raises(Killed):
        train(13, checkpoint=tmp_path, checkpoint_every=1, resume=True)
    assert same(train(checkpoint=tmp_path, resume=True), train())  # without a warning


def test_all_damaged(train, killed):
    before = {name: b"" if name.startswith("step") else data for name, data in content(killed).items()}
    for path in killed.glob("step-*"):
        cut_to_nothing(path)
    with pytest.raises(
        CheckpointError, match=r"no other checkpoint is left. Remove the folder to start anew"
    ) as caught:
        train(checkpoint=killed, resume=True)
    assert step(12) in str(caught.value)
    assert step(13) in str(caught.value)
    assert content(killed) == before


def test_a_state_of_a_later_version_is_not_called_damaged(train, killed, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("latente.training.folder.FORMAT", 2)
        with pytest.raises(Killed):
            train(3, checkpoint=killed.parent / "new", checkpoint_every=1)
    shutil.copy(killed.parent / "new" / step(2), killed / step(14))
    before = content(killed)
    with pytest.raises(CheckpointError, match="has format 2; this version of latente reads 1"):
        train(checkpoint=killed, resume=True)
    assert content(killed) == before


def test_a_state_that_may_not_be_read_is_not_called_damaged(train, killed, monkeypatch):
    def refuse(path, **named):
        raise PermissionError(errno.EACCES, "Permission denied")

    before = content(killed)
    with monkeypatch.context() as patch:
        patch.setattr("safetensors.safe_open", refuse)
        with pytest.raises(CheckpointError, match=f"{step(13)} cannot be read: Permission denied"):
            train(checkpoint=killed, resume=True)
    assert content(killed) == before


def test_what_a_kill_left_half_written_is_cleaned_away(train, killed, same):
    for name in (f".{step(14)}.0123456789abcdef", ".best-000003.safetensors.0123456789abcdef", ".write-test.00"):
        (killed / name).write_bytes(b"half")
    (killed / "notes.txt").write_text("mine")
    assert same(train(checkpoint=killed, resume=True), train())
    assert [name for name in names(killed) if not name.startswith(("step-", "best-"))] == ["notes.txt"]


def test_best_weights_of_nobody(train, tmp_path, same):
    """Killed between best weights and their state: whatever is in the file, it is not taken for this run's."""
    other = tmp_path / "other"
    with pytest.raises(Killed):
        train(6, checkpoint=other, checkpoint_every=1, learning_rate=0.5)
    for path in other.glob("step-*"):
        path.unlink()
    assert names(other) == ["best-000001.safetensors"]
    with pytest.raises(Killed):
        train(9, checkpoint=other, checkpoint_every=1)
    state = CheckpointFolder(other, {})._read(other / step(8))[0]
    reference = tmp_path / "reference"
    with pytest.raises(Killed):
        train(9, checkpoint=reference, checkpoint_every=1)
    assert same(state.best, CheckpointFolder(reference, {})._read(reference / step(8))[0].best)


# What cannot be written


@pytest.mark.parametrize("where", ["open", "fsync", "replace"])
@pytest.mark.parametrize("kind", ["step-", "best-"])
def test_a_full_disk(train, killed, same, monkeypatch, where, kind):
    """Nothing that was there is touched, and with room again the run goes on."""
    before, hit = content(killed), []

    def full(path):
        hit.append(path)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def wanted(path):
        return f".{kind}" in str(path)

    with monkeypatch.context() as patch:
        if where == "open":
            patch.setattr(files, "open", lambda p, m: full(p) if wanted(p) else Path(p).open(m), raising=False)  # noqa: SIM115
        if where == "fsync":
            fsync = os.fsync
            patch.setattr(os, "fsync", lambda n: full(n) if wanted(os.readlink(f"/proc/self/fd/{n}")) else fsync(n))
        if where == "replace":
            replace = os.replace
            patch.setattr(os, "replace", lambda a, b: full(a) if wanted(a) else replace(a, b))
        message = rf"step 17 could not be written to {killed}: No space left on device; the checkpoints before it are"
        with pytest.raises(CheckpointError, match=f"{message} intact. Make room and resume"):
            train(checkpoint=killed, checkpoint_every=17, resume=True)
    assert hit
    assert {name: content(killed)[name] for name in before} == before
    assert [name for name in names(killed) if name.startswith(".")] == []
    assert same(train(checkpoint=killed, resume=True), train())


def test_a_full_disk_at_the_first_state(train, tmp_path, monkeypatch):
    replace = os.replace

    def full(old, new):
        if "step-" in str(new):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(old, new)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(CheckpointError, match="No space left on device; there is none before it"):
        train(checkpoint=tmp_path / "c", checkpoint_every=1)
    assert names(tmp_path / "c") == []


def test_where_nothing_can_be_written_training_does_not_start(train, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(CheckpointError, match="is a file; checkpoints are kept in a folder"):
        train(0, checkpoint=tmp_path / "file")
    with pytest.raises(CheckpointError, match="cannot write checkpoints to .*: Not a directory"):
        train(0, checkpoint=tmp_path / "file" / "below")
    assert (tmp_path / "file").read_text() == "mine"

    def refuse(*args, **named):
        raise PermissionError(errno.EACCES, "Permission denied")

    for name in ("mkdir", "exists"):
        with monkeypatch.context() as patch:
            patch.setattr(Path, name, refuse)
            with pytest.raises(CheckpointError, match="Permission denied"):
                train(0, checkpoint=tmp_path / "c")
    with monkeypatch.context() as patch:
        patch.setattr(files, "open", refuse, raising=False)
        with pytest.raises(CheckpointError, match=f"cannot write checkpoints to {tmp_path / 'c'}: Permission denied"):
            train(0, checkpoint=tmp_path / "c")


def test_a_state_without_tensors(tmp_path):
    folder = CheckpointFolder(tmp_path, {"seed": 5})
    folder.save(TrainingState(step=1))
    assert folder.restore() == TrainingState(step=1)
    assert folder.seed() == 5
