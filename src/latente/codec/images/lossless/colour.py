"""A reversible change of colours: brightness and two differences (YCoCg-R).

Source: H. S. Malvar and G. J. Sullivan, 2003, "YCoCg-R: a color space with RGB reversibility and low dynamic range".
"""

from __future__ import annotations

__all__ = ["from_rgb", "to_rgb"]

from typing import Any

import numpy as np
from numpy.typing import NDArray

Planes = NDArray[np.int16]


def from_rgb(pictures: NDArray[np.uint8]) -> Planes:
    """Returns int16 (n, 3, h, w): brightness from 0 to 255, orange and green differences from -255 to 255.

    Args:
        pictures: (n, h, w, 3); grey ones, (n, h, w, 1), only change their axes.

    Example:
        >>> from_rgb(np.array([[[[255, 0, 10]]]], np.uint8)).ravel().tolist()
        [66, 245, -132]
    """
    x = np.moveaxis(pictures, -1, 1).astype(np.int16)
    if x.shape[1] == 1:
        return x
    red, green, blue = x[:, 0], x[:, 1], x[:, 2]
    orange = red - blue
    middle = blue + (orange >> 1)
    difference = green - middle
    return np.stack([middle + (difference >> 1), orange, difference], axis=1)


def to_rgb(planes: NDArray[Any]) -> NDArray[np.uint8]:
    """The inverse of `from_rgb`.

    Args:
        planes: integers (n, 3, h, w) or (n, 1, h, w).

    Raises:
        ValueError: when they are no picture's.
    """
    if planes.shape[1] == 1:
        x = planes
    else:
        brightness, orange, difference = planes[:, 0], planes[:, 1], planes[:, 2]
        middle = brightness - (difference >> 1)
        blue = middle - (orange >> 1)
        x = np.stack([blue + orange, difference + middle, blue], axis=1)
    if x.size and (x.min() < 0 or x.max() > 255):
        raise ValueError("the decoded pixels are outside 0 to 255: the stream is damaged")
    return np.ascontiguousarray(np.moveaxis(x, 1, -1).astype(np.uint8))
