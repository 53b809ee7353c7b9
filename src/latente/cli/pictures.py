"""Images as one PNG: a grid, read like text."""

from __future__ import annotations

__all__ = ["write_grid"]

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from latente.data import Schema

GAP = 2  # pixels between images
LARGEST = 100_000_000  # pixels of a grid


def write_grid(path: Path, array: NDArray[Any], schema: Schema, across: int | None = None) -> None:
    """Writes images as a grid.

    Args:
        path: ends in .png.
        array: (n, *user_shape), samples in the user's units.
        schema: of the model that made them.
        across: images in a row; None makes the grid about square.

    Raises:
        ValueError: when the grid would be too large to look at.
    """
    from PIL import Image

    n, (_, height, width) = len(array), schema.sample_shape
    across = across or math.ceil(math.sqrt(n * height / width))
    down = math.ceil(n / across)
    if down * (height + GAP) * across * (width + GAP) > LARGEST:
        raise ValueError(f"{n} images of {height} x {width} are too many for one PNG; write .npy, or give fewer")
    grid = arrange(as_bytes(array, schema), across)
    Image.fromarray(grid[..., 0] if grid.shape[2] == 1 else grid).save(path)


def as_bytes(array: NDArray[Any], schema: Schema) -> NDArray[np.uint8]:
    """Returns images (n, height, width, channels) of bytes: the data's bounds are black and white.

    Data without bounds is stretched from its own smallest to its largest value.
    """
    scaled = schema.prepare(schema.ingest(array)).numpy()  # (n, channels, height, width)
    low, high = schema.bounds or (float(scaled.min()), float(scaled.max()))
    unit = (scaled - low) / (high - low or 1.0)
    return np.rint(unit.clip(0, 1) * 255).astype(np.uint8).transpose(0, 2, 3, 1)


def arrange(images: NDArray[np.uint8], across: int) -> NDArray[np.uint8]:
    """Returns one picture (height, width, channels) of images (n, height, width, channels), white between them."""
    n, height, width, channels = images.shape
    down = math.ceil(n / across)
    size = (down * (height + GAP) - GAP, across * (width + GAP) - GAP)
    grid = np.full((*size, channels), 255, dtype=np.uint8)
    for i, image in enumerate(images):
        top, left = i // across * (height + GAP), i % across * (width + GAP)
        grid[top : top + height, left : left + width] = image
    return grid
