"""One look at the data decides its kind, its scale and the output that fits."""

from __future__ import annotations

__all__ = ["decide"]

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.data.scaling import Scaling, choose_scaling
from latente.data.schema import TO_MODEL, Schema
from latente.data.spec import LAYOUTS, DataSpec

PIXEL_COLUMNS = 64  # a row of fewer bytes is taken for a table,
PIXEL_VALUE = 128  # and so are bytes that never exceed this


def decide(array: NDArray[Any], spec: DataSpec | None = None, columns: tuple[str, ...] | None = None) -> Schema:
    """Returns the schema of an array (n, ...), as the spec says or by looking at it.

    A 2-D array is a table, except bytes in rows of 64 or more columns that reach above 128: flattened pictures. 3-D is
    images (n, height, width) unless the layout says channels of signals. 4-D has its channels where the small axis is.

    Raises:
        ValueError: for a spec that does not fit the array's shape.

    Example:
        >>> schema = decide(np.zeros((5, 28, 28), dtype=np.uint8))
        >>> schema.kind, schema.sample_shape, schema.scale, schema.output
        ('image', (1, 28, 28), 'unit', 'sigmoid')
    """
    spec = spec or DataSpec()
    spec.check()
    layout, why = _layout(array, spec)
    kind = LAYOUTS[layout]
    sample_shape = _sample_shape(array, layout, spec)
    if spec.shape and array.ndim != 2:
        raise ValueError(f"DataSpec: shape is for pictures flattened in rows (n, values); X has shape {array.shape}")
    scale = spec.scale
    if spec.layout == "auto" and spec.kind in ("auto", "image") and (spec.shape or _is_flat_picture(array)):
        kind, sample_shape, why = _flat_picture(array, spec)
        scale = "unit" if scale == "auto" and array.dtype == np.uint8 else scale
    if spec.kind == "image" and kind == "table":
        raise ValueError(
            f"DataSpec(kind='image') with rows of {array.shape[1]} values: say their shape, e.g. "
            f"DataSpec(kind='image', shape=(height, width))"
        )
    ordered = array.transpose(TO_MODEL[layout]) if layout in TO_MODEL else array
    scaling = choose_scaling(ordered.reshape(len(array), *sample_shape), kind, scale)
    return Schema(
        kind=kind,
        layout=layout,
        user_shape=array.shape[1:],
        sample_shape=sample_shape,
        dtype=array.dtype.name,
        columns=columns,
        **_scaling_fields(scaling),
        reason=f"{why}; {scaling.reason}",
    )


def _scaling_fields(scaling: Scaling) -> dict[str, Any]:
    return {
        "scale": scaling.name,
        "shift": scaling.shift,
        "factor": scaling.factor,
        "bounds": scaling.bounds,
        "output": scaling.output,
    }


def _layout(array: NDArray[Any], spec: DataSpec) -> tuple[str, str]:
    """Returns the layout and why."""
    if spec.layout != "auto":
        if array.ndim != len(spec.layout):
            raise ValueError(f"layout {spec.layout!r} needs {len(spec.layout)} axes; X has shape {array.shape}")
        return spec.layout, f"layout {spec.layout} as given"
    if array.ndim == 2:
        signal = spec.kind == "signal"
        return ("nt", "rows are signals, as given") if signal else ("nf", "two axes are a table")
    if array.ndim == 3:
        if spec.kind == "signal":
            return "nct", "three axes are channels of signals, as the kind says"
        if spec.kind == "table":
            raise ValueError(f"a table has two axes; X has shape {array.shape}. Reshape it to (n, columns)")
        return "nhw", "three axes are images (n, height, width)"
    if array.ndim == 4 and spec.kind in ("auto", "image"):
        last = array.shape[3] < array.shape[1]
        return ("nhwc", "the last axis is the smallest") if last else ("nchw", "the second axis is the smallest")
    raise ValueError(
        f"X has {array.ndim} axes (shape {array.shape}); allowed: 2 (tables, signals), 3 (images, signals with "
        f"channels), 4 (images with channels). Reshape X, or say data=DataSpec(kind=..., layout=...)"
    )


def _sample_shape(array: NDArray[Any], layout: str, spec: DataSpec) -> tuple[int, ...]:
    """Returns the shape that the networks see."""
    shape = array.shape[1:]
    if layout == "nf":
        return shape
    if layout in ("nhw", "nt"):
        return (1, *shape)
    if layout in ("nchw", "nct"):
        return shape
    return (shape[-1], *shape[:-1])


def _is_flat_picture(array: NDArray[Any]) -> bool:
    return (
        array.ndim == 2
        and array.dtype == np.uint8
        and array.shape[1] >= PIXEL_COLUMNS
        and int(array.max()) > PIXEL_VALUE
    )


def _flat_picture(array: NDArray[Any], spec: DataSpec) -> tuple[str, tuple[int, ...], str]:
    """Returns kind, sample shape and reason for pictures in rows."""
    columns = array.shape[1]
    if spec.shape:
        shape = tuple(int(length) for length in spec.shape)
        shape = shape if len(shape) == 3 else (1, *shape)
        if math.prod(shape) != columns or len(shape) != 3:
            raise ValueError(f"shape {tuple(spec.shape)} does not hold the {columns} values of a row of X")
        return "image", shape, "rows are flattened pictures of the given shape"
    side = math.isqrt(columns)
    if side * side == columns:
        return "image", (1, side, side), f"rows of {columns} bytes are flattened pictures of {side} x {side}"
    return "table", (columns,), f"rows of {columns} bytes are flattened pictures of unknown shape"
