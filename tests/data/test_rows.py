"""Every kind of storage through the same properties: what is read in pieces is what was stored."""

from __future__ import annotations

import itertools
import pickle
import threading

import numpy as np
import pytest
import torch
from storage import (
    KINDS,
    NAMES,
    PICTURES,
    TABLE,
    Items,
    N,
    changed_memmap,
    drawn,
    fortran,
    memmap,
    npy,
    raw_memmap,
    sliced_memmap,
    strided_memmap,
)

from latente.data import ArrayRows, StreamSource, decide, open_rows
from latente.data.npy import MemmapRows, NpyRows


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def stored(request, tmp_path):
    """Rows of each kind, and the array that they hold."""
    rows = open_rows(request.param(tmp_path))
    return rows, (TABLE if rows.ndim == 2 else PICTURES)


@pytest.fixture
def source(stored):
    """A stream of them with small buffers, and the scaled samples in memory."""
    rows, array = stored
    schema = decide(rows)
    source = StreamSource(rows, schema, buffer_bytes=20 * rows.row_bytes)
    return source, schema.prepare(schema.ingest(array)).numpy()


def which(samples, wanted):
    """The indices of samples in the whole; each is there exactly once."""
    keys = {row.tobytes(): i for i, row in enumerate(wanted)}
    return [keys[row.tobytes()] for row in np.ascontiguousarray(samples)]


def test_what_is_read_is_what_was_stored(stored):
    rows, array = stored
    assert (rows.shape, rows.dtype, len(rows), rows.ndim) == (array.shape, array.dtype, N, array.ndim)
    assert rows.columns in (None, tuple(NAMES))
    for start, stop in [(0, N), (0, 1), (N - 1, N), (5, 40), (17, 18), (8, 16)]:
        np.testing.assert_array_equal(rows.read(start, stop), array[start:stop])
    ranges = np.array([[40, 50], [0, 3], [3, 4], [80, N]])
    np.testing.assert_array_equal(rows.gather(ranges), np.concatenate([array[a:b] for a, b in ranges]))
    np.testing.assert_array_equal(rows.take(np.array([5, 2, 82])), array[[5, 2, 82]])
    edges = rows.edges()
    assert (edges[0], edges[-1]) == (0, N)
    assert (np.diff(edges) > 0).all()
    pieces = list(rows.chunks())
    np.testing.assert_array_equal(np.concatenate([piece for _, piece in pieces]), array)
    assert type(rows).__name__ in repr(rows)


def test_a_random_sample_is_without_repetition(stored):
    rows, array = stored
    np.testing.assert_array_equal(rows.sample(N), array)
    some = which(rows.sample(30, seed=1), array)
    assert len(set(some)) == 30
    assert some == sorted(some)
    assert some != which(rows.sample(30, seed=2), array)


def test_rows_survive_pickling(stored):
    rows, array = stored
    if isinstance(rows, MemmapRows) or rows.name == "/x":
        pytest.skip("a map that cannot be read from its file is copied whole")
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(rows)).read(3, 20), array[3:20])


def test_an_epoch_has_every_sample_once_in_the_order_of_its_seed(source):
    source, wanted = source
    np.testing.assert_array_equal(np.concatenate(drawn(source, 10)), wanted)  # in order without a seed
    orders = []
    for shuffle in (3, 3, 4):
        batches = drawn(source, 10, shuffle)
        assert {len(batch) for batch in batches} <= {9, 10}
        orders.append(which(np.concatenate(batches), wanted))
        assert sorted(orders[-1]) == list(range(N))
    assert orders[0] == orders[1]
    assert orders[1] != orders[2]
    moved = np.abs(np.array(orders[0]) - np.arange(N))
    assert moved.mean() > 10  # 28 in a uniformly random order


