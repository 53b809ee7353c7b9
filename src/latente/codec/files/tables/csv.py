"""CSV files: columns of numbers within their bounds and as they are written, everything else to the byte."""

from __future__ import annotations

__all__ = ["CsvFormat"]

import json
import math
import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from latente.codec.bounds import Bound, Target, six_digits
from latente.codec.errors import AlteredError
from latente.codec.fields import take_integer, take_list, take_object, take_text
from latente.codec.files.base import Sections, Settings, Unfit, Written
from latente.codec.files.exact import may_beat, pack_bytes, unpack_bytes
from latente.codec.files.methods import Method, Methods
from latente.codec.files.results import Part
from latente.codec.files.tables.columns import code_column, describe_column, read_column
from latente.codec.files.tables.text import (
    DELIMITERS,
    NUMBER,
    Cells,
    blocks_of,
    delimiter_of,
    is_number,
    split_cells,
    values_of,
)
from latente.codec.limits import crc32c
from latente.codec.streams import ContainerReader, ContainerWriter

LINES = Method("within whole lines, zstd")
BLOCK = 1 << 23  # bytes of text that are coded at a time
HEAD = 1 << 16  # bytes that tell the delimiter
META = struct.Struct("<II")
LONGEST = 1 << 24  # bytes of what a block says of its columns
SUFFIXES = (".csv", ".tsv", ".tab")
CELL_BYTES = 64  # that a cell takes in memory


@dataclass
class Column:
    """What is known of a column: its name, the range of its numbers, their largest error, and why it must have none."""

    name: str
    low: float = math.inf
    high: float = -math.inf
    squares: float = 0.0
    count: int = 0
    points: bool = False
    error: float = 0.0
    kept: str = ""
    size: int = 0
    original: int = 0
    largest: float = 0.0
    methods: Methods = field(default_factory=Methods)

    def see(self, cells: Sequence[str]) -> None:
        """Takes note of a block of cells."""
        plain = [cell for cell in cells if NUMBER.fullmatch(cell)]
        self.points |= any("." in cell for cell in plain)
        if plain:
            values = values_of(plain)
            self.low, self.high = min(self.low, values.min()), max(self.high, values.max())
            self.squares += float(np.square(values).sum())
            self.count += len(plain)

    def decide(self, settings: Settings) -> None:
        """Decides the largest error; integers are kept exactly unless they have a bound of their own."""
        named = self.name in settings.columns
        if not self.count:
            settings.check_exact(self.name, "no numbers")
        bound = settings.bound_of(self.name) if named or self.points else Bound()
        target = bound.target(self.low, self.high, self.squares / self.count) if self.count else Target()
        self.error = target.max_error or math.sqrt(target.mse or 0.0)
        if not self.error and not (named and bound.lossless):
            alike = "integers; they take a bound by name" if not (self.points or named) else "its numbers are all alike"
            self.kept = alike if self.count else "text"

    def part(self) -> Part:
        """Returns what became of it."""
        bound = f"error of at most {six_digits(self.error):.6g}" if self.error else "exact"
        methods = self.methods
        return Part(self.name, self.original, self.size, bound, self.largest, methods.text, methods.exact)


