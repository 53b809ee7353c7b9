"""The idx format of MNIST: a magic number, the sizes, then the values, big-endian, usually inside gzip.

Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits" (1998), file formats.
"""

from __future__ import annotations

__all__ = ["parse_idx", "read_content", "read_idx"]

import gzip
import hashlib
import math
import struct
import zlib
from importlib.resources.abc import Traversable
from typing import Any

import numpy as np
from numpy.typing import NDArray

GZIP_MAGIC = b"\x1f\x8b"
DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_idx(path: Traversable, sha256: str | None = None) -> NDArray[Any]:
    """Read an idx file, gzipped or not, into an array of its own shape and dtype.

    Args:
        path: the file.
        sha256: SHA-256 of its uncompressed content, hexadecimal; None checks nothing.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the gzip data is damaged, the content is another than promised, or it is no idx file.
    """
    return parse_idx(read_content(path, sha256), str(path))


def read_content(path: Traversable, sha256: str | None = None) -> bytes:
    """The bytes of a file, uncompressed if it is gzipped, after comparing their SHA-256.

    The checksum is that of the content, not of the file: the same data is packed by gzip in many ways.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the gzip data is damaged, or the content has another checksum.
    """
    content = path.read_bytes()
    if content.startswith(GZIP_MAGIC):
        try:
            content = gzip.decompress(content)
        except (EOFError, OSError, zlib.error) as error:
            raise ValueError(f"{path} is damaged gzip data ({error}); a fresh copy is needed") from error
    digest = hashlib.sha256(content).hexdigest()
    if sha256 is not None and digest != sha256:
        raise ValueError(
            f"{path} is not the original file: the SHA-256 of its content is {digest}, expected {sha256}; "
            "a fresh copy is needed"
        )
    return content


def parse_idx(content: bytes, name: str) -> NDArray[Any]:
    """The array in the content of an idx file, in native byte order, writable.

    Byte 2 holds the dtype, byte 3 the number of dimensions, then one 32-bit size for each, then the values.

    Args:
        content: the uncompressed bytes.
        name: what error messages call the file.

    Raises:
        ValueError: the magic number, the dtype or the length is wrong.

    Example:
        >>> parse_idx(bytes([0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 3, 7, 8, 9]), "example")
        array([[7, 8, 9]], dtype=uint8)
    """
    if len(content) < 4 or content[:2] != b"\x00\x00":
        raise ValueError(f"{name} is no idx file: it starts with {content[:4].hex()!r}, expected '0000....'")
    code, n_dims = content[2], content[3]
    if code not in DTYPES:
        allowed = ", ".join(f"0x{known:02x}" for known in DTYPES)
        raise ValueError(f"{name} has the unknown idx dtype 0x{code:02x}; allowed are {allowed}")
    start = 4 + 4 * n_dims
    if len(content) < start:
        raise ValueError(f"{name} ends in its header: {len(content)} bytes, {n_dims} dimensions need {start}")
    shape = struct.unpack(f">{n_dims}I", content[4:start])
    dtype = np.dtype(DTYPES[code])
    size = start + math.prod(shape) * dtype.itemsize
    if len(content) != size:
        raise ValueError(f"{name} has {len(content)} bytes, its header ({shape} {dtype.name}) promises {size}")
    return np.frombuffer(content, dtype, offset=start).reshape(shape).astype(dtype.newbyteorder("="))
