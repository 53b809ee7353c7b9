"""The pieces of the array codec, each against something independent."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latente.codec.arrays.allowed import Allowed, check_bound
from latente.codec.arrays.coefficients import decode_coefficients, encode_coefficients
from latente.codec.arrays.corrections import decode_corrections, encode_corrections
from latente.codec.arrays.finite import decode_special, encode_special, filled
from latente.codec.arrays.heads import pack_head, unpack_head
from latente.codec.arrays.layout import layout
from latente.codec.arrays.lorenzo import decode_lorenzo, encode_lorenzo
from latente.codec.arrays.multilevel import Lattice, decode_multilevel, encode_multilevel
from latente.codec.arrays.numbers import bits_of, find_steps, from_bits, numbers_of, restore
from latente.codec.arrays.patches import apply_patches, encode_patches
from latente.codec.arrays.tiles import from_tiles, tile_shape, to_tiles
from latente.codec.arrays.wavelet import _split, analysis, segments, synthesis

SHAPES = st.lists(st.integers(1, 9), min_size=1, max_size=4).map(tuple)


# The wavelet


@given(SHAPES)
@settings(deadline=None)
def test_wavelet_is_undone(shape):
    x = np.random.default_rng(0).normal(size=shape)
    assert np.abs(synthesis(analysis(x)) - x).max() < 1e-12


def test_wavelet_has_the_published_filters():
    """The low-pass filters of Cohen, Daubechies & Feauveau's 9/7 pair, as in JPEG 2000, times sqrt(2)."""
    low = [0.026748757411, -0.016864118443, -0.078223266529, 0.266864118443, 0.602949018236]
    one = _one_level(np.eye(64))
    assert one[12:21, 8] / np.sqrt(2) == pytest.approx([*low, *low[-2::-1]], abs=1e-9)


def _one_level(x):
    return np.array([_split(row[None, :, None])[0][0, :, 0] for row in x])


def test_wavelet_keeps_energy_nearly():
    """A uniform error of the coefficients becomes an error of nearly the same variance."""
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (60, 48, 30))
    assert synthesis(noise).std() == pytest.approx(noise.std(), rel=0.1)


def test_smooth_fields_have_few_large_coefficients():
    t = np.linspace(0, 3, 60)
    x = np.sin(t)[:, None] * np.cos(2 * t)[None, :50]
    c = np.sort(np.abs(analysis(x)).ravel())[::-1]
    assert (c[200:] ** 2).sum() < 1e-6 * (c**2).sum()


@given(SHAPES)
@settings(deadline=None, max_examples=40)
def test_layout_visits_parents_first(shape):
    at = layout(shape)
    assert sorted(at.order.tolist()) == list(range(at.size))
    assert [sum(segments(n)) for n in shape] == list(shape)
    start = np.zeros(at.size, int)
    for i, (first, _, end) in enumerate(at.passes):
        start[first:end] = i
    for axis, parents in enumerate(at.parents):
        own = parents < at.size
        assert (start[parents[own]] < start[own]).all()
        assert (own == (at.parts[axis] > 0)).all()
    for _, second, end in at.passes:  # the second colour's neighbours are all of the first
        for pair in at.neighbours:
            for near in pair:
                there = near[second:end]
                assert (there[there < at.size] < second).all()


@given(SHAPES, st.integers(0, 2**32), st.sampled_from([0.3, 3, 1e5]))
@settings(deadline=None, max_examples=60)
def test_coefficients_round_trip(shape, seed, scale):
    rng = np.random.default_rng(seed)
    values = np.rint(scale * rng.standard_cauchy(shape)).astype(np.int64)
    assert (decode_coefficients(encode_coefficients(values), shape) == values).all()


# Prediction


