"""Picture files as Pillow reads and writes them: the pixels, and what else is in the file."""

from __future__ import annotations

__all__ = ["MAGIC", "WRITERS", "Photo", "checked_dpi", "open_photo", "save_photo"]

import struct
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.codec.errors import AlteredError, CodecError
from latente.codec.files.base import Unfit

MAGIC = {b"\x89PNG\r\n\x1a\n": "PNG", b"\xff\xd8\xff": "JPEG", b"BM": "BMP", b"II*\0": "TIFF", b"MM\0*": "TIFF"}
TECHNICAL = {
    "jfif", "jfif_version", "jfif_unit", "jfif_density", "progressive", "progression", "adobe", "adobe_transform",
    "compression", "interlace", "resolution", "transparency", "loop", "duration", "timestamp", "background", "aspect",
}  # fmt: skip
ORIENTATION = 0x0112
LAYOUT = {
    *range(254, 260), 262, 266, 273, 277, 278, 279, *range(282, 285), 296, 317, *range(320, 326), 338, 339, 34675,
}  # fmt: skip
KEPT = {"exif", "icc_profile", "dpi"}
WRITERS: dict[str, dict[str, Any]] = {
    ".png": {"format": "PNG"},
    ".webp": {"format": "WEBP", "lossless": True, "exact": True},
    ".tif": {"format": "TIFF", "compression": "tiff_deflate"},
    ".tiff": {"format": "TIFF", "compression": "tiff_deflate"},
    ".bmp": {"format": "BMP"},
}
DESCRIBES = 64  # bytes of a note's text on one thing that is not kept


@dataclass(frozen=True, eq=False)
class Photo:
    """What is in a picture file.

    Attributes:
        pixels: uint8, (h, w, 1) or (h, w, 3).
        alpha: uint8, (h, w), or None where every pixel is opaque by its format.
        icc: the colour profile, or None.
        exif: or None.
        dpi: pixels an inch, across and down, or None.
        notes: what was changed, and what is not kept.
    """

    pixels: NDArray[np.uint8]
    alpha: NDArray[np.uint8] | None = None
    icc: bytes | None = None
    exif: bytes | None = None
    dpi: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()


WRITING = (ValueError, TypeError, LookupError, ArithmeticError, SyntaxError, RuntimeError, AttributeError, struct.error)


def open_photo(path: Path) -> Photo:
    """Returns what is in a picture file.

    Args:
        path: of the file.

    Raises:
        Unfit: when its pixels are not of 8 bits in grey or red, green and blue, or it cannot be read.
    """
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of large pictures and odd metadata: what is lost is said in notes
            with Image.open(path) as image:
                if getattr(image, "n_frames", 1) > 1:
                    raise Unfit(f"it has {image.n_frames} pictures")  # type: ignore[attr-defined]
                bits = _bits(path, image)
                if bits > 8:
                    raise Unfit(f"its values have {bits} bits; with a loss only those of 8 bits are coded")
                image.load()
                return _photo(image)
    except (OSError, EOFError, *WRITING, Image.DecompressionBombError) as error:
        raise Unfit(f"its pixels cannot be read: {error}") from error


def _bits(path: Path, image: Any) -> int:
    """How many bits a value has in the file; Pillow opens colours of 16 bits as if they had 8."""
    if image.format == "PNG":
        with path.open("rb") as file:
            return file.read(25)[24]  # the header comes first
    return max(image.tag_v2.get(258, (8,))) if image.format == "TIFF" else 8


def _photo(image: Any) -> Photo:
    mode, notes = image.mode, []
    clear = "transparency" in image.info
    if mode == "P":
        mode = "RGBA" if clear else "RGB"
        notes.append("its palette becomes red, green and blue of each pixel")
    elif clear and mode in ("L", "RGB"):
        mode = {"L": "LA", "RGB": "RGBA"}[mode]
    if mode not in ("L", "LA", "RGB", "RGBA"):
        raise Unfit(
            f"its pixels are of Pillow's mode {mode!r}; with a loss only 8-bit grey or red, green, blue are coded"
        )
    pixels = np.asarray(image if image.mode == mode else image.convert(mode))
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    colours = pixels.shape[2] // 2 * 2 - 1 if pixels.shape[2] % 2 == 0 else pixels.shape[2]
    left = sorted(str(name) for name in set(image.info) - TECHNICAL - KEPT)
    exif, lost = _exif(image)
    left += lost
    if left:
        notes.append(f"not kept of what the file says of the picture: {', '.join(name[:DESCRIBES] for name in left)}")
    return Photo(
        np.ascontiguousarray(pixels[..., :colours]), np.ascontiguousarray(pixels[..., -1]) if mode[-1] == "A" else None,
        image.info.get("icc_profile"), exif, checked_dpi(image.info.get("dpi")), tuple(notes),
    )  # fmt: skip


def _exif(image: Any) -> tuple[bytes | None, list[str]]:
    """EXIF as bytes, and what of it is not kept. A TIFF file's own tags are EXIF, too; those of its layout are left."""
    from PIL import Image

    if image.format != "TIFF" and isinstance(image.info.get("exif"), bytes):
        return image.info["exif"], []  # as it is, with its thumbnail
    found = image.getexif()
    if image.format != "TIFF":
        return (found.tobytes() if len(found) else None), []
    kept, lost = Image.Exif(), []
    for tag, value in found.items():
        if tag in LAYOUT:
            continue
        if isinstance(value, str) or (isinstance(value, int) and tag == ORIENTATION):
            kept[tag] = value
        else:
            lost.append(f"tag {tag}")
    return (kept.tobytes() if len(kept) else None), lost


def checked_dpi(stated: Any) -> tuple[float, float] | None:
    """Returns pixels an inch that can be, else None."""
    try:
        across, down = (float(value) for value in stated)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return (across, down) if 0 < across < 1e6 and 0 < down < 1e6 else None


def save_photo(photo: Photo, path: Path) -> None:
    """Writes a picture file without a loss.

    Args:
        photo: what goes into it.
        path: its ending says the format.

    Raises:
        CodecError: for an ending of another format, or one that cannot hold all that there is.
    """
    from PIL import Image

    suffix = path.suffix.lower()
    if suffix not in WRITERS:
        raise CodecError(
            f"decoded pictures are written as {', '.join(WRITERS)}; got the ending {suffix!r}: give one of these"
        )
    if suffix == ".bmp" and (photo.alpha is not None or photo.icc or photo.exif):
        raise CodecError("BMP cannot hold the transparency, colour profile or EXIF of this picture; write .png instead")
    pixels = photo.pixels if photo.alpha is None else np.concatenate([photo.pixels, photo.alpha[..., None]], axis=2)
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    more: dict[str, Any] = {"icc_profile": photo.icc, "exif": photo.exif, "dpi": photo.dpi}
    arguments = WRITERS[suffix] | {name: value for name, value in more.items() if value is not None}
    with path.open("xb") as file:
        try:
            image.save(file, **arguments)
        except WRITING as error:  # what Pillow raises for EXIF and profiles that make no sense
            raise AlteredError(f"the picture cannot be written as {suffix}: {error}") from error
