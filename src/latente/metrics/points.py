"""Sets of points, checked."""

from __future__ import annotations

__all__ = ["as_points", "check_count", "same_columns"]

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.parts import is_integer

Points = NDArray[np.float64]


def as_points(points: Any, name: str, rows: int = 1) -> Points:
    """Returns points as (n, d) float64.

    Args:
        points: (n, ...); what follows n is flattened.
        name: for messages.
        rows: the fewest that will do.

    Raises:
        ValueError: for fewer points, a single number, no columns, or values that are not finite.

    Example:
        >>> as_points([[1, 2], [3, 4]], "codes").dtype
        dtype('float64')
    """
    array = np.asarray(points, dtype=np.float64)
    if array.ndim < 2 or array[:1].size == 0 or len(array) < rows:
        raise ValueError(f"{name} must have shape (n, d) with n at least {rows} and d at least 1; got {array.shape}")
    if not np.isfinite(array).all():
        bad = int((~np.isfinite(array)).sum())
        raise ValueError(f"{name} must be finite; {bad} of {array.size} values are NaN or infinite: remove those rows")
    return array.reshape(len(array), -1)


def same_columns(a: Points, b: Points, names: tuple[str, str]) -> None:
    """Raises ValueError unless two sets of points have one dimension."""
    if a.shape[1] != b.shape[1]:
        raise ValueError(
            f"{names[0]} and {names[1]} must have as many columns; got {a.shape[1]} and {b.shape[1]}: give points of "
            "one space"
        )


def check_count(value: Any, name: str, low: int, high: int) -> int:
    """Returns an integer in [low, high], or raises ValueError."""
    if not is_integer(value, low, high):
        raise ValueError(
            f"{name} must be an integer from {low} to {high} for this many points; got {value!r}: give another, or "
            "more points"
        )
    return int(value)
