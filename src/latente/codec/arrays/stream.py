"""Whole arrays as streams of the container: split into blocks, their headers and sections brought together.

The container's one section "array" holds four bytes n, n bytes of a header (`heads`), then the sections of all blocks
in the order in which the header gives their lengths.
"""

from __future__ import annotations

__all__ = ["decode_stream", "encode_stream", "head_of"]

import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latente.codec.arrays.autoencoded import decoders, encoders
from latente.codec.arrays.block import decode_block, encode_block, is_exact
from latente.codec.arrays.bounds import Allowed
from latente.codec.arrays.finite import packed, unpacked
from latente.codec.arrays.heads import pack_head, unpack_head
from latente.codec.container import Container, pack
from latente.codec.errors import AlteredError
from latente.codec.fields import take_list, take_text
from latente.codec.limits import crc32c

if TYPE_CHECKING:
    from latente.codec.arrays.archive import Archive

BLOCK = 1 << 21  # values that are predicted together at most
SECTION = "array"
Array = NDArray[Any]


def _pieces(shape: tuple[int, ...]) -> list[tuple[slice, ...]]:
    """Blocks of at most `BLOCK` values: the longest axes are cut into equal parts."""
    parts = [1] * len(shape)
    lengths = list(shape)
    while math.prod(lengths) > BLOCK:
        axis = int(np.argmax(lengths))
        parts[axis] *= 2
        lengths[axis] = -(-shape[axis] // parts[axis])
    starts = [range(0, n, length) for n, length in zip(shape, lengths, strict=True)]
    return [tuple(slice(a, a + n) for a, n in zip(at, lengths, strict=True)) for at in itertools.product(*starts)]


def _six_digits(error: float) -> float:
    """The error in few digits, never less than it is."""
    shown = float(f"{error:.6g}")
    return shown if shown >= error else float(f"{error + 10.0 ** (math.floor(math.log10(error)) - 5):.6g}")


def encode_stream(
    x: Array, allowed: Allowed, stated: list[Any], thorough: bool, archive: Archive | None = None, embed: bool = False
) -> bytes:
    """Returns a container of kind "array".

    Args:
        x: an array or a masked array of a type that can be coded.
        allowed: the bound of its values.
        stated: the bound as the user stated it, for the header.
        thorough: whether all plans are tried on the whole array.
        archive: what was learned from an archive, whose autoencoder competes.
        embed: whether the archive's model becomes part of the stream where it is used, or is referred to.
    """
    head: dict[str, Any] = {
        "dtype": x.dtype.str,
        "shape": list(x.shape),
        "bound": stated,
        "error": _six_digits(allowed.absolute),
    }
    payload, check, valid = [], 0, None
    if isinstance(x, np.ma.MaskedArray):
        valid = ~np.ma.getmaskarray(x)
        payload.append(packed(np.packbits(~valid).tobytes()))
        head["hidden"] = len(payload[0])
    plain = np.ma.getdata(x)
    plain = plain.astype(plain.dtype.newbyteorder("="), copy=False)
    head["blocks"], plans = [], encoders(archive, embed)
    for where in _pieces(x.shape) if x.size else []:
        counted = None if valid is None else valid[where]
        fields, sections, result = encode_block(plain[where], allowed, valid=counted, plans=plans, thorough=thorough)
        fields["lengths"] = {name: len(data) for name, data in sections.items()}
        payload += sections.values()
        head["blocks"].append(fields)
        if is_exact(fields):
            check = crc32c(np.ascontiguousarray(result), check)
    text = pack_head(head)
    content = b"".join([len(text).to_bytes(4, "little"), text, *payload])
    model: Any = None
    if archive is not None and not all(map(is_exact, head["blocks"])):
        model = archive.model if embed else archive.model.ref
    return pack("array", {}, {SECTION: content}, model, symbols={SECTION: check})


def head_of(container: Container) -> tuple[dict[str, Any], bytes]:
    """The header of an array and all that follows it.

    Raises:
        ValueError: when it is damaged.
    """
    content = container.section(SECTION)
    end = 4 + int.from_bytes(content[:4], "little")
    return unpack_head(content[4:end]), content[end:]


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, length: int) -> bytes:
        if not isinstance(length, int) or not 0 <= length <= len(self._data) - self._at:
            raise AlteredError(f"a part of {length} bytes is not in the stream")
        self._at += length
        return self._data[self._at - length : self._at]


def decode_stream(container: Container, archive: Archive | None = None) -> Array:
    """Returns the array of a container of kind "array".

    Args:
        container: the stream.
        archive: the model that it refers to, where it does.

    Raises:
        CodecError: when something in it does not fit; other errors mean the same.
    """
    head, payload = head_of(container)
    dtype, shape = np.dtype(take_text(head, "dtype")), tuple(take_list(head, "shape", int, 64))
    if any(n < 0 for n in shape) or dtype.kind not in "biuf":
        raise AlteredError(f"the header states the shape {shape} and the type {dtype}")
    size = math.prod(shape)
    container.limits.check_decoded(size * dtype.itemsize, "the array")
    native, reader = dtype.newbyteorder("="), _Reader(payload)
    result, check = np.zeros(shape, native), 0
    hidden = unpacked(reader.take(head["hidden"]), (size + 7) // 8) if "hidden" in head else None
    pieces, blocks = _pieces(shape) if size else [], take_list(head, "blocks", dict)
    if len(pieces) != len(blocks):
        raise AlteredError(f"the stream has {len(blocks)} blocks; its shape {shape} needs {len(pieces)}")
    for where, fields in zip(pieces, blocks, strict=True):
        sections = {name: reader.take(length) for name, length in fields["lengths"].items()}
        values = decode_block(fields, result[where].shape, native, sections, decoders(archive))
        if is_exact(fields):
            check = crc32c(np.ascontiguousarray(values), check)
        result[where] = values
    _compare(container, check)
    result = result.astype(dtype, copy=False)
    if hidden is None:
        return result
    bits = np.unpackbits(np.frombuffer(hidden, np.uint8), count=size)
    return np.ma.MaskedArray(result, bits.astype(bool).reshape(shape))


def _compare(container: Container, check: int) -> None:
    if container.contents[SECTION].symbols != check:
        raise AlteredError("the array did not decode to what was encoded: the CRC of its values is wrong")
