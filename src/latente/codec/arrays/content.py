"""Whole arrays as a small header and bytes: split into blocks, their headers and sections brought together.

The bytes are the packed mask, where there is one, then the sections of all blocks in the order in which the header
gives their lengths.
"""

from __future__ import annotations

__all__ = ["Content", "decode_content", "encode_content"]

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latente.codec.arrays.allowed import Allowed
from latente.codec.arrays.autoencoded import decoders, encoders
from latente.codec.arrays.block import decode_block, encode_block, is_exact
from latente.codec.arrays.heads import pack_head, unpack_head
from latente.codec.errors import AlteredError
from latente.codec.fields import take_list
from latente.codec.limits import crc32c
from latente.codec.zstd import zstd_compressed, zstd_restored

if TYPE_CHECKING:
    from latente.codec.arrays.archive import Archive

BLOCK = 1 << 21  # values that are predicted together at most
LENGTH = 4  # bytes that say how long a header is
Array = NDArray[Any]


@dataclass(frozen=True)
class Content:
    """An array, coded; its type and shape are told elsewhere.

    Attributes:
        head: "blocks", a list of their headers, "hidden", the bytes of a mask, and "exact", where they apply.
        payload: the mask, then the sections of the blocks.
        check: CRC-32C of the values that every machine decodes to the same bits.
    """

    head: dict[str, Any]
    payload: bytes
    check: int

    @property
    def needs_model(self) -> bool:
        """Whether decoding needs what was learned from an archive."""
        return not all(map(is_exact, self.head["blocks"]))

    def to_bytes(self, **fields: Any) -> bytes:
        """Returns the length of the header, the header with further fields in front, and the payload."""
        text = pack_head({**fields, **self.head})
        return b"".join([len(text).to_bytes(LENGTH, "little"), text, self.payload])

    @classmethod
    def from_bytes(cls, data: bytes, check: int) -> Content:
        """Returns what `to_bytes` wrote, further fields among the header's.

        Raises:
            ValueError: when it is damaged.
        """
        end = LENGTH + int.from_bytes(data[:LENGTH], "little")
        return cls(unpack_head(data[LENGTH:end]), data[end:], check)


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


def encode_content(
    x: Array,
    allowed: Allowed,
    *,
    thorough: bool = False,
    archive: Archive | None = None,
    embed: bool = False,
    tell_exact: bool = False,
) -> Content:
    """Codes an array block by block.

    Args:
        x: an array or a masked array of a type that can be coded.
        allowed: the bound of its values.
        thorough: whether all plans are tried on the whole array.
        archive: what was learned from an archive, whose autoencoder competes.
        embed: whether its model is to become part of the stream, and its size counts.
        tell_exact: whether the header says so where every bit comes back.
    """
    head: dict[str, Any] = {}
    payload, check, valid = [], 0, None
    if isinstance(x, np.ma.MaskedArray):
        valid = ~np.ma.getmaskarray(x)
        payload.append(zstd_compressed(np.packbits(~valid).tobytes()))
        head["hidden"] = len(payload[0])
    plain = np.ma.getdata(x)
    plain = plain.astype(plain.dtype.newbyteorder("="), copy=False)
    head["blocks"], plans, exact = [], encoders(archive, embed), tell_exact
    for where in _pieces(x.shape) if x.size else []:
        counted = None if valid is None else valid[where]
        fields, sections, result = encode_block(plain[where], allowed, valid=counted, plans=plans, thorough=thorough)
        fields["lengths"] = {name: len(data) for name, data in sections.items()}
        payload += sections.values()
        head["blocks"].append(fields)
        if is_exact(fields):
            check = crc32c(np.ascontiguousarray(result), check)
        exact = exact and is_exact(fields) and result.tobytes() == plain[where].tobytes()
    head |= {"exact": 1} if exact else {}
    return Content(head, b"".join(payload), check)


class _Parts:
    """Takes one part of the bytes after the other."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, length: int) -> bytes:
        if not isinstance(length, int) or not 0 <= length <= len(self._data) - self._at:
            raise AlteredError(f"a part of {length} bytes is not in the stream")
        self._at += length
        return self._data[self._at - length : self._at]


def decode_content(
    content: Content, shape: tuple[int, ...], dtype: np.dtype[Any], archive: Archive | None = None
) -> Array:
    """Returns the array, a masked one where it was.

    Args:
        content: as `encode_content` returned it.
        shape: of the array.
        dtype: of the array, native.
        archive: the model that it refers to, where it does.

    Raises:
        CodecError: when something in it does not fit; other errors mean the same.
    """
    size, head, parts = math.prod(shape), content.head, _Parts(content.payload)
    result, check = np.zeros(shape, dtype), 0
    hidden = zstd_restored(parts.take(head["hidden"]), (size + 7) // 8) if "hidden" in head else None
    pieces, blocks = _pieces(shape) if size else [], take_list(head, "blocks", dict)
    if len(pieces) != len(blocks):
        raise AlteredError(f"the stream has {len(blocks)} blocks; its shape {shape} needs {len(pieces)}")
    for where, fields in zip(pieces, blocks, strict=True):
        sections = {name: parts.take(length) for name, length in fields["lengths"].items()}
        values = decode_block(fields, result[where].shape, dtype, sections, decoders(archive))
        if is_exact(fields):
            check = crc32c(np.ascontiguousarray(values), check)
        result[where] = values
    if content.check != check:
        raise AlteredError("the array did not decode to what was encoded: the CRC of its values is wrong")
    if hidden is None:
        return result
    bits = np.unpackbits(np.frombuffer(hidden, np.uint8), count=size)
    return np.ma.MaskedArray(result, bits.astype(bool).reshape(shape))
