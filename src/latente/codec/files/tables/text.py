"""CSV text cut into cells and put together again, byte for byte."""

from __future__ import annotations

__all__ = ["Cells", "blocks_of", "delimiter_of", "is_number", "split_cells", "values_of"]

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from latente.codec.files.base import Unfit

DELIMITERS = (",", ";", "\t", "|")
NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,40})(?:\.\d{1,250})?")
PRECISE = 1 << 53  # above it float64 skips integers
LONGEST = 1 << 25  # characters without the end of a line outside quotes; more is no table
QUOTED = r'"[^"]*+(?:""[^"]*+)*+"'  # possessive: going back would take a hundred bytes of memory a character
SPECIAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")  # a number in some other way of writing


@dataclass(frozen=True)
class Cells:
    """A block of CSV text as cells, with their quotes.

    Attributes:
        columns: (columns, rows) cells.
        delimiter: between cells.
        end: of a line.
        closed: whether the last line has its end.
    """

    columns: Sequence[Sequence[str]]
    delimiter: str
    end: str
    closed: bool

    def text(self) -> str:
        """Returns the block of text."""
        lines = self.end.join(map(self.delimiter.join, zip(*self.columns, strict=True)))
        return lines + self.end if self.closed else lines


def is_number(cell: str) -> bool:
    """Returns whether a cell is a number in any way of writing.

    Example:
        >>> [is_number(cell) for cell in ("1", "-2.50", "1e-3", "x", "")]
        [True, True, True, False, False]
    """
    return bool(SPECIAL.fullmatch(cell))


def values_of(cells: Sequence[str]) -> NDArray[Any]:
    """Returns the values of cells that are numbers: as float64, or as fractions where that would skip integers.

    Example:
        >>> high, low = values_of([str(2**62 + 1), str(2**62)])
        >>> high - low
        Fraction(1, 1)
    """
    values = np.array(cells, np.float64)
    if np.abs(values).max(initial=0) < PRECISE:
        return values
    return np.array([Fraction(cell) for cell in cells], object)


def delimiter_of(head: str) -> str | None:
    """Returns what separates the cells of the first lines, or None where nothing does so regularly.

    Args:
        head: the first lines, the last of which may be incomplete.
    """
    lines = [re.sub(QUOTED, "", line) for line in head.split("\n")[:20]]
    lines = lines[:-1] if len(lines) > 1 else lines
    counts = {mark: {line.count(mark) for line in lines if line} for mark in DELIMITERS}
    regular = {mark: min(count) for mark, count in counts.items() if len(count) == 1 and min(count) > 0}
    return max(regular, key=lambda mark: regular[mark]) if regular else None


def blocks_of(file: BinaryIO, size: int) -> Iterator[str]:
    """Gives a file's text in blocks of whole lines, each byte one character (Latin-1).

    Args:
        file: at its start.
        size: bytes to read at a time; a block is about that long.

    Raises:
        Unfit: when no line ends for so long that a quote must be open by mistake, or this is no table.
    """
    rest = ""
    while raw := file.read(size):
        text = rest + raw.decode("latin-1")
        cut = _last_line_end(text, len(rest))
        if cut:
            yield text[:cut]
        rest = text[cut:]
        if len(rest) > LONGEST:
            raise Unfit(f"it has {LONGEST:,} characters without the end of a line, or a quote that is not closed")
    if rest:
        yield rest


def _last_line_end(text: str, start: int) -> int:
    """Returns the place after the last end of a line that is not inside quotes, from a place on; 0 for none."""
    end, inside = len(text), text.count('"') % 2
    while True:
        quote = text.rfind('"', start, end)
        cut = 0 if inside else text.rfind("\n", max(quote, start), end) + 1
        if cut or quote < 0:
            return cut
        end, inside = quote, 1 - inside


@lru_cache(maxsize=8)
def _pattern(delimiter: str) -> re.Pattern[str]:
    mark = re.escape(delimiter)
    return re.compile(rf'({QUOTED}|[^{mark}\r\n"]*)({mark}|\r?\n|\Z)')


def split_cells(text: str, delimiter: str) -> Cells | None:
    """Returns a block's cells, or None where the lines have different numbers of them or quotes are not closed.

    Args:
        text: of whole lines, not empty.
        delimiter: between cells.
    """
    closed = text.endswith("\n")
    end = "\r\n" if text.endswith("\r\n") or (not closed and "\r\n" in text) else "\n"
    body = text[: -len(end)] if closed else text
    rows = _split_quoted(body, delimiter, end) if '"' in body else [row.split(delimiter) for row in body.split(end)]
    if rows is None or len({len(row) for row in rows}) != 1:
        return None
    cells = Cells(list(zip(*rows, strict=True)), delimiter, end, closed)
    return cells if cells.text() == text else None


def _split_quoted(body: str, delimiter: str, end: str) -> list[list[str]] | None:
    rows: list[list[str]] = [[]]
    position, pattern = 0, _pattern(delimiter)
    while True:
        match = pattern.match(body, position)
        if match is None:
            return None
        cell, mark = match.groups()
        rows[-1].append(cell)
        position = match.end()
        if mark == end:
            rows.append([])
        elif mark != delimiter:
            return rows if mark == "" and position == len(body) else None
