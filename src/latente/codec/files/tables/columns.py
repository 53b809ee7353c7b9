"""One column of one block of a CSV file, coded: as numbers where it is one of numbers, else as text."""

from __future__ import annotations

__all__ = ["ColumnCode", "code_column", "describe_column", "read_column"]

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.codec.bounds import Target
from latente.codec.errors import AlteredError
from latente.codec.fields import take_integer, take_list, take_text
from latente.codec.files.base import Settings
from latente.codec.files.coder import code_block, explain_block, read_block
from latente.codec.files.exact import may_beat, pack_bytes, unpack_bytes
from latente.codec.files.methods import Method
from latente.codec.files.tables.numbers import DIGITS, Numbers, parse_numbers
from latente.codec.files.tables.text import values_of

INTEGERS = ("i1", "i2", "i4", "i8")
WIDTHS = ("u1", "u2")
TEXT = Method("text, zstd")
STYLES = ("fixed", "short", "each")


@dataclass(frozen=True)
class ColumnCode:
    """A coded column: what is needed to read it, its bytes, the largest error, and how it was coded."""

    fields: dict[str, Any]
    content: bytes
    error: float
    method: Method


def code_column(cells: Sequence[str], error: float, settings: Settings) -> ColumnCode:
    """Returns a column's cells, coded.

    Args:
        cells: of one column of a block.
        error: largest absolute error of a number; 0 for none, and then the text is kept exactly.
        settings: with the codec.
    """
    found = _smallest(cells, error, settings)
    size = sum(map(len, cells)) + len(cells)
    return replace(found, fields=found.fields | {"bytes": size})


def _smallest(cells: Sequence[str], error: float, settings: Settings) -> ColumnCode:
    numbers = _code_numbers(cells, error, settings) if error else None
    if numbers is None:
        numbers = _code_numbers(cells, 0.0, settings)
    if numbers is not None and not may_beat(_join(cells)[0], len(numbers.content)):
        return numbers
    text = _code_text(cells)
    return text if numbers is None or len(text.content) <= len(numbers.content) else numbers


def _code_text(cells: Sequence[str]) -> ColumnCode:
    """Returns cells as text, or as categories where that is smaller."""
    joined, lengths = _join(cells)
    packed = [pack_bytes(joined), pack_bytes(lengths)]
    fields: dict[str, Any] = {
        "kind": "text",
        "sizes": [len(part) for part in packed],
        "raw": [len(joined), len(lengths)],
    }
    best = ColumnCode(fields, b"".join(packed), 0.0, TEXT)
    kinds = {cell: i for i, cell in enumerate(dict.fromkeys(cells))}
    if 2 * len(kinds) <= len(cells) and len(kinds) <= 1 << 16:
        width = WIDTHS[len(kinds) > 256]
        codes = np.fromiter((kinds[cell] for cell in cells), f"<{width}").tobytes()
        joined, lengths = _join(list(kinds))
        packed = [pack_bytes(joined), pack_bytes(lengths), pack_bytes(codes, int(width[1]))]
        if sum(map(len, packed)) < len(best.content):
            fields = {
                "kind": "categories",
                "sizes": [len(part) for part in packed],
                "raw": [len(joined), len(lengths)],
                "distinct": len(kinds),
            }
            best = ColumnCode(fields, b"".join(packed), 0.0, Method(f"categories ({len(kinds)}), zstd"))
    return best


def _join(cells: Sequence[str]) -> tuple[bytes, bytes]:
    """Returns cells one after the other, and their lengths where a line feed does not separate them."""
    joined = "\n".join(cells).encode("latin-1")
    if joined.count(b"\n") == len(cells) - 1:
        return joined, b""
    return "".join(cells).encode("latin-1"), np.array([len(cell) for cell in cells], "<u4").tobytes()


