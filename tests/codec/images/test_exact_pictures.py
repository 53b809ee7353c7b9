"""Files of pictures without a loss: what comes back, what goes byte by byte, and the command line."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from latente import Trainer
from latente.cli import main
from latente.codec import (
    CodecError,
    ImageCodec,
    LosslessImageCodec,
    MissingModelError,
    compress_file,
    decompress_file,
    describe_file,
    pack,
    unpack,
)

from .conftest import painted

PNG = "every pixel and all other bytes of the file"
VERY = "the very file, byte by byte"


def seen(path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def other_chunks(data: bytes) -> list[bytes]:
    """All chunks of a PNG file but those of pixels."""
    found, at = [], 8
    while at < len(data):
        (size,) = struct.unpack_from(">I", data, at)
        if data[at + 4 : at + 8] != b"IDAT":
            found.append(data[at : at + size + 12])
        at += size + 12
    return found


def inflated(data: bytes) -> int:
    """How many bytes the pixels of a PNG file take with a filter's byte for each row."""
    found, at = b"", 8
    while at < len(data):
        (size,) = struct.unpack_from(">I", data, at)
        found += data[at + 8 : at + 8 + size] if data[at + 4 : at + 8] == b"IDAT" else b""
        at += size + 12
    return len(zlib.decompress(found))


@pytest.fixture(scope="module")
def large() -> np.ndarray:
    return painted(150, 211)


def of_mode(mode: str, picture: np.ndarray) -> Image.Image:
    alpha = np.add.outer(np.arange(picture.shape[0]), np.arange(picture.shape[1])) // 3 % 256
    alpha = Image.fromarray(alpha.astype(np.uint8))
    image = Image.fromarray(picture).convert({"P": "RGB", "LA": "L", "RGBA": "RGB"}.get(mode, mode))
    if mode == "P":
        return image.quantize(40)
    if mode in ("LA", "RGBA"):
        image.putalpha(alpha)
    return image


@pytest.mark.parametrize("mode", ["L", "RGB", "LA", "RGBA", "P"])
def test_png_keeps_pixels_and_all_other_chunks(mode, tmp_path, large):
    path, text = tmp_path / "photo.png", PngInfo()
    text.add_text("Author", "somebody")
    text.add_itxt("Words", "much of it " * 30, zip=True)
    exif = Image.Exif()
    exif[0x0112] = 6
    of_mode(mode, large).save(path, pnginfo=text, exif=exif, dpi=(300, 200), icc_profile=b"no profile, but kept")
    done = compress_file(path, lossless=True)
    if done.kind == "bytes":  # a palette's numbers need not be smaller
        assert mode == "P"
        return
    assert (done.kind, done.exact, done.notes, done.largest_error) == ("image-lossless", True, (), 0)
    assert PNG in done.stated
    assert done.compressed_bytes < path.stat().st_size
    back = decompress_file(done.output, tmp_path / "back.png")
    assert (back.exact, back.notes) == (True, ())
    assert PNG in back.promise
    assert np.array_equal(seen(back.output), seen(path))
    assert other_chunks(back.output.read_bytes()) == other_chunks(path.read_bytes())
    assert inflated(back.output.read_bytes()) == inflated(path.read_bytes())
    found = describe_file(done.output)
    assert (found.kind, found.exact, found.model) == ("image-lossless", True, None)
    assert (found.original_bytes, found.bound) == (path.stat().st_size, done.stated)
    names = [part.name for part in found.parts]
    assert names == ["pixels", *["alpha"] * mode.endswith("A"), "all else"]
    decoded = LosslessImageCodec().decode(done.output.read_bytes())
    whole = seen(path)
    assert np.array_equal(decoded, {"LA": whole[..., 0], "RGBA": whole[..., :3]}.get(mode, whole))


def test_transparent_colours_stay_as_they_are(tmp_path, large):
    """A chunk tRNS names a colour; the pixels are not changed by it."""
    path = tmp_path / "clear.png"
    Image.fromarray(large).save(path, transparency=(1, 2, 3))
    done = compress_file(path)
    assert done.kind == "image-lossless"
    back = decompress_file(done.output, tmp_path / "back.png").output
    assert other_chunks(back.read_bytes()) == other_chunks(path.read_bytes())
    assert np.array_equal(seen(back), large)


