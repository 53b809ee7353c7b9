"""Short texts and bytes, deflated (RFC 1951) with a dictionary of what usually stands in them."""

from __future__ import annotations

__all__ = ["deflated", "inflated"]

import zlib

WINDOW = -15  # a raw stream, without a head or a checksum of its own
MEMORY = 9


def deflated(data: bytes, typical: bytes = b"") -> bytes:
    """Returns bytes after raw deflate, which adds nothing of its own to short ones.

    Args:
        data: the bytes.
        typical: a dictionary; what is likeliest stands at its end.

    Example:
        >>> typical = b'{"shape":['
        >>> data = deflated(b'{"shape":[3]}', typical)
        >>> len(data) < 13, inflated(data, 13, typical)
        (True, b'{"shape":[3]}')
    """
    deflate = zlib.compressobj(9, zlib.DEFLATED, WINDOW, MEMORY, zlib.Z_DEFAULT_STRATEGY, typical)
    return deflate.compress(data) + deflate.flush()


def inflated(data: bytes, most: int, typical: bytes = b"") -> bytes:
    """Returns what `deflated` was given; of more bytes than allowed only the first, one more than allowed.

    Args:
        data: the bytes.
        most: how many they may become.
        typical: the dictionary.

    Raises:
        ValueError: when they are damaged, cut off, or followed by others.
    """
    inflate = zlib.decompressobj(WINDOW, typical)
    try:
        result = inflate.decompress(data, most + 1)
    except zlib.error as error:
        raise ValueError(f"deflated bytes are damaged: {error}") from error
    if len(result) <= most and (not inflate.eof or inflate.unused_data):
        raise ValueError("deflated bytes are cut off or followed by others: the file is damaged")
    return result