class CsvFormat:
    """Tables as text. Without a loss the file is restored bit by bit, else all but the digits of bounded numbers."""

    kind, suffix = "csv", ".csv"

    def tells(self, path: Path, head: bytes) -> str | None:
        """Returns what tells that a file is of this format, or None."""
        return "it is text named as a table" if path.suffix.lower() in SUFFIXES and b"\0" not in head else None

    def write(self, path: Path, file: BinaryIO, settings: Settings) -> Written:
        """Writes a .lat file; see `Format`."""
        delimiter, head, names = _beginning(path)
        settings.check_names(names, "columns")
        columns = [Column(name) for name in names]
        if not settings.bound.lossless or any(not bound.lossless for bound in settings.columns.values()):
            for cells in _blocks(path, delimiter, head, settings):
                if isinstance(cells, Cells) and len(cells.columns) == len(columns):
                    for column, seen in zip(columns, cells.columns, strict=True):
                        column.see(seen)
            for column in columns:
                column.decide(settings)
        content = {
            "size": path.stat().st_size, "delimiter": delimiter, "bound": settings.bound.to_json(), "names": names,
            "head": len(head), "errors": [column.error for column in columns],
        }  # fmt: skip
        lines = Column("whole lines")
        with ContainerWriter(file, self.kind, content, settings.model) as writer:
            writer.write("head", pack_bytes(head.encode("latin-1")))
            for i, block in enumerate(_blocks(path, delimiter, head, settings)):
                section, text = _code(block, columns, settings)
                if section is None:
                    section = _whole(text, columns, lines)
                writer.write(str(i), section, crc32c(text))
        return Written(_parts(columns, lines), _notes(columns, settings))

    def read(self, reader: ContainerReader, out: Path, settings: Settings) -> None:
        """Writes what a .lat file holds; see `Format`."""
        delimiter = take_text(reader.header, "delimiter", DELIMITERS)
        sections, written = Sections(reader), 0
        with out.open("xb") as file:
            file.write(unpack_bytes(sections.take("head"), take_integer(reader.header, "head", 0, BLOCK * 2)))
            for section in sections.rest():
                raw = _decode(reader.read(section), delimiter, settings)
                if section.symbols is not None and crc32c(raw) != section.symbols:
                    raise AlteredError(f"section {section.name} did not decode to what was encoded: its CRC is wrong")
                written += len(raw)
                settings.limits.check("output_bytes", written, "the table")
                file.write(raw)

    def values(self, path: Path, name: str) -> NDArray[Any] | None:
        """Returns a column's numbers, NaN where there are none; see `Format`."""
        delimiter, head, names = _beginning(path)
        found = []
        for cells in _blocks(path, delimiter, head, Settings()):
            if isinstance(cells, Cells) and len(cells.columns) == len(names):
                column = cells.columns[names.index(name)]
                found += [float(cell) if is_number(cell) else np.nan for cell in column]
        return np.array(found)

    def describe(self, reader: ContainerReader) -> tuple[Part, ...]:
        """Returns the parts of a .lat file; see `Format`."""
        columns = [Column(name) for name in take_list(reader.header, "names", str)]
        for column, error in zip(columns, take_list(reader.header, "errors", (int, float)), strict=True):
            column.error = error
        sections, lines = Sections(reader), Column("whole lines")
        sections.next("head")
        for section in sections.rest():
            meta, content = _meta(reader.read(section))
            if take_text(meta, "way", ("columns", "bytes")) == "columns":
                for column, (fields, part) in zip(columns, _column_parts(meta, content), strict=True):
                    column.original += take_integer(fields, "bytes")
                    column.size += len(part)
                    column.methods.add(describe_column(fields, part, column.error > 0))
            else:
                _note_lines(columns, lines, take_integer(meta, "size"), section.size)
        return tuple(replace(part, largest_error=None) for part in _parts(columns, lines))


def _beginning(path: Path) -> tuple[str, str, list[str]]:
    """Returns the delimiter, the line of names with its end ("" for none), and names; raises Unfit for no table."""
    with path.open("rb") as file:
        top = file.read(HEAD).decode("latin-1")
        file.seek(0)
        first = next(blocks_of(file, HEAD * 8), "")
    delimiter = delimiter_of(top) or ","
    if not first:
        raise Unfit("it is empty")
    cells = split_cells(first, delimiter)
    if cells is None:
        raise Unfit("its lines have different numbers of cells")
    row = [column[0] for column in cells.columns]
    if len(cells.columns[0]) < 2 or any(is_number(cell) for cell in row):
        return delimiter, "", [str(i) for i in range(len(row))]
    return delimiter, delimiter.join(row) + cells.end, _unique([_unquoted(cell) for cell in row])


def _unquoted(cell: str) -> str:
    text = cell.encode("latin-1").decode("utf-8-sig", "replace").strip()
    return text[1:-1].replace('""', '"') if text[:1] == text[-1:] == '"' and len(text) > 1 else text


def _unique(names: list[str]) -> list[str]:
    """Returns names, those that are there twice with their place."""
    times = Counter(names)
    return [name if times[name] == 1 else f"{name}#{i}" for i, name in enumerate(names)]


def _blocks(path: Path, delimiter: str, head: str, settings: Settings) -> Iterator[Cells | str]:
    """Gives the blocks as cells, or as text where they are no table."""
    with path.open("rb") as file:
        for i, text in enumerate(blocks_of(file, min(settings.block_bytes, BLOCK))):
            rest = text[len(head) :] if i == 0 else text
            if rest:
                yield split_cells(rest, delimiter) or rest


