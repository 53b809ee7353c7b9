"""From what the user has (lists, frames, tensors) to a numpy array and the columns' names."""

from __future__ import annotations

__all__ = ["Columns", "as_array", "numbers_of", "refuse_columns", "refuse_repeated"]

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_array

Columns = tuple[str, ...] | None
NAMED = 8  # wrong columns that a message names


def as_array(X: Any, where: str = "") -> tuple[NDArray[Any], Columns]:
    """Returns the values as a numeric numpy array (n, ...) and the columns' names, where there are any.

    Accepts arrays (also memory-mapped), torch tensors, pandas and polars frames of numbers, and nested lists. Booleans,
    integers and floats keep their dtype.

    Raises:
        TypeError: for sparse matrices, for frames with columns that are not numbers (each is named) and for objects
            that are no numbers.
        ValueError: for None, fewer than two axes or none of a size above zero, complex numbers and masked values.

    Args:
        X: an array, a tensor, a frame of numbers or nested lists.
        where: the file that X is from, for messages about its columns; "" for none.

    Example:
        >>> as_array([[1, 2], [3, 4]])
        (array([[1, 2],
               [3, 4]]), None)
    """
    if hasattr(X, "collect_schema") and not hasattr(X, "shape"):
        raise TypeError("X is a lazy frame, which holds no values yet; pass X.collect()")
    if X is None:
        raise ValueError("Expected 2D array, got None instead: give an array, a frame or a path")
    if np.ma.is_masked(X):
        raise ValueError(f"X has {np.ma.count_masked(X)} masked values; fill them first, e.g. with X.filled(...)")
    columns: Columns = None
    if hasattr(X, "columns") and (hasattr(X, "iloc") or hasattr(X, "get_columns")):
        columns = tuple(str(column) for column in X.columns)
        X = _frame_values(X, where)
    elif hasattr(X, "detach"):
        X = _tensor_values(X)
    array = _checked(X)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"X must hold numbers; got dtype {array.dtype}. Encode text and categories as numbers first")
    if 0 in array.shape:
        raise ValueError(f"X is empty: shape {array.shape}; give at least two samples of at least one value")
    return array, columns


def _checked(X: Any) -> NDArray[Any]:
    """Returns X as an array of at least two axes; objects and lists become floats."""
    try:
        return check_array(
            X,
            accept_sparse=False,
            dtype=None if getattr(getattr(X, "dtype", None), "kind", "O") in "biuf" else "numeric",
            ensure_all_finite=False,
            allow_nd=True,
            ensure_min_samples=1,
            estimator="latente",
        )
    except ValueError as error:
        if "got 1D array instead" in str(error):  # scikit-learn quotes the values
            raise ValueError(
                f"Expected 2D array, got 1D array instead: shape {np.shape(X)}. Reshape your data with "
                "array.reshape(-1, 1) if it has a single feature, or array.reshape(1, -1) if it is a single sample"
            ) from None
        if "could not convert" not in str(error) and "inhomogeneous" not in str(error):
            raise
        hint = "Encode text and categories as numbers, and give samples of one shape"
        raise ValueError(f"X must hold numbers in an array; got {type(X).__name__}: {error}. {hint}") from error


def _tensor_values(tensor: Any) -> NDArray[Any]:
    """Returns a torch tensor's values; numpy has no bfloat16, so that becomes float32."""
    if tensor.is_sparse:
        raise TypeError("X is a sparse tensor; pass X.to_dense()")
    tensor = tensor.detach().cpu()
    return (tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor).numpy()


def _frame_values(frame: Any, where: str) -> NDArray[Any]:
    """Returns the frame's numbers as one array (n, columns).

    Raises:
        TypeError: naming the columns that hold no numbers.
    """
    if hasattr(frame, "get_columns"):
        series = frame.get_columns()
    else:
        series = [frame.iloc[:, i] for i in range(frame.shape[1])]  # a name may occur twice
    values = [numbers_of(column) for column in series]
    wrong = [f"{column.name!r} ({column.dtype})" for column, v in zip(series, values, strict=True) if v is None]
    refuse_columns(wrong, where)
    return np.column_stack(values) if values else np.empty((len(frame), 0))  # type: ignore[arg-type]


def refuse_repeated(columns: Columns) -> None:
    """Raises ValueError when names of columns, by which new data is held against training data, occur twice.

    Args:
        columns: their names, or None.

    Example:
        >>> refuse_repeated(("age", "height"))
    """
    repeated = [f"{name!r} ({count} times)" for name, count in Counter(columns or ()).items() if count > 1]
    if repeated:
        more = f" and {len(repeated) - NAMED} more" if len(repeated) > NAMED else ""
        raise ValueError(
            f"columns with the same name: {', '.join(repeated[:NAMED])}{more}. Rename or drop them, or pass the values "
            "without names"
        )


def refuse_columns(wrong: list[str], where: str = "") -> None:
    """Raises TypeError when there are columns that hold no numbers.

    Args:
        wrong: their names and types, for the message.
        where: the file that they are in; "" for a frame.
    """
    if wrong:
        more = f" and {len(wrong) - NAMED} more" if len(wrong) > NAMED else ""
        where = f"{where}: " if where else ""
        raise TypeError(
            f"{where}columns that are not numbers: {', '.join(wrong[:NAMED])}{more}. Drop them or encode them as "
            "numbers (for example with sklearn.preprocessing.OneHotEncoder) first"
        )


def numbers_of(column: Any) -> NDArray[Any] | None:
    """Returns a frame's column as numbers, missing ones as NaN, or None when it holds something else.

    Args:
        column: of a pandas or polars frame.

    Example:
        >>> import polars as pl
        >>> numbers_of(pl.Series([1, None])), numbers_of(pl.Series(["1", "x"]))
        (array([ 1., nan]), None)
    """
    if str(column.dtype) == "category":  # may hide numbers that are only names
        return None
    array = np.asarray(column.to_numpy())
    if array.dtype != object:
        return array if array.dtype.kind in "biuf" else None
    if getattr(column.dtype, "kind", "O") in "biuf":  # pandas' nullable numbers with missing values
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    if any(isinstance(value, (str, bytes)) for value in array):
        return None
    try:
        numbers = np.array([np.nan if value is None else value for value in array], dtype=np.float64)
    except (TypeError, ValueError):
        return None
    return numbers if numbers.ndim == 1 else None
