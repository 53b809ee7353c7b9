"""The array codec as the file formats use it: one block of numbers to bytes and back, checked."""

from __future__ import annotations

__all__ = ["Coded", "code_block", "explain_block", "read_block"]

import io
import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.codec.array_codec import ArrayCodec
from latente.codec.bounds import Target
from latente.codec.errors import AlteredError, CodecError
from latente.codec.files.base import Settings
from latente.codec.files.exact import pack_bytes, unpack_bytes
from latente.codec.frames import MAGIC
from latente.codec.streams import ContainerReader

NUMBERS = frozenset("iu") | {"f2", "f4", "f8"}  # kinds and types that the array codec takes
TINY = 1 << 12  # bytes up to which plain zstd is tried, too


@dataclass(frozen=True)
class Coded:
    """A block of values, coded; `error` is the largest absolute error of a value and `squared` the sum of squares."""

    content: bytes
    error: float
    squared: float
    method: str


def code_block(values: NDArray[Any], target: Target, settings: Settings) -> Coded:
    """Returns values coded within a target; what was coded was decoded and compared.

    Args:
        values: an array of numbers or opaque bytes, not empty, in C order.
        target: what may be lost.
        settings: with the codec to be used.
    """
    numbers = takes(values.dtype)
    candidates: list[Coded | None] = []
    if numbers:
        candidates.append(_by_codec(values, target, settings))
    if not numbers or candidates[0] is None or values.nbytes <= TINY:
        packed = pack_bytes(values.tobytes(), values.dtype.itemsize)
        candidates.append(Coded(packed, 0.0, 0.0, "zstd, exact"))
    return min((coded for coded in candidates if coded is not None), key=lambda coded: len(coded.content))


def _by_codec(values: NDArray[Any], target: Target, settings: Settings) -> Coded | None:
    """Returns what the array codec makes of values, None where it does not keep the target."""
    codec = codec_for(values, target, settings)
    try:
        stream = codec.encode(values)
        decoded = codec.decode(stream)
    except (CodecError, ArithmeticError, LookupError) as error:  # a bug must not cost anybody's data
        warnings.warn(f"the array codec failed, a block is kept by zstd: {error!r}", RuntimeWarning, stacklevel=2)
        return None
    found = compare(values, decoded, target)
    return None if found is None else Coded(stream, *found, _explained(stream))


def codec_for(values: NDArray[Any], target: Target, settings: Settings) -> ArrayCodec:
    """Returns an array codec with a target for these values, which knows what the user's codec learned."""
    bound: dict[str, Any] = {"max_error": target.max_error or 0.0, "relative": False}
    if target.mse:
        finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
        span = float(finite.max()) - float(finite.min()) if finite.size else 0.0
        if span > 0 and math.isfinite(span):
            bound = {"psnr": max(20 * math.log10(span) - 10 * math.log10(target.mse), 0.0)}
    thorough = getattr(settings.codec, "thorough", False)
    codec = ArrayCodec(**bound, thorough=thorough, limits=settings.limits)
    if hasattr(settings.codec, "archive_"):
        codec.archive_ = settings.codec.archive_
    return codec


def takes(dtype: np.dtype[Any]) -> bool:
    """Returns whether the array codec takes values of a type."""
    return dtype.kind in NUMBERS or dtype.str[1:] in NUMBERS


def compare(values: NDArray[Any], decoded: NDArray[Any], target: Target) -> tuple[float, float] | None:
    """Returns the largest absolute and the summed squared error, or None when something is lost that may not be.

    Args:
        values: as they were.
        decoded: as they are.
        target: what may be lost.
    """
    if decoded.shape != values.shape or decoded.dtype != values.dtype:
        return None
    if target.exact:
        return (0.0, 0.0) if decoded.tobytes() == values.tobytes() else None
    if values.dtype.kind in "iu":
        error = np.where(values > decoded, values - decoded, decoded - values).view(f"u{values.dtype.itemsize}")
        largest: float = int(error.max())
        kept = target.max_error is None or largest <= math.floor(target.max_error)
    else:
        finite = np.isfinite(values)
        if values[~finite].tobytes() != decoded[~finite].tobytes():
            return None
        with np.errstate(over="ignore"):
            error = np.abs(np.subtract(values[finite], decoded[finite], dtype=np.float64))
        largest = float(error.max(initial=0.0))
        kept = largest <= (math.inf if target.max_error is None else target.max_error)
    with np.errstate(over="ignore"):
        squared = float(np.square(error, dtype=np.float64).sum())
    if target.mse is not None and not squared <= target.mse * error.size * (1 + 1e-9):
        return None
    return (float(largest), squared) if kept else None


def explain_block(content: bytes) -> str:
    """Returns how a block was coded, and why; nothing is decoded."""
    return _explained(content) if content.startswith(MAGIC) else "zstd, exact"


def _explained(stream: bytes) -> str:
    """Returns which prediction won and why, and what the autoencoder predicted."""
    found = ArrayCodec.info(stream)
    share = f"; autoencoder: {100 * found.autoencoder_share:.0f}% of it" if found.autoencoder_share else ""
    needs = f"; needs model {found.model[0]} ({found.model[1]})" if found.model else ""
    return found.why + share + needs


def read_block(content: bytes, shape: tuple[int, ...], dtype: np.dtype[Any], settings: Settings) -> NDArray[Any]:
    """Returns the values that `code_block` coded.

    Args:
        content: of the section.
        shape: that they must have.
        dtype: that they must have, native.
        settings: with limits and known models.

    Raises:
        CodecError: when they are anything else, or take more than the limits.
    """
    size = math.prod(shape) * dtype.itemsize
    settings.limits.check_decoded(size, "a block of the file")
    if not content.startswith(MAGIC):
        return np.frombuffer(unpack_bytes(content, size), dtype).reshape(shape)
    codec = ArrayCodec(limits=settings.limits)
    ref = ContainerReader(io.BytesIO(content), settings.limits).model
    if ref is not None and not ref.embedded:
        codec.archive_ = settings.archive(ref)
    values = codec.decode(content)
    if values.shape != shape or values.dtype != dtype:
        raise AlteredError(f"a block becomes {values.dtype} {values.shape}; the file states {dtype} {shape}")
    return values
