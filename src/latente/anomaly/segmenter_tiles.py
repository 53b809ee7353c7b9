"""Random tiles of pictures, from which segmenters learn."""

from __future__ import annotations

__all__ = ["check_finite", "random_tiles"]

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

CROPS, BYTES = 7000, 1 << 29  # random tiles, at most, and what they take
SHRUNK = 3  # times, at most, that a picture is shrunk before a tile is taken
SPREAD, SHARPER = (0.7, 1.5), 1.5  # pixels, and how much of what is finer than that is added, at most


def check_finite(arrays: Sequence[NDArray[Any]]) -> None:
    """Raises ValueError that names the first picture with a value that is not finite."""
    for k, array in enumerate(arrays):
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ValueError(f"picture {k} has values that are not finite; repair it, or leave it out")


def random_tiles(pictures: Sequence[Any], size: int, rng: np.random.Generator) -> NDArray[Any]:
    """Returns (n, size, size, ...), random tiles of random pictures, large ones more often.

    They come from a picture at its size, at half or at a third of it, where it is large enough; half of them are
    mirrored, half are transposed, and half are sharpened: a few pictures hold few details, and of one scale.
    """
    arrays = [np.asarray(picture) for picture in pictures]
    check_finite(arrays)
    areas = np.array([math.prod(array.shape[:2]) for array in arrays], dtype=float)
    each = arrays[0].itemsize * size * size * (arrays[0].shape[2] if arrays[0].ndim == 3 else 1)
    chosen = rng.choice(len(arrays), max(1, min(CROPS, BYTES // each)), p=areas / areas.sum())
    return np.stack([_random_tile(arrays[k], size, rng) for k in chosen.tolist()])


def _random_tile(picture: NDArray[Any], size: int, rng: np.random.Generator) -> NDArray[Any]:
    from scipy.ndimage import gaussian_filter

    mirrored, transposed, sharpened = rng.random(3) < 0.5
    factor = int(min(rng.integers(1, SHRUNK + 1), min(picture.shape[:2]) // size))
    side = factor * size
    i, j = (int(rng.integers(0, length - side + 1)) for length in picture.shape[:2])
    tile = picture[i : i + side, j : j + side].reshape(size, factor, size, factor, *picture.shape[2:]).mean((1, 3))
    if sharpened:
        spread, amount = rng.uniform(*SPREAD), rng.uniform(0, SHARPER)
        blurred = gaussian_filter(tile, (spread, spread, *(0.0,) * (tile.ndim - 2)), mode="nearest")
        tile = np.clip(tile + amount * (tile - blurred), picture.min(), picture.max())
    tile = (np.rint(tile) if picture.dtype.kind in "iub" else tile).astype(picture.dtype)
    tile = tile[:, ::-1] if mirrored else tile
    return tile.swapaxes(0, 1) if transposed else tile
