"""Arrays as the numbers that predictors work on, and back.

real      the values themselves, in float64
integers  n of x = base + n for integer types
steps     n of x = base + n d, where all floating-point values lie on such a grid (few digits, whole numbers)
palette   the rank among few distinct values
bits      the bits of floating-point values as integers in the same order, for coding without loss
"""

from __future__ import annotations

__all__ = ["Numbers", "bits_of", "find_steps", "from_bits", "numbers_of", "restore"]

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.codec.arrays.allowed import LARGE
from latente.codec.arrays.finite import filled

SAMPLE = 4096
PALETTE = 256  # distinct values up to which ranks are coded
WIDEST = 2**62  # range of integers that is coded; wider arrays are packed as bytes
COARSE = 24  # steps in the bound's whole width above which the grid of the values is of no use
Field = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Numbers:
    """The numbers of an array.

    Attributes:
        kind: one of those above.
        values: float64 for the kind "real", int64 for the others; of the array's shape.
        bound: the largest error, in these numbers.
        header: what `restore` needs.
        palette: the distinct values, for the kind "palette".
    """

    kind: str
    values: Field | Integers
    bound: float
    header: dict[str, Any] = field(default_factory=dict)
    palette: NDArray[Any] | None = None

    @property
    def exact(self) -> bool:
        return self.kind != "real"


def bits_of(x: NDArray[Any]) -> NDArray[np.int64]:
    """Integers in the order of the floating-point values: -0.0 is -1, 0.0 is 0.

    Example:
        >>> bits_of(np.array([-0.0, 0.0, 1e-45], np.float32))
        array([-1,  0,  1])
    """
    integers = x.view(f"i{x.dtype.itemsize}").astype(np.int64)
    top = np.int64(-(1 << (8 * x.dtype.itemsize - 1)))
    return np.where(integers < 0, ~(integers - top), integers)


def from_bits(integers: NDArray[np.int64], dtype: np.dtype[Any]) -> NDArray[Any]:
    """The inverse of `bits_of`; integers outside the type wrap around."""
    top = np.int64(-(1 << (8 * dtype.itemsize - 1)))
    return np.where(integers < 0, ~integers + top, integers).astype(f"i{dtype.itemsize}").view(dtype)


