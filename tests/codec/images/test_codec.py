"""`ImageCodec`: what is decoded is what was coded, at every size, on every setting, from no damaged stream."""

from __future__ import annotations

import io
import tracemalloc
import zlib

import numpy as np
import pytest
import torch

from latente.codec import (
    CodecError,
    ContainerReader,
    ImageCodec,
    Limits,
    MissingModelError,
    TooLargeError,
    pack,
    unpack,
)
from latente.codec.images import stream as streams
from latente.codec.images.codec import psnr_of
from latente.codec.images.integers import QUALITIES, IntegerContext, context_tensors
from latente.codec.images.stream import Header, count_symbols, preview


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 3), (8, 8), (9, 8), (31, 64), (65, 130)])
@pytest.mark.parametrize("channels", [1, 3])
def test_odd_sizes(size, channels, codec, picture):
    image = picture[: size[0], : size[1], 0] if channels == 1 else picture[: size[0], : size[1]]
    decoded = codec.decode(codec.encode(image, quality=1.0))
    assert decoded.dtype == np.uint8
    assert decoded.shape == image.shape
    assert psnr_of(image, decoded) > 25


def test_quality_trades_size_for_error(codec, picture):
    streams_ = [codec.encode(picture, quality) for quality in (0.0, 0.3, 0.7, 1.0)]
    errors = [psnr_of(picture, codec.decode(data)) for data in streams_]
    assert sorted(map(len, streams_)) == list(map(len, streams_))
    assert sorted(errors) == errors
    assert ImageCodec.info(streams_[1]).quality == pytest.approx(0.3, abs=1 / QUALITIES)
    assert ImageCodec.info(streams_[1]).model == codec.model.ref


def test_psnr_is_kept_with_the_smallest_quality(codec, picture):
    small = picture[:48, :56]
    data = codec.encode(small, psnr=30)
    level = round(ImageCodec.info(data).quality * QUALITIES)
    assert psnr_of(small, codec.decode(data)) >= 30
    assert psnr_of(small[None], preview(small[None], level - 1, codec.model_)) < 30
    with pytest.raises(ValueError, match="at quality 1 on this picture, not 90 dB"):
        codec.encode(small, psnr=90)


def test_bits_are_those_that_training_counts(module, codec, picture):
    x = torch.from_numpy(picture).permute(2, 0, 1)[None].float()
    plain = ImageCodec()
    from latente.codec.images.exporting import export

    plain.model_ = export(module, [])
    for quality in (256, 768, 1280):
        with torch.inference_mode():
            _, coded = module(x, torch.tensor([quality / QUALITIES]))
        stream = plain.encode(picture, quality / QUALITIES)
        bits = 8 * len(unpack(stream).section("0"))
        assert bits == pytest.approx(float(coded.bits), rel=0.02)
        fitted = codec.encode(picture, quality / QUALITIES)
        assert len(fitted) <= len(stream) * 1.01  # counted tables are no worse on what they were counted on


def test_many_small_pictures_cost_one_header(codec, picture):
    small = np.stack([picture[i : i + 28, j : j + 28, 0] for i in range(0, 80, 8) for j in range(0, 120, 8)])
    data = codec.encode_many(small, quality=0.6)
    decoded = codec.decode_many(data)
    assert decoded.shape == small.shape
    alone = [codec.encode(image, quality=0.6) for image in small[:10]]
    assert len(data) / len(small) < 0.7 * np.mean([len(a) for a in alone])
    for image, single in zip(decoded, alone, strict=False):
        assert np.abs(image.astype(int) - codec.decode(single)).max() <= 1  # rounding of another batch
    with pytest.raises(ValueError, match="150 pictures; use decode_many"):
        codec.decode(data)
    with pytest.raises(ValueError, match="have one size"):
        codec.encode_many([picture, picture[:5]])


def test_groups_of_small_pictures(codec, picture, monkeypatch):
    monkeypatch.setattr(streams, "POSITIONS", 64)
    small = np.stack([picture[i : i + 28, i : i + 28] for i in range(11)])
    data = codec.encode_many(small, quality=0.8)
    assert len(list(ContainerReader(io.BytesIO(data)))) == 3
    assert psnr_of(small, codec.decode_many(data)) > 25


