"""Whole arrays as streams of the container: split into blocks, their headers and sections brought together."""

from __future__ import annotations

__all__ = ["decode_stream", "encode_stream"]

import itertools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.codec.arrays.block import decode_block, encode_block, is_exact
from latente.codec.arrays.bounds import Allowed
from latente.codec.arrays.finite import packed, unpacked
from latente.codec.container import Container, pack
from latente.codec.errors import AlteredError
from latente.codec.fields import take_list, take_text
from latente.codec.limits import crc32c

BLOCK = 1 << 21  # values that are predicted together at most
VALUES = "block"
HIDDEN = "hidden"
Array = NDArray[Any]


def _pieces(shape: tuple[int, ...]) -> list[tuple[slice, ...]]:
    """Blocks of at most `BLOCK` values: the longest axes are cut into equal parts."""
    parts = [1] * len(shape)
    lengths = list(shape)
    while math.prod(lengths) > BLOCK:
        axis = int(np.argmax(lengths))
        parts[axis] *= 2
        lengths[axis] = -(-shape[axis] // parts[axis])
    edges = [range(0, n, length) if n else range(1) for n, length in zip(shape, lengths, strict=True)]
    return [tuple(map(slice, at, map(int.__add__, at, lengths))) for at in itertools.product(*edges)]


def _joined(sections: dict[str, bytes]) -> tuple[dict[str, int], bytes]:
    """Lengths by name, and all bytes."""
    return {name: len(data) for name, data in sections.items()}, b"".join(sections.values())


def _parted(lengths: dict[str, int], data: bytes) -> dict[str, bytes]:
    ends = list(itertools.accumulate(lengths.values()))
    if any(n < 0 for n in lengths.values()) or (ends[-1] if ends else 0) != len(data):
        raise AlteredError("a block is not as long as its header says")
    return {name: data[end - n : end] for (name, n), end in zip(lengths.items(), ends, strict=True)}


def encode_stream(x: Array, allowed: Allowed, stated: list[Any], thorough: bool) -> bytes:
    """Returns a container of kind "array".

    Args:
        x: an array or a masked array of a type that can be coded.
        allowed: the bound of its values.
        stated: the bound as the user stated it, for the header.
        thorough: whether all plans are tried on the whole array.
    """
    header: dict[str, Any] = {"dtype": x.dtype.str, "shape": list(x.shape), "bound": stated, "error": allowed.absolute}
    sections: dict[str, bytes] = {}
    symbols: dict[str, int] = {}
    valid = None
    if isinstance(x, np.ma.MaskedArray):
        valid = ~np.ma.getmaskarray(x)
        sections[HIDDEN] = packed(np.packbits(~valid).tobytes())
    plain = np.ma.getdata(x)
    plain = plain.astype(plain.dtype.newbyteorder("="), copy=False)
    header["blocks"] = []
    for i, where in enumerate(_pieces(x.shape) if x.size else []):
        counted = None if valid is None else valid[where]
        fields, parts, result = encode_block(plain[where], allowed, valid=counted, thorough=thorough)
        fields["lengths"], sections[f"{VALUES}{i}"] = _joined(parts)
        header["blocks"].append(fields)
        if is_exact(fields):
            symbols[f"{VALUES}{i}"] = crc32c(np.ascontiguousarray(result))
    return pack("array", header, sections, symbols=symbols)


def decode_stream(container: Container) -> Array:
    """Returns the array of a container of kind "array".

    Raises:
        CodecError: when something in it does not fit; other errors mean the same.
    """
    header = container.header
    dtype, shape = np.dtype(take_text(header, "dtype")), tuple(take_list(header, "shape", int, 64))
    if any(n < 0 for n in shape) or dtype.kind not in "biuf":
        raise AlteredError(f"the header states the shape {shape} and the type {dtype}")
    container.limits.check_decoded(math.prod(shape) * dtype.itemsize, "the array")
    native = dtype.newbyteorder("=")
    result = np.zeros(shape, native)
    pieces, blocks = _pieces(shape) if result.size else [], take_list(header, "blocks", dict)
    if len(pieces) != len(blocks):
        raise AlteredError(f"the stream has {len(blocks)} blocks; its shape {shape} needs {len(pieces)}")
    for i, (where, fields) in enumerate(zip(pieces, blocks, strict=True)):
        name, target = f"{VALUES}{i}", result[where]
        values = decode_block(fields, target.shape, native, _parted(fields["lengths"], container.section(name)))
        if is_exact(fields):
            container.check_symbols(name, np.ascontiguousarray(values))
        target[...] = values
    result = result.astype(dtype, copy=False)
    if HIDDEN not in container.sections:
        return result
    hidden = np.unpackbits(np.frombuffer(unpacked(container.section(HIDDEN), (result.size + 7) // 8), np.uint8))
    return np.ma.MaskedArray(result, hidden[: result.size].astype(bool).reshape(shape))
