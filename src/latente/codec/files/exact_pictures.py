"""Pictures of which nothing may be lost: PNG, BMP and TIFF by the lossless picture codec, where that is smaller."""

from __future__ import annotations

__all__ = ["ExactPictureFormat", "promised"]

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from latente.codec.errors import AlteredError, CodecError
from latente.codec.fields import take_integer, take_object, take_text
from latente.codec.files.around import MOST, Around, around_of, read_planes, write_file
from latente.codec.files.base import Settings, Unfit, Written, unused
from latente.codec.files.exact import pack_bytes, packs_below, unpack_bytes
from latente.codec.files.pillow import WRITERS, Photo, format_told, open_photo, save_photo
from latente.codec.files.results import Part
from latente.codec.images.pictures import only_one, shape_in
from latente.codec.limits import crc32c
from latente.codec.streams import ContainerReader

if TYPE_CHECKING:
    from latente.codec.images.lossless.codec import LosslessImageCodec

VERY = "the very file, byte by byte"
PROMISES = {
    "PNG": "every pixel and all other bytes of the file; the pixels are deflated anew, so it may have another size",
    "BMP": VERY,
    "TIFF": VERY,
}
REFUSED = {
    "JPEG": "a JPEG file has fewer bytes than its pixels take without a loss",
    "WebP": "what is packed in a WebP file cannot be put together again byte by byte",
}
WORDS = {
    "linear": "linear predictions fitted to the picture", "plain": "predictions from the four nearest pixels",
    "network": "predictions by a fitted network", "stored": "zstd",
}  # fmt: skip
Pixels = NDArray[np.uint8]


class ExactPictureFormat:
    """Pixels by `LosslessImageCodec`, all around them byte by byte. It is written through `PictureFormat`."""

    kind, suffix = "image-lossless", ".png"

    def tells(self, path: Path, head: bytes) -> str | None:
        """Returns None: `PictureFormat` tells pictures."""
        return None

    def write(self, path: Path, file: BinaryIO, settings: Settings) -> Written:
        """Writes a .lat file; see `Format`."""
        from latente.codec.images.lossless.codec import LosslessImageCodec

        name = format_told(path)
        if name in REFUSED:
            raise Unfit(REFUSED[name])
        around = around_of(path, name)
        pixels, more = read_planes(path, around)
        fields = {"size": path.stat().st_size, "suffix": path.suffix.lower()[:16], "file": around.to_json()}
        start = file.tell()
        _codec(settings).write(file, pixels[None], fields, _extras(around, more))
        size = file.tell() - start
        if packs_below(path, size):
            raise Unfit("zstd makes the file smaller than the picture codec does")
        file.flush()
        with open(file.name, "rb") as written:
            written.seek(start)
            parts = self.describe(ContainerReader(written, settings.limits))
        exact = tuple(replace(part, largest_error=0.0) for part in parts)  # the codec has decoded and compared
        notes = unused(settings.codec, LosslessImageCodec, "a picture without a loss")
        return Written(exact, notes, self.kind, PROMISES[around.format])

    def read(self, reader: ContainerReader, out: Path, settings: Settings) -> None:
        """Writes a picture file; see `Format`."""
        pixels = only_one(_codec(settings, reader).read(reader))
        if "file" not in reader.header:
            save_photo(Photo(pixels), out)
            return
        around, more = _around(reader, pixels)
        settings.limits.check("output_bytes", around.size, "the file")
        own = take_text(reader.header, "suffix")
        wanted = out.suffix.lower()
        if wanted == own or WRITERS.get(wanted, {}).get("format") == around.format:
            with out.open("xb") as file:
                write_file(file, around, pixels, more)
        else:
            _convert(around, pixels, more, out, settings)

    def values(self, path: Path, name: str) -> NDArray[Any] | None:
        """Returns the pixels, (h, w) or (h, w, 3); see `Format`."""
        try:
            pixels = open_photo(path).pixels if name == "pixels" else None
        except Unfit:
            return None
        return pixels[..., 0] if pixels is not None and pixels.shape[2] == 1 else pixels

    def describe(self, reader: ContainerReader) -> tuple[Part, ...]:
        """Returns the parts of a .lat file; see `Format`."""
        from latente.codec.images.lossless.stream import way_of

        sections = {section.name: section for section in reader}
        if "pixels" not in sections:
            raise AlteredError("the stream lacks section 'pixels'")
        n, h, w, channels = shape_in(reader.header)
        way = WORDS.get(way_of(reader.read(sections["pixels"])) or "", "a way that is not known")
        size, ref = sections["pixels"].size, reader.model
        method = f"lossless picture codec, {way}, {w} x {h} pixels, {8 * size / (n * h * w):.3f} bits a pixel"
        model = None if ref is None or ref.embedded else f"{ref.id} ({ref.hash})"
        parts = [Part("pixels", n * h * w * channels, size, "exact", None, method, True, model)]
        if "alpha" in sections:
            size = sections["alpha"].size
            parts.append(Part("alpha", n * h * w, size, "exact", None, "lossless picture codec", True))
        if "file" in reader.header:
            stated = take_object(reader.header, "file")
            bytes_ = sum(take_integer(stated, name, 0, MOST) for name in ("before", "after"))
            packed = sum(sections[name].size for name in ("before", "after") if name in sections)
            parts.append(Part("all else", bytes_, packed, "exact", None, "zstd, exact", True))
        return tuple(parts)


