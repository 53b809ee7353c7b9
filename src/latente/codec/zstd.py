"""Bytes through zstd (Collet and Kucherawy 2018, RFC 8478), and back to a size that is known."""

from __future__ import annotations

__all__ = ["zstd_compressed", "zstd_restored"]

from latente.codec.libraries import zstandard


def zstd_compressed(data: bytes, level: int = 19) -> bytes:
    """Returns one zstd frame without a checksum.

    Args:
        data: the bytes.
        level: 1 (fast) to 22.

    Raises:
        ImportError: without the extra `codec`.

    Example:
        >>> zstd_restored(zstd_compressed(b"again " * 100), 600) == b"again " * 100
        True
    """
    return zstandard().ZstdCompressor(level=level).compress(data)


def zstd_restored(data: bytes, size: int) -> bytes:
    """Returns exactly `size` bytes.

    Args:
        data: a zstd frame.
        size: how many bytes it must become; one more is made at most.

    Raises:
        ValueError: when the data hold another number of bytes or are damaged.
    """
    library = zstandard()
    try:
        result = library.ZstdDecompressor().decompressobj(write_size=size + 1).decompress(data)
    except library.ZstdError as error:
        raise ValueError(f"a packed section is damaged: {error}") from error
    if len(result) != size:
        raise ValueError(f"a packed section holds {len(result)} bytes where {size} were written: the file is damaged")
    return result
