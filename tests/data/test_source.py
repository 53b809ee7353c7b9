"""Batches of samples in memory."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from latente.data import ArraySource, Source, decide


def make(n, **kwargs):
    return ArraySource(torch.arange(float(n))[:, None], **kwargs)


def rows(source, *args):
    return [batch.x[:, 0].tolist() for batch in source.batches(*args)]


def flat(lists):
    return list(itertools.chain.from_iterable(lists))


def test_is_a_source():
    source = make(5)
    assert isinstance(source, Source)
    assert (len(source), source.sample_shape) == (5, (1,))


@pytest.mark.parametrize(("n", "batch_size"), [(10, 3), (10, 10), (10, 100), (1, 1), (97, 8)])
def test_every_sample_comes_once_in_batches_of_nearly_equal_size(n, batch_size):
    source = make(n)
    for shuffle in (None, 0):
        batches = rows(source, batch_size, shuffle)
        assert sorted(flat(batches)) == list(range(n))
        sizes = [len(batch) for batch in batches]
        assert max(sizes) <= batch_size
        assert max(sizes) - min(sizes) <= 1
    assert flat(rows(source, batch_size)) == list(range(n))  # in order without a shuffle


def test_the_seed_decides_the_order():
    source = make(50)
    first, again, other = (rows(source, 8, seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_target_and_condition_stay_with_their_sample():
    source = make(20, target=10 * torch.arange(20.0)[:, None], condition=torch.arange(20))
    for batch in source.batches(6, 0):
        assert torch.equal(batch.target, 10 * batch.x)
        assert torch.equal(batch.condition, batch.x[:, 0].long())
    _, held = source.split(0.3, 0)
    for batch in held.batches(6):
        assert torch.equal(batch.target, 10 * batch.x)


def test_the_target_is_the_sample_itself_and_labels_pass_unprepared():
    bytes_ = torch.arange(6, dtype=torch.uint8).reshape(6, 1)
    source = ArraySource(bytes_, lambda x: x.float() / 255, target=torch.arange(6))
    batch = next(iter(source.batches(6)))
    assert torch.equal(batch.target, torch.arange(6))
    assert torch.equal(batch.x, bytes_ / 255)
    assert (alone := next(iter(make(3).batches(3)))).target is alone.x


def test_bytes_are_scaled_in_the_batch():
    X = np.random.default_rng(0).integers(0, 256, size=(9, 4, 4), dtype=np.uint8)
    schema = decide(X)
    source = ArraySource(schema.ingest(X), schema.prepare)
    assert source.x.dtype == torch.uint8
    np.testing.assert_allclose(next(iter(source.batches(9))).x[:, 0], X / 255, rtol=1e-6)


@pytest.mark.parametrize("world_size", [1, 2, 3, 7])
def test_shards_are_disjoint_and_complete(world_size):
    shards = [make(20).shard(rank, world_size) for rank in range(world_size)]
    seen = [row for shard in shards for row in flat(rows(shard, 4))]
    assert sorted(seen) == list(range(20))


@pytest.mark.parametrize(("n", "fraction", "held_out"), [(10, 0.3, 3), (10, 0.01, 1), (2, 0.9, 1), (3, 0.99, 2)])
def test_split_leaves_something_on_both_sides(n, fraction, held_out):
    kept, held = make(n).split(fraction, 0)
    assert (len(kept), len(held)) == (n - held_out, held_out)
    assert sorted(flat(rows(kept, n) + rows(held, n))) == list(range(n))
