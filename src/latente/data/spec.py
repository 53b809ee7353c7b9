"""What the user says about the data."""

from __future__ import annotations

__all__ = ["KINDS", "LAYOUTS", "SCALES", "DataSpec"]

import re
from collections.abc import Sequence
from dataclasses import dataclass

from latente.parts import Part, did_you_mean, is_integer

KINDS = ("auto", "table", "image", "signal")
LAYOUTS = {
    "nf": "table", "nhw": "image", "nhwc": "image", "nchw": "image", "nt": "signal", "nct": "signal", "ntc": "signal",
}  # fmt: skip
SCALES = ("auto", "none", "unit", "minmax", "standard")


@dataclass
class DataSpec(Part, family="data", name="data"):
    """Overrides what the front door would decide by itself.

    Args:
        kind: "table" (rows of columns), "image", "signal", or "auto".
        layout: the order of the array's axes: "nf" (table), "nhw", "nhwc", "nchw" (images), "nt", "nct", "ntc"
            (signals; c channels, t time), or "auto".
        scale: "none" (taken as it is), "unit" (the dtype's range 0..255 or 0..65535 becomes [0, 1]), "minmax" (the
            range of each column of a table, or of all values of images and signals, becomes [0, 1]), "standard" (zero
            mean and unit variance for each column of a table and each channel of a signal or image), or "auto".
        shape: the shape (height, width) or (channels, height, width) of pictures that come flattened in rows.

    Example:
        >>> DataSpec(kind="signal", scale="none")
        DataSpec(kind='signal', layout='auto', scale='none', shape=None)
    """

    kind: str = "auto"
    layout: str = "auto"
    scale: str = "auto"
    shape: Sequence[int] | None = None

    @classmethod
    def from_string(cls, text: str) -> DataSpec:
        """Makes a spec from "auto", a kind ("signal"), a layout ("nct"), or "scale=unit,shape=28x28" and the like.

        Args:
            text: what the user wrote.

        Raises:
            ValueError: for anything else, with what is allowed.
        """
        if text in KINDS:
            return DataSpec(kind=text)
        if text in LAYOUTS:
            return DataSpec(layout=text)
        if "=" in text:
            spec = super().from_string(f"data:{text}")
            spec.scale = "none" if spec.scale is None else spec.scale  # in other short strings the word means None
            if isinstance(spec.shape, str) and re.fullmatch(r"\d+(x\d+)+", spec.shape):
                spec.shape = tuple(int(length) for length in spec.shape.split("x"))
            return spec
        hint = did_you_mean(text, [*KINDS, *LAYOUTS])
        raise ValueError(f"data must be one of {', '.join(KINDS)}, a layout ({', '.join(LAYOUTS)}) or a DataSpec; "
                         f"got {text!r}.{hint}")  # fmt: skip

    def check(self) -> None:
        """Raises ValueError for a word that is not allowed, or words that contradict each other."""
        for name, value, allowed in (
            ("kind", self.kind, KINDS),
            ("layout", self.layout, ("auto", *LAYOUTS)),
            ("scale", self.scale, SCALES),
        ):
            if value not in allowed:
                hint = did_you_mean(str(value), allowed)
                raise ValueError(f"DataSpec: {name} must be one of {', '.join(allowed)}; got {value!r}.{hint}")
        if self.layout != "auto" and self.kind not in ("auto", LAYOUTS[self.layout]):
            raise ValueError(
                f"DataSpec: layout {self.layout!r} is for kind {LAYOUTS[self.layout]!r}; got kind {self.kind!r}"
            )
        if self.shape is not None:
            self._check_picture_shape()

    def _check_picture_shape(self) -> None:
        shape = self.shape if isinstance(self.shape, (tuple, list)) else ()
        if len(shape) not in (2, 3) or not all(is_integer(n, low=1) for n in shape):
            raise ValueError(
                "DataSpec: shape must be (height, width) or (channels, height, width), integers of at least 1; "
                f"got {self.shape!r}"
            )
        if self.kind not in ("auto", "image") or self.layout != "auto":
            raise ValueError(
                "DataSpec: shape is for pictures that come flattened in rows, kind 'image' or 'auto' without a layout; "
                f"got kind {self.kind!r}, layout {self.layout!r}"
            )