@pytest.mark.parametrize("name", ["a.bmp", "grey.bmp", "a.tiff", "cmyk.tif", "grey.tiff", "top-down.bmp"])
def test_raw_files_come_back_byte_by_byte(name, tmp_path, large):
    path = tmp_path / name
    image = Image.fromarray(large[:, :210] if "grey" in name else large)
    image = image.convert("L") if "grey" in name else image.convert("CMYK") if "cmyk" in name else image
    image.save(path)
    if name == "top-down.bmp":
        data = bytearray(path.read_bytes())
        data[22:26] = struct.pack("<i", -150)
        path.write_bytes(bytes(data) + b"more behind it")
    done = compress_file(path)
    assert (done.kind, done.notes, done.stated) == ("image-lossless", (), f"lossless: {VERY}")
    back = decompress_file(done.output, tmp_path / f"back{path.suffix}")
    assert back.promise == VERY
    assert back.output.read_bytes() == path.read_bytes()
    decoded = LosslessImageCodec().decode(done.output.read_bytes())
    if "cmyk" not in name and "grey" not in name:
        assert np.array_equal(decoded, seen(path))


def test_bmp_of_32_bits(tmp_path, large):
    path = tmp_path / "a.bmp"
    of_mode("RGBA", large).save(path)
    done = compress_file(path)
    assert done.kind == "image-lossless"
    assert decompress_file(done.output, tmp_path / "b.bmp").output.read_bytes() == path.read_bytes()


def interlaced(path, picture) -> None:
    """A PNG that says that it is interlaced (its pixels are none of that, which is not looked at)."""
    Image.fromarray(picture).save(path)
    data = bytearray(path.read_bytes())
    data[28] = 1
    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    path.write_bytes(bytes(data))


def test_what_goes_byte_by_byte_and_why(tmp_path, large):
    image = Image.fromarray(large)
    files = {
        "photo.jpg": "fewer bytes than its pixels take",
        "photo.webp": "cannot be put together again",
        "deep.png": "16-bit",
        "bits.png": "1-bit",
        "interlaced.png": "interlaced",
        "animated.png": "animated",
        "several.tiff": "2 pictures",
        "packed.tiff": "its pixels are packed",
        "broken.png": "cut off or damaged",
        "broken.bmp": "cut off",
        "flat.bmp": "zstd makes the file smaller",
    }
    image.save(tmp_path / "photo.jpg")
    image.save(tmp_path / "photo.webp", lossless=True)
    Image.fromarray(large[..., 0].astype(np.uint16) * 257).save(tmp_path / "deep.png")
    image.convert("1").save(tmp_path / "bits.png")
    interlaced(tmp_path / "interlaced.png", large)
    more = {"save_all": True, "append_images": [Image.fromarray(large[::-1])]}
    image.save(tmp_path / "animated.png", **more)
    image.save(tmp_path / "several.tiff", **more)
    image.save(tmp_path / "packed.tiff", compression="tiff_lzw")
    for name in ("broken.png", "broken.bmp"):
        image.save(tmp_path / name)
        (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:9000])
    rows = np.random.default_rng(0).integers(0, 256, (1, 300, 3)).astype(np.uint8)
    Image.fromarray(np.repeat(rows, 400, axis=0)).save(tmp_path / "flat.bmp")  # noise across, the same in every row
    for name, reason in files.items():
        done = compress_file(tmp_path / name, lossless=True)
        assert (name, done.kind) == (name, "bytes")
        assert reason in done.notes[0], name
        back = decompress_file(done.output, tmp_path / "back")
        assert back.output.read_bytes() == (tmp_path / name).read_bytes()
        back.output.unlink()


@pytest.fixture
def compressed(tmp_path, large):
    path = tmp_path / "photo.png"
    Image.fromarray(large).save(path, dpi=(300, 300))
    return compress_file(path).output