def find_steps(finite: NDArray[Any]) -> tuple[float, float] | None:
    """(base, d) when every finite value is exactly base + n d after the cast to its type, n an integer; else None.

    Args:
        finite: the finite values of a floating-point array, flat.
    """
    values = finite.astype(np.float64)
    some = np.unique(values[:: max(1, len(values) // SAMPLE)])
    if len(some) < 2 or max(abs(some[0]), abs(some[-1])) > LARGE:
        return None
    smallest, span = float(np.diff(some).min()), float(some[-1] - some[0])
    if smallest < 1 / LARGE or span / smallest > 2.0**40:
        return None
    base = float(values.min())
    written = [float(f"{smallest:.{digits}g}") for digits in (1, 2, 4)]
    for d in dict.fromkeys([1.0, smallest, *written, span / round(span / smallest)]):
        for start in dict.fromkeys([0.0, base]):
            if _fits(some, start, d, finite.dtype) and _fits(values, start, d, finite.dtype):
                return start, d
    return None


def _fits(values: Field, base: float, d: float, dtype: np.dtype[Any]) -> bool:
    with np.errstate(over="ignore", invalid="ignore"):
        n = np.rint((values - base) / d)
        return bool(np.abs(n).max() < 2.0**40) and bool(((base + n * d).astype(dtype) == values.astype(dtype)).all())


def numbers_of(x: NDArray[Any], valid: NDArray[np.bool_] | None, bound: float) -> Numbers | None:
    """The numbers under which an array is best coded, or None for integers of too wide a range.

    Args:
        x: a native array of booleans, integers or floating-point values.
        valid: where the values are finite; None: everywhere.
        bound: the largest error; 0 keeps every bit.
    """
    finite = x.ravel() if valid is None else x[valid]
    if x.dtype.kind in "iub":
        low, high = int(finite.min()), int(finite.max())
        if high - low >= WIDEST:
            return None
        wide = x.astype(np.uint64) if x.dtype.kind in "ub" else x.astype(np.int64).view(np.uint64)
        n = (wide - np.uint64(low % 2**64)).view(np.int64)
        return Numbers("integers", n if valid is None else _filled(n, valid), math.floor(bound), {"base": low})
    steps = find_steps(finite) if bound == 0 or _few_steps(finite, bound) else None
    if steps is not None and 2 * bound / steps[1] < COARSE:
        with np.errstate(invalid="ignore", over="ignore"):  # NaN and infinities, which do not count
            places = np.rint((x.astype(np.float64) - steps[0]) / steps[1])
        whole = math.floor(2 * bound / steps[1] * (1 + 1e-12)) / 2
        whole_steps = places if valid is None else _filled(places, valid)
        return Numbers("steps", whole_steps.astype(np.int64), whole, {"base": steps[0], "d": steps[1]})
    if bound > 0:
        with np.errstate(invalid="ignore"):
            real = x.astype(np.float64)
        return Numbers("real", real if valid is None else filled(real, valid), bound)
    return _lossless(x, finite, valid)


def _few_steps(finite: NDArray[Any], bound: float) -> bool:
    """Whether a sample has few distinct values for its size and range."""
    some = np.unique(finite[:: max(1, len(finite) // SAMPLE)].astype(np.float64))
    return len(some) > 1 and float(np.diff(some).min()) * COARSE > 2 * bound


def _lossless(x: NDArray[Any], finite: NDArray[Any], valid: NDArray[np.bool_] | None) -> Numbers:
    bits = bits_of(x)
    few = np.unique(bits_of(finite[:: max(1, len(finite) // SAMPLE)]))
    if len(few) <= PALETTE:
        every = np.unique(bits_of(finite))
        if len(every) <= PALETTE:
            rank = np.clip(np.searchsorted(every, bits), 0, len(every) - 1)
            rank = rank if valid is None else _filled(rank, valid)
            return Numbers("palette", rank, 0.0, palette=from_bits(every, x.dtype))
    return Numbers("bits", bits if valid is None else _filled(bits, valid), 0.0)


def _filled(n: NDArray[Any], valid: NDArray[np.bool_]) -> Integers:
    low = n[valid].min()  # relative to it, nothing large is rounded
    smooth = filled((np.where(valid, n, low) - low).astype(np.float64), valid)
    return np.where(valid, n, np.rint(smooth).astype(np.int64) + low).astype(np.int64)


def restore(
    kind: str,
    values: NDArray[Any],
    header: dict[str, Any],
    dtype: np.dtype[Any],
    palette: NDArray[Any] | None = None,
    valid: NDArray[Any] | None = None,
) -> NDArray[Any]:
    """The array whose numbers these are.

    Args:
        kind: of the numbers.
        values: the numbers.
        header: what else was stored of them.
        dtype: of the array.
        palette: of the kind "palette", its values.
        valid: bool, where numbers mean something; what a transform leaves elsewhere may lie outside any palette.

    Raises:
        ValueError: when the numbers cannot come from an array of this type.
    """
    if kind == "bits":
        return from_bits(values.astype(np.int64), dtype)
    if kind == "palette":
        rank = values.astype(np.int64)
        counted = rank if valid is None else rank[valid]
        if (
            palette is None
            or len(palette) == 0
            or (counted.size and not 0 <= counted.min() <= counted.max() < len(palette))
        ):
            raise ValueError("a rank lies outside the palette: the file is damaged")
        return palette[np.clip(rank, 0, len(palette) - 1)]
    if kind == "integers":
        return _integers(values, int(header["base"]), dtype)
    if kind == "steps":
        values = float(header["base"]) + values * float(header["d"])
    elif kind != "real":
        raise ValueError(f"numbers of the kind {kind!r} are not known to this version")
    with np.errstate(over="ignore"):
        return values.astype(dtype)


def _integers(values: NDArray[Any], base: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """base + n, clipped to the type."""
    if dtype.kind == "b":
        return values + base > 0
    info = np.iinfo(dtype)
    n = np.clip(np.rint(values) if values.dtype.kind == "f" else values, info.min - base, min(info.max - base, WIDEST))
    return (n.astype(np.int64).view(np.uint64) + np.uint64(base % 2**64)).astype(dtype)
