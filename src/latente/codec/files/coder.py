"""The array codec as the file formats use it: one block of numbers to bytes and back, checked."""

from __future__ import annotations

__all__ = ["Coded", "code_block", "explain_block", "read_block"]

import math
import struct
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latente.codec.arrays.allowed import Allowed, extremes
from latente.codec.arrays.content import Content, decode_content, encode_content
from latente.codec.arrays.info import explained
from latente.codec.arrays.stream import content_of, decode_stream, stream_of
from latente.codec.bounds import Target
from latente.codec.container import unpack
from latente.codec.damage import telling_damage
from latente.codec.errors import AlteredError, CodecError
from latente.codec.files.base import Settings
from latente.codec.files.exact import pack_bytes, unpack_bytes
from latente.codec.files.methods import Method
from latente.codec.frames import MAGIC

if TYPE_CHECKING:
    from latente.codec.arrays.archive import Archive
    from latente.codec.models import ModelRef

NUMBERS = 3  # the first byte of an array without a container of its own; smaller ones say how bytes are packed
BARE = struct.Struct("<BI")  # this byte, and the CRC of what the array decodes to
TAKEN = frozenset("iu") | {"f2", "f4", "f8"}  # kinds and types that the array codec takes
PIECE = 1 << 15  # values that are compared at a time, so that they stay in the processor's cache
PACKED = Method("zstd, exact")
TINY = 1 << 12  # bytes up to which plain zstd is tried, too


@dataclass(frozen=True)
class Coded:
    """A block of values, coded; `error` is the largest absolute error of a value, `method` says how, in words."""

    content: bytes
    error: float
    method: Method


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
        candidates.append(Coded(packed, 0.0, PACKED))
    return min((coded for coded in candidates if coded is not None), key=lambda coded: len(coded.content))


def _by_codec(values: NDArray[Any], target: Target, settings: Settings) -> Coded | None:
    """Returns what the array codec makes of values, None where it does not keep the target."""
    try:
        content = _encoded(values, target, settings)
        decoded = read_block(content, values.shape, values.dtype, settings)
    except (CodecError, ArithmeticError, LookupError) as error:  # a bug must not cost anybody's data
        warnings.warn(f"the array codec failed, a block is kept by zstd: {error!r}", RuntimeWarning, stacklevel=2)
        return None
    largest = compare(values, decoded, target)
    return None if largest is None else Coded(content, largest, explain_block(content))


def _encoded(values: NDArray[Any], target: Target, settings: Settings) -> bytes:
    """Returns values as the array codec codes them; as a stream of its own where that refers to a model."""
    allowed = _allowed(values, target)
    archive: Archive | None = getattr(settings.codec, "archive_", None)
    thorough = getattr(settings.codec, "thorough", False)
    content = encode_content(values, allowed, thorough=thorough, archive=archive, tell_exact=not target.exact)
    if archive is None or not content.needs_model:
        return BARE.pack(NUMBERS, content.check) + content.to_bytes()
    settings.archives.setdefault(archive.model.ref.hash, archive)
    return stream_of(values, content, allowed, [allowed.absolute, False, None], archive.model.ref)


def _allowed(values: NDArray[Any], target: Target) -> Allowed:
    """Returns what a target allows these values."""
    finite = finite_of(values)
    if target.mse:
        low, high = extremes(finite) if finite.size else (0.0, 0.0)
        span = float(high - low)
        if span > 0 and math.isfinite(span):
            psnr = max(20 * math.log10(span) - 10 * math.log10(target.mse), 0.0)
            return Allowed.of(finite, 0.0, False, psnr)
    return Allowed.of(finite, target.max_error or 0.0, False, None)


def finite_of(values: NDArray[Any]) -> NDArray[Any]:
    """Returns the values that are finite: the very array where all are, which costs less to see than to copy."""
    if values.dtype.kind != "f":
        return values
    finite = np.isfinite(values)
    return values if finite.all() else values[finite]


