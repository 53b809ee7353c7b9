"""What counts as a picture, and in which shape the codec takes it."""

from __future__ import annotations

__all__ = ["as_batch", "as_list", "as_pictures", "check_size", "only_one", "shape_in", "without_channel"]

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latente.codec.errors import AlteredError
from latente.codec.fields import take_list

WANTED = "pictures are uint8 from 0 to 255, (height, width) grey or (height, width, 3) red, green, blue"
LARGEST = 1 << 20  # pictures, rows or columns of a stream
Picture = NDArray[np.uint8]


def as_pictures(image: ArrayLike) -> Picture:
    """Returns one picture as (1, height, width, 1 or 3).

    Args:
        image: (height, width) or (height, width, 3), uint8.

    Raises:
        TypeError: for anything else.

    Example:
        >>> as_pictures(np.zeros((4, 5), np.uint8)).shape
        (1, 4, 5, 1)
    """
    x = np.asarray(image)
    if x.dtype != np.uint8:
        scaled = ": multiply by 255 and round" if x.dtype.kind == "f" else ""
        raise TypeError(f"{WANTED}; got {x.dtype}{scaled}")
    if x.ndim not in (2, 3) or (x.ndim == 3 and x.shape[2] not in (1, 3)) or x.size == 0:
        raise TypeError(f"{WANTED}, with at least one pixel; got the shape {x.shape}")
    return x[None, ..., None] if x.ndim == 2 else x[None]


def as_batch(images: ArrayLike) -> Picture:
    """Returns pictures of equal size as (n, height, width, 1 or 3).

    Args:
        images: (n, height, width) or (n, height, width, 3), uint8, or a list of pictures.

    Raises:
        TypeError: for anything else.
        ValueError: for pictures of different sizes, or none.

    Example:
        >>> as_batch([np.zeros((4, 5, 3), np.uint8)] * 2).shape
        (2, 4, 5, 3)
    """
    parts = as_list(images)
    shapes = sorted({part.shape[1:] for part in parts})
    if len(shapes) > 1:
        raise ValueError(f"pictures of one stream have one size; got {shapes[:3]}. Encode each with encode")
    return np.concatenate(parts)


def as_list(images: ArrayLike | Sequence[ArrayLike]) -> list[Picture]:
    """Returns each picture as (1, height, width, 1 or 3).

    Args:
        images: as for `as_batch`, of any sizes.
    """
    found: Any = images
    parts = [as_pictures(image) for image in found]
    if not parts:
        raise ValueError("there must be at least one picture; got none")
    return parts


def check_size(shape: tuple[int, ...]) -> None:
    """Raises ValueError for more pictures, rows or columns than a stream can have.

    Args:
        shape: (pictures, height, width, channels).
    """
    if max(shape) > LARGEST:
        raise ValueError(f"at most {LARGEST:,} pictures of at most as many rows and columns; got {shape}")


def shape_in(header: Mapping[str, Any]) -> tuple[int, int, int, int]:
    """Returns (pictures, height, width, channels) from a stream's header.

    Args:
        header: its fields.

    Raises:
        AlteredError: when its shape is not that of pictures.

    Example:
        >>> shape_in({"shape": [1, 512, 768, 3]})
        (1, 512, 768, 3)
    """
    shape = take_list(header, "shape", int, 4)
    if len(shape) != 4 or shape[3] not in (1, 3) or not all(0 < n <= LARGEST for n in shape):
        raise AlteredError(f"the header's 'shape' is not that of pictures: {shape}")
    n, height, width, channels = shape
    return n, height, width, channels


def without_channel(pictures: Picture) -> Picture:
    """Returns (n, height, width) for grey pictures, others as they are."""
    return pictures[..., 0] if pictures.shape[-1] == 1 else pictures


def only_one(pictures: Picture) -> Picture:
    """Returns the picture of a stream that holds one.

    Args:
        pictures: all that it holds.

    Raises:
        ValueError: when they are more.
    """
    if len(pictures) != 1:
        raise ValueError(f"the stream holds {len(pictures)} pictures; use decode_many")
    return pictures[0]