def _code(block: Cells | str, columns: list[Column], settings: Settings) -> tuple[bytes | None, bytes]:
    """Returns a block's section, None where it is to be kept as whole lines, and the text that it becomes."""
    raw = (block if isinstance(block, str) else block.text()).encode("latin-1")
    if isinstance(block, str) or len(block.columns) != len(columns):
        return None, raw
    codes = [code_column(cells, column.error, settings) for cells, column in zip(block.columns, columns, strict=True)]
    meta = {
        "way": "columns", "rows": len(block.columns[0]), "end": block.end, "closed": int(block.closed),
        "columns": [code.fields for code in codes],
    }  # fmt: skip
    section = _section(meta, b"".join(code.content for code in codes))
    if may_beat(raw, len(section)) and len(_lines(raw)) <= len(section):
        return None, raw
    text = _decode(section, block.delimiter, settings)
    if text != raw and not _kept(section, block, [code.method.exact for code in codes], settings):
        return None, raw  # a bug must not cost anybody's data
    for column, code in zip(columns, codes, strict=True):
        column.original += code.fields["bytes"]
        column.size += len(code.content)
        column.largest = max(column.largest, code.error)
        column.methods.add(code.method)
    return section, text


def _kept(section: bytes, block: Cells, exact: Sequence[bool], settings: Settings) -> bool:
    """Whether the columns that are exact, where not all are, come back cell by cell."""
    if all(exact):
        return False
    parts = _column_parts(*_meta(section))
    return all(
        not same or read_column(fields, content, len(cells), settings) == list(cells)
        for (fields, content), cells, same in zip(parts, block.columns, exact, strict=True)
    )


def _whole(raw: bytes, columns: list[Column], lines: Column) -> bytes:
    """Returns the section of a block that is kept as whole lines, and takes note of it."""
    section = _lines(raw)
    _note_lines(columns, lines, len(raw), len(section))
    return section


def _note_lines(columns: list[Column], lines: Column, original: int, size: int) -> None:
    for column in columns:
        column.methods.add(LINES)
    lines.methods.add(Method("zstd, exact"))
    lines.original, lines.size = lines.original + original, lines.size + size


def _parts(columns: list[Column], lines: Column) -> tuple[Part, ...]:
    """Returns what became of the columns, and of lines that were kept whole where there are any."""
    return tuple(column.part() for column in (*columns, *((lines,) if lines.size else ())))


def _lines(raw: bytes) -> bytes:
    return _section({"way": "bytes", "size": len(raw)}, pack_bytes(raw))


def _section(meta: dict[str, Any], content: bytes) -> bytes:
    raw = json.dumps(meta, separators=(",", ":")).encode()
    packed = pack_bytes(raw)
    return META.pack(len(raw), len(packed)) + packed + content


def _meta(section: bytes) -> tuple[dict[str, Any], bytes]:
    """Returns what a block says of itself, and its content."""
    if len(section) < META.size:
        raise AlteredError("a block of the table is too short")
    size, packed = META.unpack(section[: META.size])
    if size > LONGEST or packed > len(section) - META.size:
        raise AlteredError("a block of the table says that more of it describes it than there is")
    try:
        meta = json.loads(unpack_bytes(section[META.size : META.size + packed], size))
    except (ValueError, RecursionError) as error:
        raise AlteredError(f"a block of the table does not say what it is: {error}") from error
    return take_object({"block": meta}, "block"), section[META.size + packed :]


def _column_parts(meta: dict[str, Any], content: bytes) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Gives what a block says of its columns, and their bytes."""
    start = 0
    for fields in take_list(meta, "columns", dict):
        length = sum(take_list(fields, "sizes", int, longest=8))
        if length < 0 or start + length > len(content):
            raise AlteredError("a block of the table ends within a column")
        yield fields, content[start : start + length]
        start += length
    if start != len(content):
        raise AlteredError("a block of the table does not end with its last column")


def _decode(section: bytes, delimiter: str, settings: Settings) -> bytes:
    """Returns the text of a block."""
    meta, content = _meta(section)
    if take_text(meta, "way", ("columns", "bytes")) == "bytes":
        size = take_integer(meta, "size")
        settings.limits.check_decoded(size, "a block of the table")
        return unpack_bytes(content, size)
    rows = take_integer(meta, "rows", 1)
    settings.limits.check_decoded(rows * len(take_list(meta, "columns", dict)) * CELL_BYTES, "a block of the table")
    columns = [read_column(fields, part, rows, settings) for fields, part in _column_parts(meta, content)]
    end = take_text(meta, "end", ("\n", "\r\n"))
    return Cells(columns, delimiter, end, bool(take_integer(meta, "closed", 0, 1))).text().encode("latin-1")


def _notes(columns: list[Column], settings: Settings) -> tuple[str, ...]:
    """Returns what the user should know: which columns are kept exactly although a bound was stated, and why."""
    if settings.bound.lossless:
        return ()
    kept = [f"{column.name} ({column.kept})" for column in columns if column.kept]
    shown = ", ".join(kept[:10]) + (", ..." if len(kept) > 10 else "")
    return (f"kept exactly: {shown}",) if kept else ()
