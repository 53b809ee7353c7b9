"""The front door's decisions about a data set, and the way in and out that follows from them."""

from __future__ import annotations

__all__ = ["Schema"]

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latente.data.ranges import warn_of_range
from latente.data.rows import Rows

CHUNK = 1 << 24  # values scaled in one piece
SAMPLES = 1_000  # whose spread is measured
TO_MODEL = {"nhwc": (0, 3, 1, 2), "ntc": (0, 2, 1)}
FROM_MODEL = {"nhwc": (0, 2, 3, 1), "ntc": (0, 2, 1)}


@dataclass(frozen=True)
class Schema:
    """What one sample is, how it is scaled, and how it goes back. Stored in every model.

    Scaled data is (x - shift) * factor. Pictures of bytes stay bytes in memory and are scaled in the batch; everything
    else is scaled once, in double precision, and kept as float32.

    Attributes:
        kind: "table", "image" or "signal".
        layout: the order of the user's axes, e.g. "nhwc".
        user_shape: the shape of one sample as the user has it.
        sample_shape: the shape that the networks see: (features,), (channels, time) or (channels, height, width).
        dtype: the name of the user's dtype.
        scale: "none", "unit", "minmax" or "standard".
        shift: float64, broadcasts against sample_shape.
        factor: float64, broadcasts against sample_shape.
        bounds: the smallest and largest value of scaled data where it has limits, else None.
        output: the decoder's activation that fits the bounds: "sigmoid", "tanh", "clip" or "identity".
        columns: the names of a frame's columns, or None.
        reason: why kind and scale were chosen, in words.
        constant: columns of a table (channels of signals and pictures) that have one value in all training data; empty
            also where nobody looked, as at bytes.
        spread: the root mean square distance of scaled values from those of the mean sample, of values that vary, where
            somebody asked.

    Example:
        >>> from latente.data import decide
        >>> X = np.array([[1.0, 50.0], [3.0, 70.0]])
        >>> schema = decide(X)
        >>> schema.ingest(X)
        tensor([[-1., -1.],
                [ 1.,  1.]])
        >>> schema.restore(np.array([[0.0, 0.5]]))
        array([[ 2., 65.]])
    """

    kind: str
    layout: str
    user_shape: tuple[int, ...]
    sample_shape: tuple[int, ...]
    dtype: str
    scale: str
    shift: NDArray[np.float64]
    factor: NDArray[np.float64]
    bounds: tuple[float, float] | None
    output: str
    columns: tuple[str, ...] | None = None
    reason: str = ""
    constant: tuple[int, ...] = ()
    spread: float | None = None

    @property
    def size(self) -> int:
        """The number of values in a sample."""
        return int(np.prod(self.sample_shape))

    def check_shape(self, samples: NDArray[Any] | Rows) -> None:
        """Raises ValueError when samples (n, ...) are not shaped like those of the training data."""
        if samples.shape[1:] != self.user_shape:
            raise ValueError(
                f"X has samples of shape {samples.shape[1:]}, but this model was trained on samples of shape "
                f"{self.user_shape} (kind {self.kind}, layout {self.layout}); reshape X to (n, "
                f"{', '.join(map(str, self.user_shape))})"
            )

    def arranged(self, array: NDArray[Any]) -> NDArray[Any]:
        """Returns the user's array (n, *user_shape) with the axes that the networks see, (n, *sample_shape)."""
        array = array.transpose(TO_MODEL[self.layout]) if self.layout in TO_MODEL else array
        return array.reshape(len(array), *self.sample_shape)

    def ingest(self, array: NDArray[Any]) -> Tensor:
        """Returns the user's array (n, *user_shape) as a tensor (n, *sample_shape): bytes, or scaled float32.

        Warns with a RangeWarning of pictures that are on another scale than those of the training data.

        Raises:
            ValueError: for values that are too large for float32 once they are scaled.
        """
        warn_of_range(self, array)
        array = self.arranged(array)
        if array.dtype == np.uint8 and self.dtype == "uint8" and self.scale == "unit":
            return torch.from_numpy(np.require(array, requirements=["C", "W"]))  # copies only what it must
        out = np.empty(array.shape, dtype=np.float32)
        rows = max(1, CHUNK // max(1, self.size))
        try:
            with np.errstate(over="raise"):
                for start in range(0, len(array), rows):
                    chunk = np.asarray(array[start : start + rows], dtype=np.float64)
                    out[start : start + rows] = (chunk - self.shift) * self.factor
        except FloatingPointError as error:
            raise ValueError(
                f"X has values that do not fit into float32 after scaling (scale {self.scale!r}); clip outliers, or "
                "let DataSpec(scale='auto') choose the scale"
            ) from error
        return torch.from_numpy(out)

    def prepare(self, batch: Tensor) -> Tensor:
        """Returns a slice of what `ingest` gave as scaled float32: bytes are divided by 255, floats pass.

        Args:
            batch: (batch, *sample_shape).
        """
        return batch.float().mul_(1 / 255) if batch.dtype == torch.uint8 else batch

    def restore(self, scaled: NDArray[np.floating[Any]]) -> NDArray[Any]:
        """Returns scaled samples (n, *sample_shape) in the user's shape, units and dtype.

        Integers are rounded; what the dtype cannot hold becomes its nearest value.
        """
        values = scaled.astype(np.float64) / self.factor + self.shift
        values = values.transpose(FROM_MODEL[self.layout]) if self.layout in FROM_MODEL else values
        values = values.reshape(len(values), *self.user_shape)
        dtype = np.dtype(self.dtype)
        if dtype.kind == "b":
            return values > 0.5
        return (np.rint(values) if dtype.kind in "iu" else values).clip(*_limits(dtype)).astype(dtype)

    def to_dict(self) -> dict[str, Any]:
        """Returns the JSON-ready part: everything but shift and factor, and but a spread that nobody asked for.

        Models are known by their description, so it must stay what it was before there was a spread.
        """
        left_out = {"shift", "factor"} | ({"spread"} if self.spread is None else set())
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name not in left_out}

    @staticmethod
    def from_dict(description: dict[str, Any], shift: NDArray[np.float64], factor: NDArray[np.float64]) -> Schema:
        """Makes the schema that `to_dict` described.

        Args:
            description: that dictionary.
            shift: of the schema.
            factor: of the schema.
        """
        values: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in description.items()}
        return Schema(**values, shift=shift, factor=factor)

    def with_spread(self, rows: Rows) -> Schema:
        """Returns the schema with the spread of samples, measured on at most 1,000 of them, fewer where they are large.

        Args:
            rows: samples of the user, two or more.
        """
        x = self.arranged(rows.sample(min(SAMPLES, max(2, CHUNK // self.size)))).astype(np.float64)
        variance = ((x - self.shift) * self.factor).var(0)
        varying = variance > 0  # a border that is always black says nothing of the rest
        return replace(self, spread=float(np.sqrt(variance[varying].mean())) if varying.any() else 0.0)

    def describe(self) -> str:
        """Returns one line for people."""
        span = f", in [{self.bounds[0]:g}, {self.bounds[1]:g}]" if self.bounds else ""
        shape = " x ".join(map(str, self.user_shape))
        kind = f"{self.kind} of shape {shape} ({self.dtype})"
        return f"{kind}, scale {self.scale}{span}, output {self.output}: {self.reason}"


def _limits(dtype: np.dtype[Any]) -> tuple[float, float]:
    """Returns the lowest and highest float64 that the dtype can hold."""
    info = np.iinfo(dtype) if dtype.kind in "iu" else np.finfo(dtype if dtype.itemsize < 8 else np.float64)
    low, high = float(info.min), float(info.max)
    return low, high if int(high) <= int(info.max) else float(np.nextafter(high, 0))  # 2^63 - 1 is no float64
