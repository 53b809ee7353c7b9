"""Pixels an inch in EXIF, for formats that have no other place for them.

Source: JEITA CP-3451, "Exchangeable image file format for digital still cameras: Exif Version 2.3", section 4.6.
"""

from __future__ import annotations

__all__ = ["with_dpi"]

import struct
from fractions import Fraction

PREFIX = b"Exif\0\0"
EMPTY = b"II*\0" + struct.pack("<IHI", 8, 0, 0)  # no entries
ACROSS, DOWN, UNIT = 282, 283, 296  # tags
RATIONAL, SHORT, INCH = 5, 3, 2
ENTRY = 12  # bytes


def with_dpi(exif: bytes | None, dpi: tuple[float, float]) -> bytes | None:
    """Returns EXIF that states pixels an inch, too; what states a resolution or makes no sense stays as it is.

    A longer copy of the first directory is put behind all else, so that everything keeps its place, whatever it is.

    Args:
        exif: as Pillow gives it, or None.
        dpi: pixels an inch, across and down.

    Example:
        >>> from PIL import Image
        >>> found = Image.Exif()
        >>> found.load(with_dpi(None, (300, 72)))
        >>> float(found[282]), float(found[283]), found[296]
        (300.0, 72.0, 2)
    """
    block = EMPTY if exif is None else exif.removeprefix(PREFIX)
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
    if order is None:
        return exif
    try:
        (start,) = struct.unpack_from(order + "I", block, 4)
        (count,) = struct.unpack_from(order + "H", block, start)
        (following,) = struct.unpack_from(order + "I", block, start + 2 + ENTRY * count)
    except struct.error:
        return exif
    entries = [block[start + 2 + ENTRY * k : start + 2 + ENTRY * (k + 1)] for k in range(count)]
    by_tag = {struct.unpack_from(order + "H", entry)[0]: entry for entry in entries}
    if len(by_tag) != count or ACROSS in by_tag or DOWN in by_tag:
        return exif
    return (PREFIX if exif is not None and exif.startswith(PREFIX) else b"") + _longer(
        block, order, by_tag, following, dpi
    )


def _longer(block: bytes, order: str, by_tag: dict[int, bytes], following: int, dpi: tuple[float, float]) -> bytes:
    """The block with a copy of its directory that has three entries more."""
    place = len(block) + len(block) % 2
    count = len(by_tag.keys() | {ACROSS, DOWN, UNIT})
    values = place + 2 + ENTRY * count + 4
    more = {
        ACROSS: struct.pack(order + "HHII", ACROSS, RATIONAL, 1, values),
        DOWN: struct.pack(order + "HHII", DOWN, RATIONAL, 1, values + 8),
        UNIT: struct.pack(order + "HHIHH", UNIT, SHORT, 1, INCH, 0),
    }
    directory = [entry for _, entry in sorted((by_tag | more).items())]
    shares = [Fraction(value).limit_denominator(1000) for value in dpi]
    numbers = b"".join(struct.pack(order + "II", share.numerator, share.denominator) for share in shares)
    head = block[:4] + struct.pack(order + "I", place) + block[8:].ljust(place - 8, b"\0")
    rest = struct.pack(order + "H", count) + b"".join(directory) + struct.pack(order + "I", following)
    return head + rest + numbers
