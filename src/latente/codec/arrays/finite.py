"""Values that no predictor can handle: NaN, infinities and what a mask hides. Kept exactly, beside the rest."""

from __future__ import annotations

__all__ = ["decode_special", "encode_special", "filled"]

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.codec.zstd import zstd_compressed, zstd_restored

SMOOTHING = 2  # rounds in which filled points move towards their neighbours
Bits = NDArray[Any]


def encode_special(valid: NDArray[np.bool_], bits: Bits) -> dict[str, bytes]:
    """The sections "mask" and "special".

    Args:
        valid: shape of the array; False where a value is special.
        bits: unsigned integers, the bits of the special values in C order.
    """
    change = valid.copy()
    change[1:] ^= valid[:-1]
    kinds = np.unique(bits)
    special = (
        bits.astype(bits.dtype.newbyteorder("<")) if len(kinds) > 1 else kinds.astype(bits.dtype.newbyteorder("<"))
    )
    return {"mask": zstd_compressed(np.packbits(change).tobytes()), "special": zstd_compressed(special.tobytes())}


def decode_special(
    sections: dict[str, bytes], shape: tuple[int, ...], dtype: np.dtype[Any]
) -> tuple[NDArray[np.bool_], Bits]:
    """The inverse of `encode_special`.

    Raises:
        ValueError: when the sections are damaged.
    """
    n = int(np.prod(shape))
    change = np.unpackbits(np.frombuffer(zstd_restored(sections["mask"], (n + 7) // 8), np.uint8), count=n)
    valid = np.bitwise_xor.accumulate(change.reshape(shape), axis=0).astype(bool)
    count = n - int(valid.sum())
    one = dtype.itemsize
    try:
        data = zstd_restored(sections["special"], one)
    except ValueError:
        data = zstd_restored(sections["special"], one * count)
    bits = np.frombuffer(data, dtype.newbyteorder("<")).astype(dtype)
    return valid, np.broadcast_to(bits, count) if len(bits) == 1 else bits


def filled(x: NDArray[np.float64], valid: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The array with smooth values where it is not valid: means of ever larger blocks, then a few rounds of averaging.

    Args:
        x: float64; what it holds at invalid points does not matter.
        valid: at least one point is.
    """
    result = _means(np.where(valid, x, 0.0), valid.astype(float))
    where = np.nonzero(~valid)
    axes = [a for a, n in enumerate(x.shape) if n > 1]
    for _ in range(SMOOTHING if axes else 0):
        total = np.zeros(len(where[0]))
        for a in axes:
            for step in (-1, 1):
                there = list(where)
                there[a] = np.clip(where[a] + step, 0, x.shape[a] - 1)
                total += result[tuple(there)]
        result[where] = total / (2 * len(axes))
    return result


def _means(total: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    if weight.all():
        return total / weight
    coarse, coarse_weight = total, weight
    for axis, n in enumerate(total.shape):
        starts = np.arange(0, n, 2)
        coarse = np.add.reduceat(coarse, starts, axis=axis)
        coarse_weight = np.add.reduceat(coarse_weight, starts, axis=axis)
    up = _means(coarse, coarse_weight)
    for axis, n in enumerate(total.shape):
        up = np.repeat(up, 2, axis=axis).take(range(n), axis=axis)
    return np.where(weight > 0, total / np.maximum(weight, 1e-300), up)
