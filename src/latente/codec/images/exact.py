"""Networks of integers, for what decides probabilities: encoder and decoder must get the very same numbers.

Activations and weights are integers in fixed point, kept as float64 so that a fast matrix product can be used. At build
it is checked that no sum of products, in whatever order it is formed, reaches 2^53. Below that every float64 operation
on integers is exact, so the result does not depend on the library of matrix products, on how many threads it uses, on
the layout in memory, or on how positions are split into tiles and batches. The products are numpy's: settings of torch
(oneDNN, the precision of float32 products, channels_last) do not touch them.

A layer computes floor((W x + b) / 2^shift + 1/2), limited to [-clip, clip]. Real numbers become integers once, when a
model is exported (`Layer.of`, `Table`), and are stored as such.
"""

from __future__ import annotations

__all__ = ["EXACT", "UNITS", "Affine", "Layer", "Table", "to_fixed"]

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

EXACT = 1 << 53  # below this every integer is a float64
UNITS = 12  # an activation a is the integer round(a 2^12)
WEIGHT_BITS = 14  # a weight w is the integer round(w 2^14), or of fewer bits where it would not fit into 16
Numbers = NDArray[np.float64]


def to_fixed(values: ArrayLike, bits: int = UNITS) -> NDArray[np.int64]:
    """Returns round(value 2^bits), half to even.

    Args:
        values: real numbers.
        bits: behind the point.

    Example:
        >>> to_fixed([0.5, -0.25], bits=4)
        array([ 8, -4])
    """
    return np.rint(np.asarray(values, np.float64) * 2.0**bits).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Layer:
    """The integers of a layer, as a model stores them.

    Attributes:
        weight: int16, (outputs, inputs) or (outputs, inputs, height, width).
        bias: int64, (outputs,), in units of the sums of products.
        shift: bits by which sums are shifted to the right.

    Example:
        >>> layer = Layer.of(np.array([[0.5, -1.0]]), np.array([0.25]))
        >>> layer.weight, layer.bias, layer.shift
        (array([[  8192, -16384]], dtype=int16), array([16777216]), 14)
    """

    weight: NDArray[np.int16]
    bias: NDArray[np.int64]
    shift: int

    @classmethod
    def of(cls, weight: ArrayLike, bias: ArrayLike | None = None, units: int = UNITS) -> Layer:
        """Returns the integers nearest to real weights.

        Args:
            weight: real, as the attribute's shape.
            bias: real, None for 0.
            units: bits behind the point of the inputs; the outputs have as many.

        Raises:
            ValueError: for a weight of 2^15 or more, or one that is not finite.
        """
        real = np.asarray(weight, np.float64)
        largest = float(np.abs(real).max(initial=0.0))
        if not largest < 32767:
            raise ValueError(f"a layer's weights must be finite and below 32,767; the largest is {largest:g}")
        shift = WEIGHT_BITS
        while largest * 2.0**shift > 32767:
            shift -= 1
        added = np.zeros(real.shape[0]) if bias is None else bias
        return cls(to_fixed(real, shift).astype(np.int16), to_fixed(added, shift + units), shift)

    def tensors(self, prefix: str) -> dict[str, NDArray[Any]]:
        """Returns what a model stores of it, by name; `read` is the way back.

        Args:
            prefix: of the names.
        """
        shift = np.array([self.shift], np.int32)
        return {f"{prefix}.weight": self.weight, f"{prefix}.bias": self.bias, f"{prefix}.shift": shift}

    @classmethod
    def read(cls, tensors: Mapping[str, NDArray[Any]], prefix: str) -> Layer:
        """Returns the layer that `tensors` stored.

        Args:
            tensors: of the model.
            prefix: of the names.

        Raises:
            KeyError: when one is missing.
            ValueError: when one is not of the stored form.
        """
        weight, bias, shift = (tensors[f"{prefix}.{name}"] for name in ("weight", "bias", "shift"))
        formed = weight.dtype == np.int16 and weight.ndim in (2, 4) and bias.dtype == np.int64
        if not formed or bias.shape != weight.shape[:1] or shift.shape != (1,) or not 0 <= int(shift[0]) <= 31:
            raise ValueError(f"the model's layer {prefix!r} is not one of integers")
        return cls(weight, bias, int(shift[0]))


class Affine:
    """A layer at each position, exact: floor((W x + b) / 2^shift + 1/2).

    Args:
        layer: with a weight (outputs, inputs).
        largest: magnitude that inputs have at most: one number, or one for each input, (inputs,).
        clip: magnitude to which outputs are limited; None does not limit them.
        relu: whether outputs below 0 become 0.

    Attributes:
        bound: magnitude that outputs have at most.

    Raises:
        ValueError: when a sum could reach 2^53, so that it would not be exact.

    Example:
        >>> double = Affine(Layer.of(np.array([[2.0]])), largest=1000)
        >>> double(np.array([[3.0], [-5.0]])).tolist(), double.bound
        ([[6.0], [-10.0]], 2000)
    """

    def __init__(self, layer: Layer, largest: ArrayLike, clip: int | None = None, relu: bool = False) -> None:
        weight = layer.weight.astype(np.int64).reshape(len(layer.weight), -1)
        half = (1 << layer.shift) >> 1
        inputs = np.broadcast_to(np.asarray(largest, np.float64), weight.shape[1:])
        added = np.abs(layer.bias.astype(np.float64))  # of int64, the magnitude of the smallest one is negative
        reached = float((np.abs(weight) @ inputs + added + half).max(initial=0.0))
        if not reached * (1 + 1e-9) < EXACT:
            raise ValueError(f"a layer's sums may reach {reached:.3g}, but are exact only below 2^53 = {EXACT:.3g}")
        self.weight = np.ascontiguousarray(weight.T.astype(np.float64))
        self.bias = (layer.bias + half).astype(np.float64)
        self.scale = 2.0**-layer.shift
        most = int(reached * self.scale)
        self.bound = most if clip is None else min(most, clip)
        self.limits = (0 if relu else -self.bound, self.bound) if relu or self.bound < most else None

    def __call__(self, x: Numbers) -> Numbers:
        """Returns (..., outputs).

        Args:
            x: (..., inputs), integers of at most the stated magnitude.
        """
        y = np.matmul(x, self.weight)
        y += self.bias
        y *= self.scale  # by a power of two: exact
        np.floor(y, out=y)
        return y if self.limits is None else np.clip(y, *self.limits, out=y)


class Table:
    """A function of one integer as a stored table; beyond its ends it goes on as a constant.

    Args:
        values: integers: of `low`, `low` + 1, ...
        low: the first argument.

    Attributes:
        bound: the largest magnitude in it.

    Example:
        >>> root = Table(to_fixed(np.sqrt(np.arange(10)), bits=4))
        >>> root(np.array([0.0, 4.0, 9.0, 100.0])).tolist()
        [0.0, 32.0, 48.0, 48.0]
    """

    def __init__(self, values: ArrayLike, low: int = 0) -> None:
        self.values, self.low = np.asarray(values).astype(np.float64), low
        self.bound = int(np.abs(self.values).max())

    def __call__(self, x: Numbers) -> Numbers:
        """Returns the values at x, of the same shape.

        Args:
            x: integers.
        """
        at = np.clip(x - self.low, 0, len(self.values) - 1).astype(np.intp)
        return self.values[at]