@pytest.mark.parametrize("start", [0, 1, 4, 8, 9, 20])
def test_a_pass_is_taken_up_where_it_stopped(source, start):
    source, _ = source
    for shuffle in (None, 7):
        whole, rest = drawn(source, 10, shuffle), drawn(source, 10, shuffle, start)
        assert len(rest) == max(0, len(whole) - start)
        for a, b in zip(whole[start:], rest, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("world_size", [1, 2, 3, 7])
def test_shards_share_every_sample_and_take_as_many_steps(source, world_size):
    source, wanted = source
    shards = [source.shard(rank, world_size) for rank in range(world_size)]
    for args in [(4, None), (4, 5), (1000, 5)]:
        batches = [drawn(shard, *args) for shard in shards]
        assert len({len(steps) for steps in batches}) == 1
        assert min(len(batch) for steps in batches for batch in steps) > 0
        seen = which(np.concatenate([batch for steps in batches for batch in steps]), wanted)
        assert sorted(seen) == list(range(N))
        assert all(len(shard) == N for shard in shards)
        again = drawn(shards[-1], *args, 1)
        assert which(np.concatenate([wanted[:0], *again]), wanted) == which(
            np.concatenate([wanted[:0], *batches[-1][1:]]), wanted
        )
    with pytest.raises(ValueError, match="84 processes cannot share 83 samples"):
        source.shard(0, 84)


@pytest.mark.parametrize("fraction", [0.001, 0.3, 0.999])
def test_a_split_is_a_partition(source, fraction):
    source, wanted = source
    kept, held = source.split(fraction, 0)
    assert len(held) == min(N - 1, max(1, round(fraction * N)))
    parts = [which(np.concatenate(drawn(part, 6, 1)), wanted) for part in (kept, held)]
    assert sorted(parts[0] + parts[1]) == list(range(N))
    again = source.split(fraction, 0)[1], source.split(fraction, 1)[1]
    seen = [which(np.concatenate(drawn(part, 6)), wanted) for part in again]
    assert seen[0] == sorted(parts[1])
    assert seen[1] != seen[0]
    assert sorted(which(np.concatenate(drawn(kept.shard(0, 1), 6)), wanted)) == sorted(parts[0])


def test_stopping_early_leaves_no_thread(source):
    source, _ = source
    before = threading.active_count()
    for start in (0, 3):
        for batch in source.batches(4, 1, start):
            assert len(batch.x)
            break
    unstarted = source.batches(4)
    next(itertools.islice(source.batches(4), 5, None))
    del unstarted
    assert threading.active_count() == before


def test_a_target_stays_with_its_sample(stored):
    rows, array = stored
    schema = decide(rows)
    source = StreamSource(rows, schema, ArrayRows(np.arange(N)), buffer_bytes=20 * rows.row_bytes)
    for part in (*source.split(0.4, 0), source.shard(1, 2)):
        for batch in part.batches(7, 2):
            wanted = schema.prepare(schema.ingest(array[batch.target.numpy()]))
            assert torch.equal(batch.x, wanted)
    clean = StreamSource(rows, schema, ArrayRows(array[::-1].copy()), buffer_bytes=20 * rows.row_bytes)
    both = next(clean.batches(N, 3))
    place = which(both.x.numpy(), schema.prepare(schema.ingest(array)).numpy())
    assert torch.equal(both.target, schema.prepare(schema.ingest(array[::-1].copy()))[place])


def test_the_buffer_mixes_many_blocks(tmp_path):
    """Neighbours in a file twenty buffers long end up far apart."""
    np.save(tmp_path / "x.npy", np.arange(20_000.0)[:, None] * [1, 1, 1, 1])
    rows = open_rows(tmp_path / "x.npy")
    source = StreamSource(rows, decide(rows), buffer_bytes=32_000)
    first = np.concatenate(drawn(source, 100, 0)[:10])[:, 0]
    low, high = np.arange(20_000.0)[[0, -1]] / np.arange(20_000.0).std() - np.sqrt(3)
    counts, _ = np.histogram(first, 10, (low - 1e-3, high + 1e-3))
    assert counts.min() > 20  # of 1000, all tenths of the file are in the first buffer: 100 each on average


def test_memory_maps_are_read_from_their_file_where_possible(tmp_path):
    kinds = {make: type(open_rows(make(tmp_path))) for make in KINDS[:7]}
    assert [kinds[make] for make in (npy, memmap, sliced_memmap, raw_memmap)] == [NpyRows] * 4
    assert [kinds[make] for make in (strided_memmap, fortran, changed_memmap)] == [MemmapRows] * 3


def test_worker_processes_fetch_the_same_items():
    rows = open_rows(Items(TABLE), workers=2)
    for ranges in ([[0, N]], [[60, 80], [0, 40]]):  # the same processes twice
        np.testing.assert_array_equal(rows.gather(np.array(ranges)), np.concatenate([TABLE[a:b] for a, b in ranges]))
