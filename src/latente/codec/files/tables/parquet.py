"""Parquet files: schema, metadata and row groups kept, columns of floats within their bounds, all others exactly."""

from __future__ import annotations

__all__ = ["ParquetFormat"]

import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from latente.codec.bounds import Bound, Target
from latente.codec.errors import AlteredError, CodecError
from latente.codec.fields import take_integer, take_list, take_number, take_text
from latente.codec.files.arrays import ArraySource, ArraySpec, bound_text, plan_array
from latente.codec.files.base import Sections, Settings, Unfit, Written
from latente.codec.files.coder import code_block, explain_block, read_block
from latente.codec.files.exact import pack_bytes, unpack_bytes
from latente.codec.files.methods import Method, Methods
from latente.codec.files.results import Part
from latente.codec.limits import crc32c
from latente.codec.streams import ContainerReader, ContainerWriter

MAGIC = b"PAR1"
NUMBERS = {"float": "f4", "double": "f8", "halffloat": ""} | {
    f"{sign}int{8 * size}": f"{kind}{size}" for sign, kind in (("", "i"), ("u", "u")) for size in (1, 2, 4, 8)
}
TIMES = {"timestamp": "i8", "date32": "i4", "date64": "i8", "time32": "i4", "time64": "i8", "duration": "i8"}
CODECS = ("NONE", "SNAPPY", "GZIP", "BROTLI", "LZ4", "ZSTD")
STEPS = struct.Struct("<qqI")  # smallest value, step, bytes of the mask
ARROW = Method("Arrow, zstd")
LARGEST = 1 << 26  # bytes of a schema


@dataclass
class Column:
    """What is known of a column: name, type of its numbers ("" for anything else), target, what became of it."""

    name: str
    dtype: str
    target: Target = field(default_factory=Target)
    original: int = 0
    size: int = 0
    largest: float = 0.0
    methods: Methods = field(default_factory=Methods)

    def part(self, measured: bool = True) -> Part:
        """Returns what became of it."""
        spec = ArraySpec(np.dtype("f8"), (), 8, self.target)
        error, methods = self.largest if measured else None, self.methods
        sizes = self.original, self.size
        return Part(
            self.name, *sizes, bound_text(spec), error, methods.text, self.target.exact or methods.exact, methods.model
        )