def _split(joined: bytes, lengths: bytes, count: int) -> list[str]:
    text = joined.decode("latin-1")
    if not lengths:
        cells = text.split("\n")
    else:
        ends = np.cumsum(np.frombuffer(lengths, "<u4").astype(np.int64)).tolist()
        cells = [text[a:b] for a, b in zip([0, *ends[:-1]], ends, strict=True)]
    if len(cells) != count:
        raise AlteredError(f"a column has {len(cells)} cells where the file states {count}")
    return cells


def _code_numbers(cells: Sequence[str], error: float, settings: Settings) -> ColumnCode | None:
    """Returns a column of numbers, or None where it is none, or some error would be larger."""
    digits = DIGITS if not error else min(max(math.ceil(-math.log10(error)) + 1, 0), DIGITS)
    parsed = parse_numbers(cells, digits) or (parse_numbers(cells, digits - 1) if error else None)
    if parsed is None:
        return None
    numbers, odd = parsed
    if error and numbers.style == "each":
        numbers = replace(
            numbers, style="short", decimals=min(int(numbers.each.min(initial=1)), 1), each=numbers.each[:0]
        )
    values = numbers.values.astype(_narrow(numbers.values))
    unit = 10.0**-numbers.scale
    lost = 0.0 if not error or _exactly(cells, odd, numbers) else unit / 2
    whole = max(math.floor((error - lost) / unit), 0) if error else 0
    for allowed in dict.fromkeys((whole, max(whole - 1, 0))):
        found = _attempt(cells, numbers, odd, values, Target(float(allowed)) if allowed else Target(), error, settings)
        if found is not None:
            return found
    return None


def _attempt(
    cells: Sequence[str],
    numbers: Numbers,
    odd: NDArray[np.bool_],
    values: NDArray[Any],
    target: Target,
    error: float,
    settings: Settings,
) -> ColumnCode | None:
    """Returns numbers coded with a target, or None where the text that comes back is not within the error."""
    coded = code_block(values, target, settings)
    again = read_block(coded.content, values.shape, values.dtype, settings).astype(np.int64)
    written = replace(numbers, values=again).cells()
    same = all(a == b for a, b, out in zip(cells, written, odd.tolist(), strict=True) if not out)
    largest = _largest_error(cells, written, odd) if error and not same else 0.0
    if not largest <= error or not (same or error):
        return None
    odd_cells = [cell for cell, out in zip(cells, odd.tolist(), strict=True) if out]
    joined, lengths = _join(odd_cells) if odd_cells else (b"", b"")
    places = np.packbits(odd).tobytes() if odd_cells else b""
    raw = [joined, lengths, places, numbers.each.tobytes()]
    packed = [coded.content, *(pack_bytes(part) if part else b"" for part in raw)]
    fields = {
        "kind": "numbers",
        "sizes": [len(part) for part in packed],
        "raw": [len(part) for part in raw],
        "odd": len(odd_cells),
        "dtype": values.dtype.str[1:],
        "scale": numbers.scale,
        "style": numbers.style,
        "decimals": numbers.decimals,
    }
    fields |= {"same": 1} if error and same else {}
    return ColumnCode(fields, b"".join(packed), largest, replace(coded.method.after("numbers,"), exact=same))


def _largest_error(cells: Sequence[str], written: Sequence[str], odd: NDArray[np.bool_]) -> float:
    kept = [(a, b) for a, b, out in zip(cells, written, odd.tolist(), strict=True) if not out]
    if not kept:
        return 0.0
    before, after = map(values_of, zip(*kept, strict=True))
    return float(np.abs(before - after).max())


def _exactly(cells: Sequence[str], odd: NDArray[np.bool_], numbers: Numbers) -> bool:
    """Returns whether no number was rounded to fewer decimals."""
    plain = (cell for cell, out in zip(cells, odd.tolist(), strict=True) if not out)
    return all(len(cell) - 1 - cell.find(".") <= numbers.scale for cell in plain if "." in cell)


def _narrow(values: NDArray[np.int64]) -> str:
    """Returns the narrowest type that holds the values."""
    low, high = int(values.min(initial=0)), int(values.max(initial=0))
    return next(name for name in INTEGERS if np.iinfo(name).min <= low and high <= np.iinfo(name).max)


