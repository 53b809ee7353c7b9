"""docs/container.md is enough to read arrays: a decoder written from it alone decodes to the very same bytes."""

from __future__ import annotations

import numpy as np
import page_arrays
import page_coder
import pytest

from latente.codec import ArrayCodec, frames
from latente.codec.arrays.heads import TYPICAL, unpack_head

T, Y, X = np.ogrid[0:5, 0:11, 0:14]
RNG = np.random.default_rng(0)
WAVES = (np.sin(X / 3 + T / 2) + np.cos(Y / 2) + 0.02 * RNG.normal(size=(5, 11, 14))).astype(np.float32)
WALK = np.cumsum(RNG.normal(size=(60, 70)), axis=0).astype(np.float32)  # its largest classes have fitted weights


def holes(x: np.ndarray) -> np.ndarray:
    x = x.copy()
    x[..., 2:5, 3:6] = np.nan
    x[..., 8, 1] = np.inf
    return x


CASES = {
    "real": (WALK, {"max_error": 1e-3}),
    "real, loose": (WAVES, {"max_error": 0.1}),
    "real, psnr": (WAVES, {"psnr": 30}),
    "float64": (WAVES.astype(float), {"max_error": 1e-5}),
    "big-endian": (WALK[:9].astype(">f8"), {"max_error": 1e-3}),
    "float16, holes": (holes(WAVES).astype(np.float16), {"max_error": 1e-2}),
    "holes, lossless": (holes(WALK), {"max_error": 0}),
    "holes, bound": (holes(WALK), {"max_error": 1e-2}),
    "masked": (np.ma.MaskedArray(WAVES, WAVES > 1.5), {"max_error": 1e-3}),
    "integers": (RNG.integers(0, 9, 4000).cumsum(), {"max_error": 0}),
    "integers, three axes": (np.rint(100 * WAVES).astype(np.int16), {"max_error": 0}),
    "integers, seven together": (RNG.integers(0, 999, (40, 50)), {"max_error": 3, "relative": False}),
    "steps": ((RNG.integers(0, 500, 900).cumsum() / 10).reshape(30, 30), {"max_error": 0}),
    "steps, two together": (np.cumsum(RNG.integers(-9, 9, (40, 50)), 0) / 8, {"max_error": 0.07, "relative": False}),
    "bits": (WALK, {"max_error": 0}),
    "palette": (RNG.choice([1.5, 2.5, 7.3, -0.0], 900).cumsum()[RNG.integers(0, 7, 900)], {"max_error": 0}),
    "bytes": (RNG.integers(0, 2**64, 90, dtype=np.uint64), {"max_error": 0}),
    "truth values": (RNG.random((30, 40)) > np.linspace(0, 1, 40), {"max_error": 0}),
    "constant": (np.full((30, 40), 2.5), {}),
    "special": (np.full((3, 4), np.nan), {}),
    "six axes": (WAVES[:2, :4, :12].reshape(2, 2, 2, 2, 1, 6), {"max_error": 1e-3}),
    "empty": (np.zeros((0, 3)), {}),
}


@pytest.mark.parametrize("name", CASES)
def test_a_decoder_written_from_the_page_decodes_the_same(name):
    x, how = CASES[name]
    stream = ArrayCodec(**how).encode(x)
    ours, theirs = ArrayCodec().decode(stream), page_arrays.decode(stream)
    assert (theirs.dtype, theirs.shape) == (ours.dtype, ours.shape)
    assert np.ma.getdata(theirs).tobytes() == np.ma.getdata(ours).tobytes()
    assert np.array_equal(np.ma.getmaskarray(theirs), np.ma.getmaskarray(ours))


def test_the_cases_are_of_every_kind():
    found = {fields["kind"] for x, how in CASES.values() for fields in blocks(ArrayCodec(**how).encode(x))}
    assert found == {"real", "integers", "steps", "bits", "palette", "bytes", "constant", "special"}


def blocks(stream: bytes) -> list[dict]:
    content = page_coder.container(stream)[1]["array"][0]
    return unpack_head(content[4 : 4 + int.from_bytes(content[:4], "little")])["blocks"]


@pytest.mark.parametrize("plan", ["multilevel", "lorenzo", "transform"])
@pytest.mark.parametrize("shape", [(1,), (2,), (3, 4), (70, 61), (4, 3, 2, 5), (9, 8, 7)])
def test_every_plan_in_every_number_of_axes(plan, shape, monkeypatch):
    from latente.codec.arrays import choose

    x = np.cumsum(RNG.normal(size=shape), axis=-1)
    only = {"multilevel": choose.Multilevel(), "lorenzo": choose.Lorenzo(), "transform": choose.Transform()}[plan]
    monkeypatch.setattr(choose, "candidates", lambda problem, thorough: {plan[0]: only})
    for codec in (ArrayCodec(0.01), ArrayCodec(0.2), ArrayCodec(3e-3, relative=False)):
        stream = codec.encode(x)
        assert page_arrays.decode(stream).tobytes() == codec.decode(stream).tobytes()


def test_axes_that_are_predicted_alone(monkeypatch):
    from latente.codec.arrays import choose

    x = np.sin(np.arange(60) / 5) * 9 + RNG.normal(size=(12, 60))
    for axis in (0, 1):
        monkeypatch.setattr(choose, "candidates", lambda problem, thorough, axis=axis: {"m": choose.Multilevel(axis)})
        stream = ArrayCodec(1e-2).encode(x)
        assert page_arrays.decode(stream).tobytes() == ArrayCodec().decode(stream).tobytes()


def test_the_page_has_both_dictionaries():
    assert page_arrays.dictionary() == TYPICAL
    assert page_coder.dictionary() == frames.TYPICAL
