"""Picture files as Pillow reads and writes them: the pixels, and what else is in the file."""

from __future__ import annotations

__all__ = [
    "WRITERS",
    "Photo",
    "checked_dpi",
    "format_told",
    "gathered",
    "open_photo",
    "opened",
    "save_photo",
    "strips_of",
    "told_by",
]

import struct
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.codec.errors import AlteredError, CodecError
from latente.codec.files.base import Unfit
from latente.codec.files.exif import with_dpi

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
STRIP = 1 << 20  # pixels that are copied at a time
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


def format_told(path: Path) -> str:
    """Returns the format of a picture file by its first bytes; empty where it is none.

    Args:
        path: of the file.
    """
    with path.open("rb") as file:
        return told_by(file.read(16))


def told_by(head: bytes) -> str:
    """Returns the format of a picture file; empty where it is none.

    Args:
        head: its first bytes.

    Example:
        >>> told_by(b"BM66"), told_by(b"notes")
        ('BMP', '')
    """
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    return next((name for magic, name in MAGIC.items() if head.startswith(magic)), "")


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Yields a picture file as Pillow opens it.

    Args:
        path: of the file.

    Raises:
        Unfit: when it holds several pictures, or whatever is read of it cannot be read.
    """
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of large pictures and odd metadata: what is lost is said in notes
            with Image.open(path) as image:
                if getattr(image, "n_frames", 1) > 1:
                    raise Unfit(f"it has {image.n_frames} pictures")  # type: ignore[attr-defined]
                yield image
    except (OSError, EOFError, *WRITING, Image.DecompressionBombError) as error:
        raise Unfit(f"its pixels cannot be read: {error}") from error


def strips_of(image: Any, mode: str | None = None) -> Iterator[NDArray[np.uint8]]:
    """Yields the pixels in stretches of rows, (some rows, width, channels), so that no copy of all is made.

    Args:
        image: of Pillow.
        mode: of Pillow, that they are to have; None takes the picture's own.
    """
    width, height = image.size
    rows = max(1, STRIP // width)
    for top in range(0, height, rows):
        part = image.crop((0, top, width, min(top + rows, height)))
        pixels = np.asarray(part if mode in (None, image.mode) else part.convert(mode))
        yield pixels[..., None] if pixels.ndim == 2 else pixels


def gathered(
    strips: Iterable[NDArray[np.uint8]], shape: tuple[int, int, int]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """Returns pixels, (height, width, 1 or 3), and the channel behind their colours, (height, width), or None.

    Args:
        strips: stretches of rows, from the top down.
        shape: (height, width, channels), of all.
    """
    height, width, channels = shape
    colours = channels - (channels % 2 == 0)
    pixels = np.empty((height, width, colours), np.uint8)
    more = np.empty((height, width), np.uint8) if colours < channels else None
    at = 0
    for part in strips:
        rows = slice(at, at + len(part))
        pixels[rows] = part[..., :colours]
        if more is not None:
            more[rows] = part[..., -1]
        at += len(part)
    return pixels, more


def open_photo(path: Path) -> Photo:
    """Returns what is in a picture file.

    Args:
        path: of the file.

    Raises:
        Unfit: when its pixels are not of 8 bits in grey or red, green and blue, or it cannot be read.
    """
    with opened(path) as image:
        bits = _bits(path, image)
        if bits > 8:
            raise Unfit(f"its values have {bits} bits; with a loss only those of 8 bits are coded")
        image.load()  # what follows the pixels in the file is known from here on
        return _photo(image)


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
    pixels, alpha = gathered(strips_of(image, mode), (image.height, image.width, len(mode)))
    left = sorted(str(name) for name in set(image.info) - TECHNICAL - KEPT)
    exif, lost = _exif(image)
    left += lost
    if left:
        notes.append(f"not kept of what the file says of the picture: {', '.join(name[:DESCRIBES] for name in left)}")
    return Photo(
        pixels, alpha, image.info.get("icc_profile"), exif, checked_dpi(image.info.get("dpi")), tuple(notes),
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
    exif = with_dpi(photo.exif, photo.dpi) if suffix == ".webp" and photo.dpi else photo.exif
    more: dict[str, Any] = {"icc_profile": photo.icc, "exif": exif, "dpi": photo.dpi}
    arguments = WRITERS[suffix] | {name: value for name, value in more.items() if value is not None}
    with path.open("xb") as file:
        try:
            image.save(file, **arguments)
        except WRITING as error:  # what Pillow raises for EXIF and profiles that make no sense
            raise AlteredError(f"the picture cannot be written as {suffix}: {error}") from error
