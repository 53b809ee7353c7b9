"""The cache that is bounded by bytes, and the layouts in it."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from latente.codec.arrays.layout import LAYOUTS, MOST, layout, make_layout
from latente.codec.cache import ByteCache


def test_the_latest_used_are_kept_up_to_the_bound():
    made = []

    def make(n: int) -> bytes:
        made.append(n)
        return bytes(n)

    cache = ByteCache(make, len, most=100)
    for n in (40, 50, 40, 30, 101, 40, 30, 50):
        assert len(cache(n)) == n
        assert cache.bytes == sum(cache.keys()) <= 100
    assert made == [40, 50, 30, 101, 50]  # 30 drove out 50, 101 was never kept
    assert cache.keys() == (30, 50)
    cache.clear()
    assert (cache.bytes, cache.keys()) == (0, ())


def test_what_cannot_be_made_leaves_the_cache_as_it_was():
    cache = ByteCache(lambda n: bytes(1 // n), len, most=10)
    with pytest.raises(ZeroDivisionError):
        cache(0)
    assert len(cache(1)) == 1
    assert cache.bytes == 1


def test_threads_share_a_cache():
    cache, wrong = ByteCache(lambda n: bytes(n), len, most=300), []
    start = threading.Barrier(8)

    def work(seed: int) -> None:
        start.wait()
        for n in np.random.default_rng(seed).integers(1, 60, 3000).tolist():
            if len(cache(n)) != n or cache.bytes > 300 + 60:
                wrong.append(n)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert cache.bytes == sum(cache.keys()) <= 300


def test_layouts_are_kept_within_the_bound():
    LAYOUTS.clear()
    shapes = [(64, 64, n) for n in range(60, 72)]
    for shape in shapes:
        assert layout(shape) is layout(shape)
        assert LAYOUTS.bytes == sum(LAYOUTS(kept).bytes for kept in LAYOUTS.keys()) <= MOST  # noqa: SIM118
    assert len(LAYOUTS.keys()) < len(shapes)
    LAYOUTS.clear()


def test_the_largest_layout_fits():
    small = make_layout((8, 8, 8, 8))
    assert small.bytes == 8**4 * (8 + 8 + 4 * (1 + 8 + 16))
    assert (1 << 21) * small.bytes / small.size <= MOST
