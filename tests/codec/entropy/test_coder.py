"""The coder of integers: round trips, exact frequencies, the same bytes whatever the process, damage is an error."""

from __future__ import annotations

import subprocess
import sys
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latente.codec.entropy import ContextDecoder, ContextEncoder, classes_of, frequencies, from_tokens, to_tokens
from latente.codec.entropy.tables import CENTRES, THRESHOLDS, laplace_counts
from latente.codec.entropy.tokens import LARGEST, alphabet_size, raw_bits

INTEGERS = st.integers(-LARGEST, LARGEST)


@given(st.lists(st.one_of(INTEGERS, st.integers(-40, 40)), min_size=1, max_size=50))
def test_tokens_round_trip(values):
    values = np.array(values, np.int64)
    parts = to_tokens(values)
    large, bits = raw_bits(parts.tokens)
    assert (large == parts.large).all()
    assert (bits == parts.bits).all()
    assert (from_tokens(parts.tokens, large, parts.raw) == values).all()
    assert parts.tokens.max() < alphabet_size(int(np.abs(values).max()))


@pytest.mark.parametrize("exponent", range(4, 63))
def test_tokens_at_powers_of_two(exponent):
    values = np.array([2**exponent + d for d in range(-7, 8)], np.int64)
    parts = to_tokens(values)
    assert (from_tokens(parts.tokens, parts.large, parts.raw) == values).all()
    assert (np.diff(parts.tokens) >= 0).all()


@given(
    st.lists(st.tuples(st.integers(-(2**40), 2**40), st.integers(0, len(CENTRES) - 1)), max_size=300),
    st.integers(0, 300),
)
@settings(deadline=None)
def test_batches_round_trip(pairs, cut):
    values = np.array([v for v, _ in pairs], np.int64)
    classes = np.array([c for _, c in pairs], np.uint8)
    encoder = ContextEncoder(2**40)
    for part in (slice(0, cut), slice(cut, None)):
        encoder.encode(values[part], classes[part])
    decoder = ContextDecoder(encoder.finish(), 2**40)
    decoded = [decoder.decode(classes[part]) for part in (slice(0, cut), slice(cut, None))]
    assert (np.concatenate(decoded) == values).all()


def test_frequencies_are_whole_and_complete():
    rng = np.random.default_rng(0)
    counts = rng.integers(0, 2**30, (20, 300)) * (rng.random((20, 300)) < 0.1)
    counts[:, 7] += 1
    table = frequencies(counts)
    assert table.dtype == np.int64
    assert (table >= 1).all()
    assert (table.sum(axis=1) == 2**24).all()


def plain_range_decoder(words, table, n):
    """Range decoding (Martin 1979) in Python's integers: 64 bits of state, 32-bit words, 24-bit frequencies."""
    left = np.concatenate([[0], np.cumsum(table)]).tolist()
    words, mask = [*words.tolist(), 0, 0, 0], 2**64 - 1
    lower, width, point, at = 0, mask, words[0] << 32 | words[1], 2
    found = []
    for _ in range(n):
        scale = width >> 24
        place = ((point - lower) & mask) // scale
        symbol = int(np.searchsorted(left, place, side="right")) - 1
        lower, width = (lower + scale * left[symbol]) & mask, scale * int(table[symbol])
        if width < 2**32:
            lower, width = lower << 32 & mask, width << 32
            point, at = (point << 32 | words[at]) & mask, at + 1
        found.append(symbol)
    return found


def test_the_tables_are_used_exactly_as_they_are():
    """A decoder written here, on the integer table alone, reads what constriction wrote."""
    rng = np.random.default_rng(1)
    values = np.clip(np.rint(rng.laplace(0, 2, 64)), -12, 12).astype(np.int64)
    classes = np.full(64, 15, np.uint8)  # one batch: the table is that of the start
    encoder = ContextEncoder(12)
    encoder.encode(values, classes)
    words = np.frombuffer(encoder.finish(), "<u4")
    table = frequencies(laplace_counts(25)[[15]])[0]
    assert (np.array(plain_range_decoder(words, table, 64)) - 12).tolist() == values.tolist()


def test_size_is_near_the_entropy():
    rng = np.random.default_rng(2)
    scale = np.exp(rng.normal(size=50_000))
    values = np.rint(rng.laplace(size=50_000) * scale).astype(np.int64)
    encoder = ContextEncoder(int(np.abs(values).max()))
    encoder.encode(values, classes_of((256 * scale).astype(np.int64)))
    cells = np.arange(-60, 61)
    law = np.exp(-np.maximum(np.abs(cells) - 0.5, 0) / scale[:, None])  # P(|x| > |v| - 1/2)
    inside = (law - np.exp(-(np.abs(cells) + 0.5) / scale[:, None])) / np.where(cells == 0, 1, 2)
    entropy = -(inside * np.log2(np.maximum(inside, 1e-300))).sum() / 8
    assert entropy < len(encoder.finish()) < 1.02 * entropy


def test_start_counts_save_what_would_be_learned():
    rng = np.random.default_rng(3)
    values, classes = rng.choice([-7, 7], 500), np.full(500, 3, np.uint8)
    first = ContextEncoder(7)
    first.encode(values, classes)
    again = ContextEncoder(7, first.counts)
    again.encode(values, classes)
    data = again.finish()
    assert len(data) < 0.8 * len(first.finish())
    assert (ContextDecoder(data, 7, first.counts).decode(classes) == values).all()


SCRIPT = """
import sys, zlib, numpy as np, torch
torch.set_num_threads(int(sys.argv[1])); torch.backends.mkldnn.enabled = sys.argv[2] == "1"
from latente.codec.entropy import ContextDecoder
classes = (np.arange(5000) * 7919 % 40).astype(np.uint8)
print(zlib.crc32(ContextDecoder(sys.stdin.buffer.read(), 2**20).decode(classes).tobytes()))
"""


@pytest.mark.parametrize("settings", [("1", "0"), ("2", "1")])
def test_another_process_decodes_the_same(settings):
    rng = np.random.default_rng(4)
    values = np.rint(rng.normal(size=5000) * 2.0 ** rng.integers(0, 17, 5000)).astype(np.int64)
    encoder = ContextEncoder(2**20)
    encoder.encode(values, (np.arange(5000) * 7919 % 40).astype(np.uint8))
    command = [sys.executable, "-c", SCRIPT, *settings]
    done = subprocess.run(command, input=encoder.finish(), capture_output=True, check=True, timeout=120)
    assert int(done.stdout) == zlib.crc32(values.tobytes())


def test_half_a_word_is_refused():
    with pytest.raises(ValueError, match="whole 32-bit words; got 3 bytes"):
        ContextDecoder(b"abc", 5)


def test_classes_follow_the_thresholds():
    expected = np.concatenate([np.arange(9000), THRESHOLDS, THRESHOLDS - 1, [2**40]])
    assert (classes_of(expected) == np.searchsorted(THRESHOLDS, expected, side="right")).all()


def test_starting_counts_have_the_mean_magnitude_of_their_class():
    counts = laplace_counts(alphabet_size(10**6), weight=1 << 30).astype(float)
    magnitude = np.abs(np.arange(25) - 12)
    for row, centre in zip(counts[:14], CENTRES[:14], strict=True):  # classes whose tail lies within single tokens
        small = row[:25]
        assert (small * magnitude).sum() / row.sum() == pytest.approx(centre / 256, rel=0.12)
