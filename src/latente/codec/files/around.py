"""What is around the pixels of a picture file, so that the file can be put together again from both."""

from __future__ import annotations

__all__ = ["Around", "around_of", "read_planes", "write_file"]

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from latente.codec.errors import AlteredError
from latente.codec.fields import take_integer, take_text
from latente.codec.files.base import Unfit
from latente.codec.files.pillow import gathered, opened, strips_of
from latente.codec.files.png import around_idat, write_png

MOST = 1 << 26  # bytes around the pixels
STRETCH = 1 << 22  # bytes of pixels that are handled at a time
BMP = struct.Struct("<2x8xIIiiHHI")  # where the pixels start, size of the second head, width, height, planes, bits, way
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Around:
    """All of a file but its pixels.

    Attributes:
        format: "PNG", whose pixels are deflated; "BMP" or "TIFF", in which they lie as they are.
        shape: (height, width, channels).
        before: bytes of the file before the pixels.
        after: bytes behind them.
        pad: zeros behind each row.
        bgr: whether the colours come as blue, green, red.
        flip: whether the last row comes first.
    """

    format: str
    shape: tuple[int, int, int]
    before: bytes
    after: bytes
    pad: int = 0
    bgr: bool = False
    flip: bool = False

    @property
    def size(self) -> int:
        """Bytes of the file, or of one whose pixels are not deflated."""
        height, width, channels = self.shape
        return len(self.before) + height * (width * channels + self.pad) + len(self.after)

    def to_json(self) -> dict[str, Any]:
        """Returns what a header says of it."""
        flags = {"pad": self.pad, "bgr": int(self.bgr), "flip": int(self.flip)}
        stated = {"format": self.format, "before": len(self.before), "after": len(self.after)}
        return stated | {name: value for name, value in flags.items() if value}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any], shape: tuple[int, int, int], before: bytes, after: bytes) -> Around:
        """Returns what a header says; raises AlteredError where that makes no sense.

        Args:
            fields: of the header.
            shape: (height, width, channels).
            before: bytes before the pixels.
            after: bytes behind them.
        """
        pad, bgr, flip = (take_integer({name: 0} | dict(fields), name, 0, 3) for name in ("pad", "bgr", "flip"))
        return cls(
            take_text(fields, "format", ("PNG", "BMP", "TIFF")), shape, before, after, pad, bool(bgr), bool(flip)
        )


def around_of(path: Path, format: str) -> Around:
    """Returns what is around the pixels of a file.

    Args:
        path: of the file.
        format: "PNG", "BMP" or "TIFF".

    Raises:
        Unfit: when the file could not be put together again, to the last byte around its pixels.
    """
    with path.open("rb") as file:
        found = Around("PNG", *_of_png(file)) if format == "PNG" else None
        if found is None:
            start, shape, more = _of_bmp(file) if format == "BMP" else _of_tiff(path)
            height, width, channels = shape
            end = start + height * (width * channels + more.get("pad", 0))
            if start > MOST or path.stat().st_size - end > MOST or path.stat().st_size < end:
                raise Unfit("its pixels are cut off, or much else is in it")
            file.seek(0)
            before = file.read(start)
            file.seek(end)
            found = Around(format, shape, before, file.read(), **more)
    if len(found.before) > MOST or len(found.after) > MOST:
        raise Unfit("much else than pixels is in it")
    return found


def _of_png(file: BinaryIO) -> tuple[tuple[int, int, int], bytes, bytes]:
    before, after, shape = around_idat(file)
    return shape, before, after


def _of_bmp(file: BinaryIO) -> tuple[int, tuple[int, int, int], dict[str, Any]]:
    """Where the pixels start, their shape, and how they lie."""
    head = file.read(BMP.size)
    if len(head) < BMP.size:
        raise Unfit("it is cut off")
    start, size, width, height, _, bits, way = BMP.unpack(head)
    if size < 40 or bits not in (8, 24, 32) or way != 0 or width < 1 or height == 0:
        raise Unfit("its pixels are packed, or have not 8 bits for each colour")
    channels = bits // 8
    more = {"pad": -width * channels % 4, "bgr": channels > 1, "flip": height > 0}
    return start, (abs(height), width, channels), more