@given(SHAPES, st.integers(0, 2**32), st.data())
@settings(deadline=None, max_examples=80)
def test_multilevel_keeps_half_a_step(shape, seed, data):
    rng = np.random.default_rng(seed)
    split = tuple(data.draw(st.booleans()) for _ in shape)
    valid = rng.random(shape) < 0.8 if data.draw(st.booleans()) else None
    lattice = data.draw(st.sampled_from([Lattice(64), Lattice(1), Lattice(5), Lattice(4, 2, 1)]))
    x = np.cumsum(rng.normal(0, 100, shape), axis=0)
    sections, result = encode_multilevel(x, split, lattice, valid)
    assert (decode_multilevel(sections, shape, split, lattice, valid) == result).all()
    assert (result == np.rint(result)).all()
    error = np.abs(result - x) if valid is None else np.abs(result - x)[valid]
    assert (error <= lattice.step / 2).all()


def test_multilevel_needs_few_bits_for_smooth_fields():
    t = np.linspace(0, 3, 300)
    x = 1e5 * np.sin(t)[:, None] * np.cos(2 * t)[None, :]
    sections, _ = encode_multilevel(x, (True, True), Lattice(64))
    assert 8 * sum(map(len, sections.values())) / x.size < 1  # 3,000 steps of range


@given(SHAPES, st.integers(0, 2**32), st.integers(1, 62))
@settings(deadline=None, max_examples=60)
def test_lorenzo_round_trip(shape, seed, bits):
    values = np.random.default_rng(seed).integers(-(2**bits), 2**bits, shape)
    try:
        sections = encode_lorenzo(values)
    except OverflowError:
        return
    assert (decode_lorenzo(sections, shape) == values).all()


def test_lorenzo_needs_few_bits_for_a_plane():
    x = 1000 * np.add.outer(np.arange(200), 2 * np.arange(150))
    assert sum(map(len, encode_lorenzo(x).values())) < 1000


@given(st.lists(st.sampled_from([0, 0, 0, 0, 1, -1, 2, -300]), min_size=1, max_size=200))
def test_corrections_round_trip(values):
    values = np.array(values)
    assert (decode_corrections(encode_corrections(values), len(values)) == values).all()


def test_corrections_beyond_the_array_are_refused():
    values = np.zeros(1000, np.int64)
    values[[5, 999]] = 1
    with pytest.raises(ValueError, match="outside the array"):
        decode_corrections(encode_corrections(values), 500)


@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_patches_round_trip(where):
    where = np.array(where)
    bits = np.random.default_rng(0).integers(0, 2**32, len(where), dtype=np.uint32)
    array = np.zeros(len(where), np.uint32)
    apply_patches(encode_patches(where, bits[where]), array)
    assert (array == np.where(where, bits, 0)).all()


# Numbers


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_bits_keep_the_order(dtype):
    bits = np.random.default_rng(0).integers(0, 256, 8000, dtype=np.uint8).view(dtype)
    integers = bits_of(bits)
    assert (from_bits(integers, bits.dtype).view(np.uint8) == bits.view(np.uint8)).all()
    finite = np.isfinite(bits)
    ordered = np.sort(bits[finite].astype(np.float64))
    assert (bits[finite][np.argsort(integers[finite], kind="stable")].astype(np.float64) == ordered).all()


@pytest.mark.parametrize("d", [0.1, 0.01, 0.25, 1.0, 7.5e-4])
def test_steps_are_found(d):
    x = (np.random.default_rng(0).permutation(np.arange(-500, 3000)) * d).astype(np.float32)
    base, step = find_steps(x)
    n = np.rint((x.astype(float) - base) / step)
    assert ((base + n * step).astype(np.float32) == x).all()
    assert np.abs(n).max() <= 3500


def test_noise_has_no_steps():
    assert find_steps(np.random.default_rng(0).normal(size=3000)) is None


