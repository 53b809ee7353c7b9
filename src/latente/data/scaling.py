"""How data is scaled for training, and which output activation fits."""

from __future__ import annotations

__all__ = ["Scaling", "choose_scaling"]

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.data.rows import ArrayRows, Rows
from latente.data.statistics import Statistics, measure

UNIT_RANGE = {"uint8": 255.0, "uint16": 65535.0, "bool": 1.0}


@dataclass(frozen=True)
class Scaling:
    """Scaled data is (x - shift) * factor; see Schema for the fields, of which `constant` is known where values are
    looked at."""

    name: str
    shift: NDArray[np.float64]
    factor: NDArray[np.float64]
    bounds: tuple[float, float] | None
    output: str
    reason: str
    constant: tuple[int, ...] = ()


def choose_scaling(
    X: NDArray[Any] | Rows,
    kind: str,
    scale: str,
    arrange: Callable[[NDArray[Any]], NDArray[Any]] = np.asarray,
    what: str = "X",
) -> Scaling:
    """Returns the scaling of samples (n, ...), from at most one pass over them.

    By itself: bytes of pictures become [0, 1]; booleans and pictures of floats in [0, 1] or [-1, 1] stay; other
    pictures are stretched from their range to [0, 1]; tables are standardised for each column, signals for each
    channel.

    Args:
        X: on the user's scale.
        kind: "table", "image" or "signal".
        scale: as in DataSpec.
        arrange: brings samples (m, ...) into the model's order of axes.
        what: for messages.

    Raises:
        ValueError: for scale "unit" of a dtype without a natural range, and for values that are not finite.
    """
    rows = X if isinstance(X, Rows) else ArrayRows(X)
    dtype = rows.dtype
    if scale == "auto":
        natural = dtype.kind == "b" or (kind == "image" and dtype == np.uint8)
        scale = "unit" if natural else "range" if kind == "image" else "standard"
    if scale == "unit":
        return _unit(dtype)
    moments = scale == "standard"
    found = measure(rows, arrange, moments, what=what)
    constant = tuple(int(i) for i in np.flatnonzero(found.constant))
    if moments:
        scaling = _standard(found, arrange(rows.read(0, 1)).ndim - 1)
    elif scale == "minmax" and kind == "table":
        scaling = _minmax_columns(found)
    else:
        scaling = _of_all(float(found.low.min()), float(found.high.max()), scale)
    return replace(scaling, constant=constant)


def _of_all(low: float, high: float, scale: str) -> Scaling:
    """Returns one scaling for all values, which lie in [low, high]."""
    if scale == "minmax":
        return _minmax(low, high)
    if scale == "range":
        return _bounded(low, high, "values keep their range") or _minmax(low, high)
    return _bounded(low, high, "taken as it is") or _affine("none", 0.0, 1.0, None, "taken as it is")


def _bounded(low: float, high: float, reason: str) -> Scaling | None:
    """Returns the scaling of data that already lies in [0, 1] or [-1, 1], or None."""
    if low >= 0 and high <= 1:
        return _affine("none", 0.0, 1.0, (0.0, 1.0), reason)
    if low >= -1 and high <= 1:
        return _affine("none", 0.0, 1.0, (-1.0, 1.0), reason)
    return None


def _unit(dtype: np.dtype[Any]) -> Scaling:
    if dtype.name not in UNIT_RANGE:
        allowed = ", ".join(UNIT_RANGE)
        raise ValueError(f"scale 'unit' needs a dtype of {allowed}; X is {dtype}. Use 'minmax' instead")
    top = UNIT_RANGE[dtype.name]
    return _affine("unit", 0.0, 1 / top, (0.0, 1.0), f"0..{top:g} becomes [0, 1]")


def _minmax(low: float, high: float) -> Scaling:
    factor = 1 / (high - low) if high > low else 1.0
    return _affine("minmax", low, factor, (0.0, 1.0), f"{low:g}..{high:g} becomes [0, 1]")


def _affine(name: str, shift: float, factor: float, bounds: tuple[float, float] | None, reason: str) -> Scaling:
    output = {None: "identity", (0.0, 1.0): "sigmoid", (-1.0, 1.0): "tanh"}[bounds]
    return Scaling(name, np.array(shift), np.array(factor), bounds, output, reason)


def _minmax_columns(found: Statistics) -> Scaling:
    factor = 1 / np.where(found.constant, 1.0, found.high - found.low)
    return Scaling("minmax", found.low, factor, (0.0, 1.0), "sigmoid", "the range of each column becomes [0, 1]")


def _standard(found: Statistics, axes: int) -> Scaling:
    """Standardises columns, or channels over time or pixels; constant ones only shift.

    Args:
        found: the statistics of each.
        axes: of a sample in the model's order.
    """
    shape, factor = (-1, *(1,) * (axes - 1)), 1 / np.where(found.constant, 1.0, found.std)
    note = f", {int(found.constant.sum())} constant" if found.constant.any() else ""
    reason = f"{'channels' if axes > 1 else 'columns'} are standardised{note}"
    return Scaling("standard", found.mean.reshape(shape), factor.reshape(shape), None, "identity", reason)