class ParquetFormat:
    """Tables in Parquet. Values, types, nulls, row groups and metadata are kept; the file is written anew."""

    kind, suffix = "parquet", ".parquet"

    def tells(self, path: Path, head: bytes) -> str | None:
        """Returns what tells that a file is of this format, or None."""
        return "it starts as Parquet files do" if head.startswith(MAGIC) else None

    def write(self, path: Path, file: BinaryIO, settings: Settings) -> Written:
        """Writes a .lat file; see `Format`."""
        with _opened(path) as source:
            schema = source.schema_arrow
            settings.check_names(list(schema.names), "columns")
            columns = [Column(item.name, number_type(item.type)) for item in schema]
            for i, column in enumerate(columns):
                column.target = _target(source, i, column, settings)
            groups = [source.metadata.row_group(i).num_rows for i in range(source.num_row_groups)]
            raw = schema.serialize().to_pybytes()
            content = {
                "size": path.stat().st_size, "bound": settings.bound.to_json(), "schema": len(raw), "rows": groups,
                "codec": _codec(source),
                "targets": [[column.target.max_error or 0.0, column.target.mse or 0.0] for column in columns],
            }  # fmt: skip
            with ContainerWriter(file, self.kind, content, settings.model) as writer:
                writer.write("schema", pack_bytes(raw))
                for i, rows in enumerate(groups):
                    for j, column in enumerate(columns):
                        _write_column(writer, f"{i}/{j}", _column(source, i, j), rows, column, settings)
            _check(file, source, columns, self, settings)
        exact = [column.name for column in columns if column.target.exact]
        lossy = not settings.bound.lossless and exact
        return Written(
            tuple(column.part() for column in columns), (f"kept exactly: {', '.join(exact)}",) if lossy else ()
        )

    def read(self, reader: ContainerReader, out: Path, settings: Settings) -> None:
        """Writes what a .lat file holds; see `Format`."""
        arrow, parquet = _modules()
        sections = Sections(reader)
        try:
            schema = _schema(reader, sections)
            codec = take_text(reader.header, "codec", CODECS)
            with parquet.ParquetWriter(out, schema, compression=codec) as writer:
                for i, rows in enumerate(take_list(reader.header, "rows", int)):
                    settings.limits.check("decoded_bytes", rows * len(schema), "a group of rows")
                    columns = [
                        _read_column(sections, f"{i}/{j}", rows, item, settings) for j, item in enumerate(schema)
                    ]
                    table = arrow.table(columns, schema=schema)
                    writer.write_table(table, row_group_size=max(rows, 1))
            sections.finish()
        except arrow.ArrowException as error:
            raise AlteredError(f"the table cannot be made again: {error}") from error

    def values(self, path: Path, name: str) -> NDArray[Any] | None:
        """Returns a column's numbers, NaN where there are none; see `Format`."""
        with _opened(path) as source:
            j = source.schema_arrow.names.index(name)
            dtype = number_type(source.schema_arrow.field(j).type)
            if not dtype:
                return None
            groups = [_numbers(_column(source, i, j), dtype) for i in range(source.num_row_groups)]
        return np.concatenate([np.where(there, values, np.nan) for values, there in groups])

    def describe(self, reader: ContainerReader) -> tuple[Part, ...]:
        """Returns the parts of a .lat file; see `Format`."""
        sections = Sections(reader)
        schema = _schema(reader, sections)
        columns = [Column(item.name, number_type(item.type)) for item in schema]
        for column, pair in zip(columns, take_list(reader.header, "targets", list), strict=True):
            named = dict(zip(("error", "mse"), pair, strict=True))
            column.target = Target(take_number(named, "error", 0) or None, take_number(named, "mse", 0) or None)
        for i, rows in enumerate(take_list(reader.header, "rows", int)):
            for j, column in enumerate(columns):
                section = sections.next(f"{i}/{j}")
                way, head, content = _parts(reader.read(section))
                column.original += rows * int(column.dtype[1:]) if column.dtype else int.from_bytes(head, "little")
                column.size += section.whole
                column.methods.add(explain_block(content) if way == b"N"[0] else ARROW)
        sections.finish()
        return tuple(column.part(measured=False) for column in columns)


def number_type(kind: Any) -> str:
    """Returns the numpy type of a column's numbers; of dates and times, that of the integers that they are."""
    text = str(kind)
    return NUMBERS.get(text, TIMES.get(text.partition("[")[0], ""))


def _is_time(kind: Any) -> bool:
    return str(kind).partition("[")[0] in TIMES


def _modules() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ImportError("Parquet files need pyarrow; install it with: pip install 'latente[data]'") from error
    return pyarrow, pyarrow.parquet


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    arrow, parquet = _modules()
    try:
        source = parquet.ParquetFile(path)
    except (arrow.ArrowException, OSError, ValueError) as error:
        raise Unfit(f"pyarrow cannot read it: {error}") from error
    with source:
        names = source.schema_arrow.names
        if len(set(names)) < len(names) or not names:
            raise Unfit("it has no columns, or two of the same name")
        yield source


def _column(source: Any, group: int, j: int) -> Any:
    """Returns a column of a group of rows, in one piece."""
    arrow, _ = _modules()
    name = source.schema_arrow.names[j]
    try:
        table = source.read_row_group(group, columns=[name])
    except (arrow.ArrowException, OSError) as error:
        raise Unfit(f"pyarrow cannot read column {name!r}: {error}") from error
    if table.num_columns != 1 or table.schema.field(0).name != name:
        raise Unfit(f"column {name!r} cannot be read alone")
    column = table.column(0)
    if isinstance(column.type, arrow.DictionaryType):
        column = column.unify_dictionaries()
    pieces = column.combine_chunks()
    return pieces if isinstance(pieces, arrow.Array) else arrow.concat_arrays(pieces.chunks)


