"""Work ahead by a thread: in order, with its errors, and gone afterwards."""

from __future__ import annotations

import gc
import itertools
import subprocess
import sys
import threading
import time

import pytest
import torch

from latente.data import ArraySource, prefetched, source


def names():
    return [thread.name for thread in threading.enumerate()]


@pytest.mark.parametrize("depth", [1, 2, 100])
def test_everything_comes_in_order(depth):
    assert list(prefetched(iter(range(50)), depth)) == list(range(50))
    assert list(prefetched(iter(()), depth)) == []
    odd = [None, ValueError("a value"), False]
    assert list(prefetched(iter(odd), depth)) == odd


@pytest.mark.parametrize("depth", [1, 3])
def test_no_more_is_made_than_was_asked_for(depth):
    made = []
    items = prefetched((made.append(i) or i for i in range(50)), depth)
    assert made == []
    for taken in range(1, 4):
        next(items)
        for _ in range(100):
            if len(made) == taken + depth:
                break
            time.sleep(0.01)
        time.sleep(0.02)
        assert len(made) == taken + depth
    items.close()


def failing(n):
    yield from range(n)
    raise KeyError("broken")


def test_errors_reach_the_consumer_after_what_was_good():
    items = prefetched(failing(3), 2)
    assert list(itertools.islice(items, 3)) == [0, 1, 2]
    with pytest.raises(KeyError, match="broken"):
        next(items)
    assert "latente-prefetch" not in names()


def test_closing_ends_the_thread_and_the_items():
    closed = []

    def endless():
        try:
            yield from itertools.count()
        finally:
            closed.append(threading.current_thread().name)

    items = prefetched(prefetched(endless()))
    assert next(items) == 0
    assert names().count("latente-prefetch") == 2
    items.close()
    assert closed == ["latente-prefetch"]
    assert "latente-prefetch" not in names()
    items = prefetched(endless())
    next(items)
    del items
    gc.collect()
    assert "latente-prefetch" not in names()


def test_an_abandoned_thread_does_not_hold_the_interpreter():
    code = (
        "import itertools; from latente.data import prefetched; a = prefetched(itertools.count()); next(a); "
        "b = [a]; b.append(b)"  # nobody closes it
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_samples_outside_the_device_are_moved_ahead():
    """What a GPU whose memory is too small for the data gets; the meta device stands for it."""
    device = torch.device("meta")
    some = ArraySource(torch.arange(10, dtype=torch.uint8)[:, None], lambda x: x.float(), device=device)
    kept, held = some.split(0.3, 0)
    for part in (some, kept, held, some.shard(0, 2)):
        batches = list(part.batches(2, 1))
        assert {batch.x.device for batch in batches} == {device}
        assert {batch.x.dtype for batch in batches} == {torch.float32}
    assert sum(len(batch.x) for batch in kept.batches(2)) == 7
    assert "latente-prefetch" not in names()


def test_a_gpu_keeps_what_fits_into_a_quarter_of_its_memory(monkeypatch):
    class Memory:
        total_memory = 4000

    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: Memory)
    moved = []
    monkeypatch.setattr(torch.Tensor, "to", lambda self, device: moved.append(device) or self)
    for size in (1000, 1001):
        source.placed(torch.zeros(size, dtype=torch.uint8), torch.device("cuda"))
    assert len(moved) == 1


def test_samples_on_any_gpu_stay_there_when_none_is_named():
    """Stand-ins: a tensor on "cuda" says "cuda:0", and pinning its memory would fail."""

    class OnGpu:
        device = torch.device("cuda:0")

    there = OnGpu()
    for name, same in (("cuda", True), ("cuda:0", True), ("cuda:1", False), ("cpu", False)):
        assert source.is_on(there, torch.device(name)) is same
    assert source.on_device(there, torch.device("cuda")) is there