def test_other_endings(compressed, tmp_path, large):
    renamed = compressed.rename(tmp_path / "renamed.lat")
    assert decompress_file(renamed).output == tmp_path / "renamed.png"
    for suffix in (".webp", ".tiff", ".bmp"):
        back = decompress_file(renamed, tmp_path / f"x{suffix}")
        assert np.array_equal(seen(back.output), large)
        assert back.promise == "every pixel"
        assert "it was a PNG file" in back.notes[0]
    with pytest.raises(CodecError, match="give one of these"):
        decompress_file(renamed, tmp_path / "x.jpg")
    assert not list(tmp_path.glob("*.whole")) + list(tmp_path.glob("x.jpg"))


def test_a_name_that_does_not_fit_is_kept(tmp_path, large):
    path = tmp_path / "photo.jpg"  # a PNG by its content
    Image.fromarray(large).save(path, "PNG")
    done = compress_file(path)
    path.rename(tmp_path / "before")
    back = decompress_file(done.output)
    assert back.output == path
    assert other_chunks(path.read_bytes()) == other_chunks((tmp_path / "before").read_bytes())


def test_a_stream_is_a_file(tmp_path, large):
    path = tmp_path / "stream.lat"
    path.write_bytes(LosslessImageCodec().encode(large))
    assert describe_file(path).bound == "lossless: every pixel"
    back = decompress_file(path)
    assert (back.output, back.promise) == (tmp_path / "stream.png", "every pixel")
    assert np.array_equal(seen(back.output), large)
    path.write_bytes(LosslessImageCodec().encode_many([large, large]))
    with pytest.raises(CodecError, match="2 pictures"):
        decompress_file(path, tmp_path / "no.png")
    with pytest.raises(CodecError, match="Use LosslessImageCodec"):
        ImageCodec().decode(path.read_bytes())


@pytest.fixture(scope="module")
def fitted() -> LosslessImageCodec:
    pictures = np.stack([painted(96, 128 + i)[:, :128] for i in range(6)])
    trainer = Trainer(epochs=3, batch_size=3, learning_rate=5e-3, precision="float32", compile=False, verbose=False)
    return LosslessImageCodec(trainer=trainer).fit(pictures)


