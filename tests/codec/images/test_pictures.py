"""Files of pictures: what is kept, what is said, what goes byte by byte; and the command line."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image, ImageCms

from latente.cli import main
from latente.codec import CodecError, ImageCodec, compress_file, decompress_file, describe_file
from latente.codec.images.codec import psnr_of


def seen(path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


@pytest.fixture
def photo(tmp_path, picture):
    path = tmp_path / "photo.png"
    Image.fromarray(picture).save(path)
    return path


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".bmp", ".tiff"])
def test_formats(suffix, tmp_path, picture, codec):
    path = tmp_path / f"photo{suffix}"
    Image.fromarray(picture).save(path, quality=95)
    done = compress_file(path, quality=0.4, codec=codec)
    needed = f"decompressing it needs the model tests-1 ({codec.model.ref.hash}), for pixels"
    assert (done.kind, done.parts[0].name, done.notes) == ("image", "pixels", (needed,))
    back = decompress_file(done.output, tmp_path / "back.png", codec=codec)
    decoded = seen(back.output)
    original = seen(path)
    assert not back.exact
    assert psnr_of(original, decoded) > 25
    assert done.largest_error == np.abs(original.astype(int) - decoded).max()
    assert f"PSNR {psnr_of(original, decoded):.2f} dB" in done.parts[0].method
    found = describe_file(done.output)
    assert (found.original_bytes, found.bound) == (path.stat().st_size, "quality 0.4 of the image codec")
    assert "tests-1" in found.model
    assert np.array_equal(codec.decode(done.output.read_bytes()), decoded)


def test_decoded_pictures_go_to_png(tmp_path, picture, codec):
    path = tmp_path / "photo.jpg"
    Image.fromarray(picture).save(path)
    done = compress_file(path, quality=0.4, codec=codec)
    assert decompress_file(done.output, codec=codec).output == tmp_path / "photo.png"
    with pytest.raises(CodecError, match="give one of these"):
        decompress_file(done.output, tmp_path / "again.jpg", codec=codec)
    assert not (tmp_path / "again.jpg").exists()
    for suffix in (".webp", ".tif", ".bmp"):
        again = decompress_file(done.output, tmp_path / f"again{suffix}", codec=codec).output
        assert np.array_equal(seen(again), seen(tmp_path / "photo.png"))


def test_transparency_profile_and_exif_are_kept(tmp_path, picture, codec):
    alpha = (np.add.outer(np.arange(120), np.arange(168)) % 256).astype(np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    path = tmp_path / "photo.png"
    Image.fromarray(np.dstack([picture, alpha])).save(path, exif=exif, icc_profile=profile, dpi=(300, 200))
    done = compress_file(path, quality=0.5, codec=codec)
    assert [part.name for part in done.parts] == ["pixels", "alpha", "icc", "exif"]
    path = decompress_file(done.output, tmp_path / "back.png", codec=codec).output
    assert np.array_equal(seen(path)[..., 3], alpha)
    with Image.open(path) as back:
        assert back.getexif()[0x0112] == 6
        assert back.info["icc_profile"] == profile
        assert np.allclose(back.info["dpi"], (300, 200), atol=0.1)
    assert [part.name for part in describe_file(done.output).parts] == ["pixels", "alpha", "icc", "exif"]
    with pytest.raises(CodecError, match="BMP cannot hold"):
        decompress_file(done.output, tmp_path / "back.bmp", codec=codec)


def test_palettes_and_grey(tmp_path, picture, codec):
    grey, palette = tmp_path / "grey.png", tmp_path / "palette.png"
    Image.fromarray(picture[..., 0]).save(grey)
    Image.fromarray(picture).quantize(64).save(palette)
    made = compress_file(grey, quality=0.5, codec=codec).output
    assert seen(decompress_file(made, tmp_path / "g.png", codec=codec).output).shape == (120, 168)
    done = compress_file(palette, quality=0.1, codec=codec)
    assert done.kind == "image"
    assert "its palette becomes red, green and blue" in done.notes[0]


def test_what_cannot_be_kept_goes_byte_by_byte_and_is_said(tmp_path, picture, codec):
    deep, several, broken = tmp_path / "deep.png", tmp_path / "several.tiff", tmp_path / "broken.png"
    Image.fromarray(picture[..., 0].astype(np.uint16) * 257).save(deep)
    frames = [Image.fromarray(picture), Image.fromarray(picture[::-1])]
    frames[0].save(several, save_all=True, append_images=frames[1:])
    Image.fromarray(picture).save(broken)
    broken.write_bytes(broken.read_bytes()[:900])
    for path, reason in ((deep, "16 bits"), (several, "2 pictures"), (broken, "cannot be read")):
        done = compress_file(path, quality=0.5, codec=codec)
        assert done.kind == "bytes"
        assert reason in done.notes[0]
        back = decompress_file(done.output, tmp_path / "back").output
        assert back.read_bytes() == path.read_bytes()
        back.unlink()


def test_other_bounds(photo, tmp_path, codec):
    done = compress_file(photo, overwrite=True, codec=codec, max_error=0.1)
    assert done.kind == "bytes"
    assert "as a quality or a PSNR" in done.notes[0]
    done = compress_file(photo, overwrite=True, codec=codec, psnr=28)
    decoded = seen(decompress_file(done.output, tmp_path / "back.png", codec=codec).output)
    assert psnr_of(seen(photo), decoded) >= 28


def test_a_psnr_out_of_reach_is_kept_without_a_loss(photo, picture, codec, tmp_path):
    done = compress_file(photo, overwrite=True, codec=codec, psnr=120)
    assert done.kind == "image-lossless"
    assert done.exact
    assert "kept without a loss: the codec reaches" in done.notes[0]
    assert done.output.stat().st_size < photo.stat().st_size
    back = decompress_file(done.output, tmp_path / "back.png").output
    assert np.array_equal(seen(back), seen(photo))
    Image.fromarray(picture).save(tmp_path / "photo.jpg", quality=60)
    done = compress_file(tmp_path / "photo.jpg", codec=codec, psnr=120)
    assert done.kind == "bytes"
    assert "not 120 dB" in done.notes[0]
    assert "a JPEG file has fewer bytes" in done.notes[0]


def test_what_a_picture_file_says_and_is_not_kept(photo, picture, codec, tmp_path):
    from PIL.PngImagePlugin import PngInfo

    text = PngInfo()
    text.add_text("Author", "somebody")
    Image.fromarray(picture).save(photo, pnginfo=text)
    assert (
        "not kept of what the file says of the picture: Author"
        in compress_file(photo, quality=0.5, codec=codec).notes[0]
    )


def test_all_ways_tell_the_same_bits_a_pixel(photo, tmp_path, codec):
    with Image.open(photo) as image:
        image.putalpha(200)
        image.save(tmp_path / "clear.png")
    for file in (photo, tmp_path / "clear.png"):
        done = compress_file(file, quality=0.6, codec=codec)
        told = describe_file(done.output).parts
        assert [part.compressed_bytes for part in told] == [part.compressed_bytes for part in done.parts]
        bits = f"{8 * told[0].compressed_bytes / (120 * 168):.3f} bits a pixel"
        assert told[0].method.endswith(bits)
        assert done.parts[0].method.endswith(bits)
    content = done.output.read_bytes()
    assert sum(part.compressed_bytes for part in told) == len(content)
    assert ImageCodec.info(content).compressed_bytes == len(content)


def test_several_pictures_in_a_stream_are_no_file(tmp_path, picture, codec):
    path = tmp_path / "many.lat"
    path.write_bytes(codec.encode_many([picture, picture]))
    with pytest.raises(CodecError, match="decode_many"):
        decompress_file(path, tmp_path / "x.png", codec=codec)
    path.write_bytes(codec.encode(picture))
    assert decompress_file(path, codec=codec).output == tmp_path / "many.png"


def test_command_line(photo, codec, tmp_path, capsys):
    def call(*arguments: str) -> str:
        assert main(list(arguments)) == 0
        return capsys.readouterr().out

    model = codec.save(tmp_path / "mine.latmodel")
    made = json.loads(call("compress", str(photo), "--quality", "0.5", "--model", str(model), "--json"))
    assert (made["kind"], made["bound"]) == ("image", "quality 0.5 of the image codec")
    shown = call("info", str(photo) + ".lat")
    assert "quality 0.5 of the image codec" in shown
    assert "tests-1" in shown
    assert "bits a pixel" in shown
    out = tmp_path / "out.png"
    call("decompress", str(photo) + ".lat", "-o", str(out), "--model", str(model))
    assert seen(out).shape == (120, 168, 3)


def test_embedded(picture, codec, tmp_path):
    holds = ImageCodec(embed=True)
    holds.model_ = codec.model_
    path = tmp_path / "picture.png.lat"
    path.write_bytes(holds.encode(picture, quality=0.2))
    assert np.array_equal(seen(decompress_file(path).output), codec.decode(codec.encode(picture, quality=0.2)))


def deep_png(path, channels: int) -> None:
    """A PNG of 16-bit colours, by hand: Pillow writes none."""
    import struct
    import zlib

    values = np.arange(8 * 8 * channels, dtype=">u2").reshape(8, -1) * 131
    raw = b"".join(b"\0" + row.tobytes() for row in values)
    head = struct.pack(">IIBBBBB", 8, 8, 16, {3: 2, 4: 6}[channels], 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(raw)), (b"IEND", b"")]
    body = [struct.pack(">I", len(c)) + t + c + struct.pack(">I", zlib.crc32(t + c)) for t, c in chunks]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(body))


@pytest.mark.parametrize("channels", [3, 4])
def test_deeper_colours_are_kept_byte_by_byte(channels, tmp_path, codec):
    path = tmp_path / "deep.png"
    deep_png(path, channels)
    assert seen(path).dtype == np.uint8  # Pillow cuts them without a word
    done = compress_file(path, quality=0.5, codec=codec)
    assert done.kind == "bytes"
    assert any("16 bits" in note for note in done.notes)
    assert decompress_file(done.output, tmp_path / "again.png").output.read_bytes() == path.read_bytes()


def test_exif_keeps_its_thumbnail(tmp_path, picture, codec):
    path = tmp_path / "x.jpg"
    exif = Image.Exif()
    exif[0x010E] = "a picture"
    exif.get_ifd(0x8769)[0x9286] = b"words"
    Image.fromarray(picture).save(path, exif=exif)
    with Image.open(path) as image:
        stated = image.info["exif"]
    decompress_file(compress_file(path, quality=0.4, codec=codec).output, tmp_path / "y.png", codec=codec)
    with Image.open(tmp_path / "y.png") as image:
        assert image.info["exif"] == stated


def test_metadata_that_makes_no_sense_is_an_error_in_words(tmp_path):
    from latente.codec.files.pillow import Photo, save_photo

    with pytest.raises(CodecError, match="cannot be written"):
        save_photo(Photo(np.zeros((4, 4, 3), np.uint8), exif=b"garbage!"), tmp_path / "x.tif")


def test_the_model_of_photographs_never_changes():
    """Streams that refer to it must be readable for ever; the hash is that of its tensors."""
    assert ImageCodec.pretrained().model.ref.hash == "4675c39ef840a0f229f79d2ee0d52969"


@pytest.mark.parametrize("stated", ["nothing", "words", "a resolution"])
def test_webp_keeps_pixels_an_inch_in_its_exif(stated, tmp_path, picture, codec):
    from PIL.ExifTags import IFD

    path, exif = tmp_path / "x.png", Image.Exif()
    if stated != "nothing":
        exif[0x010E] = "a picture"
        exif.get_ifd(IFD.Exif)[0x9286] = b"words"
    if stated == "a resolution":
        exif[282], exif[283] = 72, 96
    Image.fromarray(picture).save(path, dpi=(300, 150), exif=exif)
    done = compress_file(path, quality=0.3, codec=codec)
    back = decompress_file(done.output, tmp_path / "y.webp", codec=codec).output
    with Image.open(back) as image:
        found = image.getexif()
        resolution = float(found[282]), float(found[283])
        if stated == "a resolution":  # what was stated is not touched
            assert resolution == (72, 96)
        else:
            assert np.allclose(resolution, (300, 150), atol=0.1)
            assert found[296] == 2
        if stated != "nothing":
            assert found[0x010E] == "a picture"
            assert found.get_ifd(IFD.Exif)[0x9286] == b"words"


@pytest.mark.parametrize("exif", [b"", b"II*", b"garbage!", b"MM\0*\0\0\0\x08\0\5", b"II*\0\xff\xff\xff\xff"])
def test_exif_without_sense_stays(exif):
    from latente.codec.files.exif import with_dpi

    assert with_dpi(exif, (300, 300)) == exif


def test_memory_that_is_not_there_is_told(tmp_path, picture, codec, monkeypatch):
    """A forged size below the limits may still be more than a machine has."""
    from latente.codec import TooLargeError
    from latente.codec.images import stream as streams

    data = codec.encode(picture)
    path = tmp_path / "x.lat"
    path.write_bytes(data)

    def refuse(*_, **__):
        raise MemoryError("Unable to allocate")

    monkeypatch.setattr(streams.np, "empty", refuse)
    with pytest.raises(TooLargeError, match="more memory than this machine has"):
        codec.decode(data)
    with pytest.raises(TooLargeError, match="more memory than this machine has"):
        decompress_file(path, codec=codec)


def test_psnr_in_pieces_is_that_of_the_whole(monkeypatch):
    from latente.codec.images import codec as codecs

    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 256, (2, 3, 41, 29, 3)).astype(np.uint8)
    monkeypatch.setattr(codecs, "PIECE", 1000)
    wanted = 10 * np.log10(255**2 / np.square(a.astype(float) - b).mean())
    assert psnr_of(a, b) == pytest.approx(wanted, rel=1e-12)
    assert psnr_of(a, a) == float("inf")