def read_column(fields: dict[str, Any], content: bytes, rows: int, settings: Settings) -> list[str]:
    """Returns the cells of a column that `code_column` coded.

    Args:
        fields: that it returned.
        content: that it returned.
        rows: how many cells.
        settings: with limits.

    Raises:
        CodecError: when it is anything else.
    """
    kind = take_text(fields, "kind", ("text", "categories", "numbers"))
    parts, raw = _parts(fields, content), take_list(fields, "raw", int)
    if kind == "numbers":
        return _read_numbers(fields, parts, raw, rows, settings)
    for size in raw:
        settings.limits.check_decoded(size, "a column of text")
    if len(raw) != 2 or len(parts) != (2 if kind == "text" else 3):
        raise AlteredError("a column has other parts than it must have")
    joined, lengths = (unpack_bytes(part, size) for part, size in zip(parts, raw, strict=False))
    if kind == "text":
        return _split(joined, lengths, rows)
    distinct = take_integer(fields, "distinct", 1, 1 << 16)
    kinds = _split(joined, lengths, distinct)
    width = WIDTHS[distinct > 256]
    codes = np.frombuffer(unpack_bytes(parts[2], rows * int(width[1])), f"<{width}")
    if codes.max(initial=0) >= distinct:
        raise AlteredError("a column names a category that it does not have")
    return [kinds[code] for code in codes.tolist()]


def _read_numbers(
    fields: dict[str, Any], parts: list[bytes], raw: list[int], rows: int, settings: Settings
) -> list[str]:
    if len(raw) != 4 or len(parts) != 5:
        raise AlteredError("a column has other parts than it must have")
    dtype = np.dtype(take_text(fields, "dtype", INTEGERS))
    values = read_block(parts[0], (rows,), dtype, settings).astype(np.int64)
    limit = settings.limits
    for size in raw:
        limit.check_decoded(size, "a column of numbers")
    joined, lengths, places, each = (
        unpack_bytes(part, size) if size else b"" for part, size in zip(parts[1:], raw, strict=True)
    )
    style = take_text(fields, "style", STYLES)
    scale, decimals = take_integer(fields, "scale", 0, DIGITS), take_integer(fields, "decimals", 0, 255)
    points = np.frombuffer(each, np.uint8)
    if (style == "each" and (len(points) != rows or points.max(initial=0) > scale)) or (
        style == "fixed" and decimals < scale
    ):
        raise AlteredError("a column has another number of decimals than it must have")
    cells = Numbers(values, scale, style, decimals, points).cells()  # type: ignore[arg-type]
    count = take_integer(fields, "odd", 0, rows)
    if count:
        odd = np.flatnonzero(np.unpackbits(np.frombuffer(places, np.uint8), count=rows))
        if len(odd) != count:
            raise AlteredError("a column has another number of cells that are no numbers than it states")
        for place, cell in zip(odd.tolist(), _split(joined, lengths, count), strict=True):
            cells[place] = cell
    return cells


def _parts(fields: dict[str, Any], content: bytes) -> list[bytes]:
    sizes = take_list(fields, "sizes", int, longest=8)
    if any(size < 0 for size in sizes) or sum(sizes) != len(content):
        raise AlteredError("a column's parts are not as long as it states")
    ends = np.cumsum([0, *sizes]).tolist()
    return [content[a:b] for a, b in pairwise(ends)]


def describe_column(fields: dict[str, Any], content: bytes, bounded: bool) -> Method:
    """Returns how a column was coded, and why.

    Args:
        fields: that `code_column` returned.
        content: that it returned.
        bounded: whether an error was allowed.
    """
    kind = take_text(fields, "kind", ("text", "categories", "numbers"))
    if kind == "numbers":
        found = explain_block(_parts(fields, content)[0]).after("numbers,")
        return replace(found, exact=not bounded or "same" in fields)
    return TEXT if kind == "text" else Method(f"categories ({take_integer(fields, 'distinct')}), zstd")
