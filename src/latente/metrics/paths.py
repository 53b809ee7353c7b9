"""How a decoder moves along a path of codes."""

from __future__ import annotations

__all__ = ["cycle_gap", "path_jump", "path_ratio"]

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.metrics.points import as_points


def path_jump(paths: Any) -> NDArray[np.float64]:
    """Returns (n,): how uneven each path is, its longest step as a share of its length, less that of an even walk.

        max_t s_t / sum_t s_t - 1 / steps,   s_t = ||x_(t+1) - x_t||,   steps = the number of s_t

    0 for an even walk, 1 - 1 / steps for a path that stands still and jumps once; NaN for a path that does not move.
    Values of paths with different numbers of steps do not compare. It is the form without labels of the smoothness in
    Berthelot, Raffel, Roy, Goodfellow (2019), "Understanding and improving interpolation in autoencoders via an
    adversarial regularizer".

    Args:
        paths: (n, steps + 1, ...), decoded samples along each path, in any unit.

    Raises:
        ValueError: for fewer than 2 points on a path, or values that are not finite.

    Example:
        >>> path_jump([[[0.0], [1.0], [2.0]], [[0.0], [0.0], [2.0]]])
        array([0. , 0.5])
    """
    steps = _steps(paths)
    length = steps.sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(length > 0, steps.max(1) / length - 1 / steps.shape[1], np.nan)


def path_ratio(paths: Any) -> NDArray[np.float64]:
    """Returns (n,): the length of each path over the straight distance of its ends.

        sum_t ||x_(t+1) - x_t|| / ||x_T - x_0||

    1 for a straight way at any speed; infinite for a path that returns to where it began; NaN for one that does not
    move. The length is that of the code's line under the metric that the decoder pulls back. Source: Arvanitidis,
    Hansen, Hauberg (2018), "Latent space oddity: on the curvature of deep generative models".

    Args:
        paths: (n, steps + 1, ...), decoded samples along each path, in any unit.

    Raises:
        ValueError: for fewer than 2 points on a path, or values that are not finite.

    Example:
        >>> path_ratio([[[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]]]).round(3)
        array([1.414])
    """
    length = _steps(paths).sum(1)
    points = _points(paths)
    straight = np.linalg.norm(points[:, -1] - points[:, 0], axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return length / straight


def cycle_gap(z: Any, again: Any, length: Any) -> NDArray[np.float64]:
    """Returns (n,): how far codes move when they are decoded and encoded again, relative to a length.

        ||e(d(z)) - z|| / length

    0 where the encoder inverts the decoder. NaN where the length is zero.

    Args:
        z: (n, latent_dim), codes, for instance halfway between those of two samples.
        again: (n, latent_dim), e(d(z)).
        length: (n,), for instance the distance of those two codes.

    Raises:
        ValueError: for shapes that do not fit, or values that are not finite.

    Example:
        >>> cycle_gap([[0.0, 0.0]], [[0.3, 0.4]], [2.0])
        array([0.25])
    """
    codes, moved = as_points(z, "z"), as_points(again, "again")
    unit = np.asarray(length, dtype=np.float64)
    if codes.shape != moved.shape or unit.shape != (len(codes),):
        raise ValueError(
            f"z and again must have one shape (n, d), length (n,); got {codes.shape}, {moved.shape}, {unit.shape}"
        )
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(unit > 0, np.linalg.norm(moved - codes, axis=1) / unit, np.nan)


def _points(paths: Any) -> NDArray[np.float64]:
    """Returns (n, steps + 1, d)."""
    array = np.asarray(paths, dtype=np.float64)
    if array.ndim < 3 or array.shape[1] < 2 or not np.isfinite(array).all():
        raise ValueError(
            f"paths must be finite and have shape (n, points, d) with at least 2 points; got {array.shape}"
            + ("" if np.isfinite(array).all() else " with NaN or infinite values")
        )
    return array.reshape(*array.shape[:2], -1)


def _steps(paths: Any) -> NDArray[np.float64]:
    """Returns (n, steps): how far each step goes."""
    return np.linalg.norm(np.diff(_points(paths), axis=1), axis=2)