def promised(reader: ContainerReader) -> str:
    """Returns what comes back from a .lat file of this kind, in words.

    Args:
        reader: of the file.
    """
    if "file" not in reader.header:
        return "every pixel"
    return PROMISES[take_text(take_object(reader.header, "file"), "format", tuple(PROMISES))]


def _codec(settings: Settings, reader: ContainerReader | None = None) -> LosslessImageCodec:
    """The user's codec, or one that has seen nothing; for reading, one with the known model that a stream refers to."""
    from latente.codec.images.lossless.codec import LosslessImageCodec

    if reader is None:
        return settings.codec if isinstance(settings.codec, LosslessImageCodec) else LosslessImageCodec()
    codec = LosslessImageCodec(limits=settings.limits)
    for model in settings.models:
        if reader.model is not None and model.ref.hash == reader.model.hash:
            codec.model_ = model
    return codec


def _extras(around: Around, more: Pixels | None) -> dict[str, tuple[bytes, int]]:
    """The sections behind the pixels, and the CRCs of what they decode to."""
    from latente.codec.images.lossless.stream import checked_pixels

    found = {} if more is None else {"alpha": (checked_pixels(more[None, ..., None]), crc32c(more))}
    for name, raw in (("before", around.before), ("after", around.after)):
        found[name] = pack_bytes(raw), crc32c(raw)
    return found


def _around(reader: ContainerReader, pixels: Pixels) -> tuple[Around, Pixels | None]:
    """What is around the pixels, and the channel behind their colours."""
    from latente.codec.images.lossless.stream import read_plane

    h, w, channels = pixels.shape
    stated, sections = take_object(reader.header, "file"), {section.name: section for section in reader}
    raw = []
    for name in ("before", "after"):
        if name not in sections:
            raise AlteredError(f"the stream lacks section {name!r}")
        raw.append(unpack_bytes(reader.read(sections[name]), take_integer(stated, name, 0, MOST)))
        if sections[name].symbols != crc32c(raw[-1]):
            raise AlteredError(f"section {name!r} did not decode to what was encoded: its CRC is wrong")
    more = read_plane(reader, "alpha", (1, h, w, 1))[0, ..., 0] if "alpha" in sections else None
    around = Around.from_json(stated, (h, w, channels + (more is not None)), *raw)
    if around.format != "PNG" and around.size != take_integer(reader.header, "size"):
        raise AlteredError("the file's parts do not make up the size that its header states")
    return around, more


def _convert(around: Around, pixels: Pixels, more: Pixels | None, out: Path, settings: Settings) -> None:
    """Writes a picture file of another format than it had, by way of that file."""
    if out.suffix.lower() not in WRITERS:
        save_photo(Photo(pixels), out)  # says which endings there are
    whole = out.with_name(out.name + ".whole")
    try:
        with whole.open("xb") as file:
            write_file(file, around, pixels, more)
        photo = open_photo(whole)
    except Unfit as error:
        raise CodecError(
            f"the picture cannot be written as {out.suffix}: {error}; write it as the {around.format} file that it was"
        ) from error
    finally:
        whole.unlink(missing_ok=True)
    save_photo(photo, out)
    settings.notes.append(f"it was a {around.format} file and is written as another one")
    settings.notes.extend(photo.notes)