def test_tiles_leave_no_seams(codec, picture, monkeypatch):
    whole = codec.decode(codec.encode(picture, quality=0.7))
    made = Header.of
    monkeypatch.setattr(Header, "of", classmethod(lambda cls, x, q: Header(made(x, q).shape, q, 8)))
    tiled_stream = codec.encode(picture, quality=0.7)
    assert len(unpack(tiled_stream).sections) == 6
    tiled = codec.decode(tiled_stream)
    assert abs(psnr_of(picture, tiled) - psnr_of(picture, whole)) < 0.2
    steps = [np.abs(np.diff(x.astype(float), axis=1)).mean(axis=(0, 2)) for x in (tiled, whole)]
    shown = [x[[63, 127]].mean() / x[7::8].mean() for x in steps]
    assert shown[0] < 1.05 * shown[1]  # borders of tiles are like those of all blocks


def test_pixels_of_tiles_are_those_of_the_whole(codec, picture):
    """Made strip by strip with their surroundings, pixels differ from those made at once by rounding only."""
    from latente.codec.images.integers import Decoded
    from latente.codec.images.synthesis import Painter

    rng = np.random.default_rng(0)
    values, state = rng.normal(0, 2, (1, 120, 40, 30)), rng.normal(0, 1, (1, 96, 40, 30))
    part = Decoded(values.astype(np.float32), state.astype(np.float32))
    whole = codec.model_.synthesise(part, 768).clamp(0, 255).round().byte().permute(0, 2, 3, 1).numpy()
    out = np.zeros((1, 318, 237, 3), np.uint8)
    painter = Painter((40, 30), out, 768, codec.model_)
    for a, b in [(0, 4), (4, 12), (12, 27), (27, 40)]:
        cut = [slice(0, 11), slice(11, 30)]
        painter.add([Decoded(part.values[:, :, a:b, c], part.state[:, :, a:b, c]) for c in cut])
    assert np.abs(out.astype(int) - whole[:, :318, :237]).max() <= 1


def test_symbols_do_not_depend_on_settings_layout_or_batch(module, picture):
    """The integer context model, whatever is set around it, and however its input lies in memory."""
    context = IntegerContext(context_tensors(module.context))
    rng = np.random.default_rng(0)
    symbols = rng.integers(-3, 4, (2 * 11 * 13, 120))

    def run(n: int, which: slice) -> tuple[int, int]:
        seen = []

        def coder(mean, tables, k, at):
            seen.append(zlib.crc32(mean.tobytes()) if n == 2 else 0)
            return symbols[which][at][:, list(streams.STEPS[k].channels)]

        return zlib.crc32(context.run(n, 11, 13, 700, coder).state[:1].tobytes()), zlib.crc32(repr(seen).encode())

    first = run(2, slice(None))
    assert run(1, slice(0, 143))[0] == first[0]  # alone as in a batch
    threads, onednn = torch.get_num_threads(), torch.backends.mkldnn.enabled
    try:
        torch.set_num_threads(2)
        torch.backends.mkldnn.enabled = False
        assert run(2, slice(None)) == first
    finally:
        torch.set_num_threads(threads)
        torch.backends.mkldnn.enabled = onednn


def test_damaged_streams_are_errors_or_the_exact_picture(codec, picture):
    data = codec.encode(picture[:40, :48], quality=0.4)
    exact = codec.decode(data)
    rng = np.random.default_rng(0)
    for k in range(1000):
        bad = bytearray(data)
        if k % 5 == 0:
            bad = bad[: rng.integers(len(bad))]
        elif k % 5 == 1:
            at = int(rng.integers(len(bad)))
            bad[at : at + int(rng.integers(9))] = rng.bytes(int(rng.integers(9)))
        else:
            for at in rng.integers(0, len(bad), int(rng.integers(1, 4))):
                bad[at] ^= int(rng.integers(1, 256))
        try:
            decoded = codec.decode(bytes(bad))
        except CodecError:
            continue
        assert np.array_equal(decoded, exact)