@pytest.mark.parametrize("dtype", ["i1", "u1", "i4", "u8", "i8", "?"])
def test_integers_come_back(dtype):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, 50).astype(dtype) if dtype == "?" else rng.integers(-100, 100, 50).astype(dtype)
    if dtype == "u8":
        x = x % 1000 + np.uint64(2**63)
    numbers = numbers_of(x, None, 0.0)
    assert numbers.kind == "integers"
    assert (restore(numbers.kind, numbers.values, numbers.header, x.dtype) == x).all()


def test_integers_of_too_wide_a_range_are_left():
    assert numbers_of(np.array([-(2**62), 2**62]), None, 0.0) is None


def test_few_values_become_ranks():
    x = np.random.default_rng(0).choice(np.array([0.1, 0.2718, 3.14159, 1e9], np.float32), 500)
    numbers = numbers_of(x, None, 0.0)
    assert numbers.kind == "palette"
    assert (restore("palette", numbers.values, {}, x.dtype, numbers.palette) == x).all()


# Special values, tiles, bounds, headers


@given(SHAPES, st.integers(0, 2**32))
@settings(deadline=None)
def test_special_values_round_trip(shape, seed):
    rng = np.random.default_rng(seed)
    valid = rng.random(shape) < 0.7
    bits = rng.integers(0, 3, int((~valid).sum()), dtype=np.uint32)
    there, back = decode_special(encode_special(valid, bits), shape, np.dtype(np.uint32))
    assert (there == valid).all()
    assert (back == bits).all()


def test_filling_is_smooth_and_leaves_the_rest():
    x = np.add.outer(np.arange(40.0), np.arange(30.0))
    valid = np.ones(x.shape, bool)
    valid[10:20, 5:25] = False
    result = filled(np.where(valid, x, np.nan), valid)
    assert (result[valid] == x[valid]).all()
    assert np.abs(result - x).max() < 12
    assert np.isfinite(result).all()


@given(st.lists(st.integers(1, 20), min_size=1, max_size=4).map(tuple), st.data())
@settings(deadline=None)
def test_tiles_round_trip(shape, data):
    tile = tuple(data.draw(st.integers(1, n)) for n in shape[-data.draw(st.integers(1, min(3, len(shape)))) :])
    x = np.random.default_rng(0).normal(size=shape)
    assert (from_tiles(to_tiles(x, tile), shape, tile) == x).all()


def test_large_samples_are_cut():
    assert tile_shape((64, 64)) == (64, 64)
    assert tile_shape((65, 64)) == (32, 32)
    assert tile_shape((5, 1000, 1000)) == (8, 16, 16)


def test_bounds():
    x = np.array([-2.0, 8.0])
    assert Allowed.of(x, 0.01, True, None).absolute == pytest.approx(0.1)
    assert Allowed.of(x, 0.01, False, None).absolute == 0.01
    assert Allowed.of(x, 0.0, True, 40.0).rmse == pytest.approx(0.1)
    assert Allowed.of(np.array([1e300, -1e300]), 0.5, True, None).lossless  # sums of such values overflow
    assert Allowed.of(x, 1e-300, False, None).lossless


@pytest.mark.parametrize(
    ("max_error", "relative", "psnr", "message"),
    [
        (-1, True, None, "max_error must be a number of at least 0"),
        (np.nan, False, None, "max_error must be a number of at least 0"),
        (2.0, True, None, "give relative=False"),
        (0.1, "yes", None, "relative must be True"),
        (0.1, True, -3, "psnr must be a number of decibels"),
    ],
)
def test_bounds_without_sense_are_refused(max_error, relative, psnr, message):
    with pytest.raises(ValueError, match=message):
        check_bound(max_error, relative, psnr)


def test_heads_are_short():
    head = {"dtype": "<f4", "shape": [240, 37, 49], "bound": [0.01, True, None], "error": 0.487545, "blocks": []}
    assert unpack_head(pack_head(head)) == head
    assert len(pack_head(head)) < 40
    with pytest.raises(ValueError, match="header is damaged"):
        unpack_head(b"\xff\x00\x12")