def test_fitted_codec(fitted, tmp_path, capsys, monkeypatch):
    """What it predicts may lose to the linear predictions; where it wins, the file needs its model."""
    from latente.codec.images.lossless import stream as streams

    monkeypatch.setattr(streams, "LEAST", 1 << 30)  # no linear predictions
    path, model = tmp_path / "photo.png", fitted.save(tmp_path / "mine.latmodel")
    Image.fromarray(painted(96, 128)).save(path)
    done = compress_file(path, codec=fitted)
    assert "a fitted network" in done.parts[0].method
    assert "decompressing it needs the model lossless-" in done.notes[0]
    with pytest.raises(MissingModelError):
        decompress_file(done.output, tmp_path / "no.png")
    assert main(["decompress", str(done.output), "-o", str(tmp_path / "b.png"), "--model", str(model)]) == 0
    assert np.array_equal(seen(tmp_path / "b.png"), seen(path))
    assert main(["compress", str(path), "--lossless", "--model", str(model), "--force", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.split("\n", 1)[1])["parts"][0]["model"].startswith("lossless-")
    with pytest.raises(CodecError, match="what fit learned"):
        decompress_file(model, tmp_path / "no")
    holding = LosslessImageCodec(embed=True)
    holding.model_ = fitted.model_
    held = compress_file(path, tmp_path / "held.png.lat", codec=holding)
    if held.kind == "image-lossless":
        assert np.array_equal(seen(decompress_file(held.output).output), seen(path))


def test_fresh_shell(compressed, tmp_path, large):
    """info and decompress in processes of their own."""
    run = [sys.executable, "-m", "latente"]
    told = subprocess.run([*run, "info", str(compressed)], check=True, capture_output=True, text=True, timeout=300)
    assert f"lossless: {PNG}" in told.stdout
    out = tmp_path / "out.png"
    told = subprocess.run(
        [*run, "decompress", str(compressed), "-o", str(out)], check=True, capture_output=True, text=True, timeout=300
    )
    assert PNG in told.stdout
    assert np.array_equal(seen(out), large)


HEADERS = [
    {"file": {}},
    {"file": {"format": "GIF", "before": 0, "after": 0}},
    {"file": {"format": "BMP", "before": 33, "after": 12}},
    {"file": {"format": "TIFF", "before": 1 << 40, "after": 12}},
    {"file": {"format": "BMP", "before": 33, "after": 12, "pad": 900}},
    {"file": "x"},
    {"suffix": 3},
    {"shape": [1, 1 << 20, 1 << 20, 3]},
    {"shape": [1, 211, 150, 3]},
]


@pytest.mark.parametrize("fields", HEADERS)
def test_forged_headers(fields, compressed, tmp_path):
    container = unpack(compressed.read_bytes())
    symbols = {name: section.symbols for name, section in container.contents.items()}
    forged = pack(container.kind, container.header | fields, container.sections, None, symbols)
    compressed.write_bytes(forged)
    with pytest.raises(CodecError):
        decompress_file(compressed, tmp_path / "no.png")
    assert not (tmp_path / "no.png").exists()


@pytest.mark.parametrize("left", ["pixels", "before", "after"])
def test_missing_and_exchanged_sections(left, compressed, tmp_path):
    container = unpack(compressed.read_bytes())
    symbols = {name: section.symbols for name, section in container.contents.items()}
    others = {name: content for name, content in container.sections.items() if name != left}
    fewer = pack(container.kind, container.header, others, None, {name: symbols[name] for name in others})
    wrong = pack(container.kind, container.header, container.sections, None, symbols | {left: 5})
    for data in (fewer, wrong):
        compressed.write_bytes(data)
        with pytest.raises(CodecError):
            decompress_file(compressed, tmp_path / "no.png")
    assert not (tmp_path / "no.png").exists()


def test_memory_that_is_not_there_is_told(compressed, tmp_path, monkeypatch):
    from latente.codec.images.lossless import stream as streams

    def refuse(*_, **__):
        raise MemoryError

    monkeypatch.setattr(streams, "decode_pixels", refuse)
    with pytest.raises(CodecError, match="more memory than this machine has"):
        decompress_file(compressed, tmp_path / "no.png")


@pytest.mark.parametrize("size", [(1, 1, 1, 1), (2, 7, 33, 3), (1, 40, 34, 1), (1, 40, 75, 3)])
def test_a_decoder_written_from_the_page_decodes_the_same(size):
    """docs/container.md is enough to read streams without a model."""
    import page_pictures

    n, h, w, c = size
    pictures = np.stack([painted(h, w + k)[:, :w, :c] for k in range(n)])
    stream = LosslessImageCodec().encode_many(pictures)
    assert np.array_equal(page_pictures.decode(stream), pictures)
    from latente.codec.images.lossless.colour import from_rgb
    from latente.codec.images.lossless.linear import fit_linear
    from latente.codec.images.lossless.predictors import PlainPredictor
    from latente.codec.images.lossless.stream import _coded, _head

    linear = fit_linear(from_rgb(pictures))
    ways = [b"\x01" + _coded(pictures, PlainPredictor()), b"\x03" + _head(linear) + _coded(pictures, linear)]
    for content in ways:  # whichever is the smallest
        assert np.array_equal(page_pictures.decode_pixels(content, pictures.shape), pictures)


def test_codecs_of_the_other_kind_are_not_used_and_that_is_said(codec, tmp_path):
    Image.fromarray(painted(150, 130)).save(tmp_path / "p.png")
    exact = compress_file(tmp_path / "p.png", tmp_path / "a.lat", lossless=True, codec=codec)
    needs = "is not used: a picture without a loss needs the class LosslessImageCodec"
    assert f"the ImageCodec that was given {needs}" in exact.notes
    fitted = LosslessImageCodec()
    fitted.model_ = codec.model
    near = compress_file(tmp_path / "p.png", tmp_path / "b.lat", quality=0.5, codec=fitted)
    needs = "is not used: a picture with a stated quality needs the class ImageCodec"
    assert f"the LosslessImageCodec that was given {needs}" in near.notes
    used = compress_file(tmp_path / "p.png", tmp_path / "c.lat", quality=0.5, codec=codec)
    assert not any("not used" in note for note in used.notes)
