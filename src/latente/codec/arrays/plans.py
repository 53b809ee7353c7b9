"""The ways to predict an array that compete, each with its coding and its decoding.

A plan gets the numbers of an array and what error they may have, and gives a header, sections and the numbers as the
decoder will have them. New plans only need an entry in `PLANS`.
"""

from __future__ import annotations

__all__ = ["PLANS", "Coded", "Lorenzo", "Multilevel", "Plan", "Problem", "Transform"]

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from latente.codec.arrays.lorenzo import decode_lorenzo, encode_lorenzo
from latente.codec.arrays.multilevel import Lattice, decode_multilevel, encode_multilevel
from latente.codec.arrays.transform import RATIO, decode_transform, encode_transform

FINE = 64  # units of the lattice to a step, for real numbers
WIDEST = 2.0**36  # range of the lattice in units
ROUNDED = 0.49  # what an integer's rounding adds to a whole bound
Field = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_] | None
Header = dict[str, Any]
Sections = dict[str, bytes]


@dataclass(frozen=True)
class Problem:
    """What is to be coded.

    Attributes:
        values: finite everywhere; int64 when exact, float64 otherwise.
        bound: the largest error; a multiple of 1/2 when exact, 0 for none.
        exact: whether the values are integers. The results are too, but for means of an even number of integers.
        valid: points that count; None: all.
        pointwise: whether the bound holds for every value; if not, the rmse is to be about bound / sqrt(3).
    """

    values: Field | Integers
    bound: float
    exact: bool = False
    valid: Mask = None
    pointwise: bool = True

    @property
    def width(self) -> float:
        """Largest less smallest value."""
        return float(self.values.max()) - float(self.values.min())


@dataclass(frozen=True)
class Coded:
    """What a plan makes of a problem: how it is decoded, the bytes, and the values as they will be decoded."""

    header: Header
    sections: Sections
    values: Field | Integers

    @property
    def size(self) -> int:
        """Bytes, with a rough allowance for the header."""
        return sum(map(len, self.sections.values())) + 12 * len(self.sections)


class Plan(Protocol):
    """A way to predict."""

    @property
    def name(self) -> str: ...
    @property
    def extra(self) -> int: ...  # bytes that a stream takes beside what the plan codes
    def suits(self, problem: Problem) -> bool: ...
    def encode(self, problem: Problem) -> Coded: ...


@dataclass(frozen=True)
class Transform:
    """Wavelet coefficients, and corrections of the points that they leave outside the bound.

    Args:
        ratio: step of the coefficients over the bound.
    """

    ratio: float = RATIO
    name: ClassVar[str] = "transform"
    extra: ClassVar[int] = 0

    def suits(self, problem: Problem) -> bool:
        return problem.bound > 0 and problem.width / problem.bound < WIDEST

    def encode(self, problem: Problem) -> Coded:
        ratio = self.ratio if problem.pointwise else 2.0  # quantised uniformly, both have a variance of step^2 / 12
        bound = problem.bound + (ROUNDED if problem.exact else 0)
        x = problem.values.astype(np.float64)
        header, sections, values = encode_transform(x, bound, problem.valid, ratio=ratio, correct=problem.pointwise)
        return Coded({"plan": self.name, **header}, sections, np.rint(values) if problem.exact else values)

    @staticmethod
    def decode(header: Header, sections: Sections, shape: tuple[int, ...], valid: Mask) -> Field:
        return decode_transform(header, sections, shape, valid)


def _lattice(bound: float, exact: bool) -> tuple[Lattice, float]:
    """The lattice for a bound, and its unit.

    Of integers, 2 bound + 1 in a row become one; a prediction is rounded so that no error is larger.
    """
    if not exact:
        return Lattice(FINE), 2 * bound / FINE
    together = int(2 * bound) + 1
    return (Lattice(together), 1.0) if together % 2 else (Lattice(2 * together, 2, 1), 0.5)


def short(value: float, digits: int = 4) -> float:
    """A number near a value that takes few characters to write."""
    return float(f"{value:.{digits}g}")