def _numbers(column: Any, dtype: str) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Returns a column's numbers, nulls replaced by the number before, and where there are numbers."""
    if _is_time(column.type):
        column = column.view("int64" if dtype == "i8" else "int32")
    there = np.asarray(column.is_valid().to_numpy(zero_copy_only=False), bool)
    values = np.array(column.fill_null(0).to_numpy(zero_copy_only=False), dtype=dtype)
    if not there.all():
        places = np.flatnonzero(there)
        before = np.searchsorted(places, np.arange(len(values)), side="right") - 1
        values = values[places[np.maximum(before, 0)]] if len(places) else values
    return values, there


def _target(source: Any, j: int, column: Column, settings: Settings) -> Target:
    """Returns a column's target; integers are kept exactly unless they have a bound of their own."""
    named = column.name in settings.columns
    bound = settings.bound_of(column.name) if named or column.dtype[:1] == "f" else Bound()
    kind = source.schema_arrow.field(j).type
    if not column.dtype or _is_time(kind):
        settings.check_exact(column.name, "dates or times" if column.dtype else f"values of type {kind}")
    if bound.lossless or not column.dtype:
        return Target()
    blocks = [_numbers(_column(source, i, j), column.dtype) for i in range(source.num_row_groups)]
    values = np.concatenate([block[there] for block, there in blocks]) if blocks else np.zeros(0, column.dtype)
    return plan_array(ArraySource.of(values), bound, settings).target


def _write_column(
    writer: ContainerWriter, name: str, array: Any, rows: int, column: Column, settings: Settings
) -> None:
    """Writes a column of a group of rows as a section, the way that is smaller where it may be either."""
    lossy = column.dtype[:1] == "f" and not column.target.exact
    raw = b"" if lossy else _serialised(array, column.name)
    table = b"" if lossy else b"T" + _with_size(raw)
    best, error, method, symbols = table, 0.0, ARROW, None
    if column.dtype and rows:
        values, there = _numbers(array, column.dtype)
        plain, (first, unit) = _steps(values) if column.target.exact else (values, (0, 1))
        coded = code_block(plain, column.target.of_those_there(float(there.mean())), settings)
        mask = b"" if there.all() else np.packbits(there).tobytes()
        packed = pack_bytes(mask) if mask else b""
        numbers = b"N" + STEPS.pack(first, unit, len(packed)) + packed + coded.content
        if not table or len(numbers) < len(table):
            best, error, method = numbers, coded.error, coded.method
            symbols = crc32c(values) if column.target.exact else None
    start = writer.size
    writer.write(name, best, symbols)
    column.size += writer.size - start
    column.original += rows * int(column.dtype[1:]) if column.dtype else len(raw)
    column.largest = max(column.largest, error)
    column.methods.add(method)


def _steps(values: NDArray[Any]) -> tuple[NDArray[Any], tuple[int, int]]:
    """Returns 64-bit integers as multiples of a step above the smallest, which are small where dates are regular."""
    first, last = (int(values.min()), int(values.max())) if values.dtype == np.int64 else (0, 0)
    if not 0 < last - first < 1 << 62:
        return values, (0, 1)
    above = values - np.int64(first)
    unit = int(np.gcd.reduce(above))
    return above // unit, (first, unit)


def _serialised(array: Any, name: str) -> bytes:
    arrow, _ = _modules()
    batch = arrow.record_batch([array], names=[name])
    sink = arrow.BufferOutputStream()
    with arrow.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    return sink.getvalue().to_pybytes()


def _with_size(raw: bytes) -> bytes:
    return len(raw).to_bytes(8, "little") + pack_bytes(raw)


def _parts(section: bytes) -> tuple[int, bytes, bytes]:
    """Returns the way in which a column was written, its mask or size, and its content."""
    start = 1 + STEPS.size
    if section[:1] == b"N" and len(section) >= start:
        end = start + STEPS.unpack(section[1:start])[2]
        return section[0], section[start:end], section[end:]
    if section[:1] == b"T" and len(section) >= 9:
        return section[0], section[1:9], section[9:]
    raise AlteredError("a column is written in a way that there is not")


