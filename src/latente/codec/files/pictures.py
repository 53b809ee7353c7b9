"""Pictures: PNG, JPEG, WebP, BMP and TIFF by the learned image codec."""

from __future__ import annotations

__all__ = ["PictureFormat"]

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from latente.codec.errors import AlteredError, CodecError
from latente.codec.fields import take_integer, take_list
from latente.codec.files.base import Settings, Unfit, Written, unused
from latente.codec.files.exact import pack_bytes, unpack_bytes
from latente.codec.files.exact_pictures import ExactPictureFormat
from latente.codec.files.pillow import Photo, checked_dpi, open_photo, save_photo, told_by
from latente.codec.files.results import Part
from latente.codec.limits import crc32c
from latente.codec.streams import ContainerReader

if TYPE_CHECKING:
    from latente.codec.images.codec import ImageCodec
    from latente.codec.images.info import ImageInfo

METADATA = 1 << 26  # bytes of a profile or EXIF, at most


class PictureFormat:
    """Pictures with a stated quality, or without a loss; where not all can be kept, a file is kept byte by byte."""

    kind, suffix = "image", ".png"

    def tells(self, path: Path, head: bytes) -> str | None:
        """Returns what tells that a file is of this format, or None."""
        found = told_by(head)
        return f"it starts as {found} files do" if found else None

    def write(self, path: Path, file: BinaryIO, settings: Settings) -> Written:
        """Writes a .lat file; see `Format`."""
        settings.check_names([], "columns")
        bound = settings.bound
        if bound.lossless:
            return ExactPictureFormat().write(path, file, settings)
        if bound.mode not in ("quality", "psnr"):
            raise Unfit("the loss of a picture is stated as a quality or a PSNR (--quality, --psnr)")
        photo, codec = open_photo(path), _codec(settings)
        h, w, channels = photo.pixels.shape
        fields: dict[str, Any] = {"size": path.stat().st_size, "bound": bound.to_json()}
        fields |= {"dpi": list(photo.dpi)} if photo.dpi else {}
        extras, sizes = _extras(photo)
        start = file.tell()
        try:
            chosen = {"psnr": bound.value} if bound.mode == "psnr" else {}
            codec.write(
                file,
                photo.pixels[None],
                bound.value if not chosen else 0.5,
                **chosen,
                fields=fields | sizes,
                extras=extras,
            )
        except ValueError as error:
            if not chosen:
                raise Unfit(str(error)) from error
            file.seek(start)
            file.truncate()
            return _without_loss(path, file, settings, str(error))
        info, largest, psnr = _measured(file, start, photo, codec)
        total = info.compressed_bytes - sum(len(content) for content, _ in extras.values())
        method = f"{_method(info)}, PSNR {psnr:.2f} dB, {8 * total / (h * w):.3f} bits a pixel"
        needed = None if codec.embed or codec.is_released else _model(info)
        parts = [Part("pixels", h * w * channels, total, _bound(info), largest, method, model=needed)]
        parts += [_extra(name, sizes.get(name, h * w), len(content)) for name, (content, _) in extras.items()]
        notes = unused(settings.codec, type(codec), "a picture with a stated quality")
        return Written(tuple(parts), photo.notes + notes)

    def read(self, reader: ContainerReader, out: Path, settings: Settings) -> None:
        """Writes a picture file; see `Format`."""
        pixels = _codec(settings, reader).read(reader)
        if len(pixels) != 1:
            raise CodecError(
                f"the stream holds {len(pixels)} pictures; decode them with ImageCodec.decode_many in Python"
            )
        more = {section.name: section for section in reader}
        found: dict[str, bytes] = {}
        for name in ("alpha", "icc", "exif"):
            if name not in more:
                continue
            size = pixels[0, ..., 0].size if name == "alpha" else take_integer(reader.header, name, 0, METADATA)
            found[name] = unpack_bytes(reader.read(more[name]), size)
            if more[name].symbols != crc32c(found[name]):
                raise AlteredError(f"section {name!r} did not decode to what was encoded: its CRC is wrong")
        alpha = np.frombuffer(found["alpha"], np.uint8).reshape(pixels.shape[1:3]) if "alpha" in found else None
        save_photo(Photo(pixels[0], alpha, found.get("icc"), found.get("exif"), _dpi(reader)), out)

    def values(self, path: Path, name: str) -> NDArray[Any] | None:
        """Returns the pixels, (h, w) or (h, w, 3); see `Format`."""
        if name != "pixels":
            return None
        pixels = open_photo(path).pixels
        return pixels[..., 0] if pixels.shape[2] == 1 else pixels

    def describe(self, reader: ContainerReader) -> tuple[Part, ...]:
        """Returns the parts of a .lat file; see `Format`."""
        from latente.codec.images.codec import info_of
        from latente.codec.images.stream import EXTRAS

        sizes = {section.name: section.size for section in reader}
        info = info_of(reader, reader.size - sum(size for name, size in sizes.items() if name in EXTRAS))
        n, h, w, channels = info.shape
        method = f"{_method(info)}, {info.bits_per_pixel:.3f} bits a pixel"
        parts = [
            Part("pixels", n * h * w * channels, info.compressed_bytes, _bound(info), None, method, model=_model(info))
        ]
        originals = {"alpha": h * w, "icc": reader.header.get("icc", 0), "exif": reader.header.get("exif", 0)}
        more = [(name, size) for name, size in sizes.items() if name in EXTRAS]
        parts += [_extra(name, int(originals[name]), size) for name, size in more]
        return tuple(parts)


