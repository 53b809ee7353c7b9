"""NumPy's .npy files: the header byte by byte, the values within the bound."""

from __future__ import annotations

__all__ = ["NpyFormat", "NpyHeader", "carried", "canonical_header", "read_npy_header"]

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from latente.codec.bounds import Bound
from latente.codec.fields import take_integer, take_object
from latente.codec.files.arrays import (
    ArraySource,
    ArraySpec,
    describe_array,
    iterate_array,
    may_lose,
    plan_array,
    write_array,
)
from latente.codec.files.base import Sections, Settings, Unfit, Written
from latente.codec.files.exact import pack_bytes, unpack_bytes
from latente.codec.files.results import Part
from latente.codec.streams import ContainerReader, ContainerWriter

MAGIC = b"\x93NUMPY"
LONGEST = 1 << 16  # bytes of a header


@dataclass(frozen=True)
class NpyHeader:
    """What a .npy file says of its array: the bytes that say it, the type, the shape and the order."""

    raw: bytes
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    fortran: bool

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        return len(self.raw) + int(np.prod(self.shape, dtype=object)) * self.dtype.itemsize


def read_npy_header(file: BinaryIO | Any) -> NpyHeader:
    """Returns what stands before the values of a .npy file.

    Args:
        file: at its start; afterwards at the first value.

    Raises:
        Unfit: when it cannot be read, or the values are Python objects.
    """
    try:
        start = file.read(8)
        wide = start[6] > 1
        length = file.read(4 if wide else 2)
        text = file.read(min(int.from_bytes(length, "little"), LONGEST))
        raw = start + length + text
        again = io.BytesIO(raw)
        version = np.lib.format.read_magic(again)
        parse = np.lib.format.read_array_header_2_0 if version[0] > 1 else np.lib.format.read_array_header_1_0
        shape, fortran, dtype = parse(again, max_header_size=LONGEST)
    except (ValueError, IndexError, TypeError, SyntaxError, RecursionError, MemoryError) as error:
        raise Unfit(f"its header cannot be read: {error}") from error
    if version not in ((1, 0), (2, 0)) or dtype.hasobject or dtype.itemsize == 0:
        raise Unfit(f"format {version} with values of type {dtype}; these are kept as they are in the file")
    return NpyHeader(raw, dtype, shape, fortran)


def canonical_header(dtype: np.dtype[Any], shape: tuple[int, ...], fortran: bool) -> bytes:
    """Returns the header that numpy itself writes."""
    file = io.BytesIO()
    description = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": fortran, "shape": shape}
    np.lib.format.write_array_header_1_0(file, description)
    return file.getvalue()


def carried(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Returns the type as which values are coded: dates as integers, text and records as opaque bytes."""
    if dtype.kind in "mM":
        return np.dtype(f"{dtype.str[0]}i8")
    simple = dtype.kind in "biufc" and dtype.itemsize <= 16 and dtype.str[2:] in ("1", "2", "4", "8", "16")
    return dtype if simple else np.dtype(f"V{dtype.itemsize}")


def bound_for(dtype: np.dtype[Any], bound: Bound) -> Bound:
    """Returns the bound for values of a type: dates, text and records are kept exactly."""
    return bound if dtype.kind not in "mM" and may_lose(carried(dtype)) else Bound()


def notes_for(name: str, dtype: np.dtype[Any], bound: Bound) -> tuple[str, ...]:
    """Returns what the user should know about an array."""
    if bound.lossless or bound_for(dtype, bound) == bound:
        return ()
    return (f"{name} has values of type {dtype}, which are kept exactly: bounds are for numbers",)


class NpyFormat:
    """Arrays in .npy files. Without a loss the file is restored bit by bit, else all but the values' rounding."""

    kind, suffix = "npy", ".npy"

    def tells(self, path: Path, head: bytes) -> str | None:
        """Returns what tells that a file is of this format, or None."""
        return "it starts as .npy files do" if head.startswith(MAGIC) else None

    def write(self, path: Path, file: BinaryIO, settings: Settings) -> Written:
        """Writes a .lat file; see `Format`."""
        settings.check_names([], "columns")
        with path.open("rb") as source:
            header = read_npy_header(source)
        if header.size != path.stat().st_size:
            raise Unfit(f"it has {path.stat().st_size:,} bytes where its header says {header.size:,}")
        array = ArraySource.of(_mapped(path, header))
        bound = bound_for(header.dtype, settings.bound)
        spec = plan_array(array, bound, settings)
        usual = header.raw == canonical_header(header.dtype, header.shape, header.fortran)
        usual &= spec.dtype == header.dtype
        content = {
            "size": path.stat().st_size,
            "block": settings.block_bytes,
            "bound": settings.bound.to_json(),
            "array": spec.to_json(),
        }
        content |= {"fortran": 1} if header.fortran else {}
        content |= {} if usual else {"start": len(header.raw)}
        with ContainerWriter(file, self.kind, content, settings.model) as writer:
            if not usual:
                writer.write("start", pack_bytes(header.raw))
            part = write_array(writer, "0", "values", array, spec, settings)
        return Written((part,), notes_for("the file", header.dtype, settings.bound))

    def read(self, reader: ContainerReader, out: Path, settings: Settings) -> None:
        """Writes what a .lat file holds; see `Format`."""
        spec, sections = self._spec(reader), Sections(reader)
        settings.limits.check("output_bytes", spec.bytes, "the file")
        with out.open("xb") as file:
            file.write(self._start(reader, spec, sections))
            for _, values in iterate_array(sections, "0", spec, settings):
                file.write(np.ascontiguousarray(values, dtype=spec.dtype).tobytes())
        sections.finish()

    def values(self, path: Path, name: str) -> NDArray[Any] | None:
        """Returns the numbers; see `Format`."""
        with path.open("rb") as source:
            header = read_npy_header(source)
        values = _mapped(path, header)
        return None if values.dtype.kind == "V" else values.T if header.fortran else values

    def describe(self, reader: ContainerReader) -> tuple[Part, ...]:
        """Returns the parts of a .lat file; see `Format`."""
        sections = Sections(reader)
        if "start" in reader.header:
            sections.next("start")
        part = describe_array(sections, "0", "values", self._spec(reader))
        sections.finish()
        return (part,)

    def _spec(self, reader: ContainerReader) -> ArraySpec:
        block = take_integer(reader.header, "block", 1)
        return ArraySpec.from_json(take_object(reader.header, "array"), block)

    def _start(self, reader: ContainerReader, spec: ArraySpec, sections: Sections) -> bytes:
        if "start" in reader.header:
            return unpack_bytes(sections.take("start"), take_integer(reader.header, "start", 10, LONGEST + 12))
        fortran = bool(reader.header.get("fortran"))
        return canonical_header(spec.dtype, spec.shape[::-1] if fortran else spec.shape, fortran)


def _mapped(path: Path, header: NpyHeader) -> NDArray[Any]:
    """Returns the values as they lie in the file, as the type that is coded."""
    shape = header.shape[::-1] if header.fortran else header.shape
    dtype = carried(header.dtype)
    if 0 in shape:
        return np.empty(shape, dtype)
    return np.memmap(path, dtype=dtype, mode="r", offset=len(header.raw), shape=shape or (1,)).reshape(shape)
