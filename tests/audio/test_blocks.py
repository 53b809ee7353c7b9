"""Overlapping blocks are exact: the identity bit for bit, a filter as over the whole."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.ndimage

from latente.audio import overlap_blocks


def pieces_of(signal, rng):
    cuts = np.sort(rng.integers(1, signal.shape[-1], 7))
    return [piece for piece in np.split(signal, cuts, axis=-1) if piece.shape[-1]]


@pytest.mark.parametrize("length", [1, 63, 64, 65, 96, 127, 128, 1000])
@pytest.mark.parametrize(("overlap", "context"), [(0, 0), (32, 0), (32, 5), (32, 16), (7, 0)])
def test_the_identity_is_bit_for_bit(length, overlap, context):
    rng = np.random.default_rng(length)
    signal = rng.normal(size=(2, length)).astype(np.float32)
    pieces = [signal] if length < 8 else pieces_of(signal, rng)
    out = list(overlap_blocks(lambda x: x, pieces, 64, overlap, context))
    np.testing.assert_array_equal(np.concatenate(out, axis=-1), signal)


def test_a_filter_with_short_reach_is_as_over_the_whole_signal():
    rng = np.random.default_rng(0)
    signal, reach = rng.normal(size=5000).astype(np.float32), 10

    def smooth(x):
        return scipy.ndimage.uniform_filter1d(x, 2 * reach + 1, mode="constant")

    out = np.concatenate(list(overlap_blocks(smooth, pieces_of(signal, rng), 512, 64, reach)))
    np.testing.assert_allclose(out, smooth(signal), atol=1e-6)


def test_blocks_of_different_level_are_faded_and_memory_stays_small():
    seen = []

    def level(x):
        seen.append(x.shape[-1])
        return np.full((3, *x.shape), float(len(seen)), dtype=np.float32)

    pieces = (np.zeros(1000, dtype=np.float32) for _ in range(100))
    out = np.concatenate(list(overlap_blocks(level, pieces, 512, 128)), axis=-1)
    assert out.shape == (3, 100_000)
    assert max(seen) == 512
    assert np.abs(np.diff(out[0])).max() <= 1 / 128 + 1e-6  # a ramp, no step


def test_mistakes():
    signal = [np.zeros(100, dtype=np.float32)]
    for sizes, message in (
        ((1, 0), "block must"),
        ((64, 40), "half of the block"),
        ((64, 8, 5), "half of the overlap"),
    ):
        with pytest.raises(ValueError, match=message):
            list(overlap_blocks(lambda x: x, signal, *sizes))
    with pytest.raises(ValueError, match="must keep the length"):
        list(overlap_blocks(lambda x: x[1:], signal, 64, 8))
    assert list(overlap_blocks(lambda x: x, [], 64, 8)) == []
