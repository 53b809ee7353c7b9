"""Corrections of the few points that a transform leaves outside the bound."""

from __future__ import annotations

__all__ = ["decode_corrections", "encode_corrections"]

import numpy as np
from numpy.typing import NDArray

from latente.codec.entropy import ContextDecoder, ContextEncoder, classes_of

Values = NDArray[np.int64]
VALUE = 255  # the class of the corrections themselves: its place among the classes differs from that of any gap


def _classes(typical: int, count: int) -> NDArray[np.uint8]:
    return classes_of(np.full(count, 256 * (typical + 2)))


def encode_corrections(values: Values) -> bytes:
    """Codes integers most of which are 0: the gaps between the others, then the others.

    Args:
        values: int64, shape (n,).

    Example:
        >>> values = np.zeros(1000, np.int64); values[[3, 500]] = 1, -2
        >>> data = encode_corrections(values)
        >>> bool((decode_corrections(data, 1000) == values).all()), len(data) < 40
        (True, True)
    """
    where = np.flatnonzero(values)
    if not len(where):
        return b""
    gaps = np.diff(where, prepend=-1) - 1
    typical, kept = int(gaps.mean()), values[where]
    head = np.array([len(where), typical, gaps.max(), np.abs(kept).max()], "<u4")
    encoder = ContextEncoder(int(head[2:].max()))
    encoder.encode(gaps, _classes(typical, len(gaps)))
    encoder.encode(kept, classes_of(np.full(len(kept), VALUE)))
    return head.tobytes() + encoder.finish()


def decode_corrections(data: bytes, n: int) -> Values:
    """The inverse of `encode_corrections`.

    Args:
        data: the bytes.
        n: number of values.

    Raises:
        ValueError: when the bytes are damaged.
    """
    values = np.zeros(n, np.int64)
    if not data:
        return values
    if len(data) < 16:
        raise ValueError(f"the corrections are cut off at {len(data)} bytes: the file is damaged")
    count, typical, *largest = (int(x) for x in np.frombuffer(data[:16], "<u4"))
    if not 0 < count <= n:
        raise ValueError(f"{count} corrections of {n} values: the file is damaged")
    decoder = ContextDecoder(data[16:], max(largest))
    gaps = decoder.decode(_classes(typical, count))
    where = np.cumsum(gaps + 1) - 1
    if gaps.min() < 0 or where[-1] >= n:
        raise ValueError("a correction lies outside the array: the file is damaged")
    values[where] = decoder.decode(classes_of(np.full(count, VALUE)))
    return values
