"""From what the user has (lists, frames, tensors) to a numpy array and the columns' names."""

from __future__ import annotations

__all__ = ["Columns", "as_array"]

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_array

Columns = tuple[str, ...] | None


def as_array(X: Any) -> tuple[NDArray[Any], Columns]:
    """Returns the values as a numeric numpy array (n, ...) and the columns' names, where there are any.

    Accepts arrays (also memory-mapped), torch tensors, pandas and polars frames of numbers, and nested lists. Booleans,
    integers and floats keep their dtype.

    Raises:
        TypeError: for sparse matrices, for frames with columns that are not numbers (each is named) and for objects
            that are no numbers.
        ValueError: for fewer than two axes or none of a size above zero, for complex numbers.
    """
    columns: Columns = None
    if hasattr(X, "columns") and hasattr(X, "__getitem__") and hasattr(X, "shape"):
        columns = tuple(str(column) for column in X.columns)
        X = _frame_values(X)
    elif hasattr(X, "detach"):  # a torch tensor
        X = X.detach().cpu().numpy()
    array = check_array(
        X,
        accept_sparse=False,
        dtype=None if getattr(getattr(X, "dtype", None), "kind", "O") in "biuf" else "numeric",
        ensure_all_finite=False,
        allow_nd=True,
        ensure_min_samples=1,
        estimator="latente",
    )
    if array.dtype.kind not in "biuf":
        raise TypeError(f"X must hold numbers; got dtype {array.dtype}. Encode text and categories as numbers first")
    if 0 in array.shape:
        raise ValueError(f"X is empty: shape {array.shape}; give at least two samples of at least one value")
    return (array.astype(np.float32) if array.dtype == np.float16 else array), columns


def _frame_values(frame: Any) -> NDArray[Any]:
    """Returns the frame's numbers as one array (n, columns).

    Raises:
        TypeError: naming the columns that hold no numbers.
    """
    values, wrong = [], []
    for column in frame.columns:
        series = frame[column]
        array = np.asarray(series.to_numpy())
        if array.dtype == object:  # nullable integers with missing values arrive as objects
            array = _numbers_or_none(array)
        if array is None or array.dtype.kind not in "biuf":
            wrong.append(f"{column!r} ({series.dtype})")
        else:
            values.append(array)
    if wrong:
        more = f" and {len(wrong) - 8} more" if len(wrong) > 8 else ""
        raise TypeError(
            f"columns that are not numbers: {', '.join(wrong[:8])}{more}. Drop them or encode them as numbers "
            "(for example with sklearn.preprocessing.OneHotEncoder) first"
        )
    return np.column_stack(values) if values else np.empty((len(frame), 0))


def _numbers_or_none(array: NDArray[Any]) -> NDArray[np.float64] | None:
    if any(isinstance(value, (str, bytes)) for value in array):
        return None
    try:
        return np.array([np.nan if value is None else value for value in array], dtype=np.float64)
    except (TypeError, ValueError):
        return None