@dataclass(frozen=True)
class Multilevel:
    """Every point from points around it, coarse to fine.

    Args:
        alone: the axis whose slices are predicted each for itself, less the mean over the axis; None: no axis is.
    """

    alone: int | None = None
    name: ClassVar[str] = "multilevel"
    extra: ClassVar[int] = 0

    def suits(self, problem: Problem) -> bool:
        _, unit = _lattice(problem.bound, problem.exact)
        return unit > 0 and problem.width / unit < WIDEST

    def encode(self, problem: Problem) -> Coded:
        lattice, unit = _lattice(problem.bound, problem.exact)
        low = problem.values.mean().item()
        low = int(low) if problem.exact else short(low)
        x = (problem.values - low).astype(np.float64) / unit
        header: Header = {"plan": self.name, "low": low, "bound": problem.bound}
        sections: Sections = {}
        split = [True] * x.ndim
        if self.alone is not None:
            header["alone"], split[self.alone] = self.alone, False
            mean, coarse = x.mean(axis=self.alone, keepdims=True), Lattice(lattice.step, lattice.grain)
            first, rounded = encode_multilevel(mean, (True,) * x.ndim, coarse)
            sections = {f"mean {name}": data for name, data in first.items()}
            x -= rounded
        second, values = encode_multilevel(x, tuple(split), lattice, problem.valid)
        if self.alone is not None:
            values = values + rounded
        return Coded(header, {**sections, **second}, _from_lattice(values, low, unit))

    @staticmethod
    def decode(header: Header, sections: Sections, shape: tuple[int, ...], valid: Mask) -> Field | Integers:
        low, alone = header["low"], header.get("alone")
        lattice, unit = _lattice(header["bound"], isinstance(low, int))
        split = tuple(a != alone for a in range(len(shape)))
        values = decode_multilevel(sections, shape, split, lattice, valid)
        if alone is not None:
            first = {name.removeprefix("mean "): data for name, data in sections.items() if name.startswith("mean ")}
            flat = tuple(1 if a == alone else n for a, n in enumerate(shape))
            values = values + decode_multilevel(first, flat, (True,) * len(shape), Lattice(lattice.step, lattice.grain))
        return _from_lattice(values, low, unit)


def _from_lattice(values: Field, low: float | int, unit: float) -> Field | Integers:
    """The numbers of a lattice's integers: integers again where both the unit and the offset are."""
    if isinstance(low, int) and unit == 1:
        return values.astype(np.int64) + low
    return values * unit + low


@dataclass(frozen=True)
class Lorenzo:
    """Differences along every axis of the quantised integers."""

    name: ClassVar[str] = "lorenzo"
    extra: ClassVar[int] = 0

    def suits(self, problem: Problem) -> bool:
        if problem.exact and problem.bound == 0:
            return True
        return problem.bound > 0 and problem.width / problem.bound < 2.0**52

    def encode(self, problem: Problem) -> Coded:
        if problem.exact and problem.bound == 0:
            first = int(problem.values.flat[0])
            integers = (
                problem.values.astype(np.int64, copy=False) - first
            )  # what overflows here wraps back when decoded
            sections = encode_lorenzo(integers)
            return Coded({"plan": self.name, "first": first}, sections, problem.values)
        unit = float(int(2 * problem.bound) + 1) if problem.exact else 2 * problem.bound
        offset = float(problem.values.min()) + (problem.bound if problem.exact else 0.0)
        q = np.rint((problem.values - offset) / unit)
        header = {"plan": self.name, "unit": unit, "offset": offset}
        return Coded(header, encode_lorenzo(q.astype(np.int64)), q * unit + offset)

    @staticmethod
    def decode(header: Header, sections: Sections, shape: tuple[int, ...], valid: Mask) -> Field | Integers:
        values = decode_lorenzo(sections, shape)
        if "first" in header:
            return values + int(header["first"])
        return values.astype(np.float64) * float(header["unit"]) + float(header["offset"])


PLANS: dict[str, Any] = {plan.name: plan for plan in (Transform, Multilevel, Lorenzo)}
