"""PNG files: what is around their pixels, byte by byte, and writing them again with bounded memory.

Source: ISO/IEC 15948, "Portable Network Graphics (PNG)"; filters are chosen by the least sum of absolute values, as
libpng does.
"""

from __future__ import annotations

__all__ = ["CHANNELS", "around_idat", "write_png"]

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from latente.codec.files.base import Unfit

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by the type of colours; 3 has a palette
PALETTE = 3
PIECE = 1 << 20  # bytes that are filtered at a time
LEVEL = 6  # of deflate
Pixels = NDArray[np.uint8]


def around_idat(file: BinaryIO) -> tuple[bytes, bytes, tuple[int, int, int]]:
    """Returns all bytes before and after the chunks of pixels, and (height, width, channels).

    Args:
        file: open for reading bytes, at its start.

    Raises:
        Unfit: for a file that is damaged, animated or interlaced, or not of 8 bits a value.
    """
    before, after = [SIGNATURE], list[bytes]()
    shape: tuple[int, int, int] | None = None
    if file.read(len(SIGNATURE)) != SIGNATURE:
        raise Unfit("it is no whole PNG file")
    pixels = 0  # chunks of pixels so far
    for name, chunk in _chunks(file):
        if name == b"IHDR":
            shape = _shape(chunk[8:-4])
        elif name in (b"acTL", b"fcTL", b"fdAT"):
            raise Unfit("it is animated")
        if name == b"IDAT":
            if after:
                raise Unfit("its pixels are not in one stretch")
            pixels += 1
        else:
            (after if pixels else before).append(chunk)
    if shape is None or not pixels or len(before) < 2:
        raise Unfit("it is no whole PNG file")
    after.append(file.read())  # what follows the end
    return b"".join(before), b"".join(after), shape


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Yields name and bytes of each chunk up to the last one; those of pixels are only checked."""
    name = b""
    while name != b"IEND":
        head = file.read(8)
        size, name = struct.unpack(">I4s", head) if len(head) == 8 else (0, b"")
        body = file.read(size + 4)
        if not name or len(body) != size + 4 or zlib.crc32(name + body[:-4]) != int.from_bytes(body[-4:], "big"):
            raise Unfit("it is cut off or damaged")
        yield name, head + body if name != b"IDAT" else b""


def _shape(fields: bytes) -> tuple[int, int, int]:
    """What the chunk IHDR says; raises Unfit for what is not of 8 bits or interlaced."""
    width, height, bits, colours, _, _, interlaced = struct.unpack(">IIBBBBB", fields)
    if bits != 8:
        raise Unfit(f"its values are {bits}-bit ones; only 8-bit ones are coded")
    if interlaced or colours not in CHANNELS:
        raise Unfit("it is interlaced")
    return height, width, CHANNELS[colours]


def write_png(file: BinaryIO, before: bytes, after: bytes, rows: Iterator[Pixels]) -> None:
    """Writes a PNG file.

    Args:
        file: open for writing bytes.
        before: all bytes up to the pixels; see `around_idat`.
        after: all that follow them.
        rows: stretches of pixels from the top down, (some rows, width, channels).
    """
    file.write(before)
    packer = zlib.compressobj(LEVEL)
    plain = before[25:26] == bytes([PALETTE])  # numbers of a palette are no amounts
    above: Pixels | None = None
    for stretch in rows:
        size = max(1, PIECE // (stretch.shape[1] * stretch.shape[2]))
        for start in range(0, len(stretch), size):
            part = stretch[start : start + size]
            _write_chunk(file, packer.compress(_filtered(part, above, plain)))
            above = part[-1]
    _write_chunk(file, packer.flush())
    file.write(after)


def _write_chunk(file: BinaryIO, content: bytes) -> None:
    if content:
        file.write(struct.pack(">I", len(content)) + b"IDAT" + content)
        file.write(struct.pack(">I", zlib.crc32(b"IDAT" + content)))


def _filtered(part: Pixels, above: Pixels | None, plain: bool) -> bytes:
    """Rows with the filter that suits each, after a byte that names it."""
    height, width, channels = part.shape
    raw = part.reshape(height, -1)
    if plain:
        return np.insert(raw, 0, 0, axis=1).tobytes()
    first = np.zeros(width * channels, np.uint8) if above is None else above.reshape(-1)
    up = np.concatenate([first[None], raw[:-1]])
    left, corner = (np.pad(x, ((0, 0), (channels, 0)))[:, : width * channels] for x in (raw, up))
    mean = ((left.astype(np.uint16) + up) >> 1).astype(np.uint8)
    found = np.stack([raw, raw - left, raw - up, raw - mean, raw - _paeth(left, up, corner)])
    costs = np.abs(found.view(np.int8).astype(np.int16)).sum(axis=2, dtype=np.int64)
    best = costs.argmin(axis=0)
    return np.concatenate([best[:, None].astype(np.uint8), found[best, np.arange(height)]], axis=1).tobytes()


def _paeth(left: Pixels, up: Pixels, corner: Pixels) -> Pixels:
    """The one of three neighbours that is nearest to left + up - corner."""
    a, b, c = (x.astype(np.int16) for x in (left, up, corner))
    near_left, near_up, near_corner = np.abs(b - c), np.abs(a - c), np.abs(a + b - 2 * c)
    up_or_corner = np.where(near_up <= near_corner, up, corner)
    chosen: Pixels = np.where((near_left <= near_up) & (near_left <= near_corner), left, up_or_corner)
    return chosen