def test_forged_streams_are_errors(codec, picture):
    """Checksums that fit do not help: the symbols' own CRC, the number of sections and the limits do."""
    container = unpack(codec.encode(picture[:40, :48], quality=0.4))
    symbols = {"0": container.contents["0"].symbols}
    rng = np.random.default_rng(1)
    for _ in range(40):
        section = bytearray(container.section("0"))
        section[rng.integers(len(section) - 8)] ^= int(rng.integers(1, 256))
        with pytest.raises(CodecError):
            codec.decode(pack("image", container.header, {"0": bytes(section)}, codec.model.ref, symbols))
    for change in (
        {"shape": [1, 40, 4800, 3]},
        {"shape": [1, 40, 48]},
        {"quality": 9999},
        {"tile": 0},
        {"shape": None},
    ):
        with pytest.raises(CodecError):
            codec.decode(
                pack("image", container.header | change, {"0": container.section("0")}, codec.model.ref, symbols)
            )
    with pytest.raises(CodecError, match="sections"):
        codec.decode(pack("image", container.header, {}, codec.model.ref))
    with pytest.raises(CodecError, match="which model"):
        codec.decode(pack("image", container.header, {"0": container.section("0")}))
    huge = pack("image", container.header | {"shape": [1 << 20, 1 << 10, 1 << 10, 3]}, {}, codec.model.ref)
    tracemalloc.start()
    with pytest.raises(TooLargeError):
        codec.decode(huge)
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()
    small = ImageCodec(limits=Limits(decoded_bytes=100))
    small.model_ = codec.model_
    with pytest.raises(TooLargeError):
        small.decode(codec.encode(picture[:40, :48]))


def test_models_are_saved_embedded_or_missing(codec, picture, tmp_path):
    data = codec.encode(picture, quality=0.5)
    loaded = ImageCodec.load(codec.save(tmp_path / "codec.latmodel"))
    assert loaded.encode(picture, quality=0.5) == data
    assert np.array_equal(loaded.decode(data), codec.decode(data))
    with pytest.raises(MissingModelError, match="tests-1"):
        ImageCodec().decode(data)
    holds = ImageCodec(embed=True)
    holds.model_ = codec.model_
    assert np.array_equal(ImageCodec().decode(holds.encode(picture, quality=0.5)), codec.decode(data))
    with pytest.raises(CodecError):
        ImageCodec.load(_written(tmp_path / "x.lat", data))


def _written(path, data):
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("image", "error", "message"),
    [
        (np.zeros((4, 4, 3)), TypeError, "multiply by 255"),
        (np.zeros((4, 4, 4), np.uint8), TypeError, "the shape"),
        (np.zeros((0, 4), np.uint8), TypeError, "at least one pixel"),
        (np.zeros((4, 4), np.uint16), TypeError, "uint8"),
    ],
)
def test_mistakes(image, error, message, codec):
    with pytest.raises(error, match=message):
        codec.encode(image)


def test_a_quality_is_in_0_to_1(codec, picture):
    with pytest.raises(ValueError, match=r"in \[0, 1\]; got 50"):
        codec.encode(picture, quality=50)


def test_counted_symbols(codec, picture):
    counts = count_symbols(picture[None], 768, codec.model_)
    assert counts.sum() == 15 * 21 * 120


def test_a_model_goes_back_to_a_module(codec, module):
    again = codec.model_.module()
    for name, tensor in module.state_dict().items():
        if "transform" not in name:
            assert torch.allclose(again.state_dict()[name], tensor, atol=2e-3), name
    assert torch.allclose(again.synthesis.transform.filters, module.synthesis.transform.filters)


@pytest.mark.parametrize("forged", [{"tile": 512}, {"shape": [1, 4096, 2**20, 1]}])
def test_what_decoding_would_take_is_checked_first(forged, picture, codec):
    from latente.codec import pack, unpack

    whole = unpack(codec.encode(picture))
    with pytest.raises(CodecError):
        codec.decode(pack("image", whole.header | forged, whole.sections, whole.model))