def _without_loss(path: Path, file: BinaryIO, settings: Settings, reason: str) -> Written:
    """Writes a picture whose PSNR its codec does not reach by the lossless one, which keeps any."""
    try:
        written = ExactPictureFormat().write(path, file, settings)
    except Unfit as other:
        raise Unfit(f"{reason}; nor without a loss: {other}") from other
    return replace(written, notes=(f"kept without a loss: {reason}", *written.notes))


def _codec(settings: Settings, reader: ContainerReader | None = None) -> ImageCodec:
    """The user's codec or that of the package; for reading, one with the known model that a stream refers to."""
    from latente.codec.images.codec import ImageCodec
    from latente.codec.images.ways import model_from

    if reader is None:
        return settings.codec if isinstance(settings.codec, ImageCodec) else ImageCodec()
    codec = ImageCodec(limits=settings.limits)
    for model in settings.models:
        if reader.model is not None and model.ref.hash == reader.model.hash:
            codec.model_ = model_from(model)
    return codec


def _extras(photo: Photo) -> tuple[dict[str, tuple[bytes, int]], dict[str, int]]:
    """What is kept beside the pixels, packed, and the sizes that the header states."""
    raw = {"alpha": None if photo.alpha is None else photo.alpha.tobytes(), "icc": photo.icc, "exif": photo.exif}
    there = {name: content for name, content in raw.items() if content}
    stated = {name: len(content) for name, content in there.items() if name != "alpha"}
    return {name: (pack_bytes(content), crc32c(content)) for name, content in there.items()}, stated


def _measured(file: BinaryIO, start: int, photo: Photo, codec: ImageCodec) -> tuple[ImageInfo, float, float]:
    """Decodes what was written: its information, the largest error of a pixel, and the PSNR in dB."""
    from latente.codec.images.codec import info_of, psnr_of

    file.flush()
    with open(file.name, "rb") as written:
        written.seek(start)
        reader = ContainerReader(written)
        decoded, size = codec.read(reader)[0], written.seek(0, 2) - start
    rows = zip(photo.pixels, decoded, strict=True)  # row by row: no copy of all in a wider type
    error = max(int(np.abs(before.astype(np.int16) - after).max()) for before, after in rows)
    return info_of(reader, size), float(error), psnr_of(photo.pixels, decoded)


def _extra(name: str, size: int, packed: int) -> Part:
    """What is kept beside the pixels."""
    return Part(name, size, packed, "exact", 0.0, "zstd, exact", exact=True)


def _model(info: ImageInfo) -> str:
    """Id and hash of the model."""
    return "" if info.model is None else f"{info.model.id} ({info.model.hash})"


def _method(info: ImageInfo) -> str:
    return f"image model {info.model and info.model.id}, {info.shape[2]} x {info.shape[1]} pixels"


def _bound(info: ImageInfo) -> str:
    return f"quality {info.quality:.3g} of the image codec"


def _dpi(reader: ContainerReader) -> tuple[float, float] | None:
    """Pixels an inch, where the header states them."""
    if "dpi" not in reader.header:
        return None
    stated = checked_dpi(take_list(reader.header, "dpi", (int, float), 2))
    if stated is None:
        raise AlteredError("the header's 'dpi' are no pixels an inch")
    return stated
