"""`LosslessImageCodec`: every pixel comes back, with and without networks; damaged streams are errors."""

from __future__ import annotations

import itertools
import subprocess
import sys

import numpy as np
import pytest
import torch
import zstandard

from latente import Trainer
from latente.codec import CodecError, Limits, MissingModelError, TooLargeError, pack, unpack
from latente.codec.entropy.tokens import alphabet_size
from latente.codec.images.lossless import stream as streams
from latente.codec.images.lossless.classes import LARGEST
from latente.codec.images.lossless.codec import LosslessImageCodec, predictor_of
from latente.codec.images.lossless.colour import from_rgb, to_rgb
from latente.codec.images.lossless.integers import StepIntegers, tensors_of
from latente.codec.images.lossless.lattice import DISTANCE, LEVELS, STEPS, phase_slices
from latente.codec.images.lossless.linear import LinearPredictor, fit_linear
from latente.codec.images.lossless.model import exported, fit_lossless, spike_of
from latente.codec.images.lossless.network import LosslessModule, StepNetwork
from latente.codec.images.lossless.predictors import NetworkPredictor, PlainPredictor
from latente.codec.images.lossless.stream import WAYS, decode_pixels, encode_pixels
from latente.codec.images.lossless.walk import walk
from latente.codec.models import Model

from .conftest import painted

SIZES = [(1, 1), (1, 9), (7, 3), (2, 2), (16, 33), (31, 64), (65, 130)]


