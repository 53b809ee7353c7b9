"""Arrays as small PNGs inside the page."""

from __future__ import annotations

__all__ = ["Canvas", "data_uri", "sheet"]

import base64
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.data import Schema

LARGEST = 128  # pixels on the longer side; larger images are made smaller
GAP = 1  # transparent pixels between the images of a sheet


@dataclass(frozen=True)
class Canvas:
    """How scaled images become bytes to look at.

    Attributes:
        low: the scaled value that is shown black.
        high: the scaled value that is shown white.
        note: what one should know about the way they are shown; empty for nothing.
    """

    low: float
    high: float
    note: str = ""

    @staticmethod
    def of(schema: Schema, x: NDArray[np.floating[Any]]) -> Canvas:
        """Returns the canvas for images: the data's bounds or, where there are none, the range of these.

        Args:
            schema: of the model.
            x: (n, channels, height, width), scaled.
        """
        channels = schema.sample_shape[0]
        note = "" if channels in (1, 3, 4) else f"Shown is the mean of the {channels} channels."
        if channels == 4:
            note = "The fourth channel is not shown."
        low, high = schema.bounds or (float(x.min()), float(x.max()))
        return Canvas(low, high if high > low else low + 1, note)

    def pixels(self, image: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
        """Returns one scaled image (channels, height, width) as bytes (height, width) or (height, width, 3)."""
        grey = (image - self.low) / (self.high - self.low)
        grey = np.rint(255 * np.clip(np.nan_to_num(grey), 0, 1)).astype(np.uint8)
        if len(grey) in (3, 4):
            return _smaller(np.ascontiguousarray(grey[:3].transpose(1, 2, 0)))
        return _smaller(grey[0] if len(grey) == 1 else np.rint(grey.mean(0)).astype(np.uint8))


def _smaller(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    from PIL import Image

    height, width = pixels.shape[:2]
    factor = LARGEST / max(height, width)
    if factor >= 1:
        return pixels
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))


def data_uri(pixels: NDArray[np.uint8]) -> str:
    """Returns bytes (height, width[, 3 or 4]) as the address of a PNG that is in the address itself."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def sheet(images: list[NDArray[np.uint8]], columns: int) -> NDArray[np.uint8]:
    """Returns images of one size side by side, row by row, as one picture (height, width, 4) with transparent gaps.

    Args:
        images: each (height, width) or (height, width, 3).
        columns: images in a row.

    Example:
        >>> sheet([np.zeros((4, 3), dtype=np.uint8)] * 5, columns=3).shape
        (9, 11, 4)
    """
    height, width = images[0].shape[:2]
    rows = -(-len(images) // columns)
    out = np.zeros((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, 4), dtype=np.uint8)
    for i, image in enumerate(images):
        top, left = (i // columns) * (height + GAP), (i % columns) * (width + GAP)
        place = out[top : top + height, left : left + width]
        place[..., :3] = image if image.ndim == 3 else image[..., None]
        place[..., 3] = 255
    return out
