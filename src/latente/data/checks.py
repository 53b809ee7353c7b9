"""Values that no model can learn from, found before any training."""

from __future__ import annotations

__all__ = ["check_samples", "check_values"]

from typing import Any

import numpy as np
from numpy.typing import NDArray

CHUNK = 1 << 22  # values looked at in one piece


def check_values(array: NDArray[Any], columns: tuple[str, ...] | None = None, what: str = "X") -> None:
    """Raises ValueError when the array (n, ...) holds NaN or infinity: how many, and where the first one is."""
    if array.dtype.kind != "f":
        return
    rows = max(1, CHUNK // max(1, array[0].size))
    nans = infinities = 0
    first: tuple[int, ...] | None = None
    for start in range(0, len(array), rows):
        chunk = np.asarray(array[start : start + rows])
        bad = ~np.isfinite(chunk)
        if bad.any():
            index = tuple(int(i) for i in np.argwhere(bad)[0])
            first = first or (start + index[0], *index[1:])
            nans += int(np.isnan(chunk).sum())
            infinities += int(np.isinf(chunk).sum())
    if first is not None:
        where = f"row {first[0]}, column {columns[first[1]]!r}" if columns else f"index {first}"
        raise ValueError(
            f"{what} contains {nans} NaN and {infinities} infinite values, the first at {where}. Remove or fill them "
            "first, for example with sklearn.impute.SimpleImputer"
        )


def check_samples(n: int) -> None:
    """Raises ValueError when there are too few samples to train on."""
    if n < 2:
        raise ValueError(f"training needs at least 2 samples; got {n} sample")
