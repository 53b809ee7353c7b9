"""Arrays of any size and type in a .lat file: measured once, then coded block by block."""

from __future__ import annotations

__all__ = [
    "ArraySource", "ArraySpec", "describe_array", "iterate_array", "native", "plan_array", "read_array", "write_array",
]  # fmt: skip

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.codec.arrays.allowed import extremes
from latente.codec.bounds import Bound, Target, six_digits
from latente.codec.errors import AlteredError
from latente.codec.fields import take_list, take_number, take_text
from latente.codec.files.base import Sections, Settings
from latente.codec.files.coder import code_block, explain_block, finite_of, read_block
from latente.codec.files.exact import pack_bytes, unpack_bytes
from latente.codec.files.methods import Methods
from latente.codec.files.results import Part
from latente.codec.limits import crc32c
from latente.codec.streams import ContainerWriter

TYPE = re.compile(r"[<>|][biufc](1|2|4|8|16)|\|V[1-9]\d{0,7}")
Index = tuple[slice, ...]


@dataclass(frozen=True)
class ArraySource:
    """Values that are read block by block, as often as needed.

    Attributes:
        shape: of all.
        dtype: in the file; numbers, truth values or opaque bytes ("V4").
        read: returns the values at an index.
        fills: numbers that stand for "missing"; they are kept exactly and are no part of the range.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    read: Callable[[Index], NDArray[Any]]
    fills: tuple[Any, ...] = ()

    @classmethod
    def of(cls, values: NDArray[Any], fills: tuple[Any, ...] = ()) -> ArraySource:
        """Returns the source of an array in memory, or mapped into it."""
        return cls(values.shape, values.dtype, lambda index: values[index], fills)


@dataclass(frozen=True)
class ArraySpec:
    """What a file's header says of an array.

    Attributes:
        dtype: of the values, with the file's order of bytes.
        shape: of all.
        block_bytes: how much is coded at a time.
        target: what may be lost of a value.
        fills: what stands for "missing", as bytes in native order.
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    block_bytes: int
    target: Target = field(default_factory=Target)
    fills: tuple[bytes, ...] = ()

    @property
    def bytes(self) -> int:
        """What all values take."""
        return math.prod(self.shape) * self.dtype.itemsize

    def blocks(self) -> Iterator[Index]:
        """Gives the blocks' indices in C order: one each of the first axes, a stretch of the next, all of the last."""
        if 0 in self.shape:
            return
        shape = self.shape or (1,)
        axis, rows = self._split(shape)
        for flat in range(math.prod(shape[:axis])):
            first = _unravel(flat, shape[:axis])
            for start in range(0, shape[axis], rows):
                stretch = slice(start, min(start + rows, shape[axis]))
                yield (*(slice(i, i + 1) for i in first), stretch, *(slice(0, n) for n in shape[axis + 1 :]))

    def _split(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """Returns the first axis of which one row is no larger than a block, and how many rows a block has."""
        for axis in range(len(shape)):
            row = math.prod(shape[axis + 1 :]) * self.dtype.itemsize
            if row <= self.block_bytes:
                return axis, self.block_bytes // row
        return len(shape) - 1, 1

    def to_json(self) -> dict[str, Any]:
        """Returns the header's object."""
        content: dict[str, Any] = {"dtype": self.dtype.str, "shape": list(self.shape)}
        if self.target.max_error:
            content["error"] = self.target.max_error
        if self.target.mse:
            content["mse"] = self.target.mse
        return content | ({"fills": [fill.hex() for fill in self.fills]} if self.fills else {})

    @classmethod
    def from_json(cls, content: dict[str, Any], block_bytes: int) -> ArraySpec:
        """Returns what a header's object says; raises AlteredError for what makes no sense."""
        text, shape = take_text(content, "dtype"), take_list(content, "shape", int, longest=64)
        if not TYPE.fullmatch(text) or any(n < 0 for n in shape) or math.prod(shape) >= 1 << 62:
            raise AlteredError(f"the header describes an array that there cannot be: {text} {shape}")
        try:
            dtype = np.dtype(text)
            fills = tuple(bytes.fromhex(fill) for fill in content.get("fills", ()))
        except (TypeError, ValueError) as error:
            raise AlteredError(f"the header describes an array that there cannot be: {error}") from error
        if any(len(fill) != dtype.itemsize for fill in fills) or len(fills) > 255:
            raise AlteredError("the header names values for what is missing that there cannot be")
        target = Target(
            take_number(content, "error", 0) if "error" in content else None,
            take_number(content, "mse", 0) if "mse" in content else None,
        )
        return cls(dtype, tuple(shape), block_bytes, target, fills)


def _unravel(flat: int, shape: tuple[int, ...]) -> list[int]:
    """Returns the indices of the flat-th cell of a grid; sizes that a file merely states take no memory."""
    indices: list[int] = []
    for n in reversed(shape):
        flat, i = divmod(flat, n)
        indices.insert(0, i)
    return indices


def native(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Returns the type with this machine's order of bytes."""
    return dtype.newbyteorder("=") if dtype.kind in "iufc" else dtype


def may_lose(dtype: np.dtype[Any]) -> bool:
    """Returns whether a bound means anything for a type: integers, floats of 2, 4 and 8 bytes, pairs of these."""
    return dtype.kind in "iu" or dtype.str[1:] in ("f2", "f4", "f8", "c8", "c16")


def plan_array(source: ArraySource, bound: Bound, settings: Settings, zero: float = 0.0) -> ArraySpec:
    """Returns how an array will be written; goes through it once where the bound needs its range.

    Args:
        source: the values.
        bound: of this array.
        settings: with the size of blocks.
        zero: what stands for 0 where a ratio of signal to noise is asked for.
    """
    fills = tuple(np.array(fill, native(source.dtype)).tobytes() for fill in source.fills if fill == fill)
    spec = ArraySpec(source.dtype, source.shape, settings.block_bytes, fills=fills)
    if bound.lossless or not may_lose(source.dtype):
        return replace(spec, fills=())
    target = bound.target(*_measured(source, spec, zero if bound.mode == "snr" else None))
    if source.dtype.kind in "iu" and target.max_error is not None:
        whole = math.floor(min(target.max_error, 2.0**62))
        target = Target(max_error=float(whole)) if whole else Target()
    return replace(spec, target=target, fills=() if target.exact else fills)


def _measured(source: ArraySource, spec: ArraySpec, zero: float | None) -> tuple[float, float, float]:
    """Returns the smallest and the largest finite value, and the mean square from `zero` where that is given.

    Without any finite value these are 0, which is no range.
    """
    low, high, total, count = math.inf, -math.inf, 0.0, 0
    for index in spec.blocks():
        values, missing = _block(source, spec, index)
        finite = finite_of(as_numbers(values if missing is None else values[missing == 0]))
        if finite.size:
            smallest, largest = extremes(finite)
            low, high, count = min(low, smallest), max(high, largest), count + finite.size
            if zero is not None:
                with np.errstate(over="ignore"):
                    total += float(np.square(finite.astype(np.float64) - zero).sum())
    return (low, high, total / count) if count else (0.0, 0.0, 0.0)


def as_numbers(values: NDArray[Any]) -> NDArray[Any]:
    """Returns complex values as pairs of numbers along a last axis, others as they are."""
    if values.dtype.kind != "c":
        return values
    return np.ascontiguousarray(values)[..., None].view(f"f{values.dtype.itemsize // 2}")


def _block(source: ArraySource, spec: ArraySpec, index: Index) -> tuple[NDArray[Any], NDArray[np.uint8] | None]:
    """Returns a block in native order, what is missing replaced by what came before it, and which fill stood where."""
    values = np.asarray(source.read(index if spec.shape else ()))
    values = np.ascontiguousarray(values, dtype=native(source.dtype)).reshape([s.stop - s.start for s in index])
    if not spec.fills:
        return values, None
    flat, missing = values.ravel(), np.zeros(values.size, np.uint8)
    bits = flat.view(f"V{flat.itemsize}")
    for i, fill in enumerate(spec.fills):
        missing[bits == np.void(fill)] = i + 1
    there = np.flatnonzero(missing == 0)
    if there.size < flat.size:
        before = np.searchsorted(there, np.arange(flat.size), side="right") - 1
        flat = flat[there[np.maximum(before, 0)]] if there.size else np.zeros_like(flat)
    return flat.reshape(values.shape), missing.reshape(values.shape)


def write_array(
    writer: ContainerWriter, prefix: str, name: str, source: ArraySource, spec: ArraySpec, settings: Settings
) -> Part:
    """Writes an array's blocks as sections and returns what became of it.

    Args:
        writer: where.
        prefix: of the sections' names.
        name: of the array, for people.
        source: the values.
        spec: as `plan_array` returned it.
        settings: with the codec.
    """
    start, largest, methods = writer.size, 0.0, Methods()
    for i, index in enumerate(spec.blocks()):
        values, missing = _block(source, spec, index)
        target = spec.target
        if missing is not None:
            writer.write(f"{prefix}/{i}m", pack_bytes(missing.tobytes()))
            target = target.of_those_there(float((missing == 0).mean()))
        coded = code_block(as_numbers(values), target, settings)
        writer.write(f"{prefix}/{i}", coded.content, crc32c(values) if spec.target.exact else None)
        largest = max(largest, coded.error)
        methods.add(coded.method)
    size = writer.size - start
    return Part(name, spec.bytes, size, bound_text(spec), largest, *_told(spec, methods))


def iterate_array(
    sections: Sections, prefix: str, spec: ArraySpec, settings: Settings
) -> Iterator[tuple[Index, NDArray[Any]]]:
    """Gives the blocks of an array with their indices, in native order of bytes; an index has at least one axis.

    Args:
        sections: where the array's come next.
        prefix: of the sections' names.
        spec: from the header.
        settings: with limits and known models.
    """
    settings.limits.check("output_bytes", spec.bytes, "the array")
    dtype = native(spec.dtype)
    for i, index in enumerate(spec.blocks()):
        shape = tuple(s.stop - s.start for s in index)
        size = math.prod(shape) * dtype.itemsize
        settings.limits.check_decoded(size, "a block of the file")
        missing = None
        if spec.fills:
            missing = np.frombuffer(unpack_bytes(sections.take(f"{prefix}/{i}m"), math.prod(shape)), np.uint8)
        section = sections.next(f"{prefix}/{i}")
        numbers = (*shape, 2) if dtype.kind == "c" else shape
        plain = np.dtype(f"f{dtype.itemsize // 2}") if dtype.kind == "c" else dtype
        values = read_block(sections.reader.read(section), numbers, plain, settings)
        values = np.ascontiguousarray(values).view(dtype)[..., 0] if dtype.kind == "c" else values
        if section.symbols is not None and crc32c(values) != section.symbols:
            raise AlteredError(f"section {section.name!r} did not decode to what was encoded: its CRC is wrong")
        yield index, values if missing is None else _filled(values, missing, spec)


def _filled(values: NDArray[Any], missing: NDArray[np.uint8], spec: ArraySpec) -> NDArray[Any]:
    if missing.max(initial=0) > len(spec.fills):
        raise AlteredError("a mask of missing values names one that the header does not have")
    flat = values.ravel().copy()
    for i, fill in enumerate(spec.fills):
        flat[missing == i + 1] = np.frombuffer(fill, flat.dtype)[0]
    return flat.reshape(values.shape)


def read_array(sections: Sections, prefix: str, spec: ArraySpec, settings: Settings) -> NDArray[Any]:
    """Returns a whole array, in native order of bytes; see `iterate_array`."""
    settings.limits.check_decoded(spec.bytes, "the array")
    blocks = list(iterate_array(sections, prefix, spec, settings))
    if len(blocks) == 1:
        return blocks[0][1].reshape(spec.shape)
    whole = np.empty(spec.shape, native(spec.dtype))
    for index, values in blocks:
        whole[index] = values
    return whole


def describe_array(sections: Sections, prefix: str, name: str, spec: ArraySpec) -> Part:
    """Returns what a file holds of an array, without decoding it; see `iterate_array`."""
    size, methods = 0, Methods()
    for i, _ in enumerate(spec.blocks()):
        if spec.fills:
            size += sections.next(f"{prefix}/{i}m").whole
        section = sections.next(f"{prefix}/{i}")
        size += section.whole
        methods.add(explain_block(sections.reader.read(section)))
    return Part(name, spec.bytes, size, bound_text(spec), None, *_told(spec, methods))


def _told(spec: ArraySpec, methods: Methods) -> tuple[str, bool, str | None]:
    """Returns how the blocks were coded, whether every bit comes back, and the model that they need."""
    return methods.text, spec.target.exact or methods.exact, methods.model


def bound_text(spec: ArraySpec) -> str:
    """Returns the target of an array in words."""
    if spec.target.exact:
        return "exact"
    if spec.target.max_error:
        return f"error of at most {six_digits(spec.target.max_error):.6g}"
    return f"mean squared error of at most {six_digits(spec.target.mse or 0.0):.6g}"
