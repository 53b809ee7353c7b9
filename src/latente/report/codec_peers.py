"""What other compressors make of an array at the same bound."""

from __future__ import annotations

__all__ = ["Size", "ours", "peers", "sizes_at"]

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.codec import ArrayCodec

Array = NDArray[Any]


@dataclass(frozen=True)
class Size:
    """What a compressor made of an array: name, bytes, mean squared and largest error, and whether the bound held."""

    name: str
    bytes: int
    mse: float
    largest: float
    held: bool


def ours(values: Array, error: float) -> Size:
    """Returns what `ArrayCodec` makes of finite values; an error of 0 is lossless."""
    codec = ArrayCodec(max_error=error, relative=False)
    stream = codec.encode(values)
    return _measured("latente", values, codec.decode(stream), len(stream), error)


def peers() -> dict[str, Callable[[Array, float], tuple[bytes, Array]]]:
    """Returns the compressors of imagecodecs that keep an absolute bound, by name; none where it is not installed."""
    try:
        import imagecodecs
    except ImportError:
        return {}

    def sz3(values: Array, error: float) -> tuple[bytes, Array]:
        stream = imagecodecs.sz3_encode(values, mode="abs", abs=error)
        return stream, imagecodecs.sz3_decode(stream, shape=values.shape, dtype=values.dtype)

    def zfp(values: Array, error: float) -> tuple[bytes, Array]:
        stream = imagecodecs.zfp_encode(values, level=error, mode="a")
        return stream, imagecodecs.zfp_decode(stream)

    def sperr(values: Array, error: float) -> tuple[bytes, Array]:
        stream = imagecodecs.sperr_encode(values, level=error, mode="pwe")
        return stream, imagecodecs.sperr_decode(stream, shape=values.shape, dtype=values.dtype)

    return {"SZ3": sz3, "ZFP": zfp, "SPERR": sperr}


def sizes_at(values: Array, error: float, exact: bool = True) -> list[Size]:
    """Returns what each compressor makes of finite values at an absolute error.

    Args:
        values: of any shape; others than latente take float32 and float64 of at most four axes.
        error: largest absolute error.
        exact: whether zstd, which loses nothing, is the last of them.
    """
    found = [ours(values, error)]
    for name, encode in peers().items() if error > 0 and values.dtype.str[1:] in ("f4", "f8") else ():
        kept = max(values.ndim - (3 if name == "SPERR" else 4) + 1, 1)  # these first axes become one
        shape = (math.prod(values.shape[:kept]), *values.shape[kept:])
        block = np.ascontiguousarray(values).reshape(shape)
        try:
            stream, decoded = encode(block, error)
        except Exception:  # each library raises errors of its own for shapes and types that it does not take
            continue
        found.append(_measured(name, block, np.asarray(decoded).reshape(shape), len(stream), error))
    if not exact:
        return found
    import zstandard

    packed = zstandard.ZstdCompressor(level=19).compress(np.ascontiguousarray(values).tobytes())
    return [*found, Size("zstd, level 19", len(packed), 0.0, 0.0, True)]


def _measured(name: str, values: Array, decoded: Array, size: int, error: float) -> Size:
    difference = values.astype(np.float64) - decoded.astype(np.float64)
    largest = float(np.abs(difference).max(initial=0.0))
    return Size(name, size, float(np.square(difference).mean()), largest, largest <= error)