def takes(dtype: np.dtype[Any]) -> bool:
    """Returns whether the array codec takes values of a type."""
    return dtype.kind in TAKEN or dtype.str[1:] in TAKEN


def compare(values: NDArray[Any], decoded: NDArray[Any], target: Target) -> float | None:
    """Returns the largest absolute error, or None when something is lost that may not be.

    Args:
        values: as they were.
        decoded: as they are.
        target: what may be lost.
    """
    if decoded.shape != values.shape or decoded.dtype != values.dtype:
        return None
    if target.exact:
        return 0.0 if decoded.tobytes() == values.tobytes() else None
    first, second = values.ravel(), decoded.ravel()
    largest, squared, count = 0.0, 0.0, 0
    allowed = math.inf if target.max_error is None else target.max_error
    for start in range(0, first.size, PIECE):
        error = _errors(first[start : start + PIECE], second[start : start + PIECE])
        if error is None:
            return None
        worst = error.max(initial=0).item()
        if not worst <= allowed:  # so that NaN is wrong, too
            return None
        largest = max(largest, worst)
        if target.mse is not None:
            with np.errstate(over="ignore"):
                squared += float(np.square(error, dtype=np.float64).sum())
            count += error.size
    return None if target.mse is not None and not squared <= target.mse * count * (1 + 1e-9) else float(largest)


def _errors(values: NDArray[Any], decoded: NDArray[Any]) -> NDArray[Any] | None:
    """Returns the absolute errors of the finite values, None when one that is not finite is not as it was."""
    if values.dtype.kind in "iu":
        error = np.where(values > decoded, values - decoded, decoded - values)
        return error.view(f"u{values.dtype.itemsize}")
    finite = np.isfinite(values)
    if not finite.all():
        if values[~finite].tobytes() != decoded[~finite].tobytes():
            return None
        values, decoded = values[finite], decoded[finite]
    with np.errstate(over="ignore"):
        return np.abs(np.subtract(values, decoded, dtype=np.float64))


def explain_block(content: bytes) -> Method:
    """Returns how a block was coded, and why; nothing is decoded. It need not know where nothing may be lost."""
    if content.startswith(MAGIC):
        container = unpack(content).expect("array")
        with telling_damage("the stream's header cannot be read"):
            return _method(content_of(container).head, container.model)
    if content[:1] == bytes([NUMBERS]):
        with telling_damage("a block's header cannot be read"):
            return _method(_bare(content).head)
    return PACKED


def _method(head: dict[str, Any], model: ModelRef | None = None) -> Method:
    exact = "exact" in head or head.get("error") == 0
    return Method(explained(head), exact, f"{model.id} ({model.hash})" if model else None)


def _bare(content: bytes) -> Content:
    """Returns the array in a block that has no container of its own."""
    if len(content) < BARE.size:
        raise AlteredError("a block of numbers ends before its checksum")
    _, check = BARE.unpack(content[: BARE.size])
    return Content.from_bytes(content[BARE.size :], check)


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
    if content.startswith(MAGIC):
        values = read_stream(content, settings)
    elif content[:1] == bytes([NUMBERS]) and takes(dtype):
        with telling_damage("a block of the file cannot be decoded"):
            values = decode_content(_bare(content), shape, dtype)
    else:
        return np.frombuffer(unpack_bytes(content, size), dtype).reshape(shape)
    if values.shape != shape or values.dtype != dtype or isinstance(values, np.ma.MaskedArray):
        raise AlteredError(
            f"a block becomes {type(values).__name__} {values.dtype} {values.shape}; the file states {dtype} {shape}"
        )
    return values


def read_stream(stream: bytes, settings: Settings) -> NDArray[Any]:
    """Returns the array of a stream that `ArrayCodec.encode` made.

    Args:
        stream: its bytes.
        settings: with limits and known models.

    Raises:
        CodecError: when it is damaged, takes more than the limits, or needs a model that is not at hand.
    """
    container = unpack(stream, settings.limits).expect("array")
    with telling_damage("the array cannot be decoded"):
        return decode_stream(container, None if container.model is None else settings.archive_of(container))
