"""How data is scaled for training, and which output activation fits."""

from __future__ import annotations

__all__ = ["Scaling", "choose_scaling"]

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
    pictures are stretched from their range to [0, 1]; tables are standardised for each column, signals for each channel.

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
    return _minmax(*_range(array)) if scale == "minmax" else _standard(array)


def _automatic(array: NDArray[Any], kind: str) -> Scaling:
    if array.dtype.kind == "b":
        return _unit(1.0)
    if kind == "image" and array.dtype == np.uint8 or kind == "table" and _is_pixel_row(array):
        return _unit(255.0)
    if kind == "image":
        low, high = _range(array)
        return _bounded(low, high, "values keep their range") or _minmax(low, high)
    return _standard(array)


def _is_pixel_row(array: NDArray[Any]) -> bool:
    return array.dtype == np.uint8 and array.shape[1] >= 64 and int(array.max()) > 128


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


def _standard(array: NDArray[Any]) -> Scaling:
    """Standardises over samples and, where there are channels, over time or pixels; constant columns only shift."""
    total, count = np.zeros(array.shape[1]), 0
    rest = tuple(range(2, array.ndim))
    for chunk in _chunks(array):
        total += chunk.sum(axis=(0, *rest))
        count += chunk.size // array.shape[1]
    mean = total / count
    spread = np.zeros(array.shape[1])
    for chunk in _chunks(array):
        spread += np.square(chunk - mean.reshape(-1, *(1,) * len(rest))).sum(axis=(0, *rest))
    std = np.sqrt(spread / count)
    constant = std <= 1e-12 * np.maximum(1.0, np.abs(mean))
    factor = np.where(constant, 1.0, 1 / np.where(constant, 1.0, std))
    shape = (-1, *(1,) * len(rest))
    what = "channels" if rest or array.ndim > 2 else "columns"
    note = f", {int(constant.sum())} constant" if constant.any() else ""
    reason = f"{what} are standardised{note}"
    return Scaling("standard", mean.reshape(shape), factor.reshape(shape), None, "identity", reason)


def _range(array: NDArray[Any]) -> tuple[float, float]:
    lows, highs = zip(*((chunk.min(), chunk.max()) for chunk in _chunks(array)), strict=True)
    return float(min(lows)), float(max(highs))


def _chunks(array: NDArray[Any]) -> list[NDArray[np.float64]] | Any:
    rows = max(1, CHUNK // max(1, array[0].size))
    return (np.asarray(array[i : i + rows], dtype=np.float64) for i in range(0, len(array), rows))