def module_of(colours: int, spike: int | None = None, size=None) -> LosslessModule:
    """Networks with hidden units at random and the best linear path."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        module = LosslessModule(colours, 8, 2, spike, size)
    x = from_rgb(painted(128, 128)[None][..., :colours])
    module.start(torch.from_numpy(x).float())
    return module


@pytest.fixture(scope="module", params=[1, 3])
def network(request) -> NetworkPredictor:
    colours = request.param
    return NetworkPredictor(exported(module_of(colours), painted(96, 128)[None][..., :colours]))


def network_way(pictures, predictor) -> bytes:
    """Bytes of the way `network`, whether it is the smallest or not."""
    return bytes([WAYS.index("network")]) + streams._coded(pictures, predictor)


def test_colours_come_back():
    values = np.array([0, 1, 127, 128, 254, 255], np.uint8)
    all_ = np.array(list(itertools.product(values, repeat=3)), np.uint8).reshape(1, 6, 36, 3)
    planes = from_rgb(all_)
    np.testing.assert_array_equal(to_rgb(planes), all_)
    assert planes[:, 0].min() >= 0
    assert np.abs(planes).max() <= 255
    with pytest.raises(ValueError, match="outside 0 to 255"):
        to_rgb(np.full((1, 3, 1, 1), 255, np.int16))


def test_every_pixel_is_coded_once():
    seen = np.zeros((50, 70), int)
    seen[::DISTANCE, ::DISTANCE] += 1
    for level in range(LEVELS):
        for step in STEPS:
            seen[phase_slices(step.phase, 2 << level)] += 1
    assert (seen == 1).all()


@pytest.mark.parametrize("size", SIZES)
def test_sizes(size, network):
    pictures = np.stack([painted(*size), painted(*size)[::-1]])[..., : network.colours]
    data = network_way(pictures, network)
    np.testing.assert_array_equal(decode_pixels(data, pictures.shape, network), pictures)
    plain = encode_pixels(pictures)
    np.testing.assert_array_equal(decode_pixels(plain, pictures.shape), pictures)


@pytest.mark.parametrize("kind", ["noise", "black", "white", "checks", "extremes"])
def test_hard_pictures(kind, network):
    rng = np.random.default_rng(0)
    shape = (1, 45, 70, network.colours)
    pictures = {
        "noise": rng.integers(0, 256, shape),
        "black": np.zeros(shape),
        "white": np.full(shape, 255),
        "checks": 255 * (np.indices(shape).sum(0) % 2),
        "extremes": 255 * rng.integers(0, 2, shape),
    }[kind].astype(np.uint8)
    data = network_way(pictures, network)
    np.testing.assert_array_equal(decode_pixels(data, shape, network), pictures)
    best = encode_pixels(pictures, network)
    assert len(best) <= min(len(data), pictures.size + 32)
    np.testing.assert_array_equal(decode_pixels(best, shape, network), pictures)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(1, 1), (2, 9), (31, 64), (150, 130)])
def test_linear_predictions(size, channels):
    """Weights come back from bytes; on a large picture they are worth their bytes."""
    pictures = painted(*size)[None][..., :channels]
    linear = fit_linear(from_rgb(pictures))
    again = LinearPredictor.from_bytes(linear.to_bytes(), channels)
    np.testing.assert_array_equal(again.all, linear.all)
    planes = np.zeros(from_rgb(pictures).shape, np.int16)
    coded = streams._coded(pictures, linear)
    walk(planes, again, streams._Reader(coded, again))
    np.testing.assert_array_equal(to_rgb(planes), pictures)
    if pictures.size >= streams.LEAST:
        best = encode_pixels(pictures)
        assert WAYS[best[0]] == "linear"
        assert len(best) < len(streams._coded(pictures, PlainPredictor()))


@pytest.mark.parametrize("data", [b"", b"\3", b"\3\5\0abcde", b"\3\0\0", b"\1abc", b"\2abcd", b"\0abcd", b"\7"])
def test_pixels_without_sense(data):
    with pytest.raises(ValueError, match=r"damaged|words|network"):
        decode_pixels(data, (1, 8, 8, 3))


def test_parts_of_large_pictures(network, monkeypatch):
    pictures = np.stack([painted(100, 60)] * 3)[..., : network.colours]
    monkeypatch.setattr(streams, "AT_ONCE", 3000)
    data = network_way(pictures, network)
    assert len(list(streams.parts_of(pictures.shape))) == 12
    np.testing.assert_array_equal(decode_pixels(data, pictures.shape, network), pictures)


@pytest.mark.parametrize("size", [None, (28, 20)])
def test_spikes_and_places(size):
    rng = np.random.default_rng(2)
    pictures = np.stack([painted(28, 20)[..., :1] * (rng.random((28, 20, 1)) < 0.4) for _ in range(9)])
    module = module_of(1, spike_of(pictures), size)
    assert module.spike == 0
    network = NetworkPredictor(exported(module, pictures, 1000))
    data = network_way(pictures, network)
    np.testing.assert_array_equal(decode_pixels(data, pictures.shape, network), pictures)


def test_integers_are_what_was_trained():
    """The layers as one float64 sum; the hidden layers may differ by a step of their activation."""
    network = StepNetwork(STEPS[2], 3, 12, False)
    with torch.no_grad():
        for direct in network.direct:
            direct.normal_(generator=torch.Generator().manual_seed(0))
    integers = StepIntegers(STEPS[2], tensors_of(network, "x."), "x.", 3)
    x = from_rgb(np.stack([painted(40, 36), painted(40, 36)[:, ::-1]]))
    known = [x[(..., *phase_slices(p, 2))] for p in STEPS[2].known]
    hidden, linear = integers.seen(known, 20, 18)
    with torch.no_grad():
        first, means, _ = network.seen([torch.from_numpy(k).float() for k in known])
        second = network.second(first).clamp(0, 1)
    np.testing.assert_allclose(linear / 4096, means.transpose(0, 1).reshape(3, -1), atol=0.6)
    np.testing.assert_allclose(hidden / 255, second.transpose(0, 1).reshape(12, -1), atol=0.03)
    parts = [integers.seen([k[:1] for k in known], 20, 18), integers.seen([k[1:] for k in known], 20, 18)]
    np.testing.assert_array_equal(np.concatenate([p[0] for p in parts], 1), hidden)  # batches change nothing


def test_size_is_near_the_entropy_of_what_is_left(network):
    """Bytes against the entropy of each class's values, counted with numpy from what the coder was given."""
    pictures = painted(160, 192)[None][..., : network.colours]
    given: list[tuple[np.ndarray, np.ndarray]] = []

    class Listener:
        def code(self, values, classes):
            given.append((values, classes))
            return values

    walk(from_rgb(pictures), network, Listener())
    values, classes = (np.concatenate(parts).astype(np.int64) for parts in zip(*given, strict=True))
    assert len(values) == pictures.size
    bits = 0.0
    for k in np.unique(classes):
        _, counts = np.unique(values[classes == k], return_counts=True)
        bits -= (counts * np.log2(counts / counts.sum())).sum()
    assert 0.99 * bits < 8 * len(network_way(pictures, network)) < 1.06 * bits  # tables start from like pictures


@pytest.fixture(scope="module")
def fitted() -> tuple[LosslessImageCodec, np.ndarray]:
    rng = np.random.default_rng(0)
    i, j = np.mgrid[:16, :12]
    waves = [rng.uniform(20, 120) * np.sin(i / rng.uniform(2, 5) + rng.uniform(0, 6)) + 2 * j + 90 for _ in range(400)]
    pictures = np.clip(np.rint(np.stack(waves) + rng.normal(0, 2, (400, 16, 12))), 0, 255).astype(np.uint8)
    trainer = Trainer(epochs=6, batch_size=32, learning_rate=5e-3, precision="float32", compile=False, verbose=False)
    return LosslessImageCodec(trainer=trainer).fit(pictures[:300]), pictures[300:]


