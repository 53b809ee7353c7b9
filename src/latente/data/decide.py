"""One look at the data decides its kind, its scale and the output that fits."""

from __future__ import annotations

__all__ = ["Recognised", "decide", "recognise"]

import contextlib
import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latente.data.rows import ArrayRows, Rows
from latente.data.scaling import Scaling, choose_scaling
from latente.data.schema import TO_MODEL, Schema
from latente.data.spec import LAYOUTS, DataSpec

PIXEL_COLUMNS = 64  # a row of fewer bytes is taken for a table,
PIXEL_VALUE = 128  # and so are bytes that never exceed this


def decide(X: NDArray[Any] | Rows, spec: DataSpec | None = None, columns: tuple[str, ...] | None = None) -> Schema:
    """Returns the schema of samples (n, ...), as the spec says or from one look at them.

    A 2-D array is a table, except bytes in rows of 64 or more columns that reach above 128: flattened pictures. 3-D is
    images (n, height, width) unless the layout says channels of signals. 4-D has its channels where the small axis is.

    Args:
        X: an array, or rows that are read in pieces.
        spec: what the user says.
        columns: the names of an array's columns.

    Raises:
        ValueError: for a spec that does not fit the shape, and for values that are not finite.

    Example:
        >>> schema = decide(np.zeros((5, 28, 28), dtype=np.uint8))
        >>> schema.kind, schema.sample_shape, schema.scale, schema.output
        ('image', (1, 28, 28), 'unit', 'sigmoid')
    """
    spec, rows = spec or DataSpec(), X if isinstance(X, Rows) else ArrayRows(X, columns)
    seen = recognise(rows, spec)

    def arrange(samples: NDArray[Any]) -> NDArray[Any]:
        samples = samples.transpose(TO_MODEL[seen.layout]) if seen.layout in TO_MODEL else samples
        return samples.reshape(len(samples), *seen.sample_shape)

    bytes_ = seen.flat and spec.scale == "auto" and rows.dtype == np.uint8
    scaling = choose_scaling(rows, seen.kind, "unit" if bytes_ else spec.scale, arrange)
    return Schema(
        kind=seen.kind,
        layout=seen.layout,
        user_shape=rows.shape[1:],
        sample_shape=seen.sample_shape,
        dtype=rows.dtype.name,
        columns=rows.columns,
        **_scaling_fields(scaling),
        reason=f"{seen.why}; {scaling.reason}",
    )


class Recognised(NamedTuple):
    """What the samples are: see Schema. `flat` are pictures that come in rows; `why` says it in words."""

    kind: str
    layout: str
    sample_shape: tuple[int, ...]
    flat: bool
    why: str


def recognise(rows: Rows, spec: DataSpec) -> Recognised:
    """Returns what samples (n, ...) are; looks at values only where rows of bytes may be flattened pictures.

    Args:
        rows: the samples.
        spec: what the user says.

    Raises:
        ValueError: for a spec that does not fit the shape.

    Example:
        >>> recognise(ArrayRows(np.zeros((5, 3, 100))), DataSpec(layout="nct"))[:3]
        ('signal', 'nct', (3, 100))
    """
    spec.check()
    layout, why = _layout(rows, spec)
    if spec.shape and rows.ndim != 2:
        raise ValueError(f"DataSpec: shape is for pictures flattened in rows (n, values); X has shape {rows.shape}")
    if spec.layout == "auto" and spec.kind in ("auto", "image") and (spec.shape or _is_flat_picture(rows)):
        kind, sample_shape, why = _flat_picture(rows, spec)
        seen = Recognised(kind, layout, sample_shape, True, why)
    else:
        seen = Recognised(LAYOUTS[layout], layout, _sample_shape(rows.shape[1:], layout), False, why)
    if spec.kind == "image" and seen.kind == "table":
        raise ValueError(
            f"DataSpec(kind='image') with rows of {rows.shape[1]} values: say their shape, e.g. "
            f"DataSpec(kind='image', shape=(height, width))"
        )
    return seen


def _scaling_fields(scaling: Scaling) -> dict[str, Any]:
    return {
        "scale": scaling.name,
        "shift": scaling.shift,
        "factor": scaling.factor,
        "bounds": scaling.bounds,
        "output": scaling.output,
        "constant": scaling.constant,
    }


def _layout(rows: Rows, spec: DataSpec) -> tuple[str, str]:
    """Returns the layout and why."""
    if spec.layout != "auto":
        if rows.ndim != len(spec.layout):
            raise ValueError(f"layout {spec.layout!r} needs {len(spec.layout)} axes; X has shape {rows.shape}")
        return spec.layout, f"layout {spec.layout} as given"
    if rows.ndim == 2:
        signal = spec.kind == "signal"
        return ("nt", "rows are signals, as given") if signal else ("nf", "two axes are a table")
    if rows.ndim == 3:
        if spec.kind == "signal":
            return "nct", "three axes are channels of signals, as the kind says"
        if spec.kind == "table":
            raise ValueError(f"a table has two axes; X has shape {rows.shape}. Reshape it to (n, columns)")
        return "nhw", "three axes are images (n, height, width)"
    if rows.ndim == 4 and spec.kind in ("auto", "image"):
        last = rows.shape[3] < rows.shape[1]
        return ("nhwc", "the last axis is the smallest") if last else ("nchw", "the second axis is the smallest")
    raise ValueError(
        f"X has {rows.ndim} axes (shape {rows.shape}); allowed: 2 (tables, signals), 3 (images, signals with "
        f"channels), 4 (images with channels). Reshape X, or say data=DataSpec(kind=..., layout=...)"
    )


def _sample_shape(shape: tuple[int, ...], layout: str) -> tuple[int, ...]:
    """Returns the shape that the networks see."""
    if layout == "nf":
        return shape
    if layout in ("nhw", "nt"):
        return (1, *shape)
    if layout in ("nchw", "nct"):
        return shape
    return (shape[-1], *shape[:-1])


def _is_flat_picture(rows: Rows) -> bool:
    """Returns whether rows of bytes reach above 128; the first that does ends the search."""
    if rows.ndim != 2 or rows.dtype != np.uint8 or rows.shape[1] < PIXEL_COLUMNS:
        return False
    with contextlib.closing(rows.chunks()) as chunks:
        return any(int(chunk.max()) > PIXEL_VALUE for _, chunk in chunks)


def _flat_picture(rows: Rows, spec: DataSpec) -> tuple[str, tuple[int, ...], str]:
    """Returns kind, sample shape and reason for pictures in rows."""
    columns = rows.shape[1]
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