def _read_column(sections: Sections, name: str, rows: int, item: Any, settings: Settings) -> Any:
    """Returns a column of a group of rows."""
    arrow, _ = _modules()
    section = sections.next(name)
    whole = sections.reader.read(section)
    way, head, content = _parts(whole)
    if way == b"T"[0]:
        size = int.from_bytes(head, "little")
        settings.limits.check_decoded(size, f"column {item.name!r}")
        try:
            batch = arrow.ipc.open_stream(unpack_bytes(content, size)).read_next_batch()
            batch.validate(full=True)
        except (arrow.ArrowException, OSError, StopIteration) as error:
            raise AlteredError(f"column {item.name!r} cannot be read: {error}") from error
        if batch.num_columns != 1 or batch.num_rows != rows or batch.schema.field(0).type != item.type:
            raise AlteredError(f"column {item.name!r} has another type or length than the file states")
        return batch.column(0)
    dtype = number_type(item.type)
    if not dtype:
        raise AlteredError(f"column {item.name!r} is none of numbers")
    values = read_block(content, (rows,), np.dtype(dtype), settings)
    first, unit, _ = STEPS.unpack(whole[1 : 1 + STEPS.size])
    values = values if (first, unit) == (0, 1) else values * np.int64(unit) + np.int64(first)
    if section.symbols is not None and crc32c(values) != section.symbols:
        raise AlteredError(f"section {name!r} did not decode to what was encoded: its CRC is wrong")
    there = np.unpackbits(np.frombuffer(unpack_bytes(head, -(-rows // 8)), np.uint8), count=rows) if head else None
    mask = None if there is None else there == 0
    if _is_time(item.type):
        return arrow.array(values, mask=mask, from_pandas=False).view(item.type)
    return arrow.array(values, type=item.type, mask=mask, from_pandas=False)


def _schema(reader: ContainerReader, sections: Sections) -> Any:
    arrow, _ = _modules()
    raw = unpack_bytes(sections.take("schema"), take_integer(reader.header, "schema", 1, LARGEST))
    try:
        return arrow.ipc.read_schema(arrow.py_buffer(raw))
    except (arrow.ArrowException, OSError) as error:
        raise AlteredError(f"the table's schema cannot be read: {error}") from error


def _codec(source: Any) -> str:
    """Returns the compression of the file's first column."""
    metadata = source.metadata
    used = metadata.row_group(0).column(0).compression if metadata.num_row_groups else "SNAPPY"
    used = "NONE" if used == "UNCOMPRESSED" else used
    return used if used in CODECS else "ZSTD"


def _check(file: BinaryIO, source: Any, columns: list[Column], known: ParquetFormat, settings: Settings) -> None:
    """Raises Unfit when what was written does not become the same table, but for bounded numbers."""
    file.flush()
    with tempfile.TemporaryDirectory() as folder, open(file.name, "rb") as written:
        again = Path(folder) / "again.parquet"
        try:
            known.read(ContainerReader(written, settings.limits), again, settings)
        except CodecError as error:
            raise Unfit(f"what was written could not be read again: {error}") from error
        with _opened(again) as found:
            if not found.schema_arrow.equals(source.schema_arrow, check_metadata=True):
                raise Unfit("its schema or metadata would not be the same again")
            groups = [source.metadata.row_group(i).num_rows for i in range(source.num_row_groups)]
            if groups != [found.metadata.row_group(i).num_rows for i in range(found.num_row_groups)]:
                raise Unfit("its groups of rows would not be the same again")
            for i in range(len(groups)):
                for j, column in enumerate(columns):
                    before, after = _column(source, i, j), _column(found, i, j)
                    if not _same(before, after, column):
                        raise Unfit(f"column {column.name!r} would not be the same again")


def _same(before: Any, after: Any, column: Column) -> bool:
    """Returns whether a column came back; what stands under a null is no part of it."""
    if not before.is_valid().equals(after.is_valid()):
        return False
    if not column.target.exact:
        return True
    if column.dtype:
        (numbers, there), (again, _) = _numbers(before, column.dtype), _numbers(after, column.dtype)
        return numbers[there].tobytes() == again[there].tobytes()
    return before.equals(after) or _serialised(before, "c") == _serialised(after, "c")
