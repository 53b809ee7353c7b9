"""How data is scaled for training, and which output activation fits."""

from __future__ import annotations

__all__ = ["Scaling", "choose_scaling"]

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

UNIT_RANGE = {"uint8": 255.0, "uint16": 65535.0, "bool": 1.0}
CHUNK = 1 << 22


@dataclass(frozen=True)
class Scaling:
    """Scaled data is (x - shift) * factor; see Schema for the fields."""

    name: str
    shift: NDArray[np.float64]
    factor: NDArray[np.float64]
    bounds: tuple[float, float] | None
    output: str
    reason: str


def choose_scaling(array: NDArray[Any], kind: str, scale: str) -> Scaling:
    """Returns the scaling of an array (n, *sample_shape).

    By itself: bytes of pictures become [0, 1]; booleans and pictures of floats in [0, 1] or [-1, 1] stay; other
    pictures are stretched from their range to [0, 1]; tables are standardised for each column, signals for each
    channel.

    Args:
        array: on the user's scale, in the model's order of axes.
        kind: "table", "image" or "signal".
        scale: as in DataSpec.

    Raises:
        ValueError: for scale "unit" of a dtype without a natural range.
    """
    if scale == "auto":
        return _automatic(array, kind)
    if scale == "none":
        low, high = _range(array)
        return _bounded(low, high, "taken as it is") or _affine("none", 0.0, 1.0, None, "taken as it is")
    if scale == "unit":
        if array.dtype.name not in UNIT_RANGE:
            allowed = ", ".join(UNIT_RANGE)
            raise ValueError(f"scale 'unit' needs a dtype of {allowed}; X is {array.dtype}. Use 'minmax' instead")
        return _unit(UNIT_RANGE[array.dtype.name])
    if scale == "standard":
        return _standard(array)
    return _minmax_columns(array) if kind == "table" else _minmax(*_range(array))


def _automatic(array: NDArray[Any], kind: str) -> Scaling:
    if array.dtype.kind == "b":
        return _unit(1.0)
    if kind == "image" and array.dtype == np.uint8:
        return _unit(255.0)
    if kind == "image":
        low, high = _range(array)
        return _bounded(low, high, "values keep their range") or _minmax(low, high)
    return _standard(array)


def _bounded(low: float, high: float, reason: str) -> Scaling | None:
    """Returns the scaling of data that already lies in [0, 1] or [-1, 1], or None."""
    if low >= 0 and high <= 1:
        return _affine("none", 0.0, 1.0, (0.0, 1.0), reason)
    if low >= -1 and high <= 1:
        return _affine("none", 0.0, 1.0, (-1.0, 1.0), reason)
    return None


def _unit(top: float) -> Scaling:
    return _affine("unit", 0.0, 1 / top, (0.0, 1.0), f"0..{top:g} becomes [0, 1]")


def _minmax(low: float, high: float) -> Scaling:
    factor = 1 / (high - low) if high > low else 1.0
    return _affine("minmax", low, factor, (0.0, 1.0), f"{low:g}..{high:g} becomes [0, 1]")


def _affine(name: str, shift: float, factor: float, bounds: tuple[float, float] | None, reason: str) -> Scaling:
    output = {None: "identity", (0.0, 1.0): "sigmoid", (-1.0, 1.0): "tanh"}[bounds]
    return Scaling(name, np.array(shift), np.array(factor), bounds, output, reason)


def _minmax_columns(array: NDArray[Any]) -> Scaling:
    low, high, constant = _extremes(array, (0,))
    factor = 1 / np.where(constant, 1.0, high - low)
    return Scaling("minmax", low, factor, (0.0, 1.0), "sigmoid", "the range of each column becomes [0, 1]")


def _standard(array: NDArray[Any]) -> Scaling:
    """Standardises over samples and, where there are channels, over time or pixels; constant columns only shift.

    The second pass corrects the mean of the first, so that small changes on top of a large offset keep their digits.
    """
    axes, shape = (0, *range(2, array.ndim)), (-1, *(1,) * (array.ndim - 2))
    low, high, constant = _extremes(array, axes)
    count = array.size // array.shape[1]
    mean = np.where(constant, low, sum(chunk.sum(axis=axes) for chunk in _chunks(array)) / count)
    width = np.where(constant, 1.0, high - low)
    drift, squares = np.zeros(array.shape[1]), np.zeros(array.shape[1])
    for chunk in _chunks(array):
        deviation = (chunk - mean.reshape(shape)) / width.reshape(shape)
        drift += deviation.sum(axis=axes) / count
        squares += np.square(deviation).sum(axis=axes) / count
    std = width * np.sqrt(np.maximum(squares - drift**2, 0.0))
    mean, factor = mean + np.where(constant, 0.0, width * drift), 1 / np.where(constant, 1.0, std)
    note = f", {int(constant.sum())} constant" if constant.any() else ""
    reason = f"{'channels' if len(axes) > 1 else 'columns'} are standardised{note}"
    return Scaling("standard", mean.reshape(shape), factor.reshape(shape), None, "identity", reason)


def _extremes(array: NDArray[Any], axes: tuple[int, ...]) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.bool_]]:
    """Returns the lowest and highest value of each column or channel, and whether they are the same up to rounding."""
    pairs = [(chunk.min(axis=axes), chunk.max(axis=axes)) for chunk in _chunks(array)]
    low, high = np.min([pair[0] for pair in pairs], axis=0), np.max([pair[1] for pair in pairs], axis=0)
    rounding = np.finfo(array.dtype).eps if array.dtype.kind == "f" else 0.0
    return low, high, high - low <= 2 * float(rounding) * np.maximum(np.abs(low), np.abs(high))


def _range(array: NDArray[Any]) -> tuple[float, float]:
    lows, highs = zip(*((chunk.min(), chunk.max()) for chunk in _chunks(array)), strict=True)
    return float(min(lows)), float(max(highs))


def _chunks(array: NDArray[Any]) -> Iterator[NDArray[np.float64]]:
    rows = max(1, CHUNK // max(1, array[0].size))
    return (np.asarray(array[i : i + rows], dtype=np.float64) for i in range(0, len(array), rows))
