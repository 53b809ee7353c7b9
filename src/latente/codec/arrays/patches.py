"""Values kept as they are, where a prediction misses its bound after the cast to the array's type."""

from __future__ import annotations

__all__ = ["apply_patches", "encode_patches"]

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.codec.arrays.corrections import decode_corrections, encode_corrections
from latente.codec.zstd import zstd_compressed, zstd_restored


def encode_patches(where: NDArray[np.bool_], bits: NDArray[Any]) -> bytes:
    """Codes places and the bits of their values.

    Args:
        where: shape of the array.
        bits: unsigned integers, shape (number of places,), in C order.

    Example:
        >>> where = np.array([False, True, False])
        >>> data, array = encode_patches(where, np.array([7], np.uint32)), np.zeros(3, np.uint32)
        >>> apply_patches(data, array)
        >>> array
        array([0, 7, 0], dtype=uint32)
    """
    places = encode_corrections(where.ravel().astype(np.int64))
    return (
        len(places).to_bytes(8, "little")
        + places
        + zstd_compressed(bits.astype(bits.dtype.newbyteorder("<")).tobytes())
    )


def apply_patches(data: bytes, bits: NDArray[Any]) -> None:
    """Writes the values to their places.

    Args:
        data: from `encode_patches`.
        bits: unsigned integers, contiguous, changed in place.

    Raises:
        ValueError: when the data are damaged.
    """
    length = int.from_bytes(data[:8], "little")
    where = np.flatnonzero(decode_corrections(data[8 : 8 + length], bits.size))
    values = np.frombuffer(zstd_restored(data[8 + length :], len(where) * bits.itemsize), bits.dtype.newbyteorder("<"))
    bits.reshape(-1)[where] = values
