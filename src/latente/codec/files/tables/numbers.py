"""Columns of numbers as they are written in text: integers times a power of ten, and how to write them again."""

from __future__ import annotations

__all__ = ["Numbers", "parse_numbers"]

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from latente.codec.files.tables.text import NUMBER

Style = Literal["fixed", "short", "each"]
LARGEST = 1 << 62
DIGITS = 18  # that an int64 holds
NEGATIVE_ZERO = re.compile(r"-0(?:\.0+)?")


@dataclass(frozen=True)
class Numbers:
    """A column of numbers.

    Attributes:
        values: (rows,) int64; a number is values / 10^scale. Cells that are no numbers repeat the one before.
        scale: decimals of the integers.
        style: how numbers are written: all with `decimals` of them ("fixed"), without trailing zeros but with at least
            `decimals` ("short"), or each with its own number of them ("each").
        decimals: see style.
        each: (rows,) decimals of each number, for that style, else empty.
    """

    values: NDArray[np.int64]
    scale: int
    style: Style
    decimals: int
    each: NDArray[np.uint8]

    def cells(self) -> list[str]:
        """Returns the numbers as text."""
        write = {"fixed": self._fixed, "short": self._short, "each": self._each}[self.style]
        return write(_digits(self.values, self.scale))

    def _fixed(self, parts: list[tuple[str, str]]) -> list[str]:
        pad = "0" * (self.decimals - self.scale)
        if self.decimals == 0:
            return [whole for whole, _ in parts]
        return [f"{whole}.{rest}{pad}" for whole, rest in parts]

    def _short(self, parts: list[tuple[str, str]]) -> list[str]:
        shortened = [(whole, rest.rstrip("0").ljust(self.decimals, "0")) for whole, rest in parts]
        return [f"{whole}.{rest}" if rest else whole for whole, rest in shortened]

    def _each(self, parts: list[tuple[str, str]]) -> list[str]:
        return [
            f"{whole}.{rest[:n]}" if n else whole for (whole, rest), n in zip(parts, self.each.tolist(), strict=True)
        ]


def _digits(values: NDArray[np.int64], scale: int) -> list[tuple[str, str]]:
    """Returns what stands before and after the point of values / 10^scale; the second is scale digits long."""
    if scale == 0:
        return [(str(value), "") for value in values.tolist()]
    found = []
    for value in values.tolist():
        digits = str(abs(value)).zfill(scale + 1)
        found.append((f"-{digits[:-scale]}" if value < 0 else digits[:-scale], digits[-scale:]))
    return found


def parse_numbers(cells: Sequence[str], at_most: int = DIGITS) -> tuple[Numbers, NDArray[np.bool_]] | None:
    """Returns a column's numbers and which cells they are not, or None where there are too few or too long ones.

    Args:
        cells: of one column.
        at_most: decimals that are kept, where all digits would be too many; a number with more is rounded.
    """
    odd = np.fromiter((not NUMBER.fullmatch(cell) or bool(NEGATIVE_ZERO.fullmatch(cell)) for cell in cells), bool)
    if 2 * odd.sum() > len(cells):
        return None
    plain = [cell for cell, out in zip(cells, odd.tolist(), strict=True) if not out]
    points = [len(cell) - 1 - cell.find(".") if "." in cell else 0 for cell in plain]
    most, least = max(points, default=0), min(points, default=0)
    scale = min(most, at_most)
    values = _integers(plain, points, scale)
    if values is None or scale > DIGITS or most > 255:
        return None
    style, decimals = _style(plain, points, most, least, rounded=scale < most)
    each = np.zeros(0, np.uint8)
    if style == "each":
        each = _spread(np.array(points, np.uint8), odd)
    return Numbers(_spread(values, odd), scale, style, decimals, each), odd


def _integers(plain: list[str], points: list[int], scale: int) -> NDArray[np.int64] | None:
    """Returns numbers times 10^scale, rounded, or None where one does not fit."""
    values = np.empty(len(plain), np.int64)
    for i, (cell, n) in enumerate(zip(plain, points, strict=True)):
        value = int(cell.replace(".", "")) if n else int(cell)
        value = value * 10 ** (scale - n) if n <= scale else _rounded(value, 10 ** (n - scale))
        if not -LARGEST < value < LARGEST:
            return None
        values[i] = value
    return values


def _rounded(value: int, unit: int) -> int:
    """Returns value / unit to the nearest integer."""
    return (2 * value + unit) // (2 * unit)


def _style(plain: list[str], points: list[int], most: int, least: int, rounded: bool) -> tuple[Style, int]:
    """Returns how numbers are written, see `Numbers`; what was rounded is written without trailing zeros or fixed."""
    if most == least:
        return "fixed", most
    least = min(least, 1)
    bare = all(n == least or not cell.endswith("0") for cell, n in zip(plain, points, strict=True))
    return ("short", least) if bare or rounded else ("each", 0)


def _spread(values: NDArray, odd: NDArray[np.bool_]) -> NDArray:
    """Returns values at the places of numbers; at others the number before, or the first one."""
    if not odd.any() or not len(values):
        return values if len(values) else np.zeros(len(odd), values.dtype)
    return values[np.maximum(np.cumsum(~odd) - 1, 0)]