def _of_tiff(path: Path) -> tuple[int, tuple[int, int, int], dict[str, Any]]:
    """The same of a TIFF file whose pixels are not packed and lie in one stretch."""
    with opened(path) as image:
        tags = image.tag_v2
        channels, starts, sizes = tags.get(277, 1), tags.get(273, ()), tags.get(279, ())
        shape = (tags.get(257, 0), tags.get(256, 0), channels)
        plain = tags.get(259, 1) == 1 and tags.get(284, 1) == 1 and tags.get(266, 1) == 1
        bytes_ = set(tags.get(258, (1,))) == {8} and 1 <= channels <= 4
        ends = [start + size for start, size in zip(starts, sizes, strict=False)]
        together = len(starts) == len(sizes) > 0 and list(starts[1:]) == ends[:-1]
        if not (plain and bytes_ and together and sum(sizes) == shape[0] * shape[1] * channels):
            raise Unfit("its pixels are packed, in several stretches, or have not 8 bits for each colour")
        return starts[0], shape, {}


def read_planes(path: Path, around: Around) -> tuple[Pixels, Pixels | None]:
    """Returns a file's pixels, (height, width, 1 or 3), and the channel behind their colours, (height, width).

    Args:
        path: of the file.
        around: what is around them.

    Raises:
        Unfit: when the pixels cannot be read.
    """
    return gathered(_strips(path, around), around.shape)


def _strips(path: Path, around: Around) -> Iterator[Pixels]:
    """Yields stretches of rows, from the top down."""
    height, width, channels = around.shape
    if around.format == "PNG":
        with opened(path) as image:
            for part in strips_of(image):
                if part.shape[1:] != (width, channels):
                    raise Unfit("its pixels are not read as they are in it")
                yield part
        return
    long = width * channels + around.pad
    with path.open("rb") as file:
        for rows in _stretches(height, long):
            first = height - rows.stop if around.flip else rows.start
            file.seek(len(around.before) + first * long)
            raw = np.fromfile(file, np.uint8, long * (rows.stop - rows.start)).reshape(-1, long)
            if raw[:, long - around.pad :].any():
                raise Unfit("there is something between its rows of pixels")
            part = raw[:: -1 if around.flip else 1, : width * channels].reshape(-1, width, channels)
            yield part[..., _order(channels)] if around.bgr else part


def _stretches(height: int, long: int) -> Iterator[slice]:
    """Yields some rows at a time, given the bytes of one."""
    some = max(1, STRETCH // long)
    for start in range(0, height, some):
        yield slice(start, min(start + some, height))


def _order(channels: int) -> list[int]:
    """Blue, green and red the other way round; what is behind them stays."""
    return [2, 1, 0, *range(3, channels)] if channels > 2 else list(range(channels))


def write_file(file: BinaryIO, around: Around, pixels: Pixels, more: Pixels | None) -> None:
    """Writes the file that `around_of` and `read_planes` read.

    Args:
        file: open for writing bytes.
        around: what is around the pixels.
        pixels: (height, width, 1 or 3).
        more: the channel behind them, or None.

    Raises:
        AlteredError: when they do not belong together.
    """
    if around.shape != (*pixels.shape[:2], pixels.shape[2] + (more is not None)):
        raise AlteredError("the pixels are not of the shape that the file around them has")
    if around.format == "PNG":
        write_png(file, around.before, around.after, _joined(pixels, more))
        return
    file.write(around.before)
    height, width, channels = around.shape
    for rows in _stretches(height, width * channels):
        taken = slice(height - rows.stop, height - rows.start) if around.flip else rows
        part = pixels[taken] if more is None else np.dstack([pixels[taken], more[taken]])
        part = part[:: -1 if around.flip else 1]
        part = part[..., _order(channels)] if around.bgr else part
        file.write(np.pad(part.reshape(len(part), -1), ((0, 0), (0, around.pad))).tobytes())
    file.write(around.after)


def _joined(pixels: Pixels, more: Pixels | None) -> Iterator[Pixels]:
    """Yields stretches of rows with all channels."""
    for rows in _stretches(len(pixels), pixels.shape[1] * 4):
        yield pixels[rows] if more is None else np.dstack([pixels[rows], more[rows]])
