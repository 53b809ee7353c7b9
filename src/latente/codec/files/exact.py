"""Bytes kept exactly: zstd (Collet and Kucherawy 2018, RFC 8478), after a shuffle of bytes where that helps."""

from __future__ import annotations

__all__ = ["may_beat", "pack_bytes", "packs_below", "unpack_bytes"]

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from latente.codec.errors import AlteredError
from latente.codec.libraries import zstandard

STORED, ZSTD, SHUFFLED = 0, 1, 2
SMALL = 1 << 22  # bytes up to which the slow levels are worth their time
LEVELS = {True: 19, False: 9}  # small, large
QUICK, HOPE = 3, 0.6  # a level, and how much smaller than with it the slowest level may make bytes
SHUFFLE = struct.Struct("<H")


def may_beat(raw: bytes, size: int) -> bool:
    """Returns whether `pack_bytes` may need fewer bytes than a size, by a quick look: it is rarely so much better."""
    return HOPE * len(zstandard().ZstdCompressor(level=QUICK).compress(raw)) < size


def packs_below(path: Path, size: int, block: int = 1 << 25) -> bool:
    """Returns whether `pack_bytes` makes a file smaller than a size; the file is never in memory as a whole.

    Args:
        path: of the file.
        size: in bytes.
        block: bytes that are packed at a time.
    """
    quick = sum(len(zstandard().ZstdCompressor(level=QUICK).compress(raw)) for raw in _blocks(path, block))
    return HOPE * quick < size and sum(len(pack_bytes(raw)) for raw in _blocks(path, block)) < size


def _blocks(path: Path, block: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        while raw := file.read(block):
            yield raw


def pack_bytes(raw: bytes, itemsize: int = 1) -> bytes:
    """Returns bytes compressed: a byte that says how, then the content.

    Args:
        raw: what is to be kept.
        itemsize: bytes of one value in it; from 2 on the bytes of equal place are also tried together.
    """
    level = LEVELS[len(raw) <= SMALL]
    squeeze = zstandard().ZstdCompressor(level=level, write_checksum=False).compress
    best = bytes([STORED]) + raw
    packed = bytes([ZSTD]) + squeeze(raw)
    if len(packed) < len(best):
        best = packed
    if 1 < itemsize < 1 << 16 and len(raw) % itemsize == 0 and raw:
        planes = np.frombuffer(raw, np.uint8).reshape(-1, itemsize).T.tobytes()
        packed = bytes([SHUFFLED]) + SHUFFLE.pack(itemsize) + squeeze(planes)
        if len(packed) < len(best):
            best = packed
    return best


def unpack_bytes(content: bytes, size: int) -> bytes:
    """Returns what `pack_bytes` was given.

    Args:
        content: what it returned.
        size: how many bytes that must be; no more are ever allocated.

    Raises:
        AlteredError: when it becomes anything else.
    """
    if not content or content[0] > SHUFFLED:
        raise AlteredError(f"a section says that it is packed in way {content[:1]!r}, which there is not")
    if content[0] == STORED:
        return _sized(content[1:], size)
    if content[0] == ZSTD:
        return _unsqueeze(content[1:], size)
    if len(content) < 1 + SHUFFLE.size:
        raise AlteredError("a section of shuffled bytes does not say how wide they are")
    (itemsize,) = SHUFFLE.unpack(content[1 : 1 + SHUFFLE.size])
    planes = _unsqueeze(content[1 + SHUFFLE.size :], size)
    if itemsize < 2 or size % itemsize:
        raise AlteredError(f"{size:,} bytes cannot be values of {itemsize} bytes")
    return np.frombuffer(planes, np.uint8).reshape(itemsize, -1).T.tobytes()


def _unsqueeze(frame: bytes, size: int) -> bytes:
    module = zstandard()
    try:
        if module.frame_content_size(frame) != size:
            raise AlteredError(f"a zstd frame says that it becomes another size than the {size:,} bytes wanted")
        raw = module.ZstdDecompressor().decompress(frame, allow_extra_data=False) if size else b""
    except module.ZstdError as error:
        raise AlteredError(f"a zstd frame cannot be read: {error}") from error
    return _sized(raw, size)


def _sized(raw: bytes, size: int) -> bytes:
    if len(raw) != size:
        raise AlteredError(f"a section becomes {len(raw):,} bytes, not the {size:,} that the file states")
    return raw