def test_fitted_codec_is_smaller(fitted, tmp_path):
    codec, pictures = fitted
    data = codec.encode_many(pictures)
    assert len(data) < 0.9 * len(LosslessImageCodec().encode_many(pictures))
    np.testing.assert_array_equal(codec.decode_many(data), pictures)
    again = LosslessImageCodec.load(codec.save(tmp_path / "waves.latmodel"))
    np.testing.assert_array_equal(again.decode_many(data), pictures)
    assert again.encode_many(pictures) == data
    with pytest.raises(MissingModelError):
        LosslessImageCodec().decode_many(data)
    other = painted(16, 13)[..., 0]  # of another size: without the networks
    np.testing.assert_array_equal(codec.decode(codec.encode(other)), other)


def test_embedded_model(fitted):
    codec, pictures = fitted
    codec.embed = True
    data = codec.encode_many(pictures)
    codec.embed = False
    np.testing.assert_array_equal(LosslessImageCodec().decode_many(data), pictures)


def test_another_process_decodes(fitted, tmp_path):
    codec, pictures = fitted
    codec.save(tmp_path / "m.latmodel")
    (tmp_path / "s.lat").write_bytes(codec.encode_many(pictures))
    np.save(tmp_path / "p.npy", pictures)
    script = (
        "import sys, numpy as np; from pathlib import Path;"
        "from latente.codec.images.lossless.codec import LosslessImageCodec as C;"
        "f = Path(sys.argv[1]); c = C.load(f / 'm.latmodel'); p = np.load(f / 'p.npy');"
        "assert (c.decode_many((f / 's.lat').read_bytes()) == p).all()"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, timeout=120)


def test_damaged_streams_are_errors_or_exact(fitted):
    codec, pictures = fitted
    rng = np.random.default_rng(1)
    container = unpack(codec.encode_many(pictures))
    pixels = container.sections["pixels"]
    for _ in range(60):  # with checksums that fit the damage, so that the decoder itself is reached
        damaged = bytearray(pixels)
        for at in rng.integers(0, len(damaged), rng.integers(1, 4)):
            damaged[at] = rng.integers(256)
        damaged = damaged[: rng.integers(len(damaged) + 1)] if rng.random() < 0.3 else damaged
        crc = {"pixels": container.contents["pixels"].symbols}
        data = pack("image-lossless", container.header, {"pixels": bytes(damaged)}, container.model, crc)
        try:
            decoded = codec.decode_many(data)
        except CodecError:
            continue
        np.testing.assert_array_equal(decoded, pictures)


@pytest.mark.parametrize("shape", [[1, 2, 3], [0, 4, 4, 1], [1, 4, 4, 2], [1, -4, 4, 3], "x", [1, 1 << 21, 1, 1]])
def test_headers_without_sense(shape):
    with pytest.raises(CodecError):
        LosslessImageCodec().decode(pack("image-lossless", {"shape": shape}, {"pixels": b"\1"}))


def test_limits_and_mistakes(picture):
    data = LosslessImageCodec().encode(picture)
    with pytest.raises(TooLargeError):
        LosslessImageCodec(limits=Limits(decoded_bytes=1000)).decode(data)
    with pytest.raises(TypeError, match="uint8"):
        LosslessImageCodec().encode(picture.astype(float))
    with pytest.raises(ValueError, match="use decode_many"):
        LosslessImageCodec().decode(LosslessImageCodec().encode_many([picture, picture]))


def test_a_model_that_makes_no_sense(fitted):
    codec, _ = fitted
    for name in ("lossless.0.0.first.weight", "lossless.counts", "lossless.settings"):
        tensors = dict(codec.model_.tensors)
        tensors[name] = tensors[name][:-1]
        with pytest.raises(CodecError):
            predictor_of(Model("broken", tensors))
    del tensors["lossless.counts"]
    with pytest.raises(CodecError):
        predictor_of(Model("broken", tensors))


def test_plain_is_exact_without_a_model(picture):
    data = LosslessImageCodec().encode(picture)
    assert unpack(data).model is None
    np.testing.assert_array_equal(LosslessImageCodec().decode(data), picture)
    assert PlainPredictor().counts.shape == (80, alphabet_size(LARGEST))
    assert len(data) < 0.75 * picture.size


def test_fit_draws_from_no_global_generator(untouched_generators):
    pictures = np.stack([painted(16, 16)[..., 0]] * 40)[..., None]
    trainer = Trainer(epochs=1, batch_size=20, precision="float32", compile=False, verbose=False)
    first, second = (fit_lossless(pictures, width=4, trainer=trainer, seed=3) for _ in range(2))
    assert all((first[name] == second[name]).all() for name in first)


def test_a_small_frame_cannot_ask_for_much_memory():
    from latente.codec.images.lossless.stream import _stored

    bomb = zstandard.ZstdCompressor().compress(bytes(50_000_000))
    with pytest.raises(ValueError, match="damaged"):
        _stored(bomb, (1, 10, 10, 1))
