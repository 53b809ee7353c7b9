"""Whatever holds numbers becomes an array; what does not is refused by name."""

from __future__ import annotations

import datetime
import decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
import torch

from latente.data import as_array

NUMBERS = np.array([[1.0, 2.0], [3.0, 4.5]])


@pytest.mark.parametrize(
    "dtype", ["bool", "int8", "uint8", "int16", "uint16", "int32", "int64", "uint64", "float16", "float32", "float64"]
)
def test_arrays_keep_their_dtype_and_are_not_copied(dtype):
    X = np.ones((3, 2), dtype=dtype)
    array, columns = as_array(X)
    assert array.dtype == X.dtype
    assert columns is None
    assert np.shares_memory(array, X)


def test_memory_mapped_arrays_stay_mapped(tmp_path):
    np.save(tmp_path / "x.npy", NUMBERS)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    array, _ = as_array(mapped)
    assert np.shares_memory(array, mapped)


@pytest.mark.parametrize(
    "X",
    [
        [[1.0, 2.0], [3.0, 4.5]],
        ((1.0, 2.0), (3.0, 4.5)),
        [np.array([1.0, 2.0]), np.array([3.0, 4.5])],
        NUMBERS.astype(object),
        NUMBERS.astype(">f8"),
        torch.tensor(NUMBERS),
        torch.tensor(NUMBERS, requires_grad=True),
        torch.tensor(NUMBERS).to(torch.bfloat16),
        torch.tensor(NUMBERS).T.contiguous().T,
        pd.DataFrame(NUMBERS),
        pl.DataFrame(NUMBERS),
    ],
    ids=lambda X: type(X).__name__,
)
def test_numbers_of_every_sort(X):
    array, _ = as_array(X)
    np.testing.assert_array_equal(array, NUMBERS)
    assert array.dtype.kind == "f"


@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
def test_frames_give_their_columns_names(library):
    frame = library.DataFrame({"a": [1, 2], "b": [True, False], "c": [0.5, 1.5]})
    array, columns = as_array(frame)
    assert columns == ("a", "b", "c")
    np.testing.assert_array_equal(array, [[1, 1, 0.5], [2, 0, 1.5]])


@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
def test_frames_of_one_dtype_keep_it(library):
    assert (
        as_array(library.DataFrame({"a": np.array([1, 2], np.int16), "b": np.array([1, 2], np.int16)}))[0].dtype == "i2"
    )
    assert as_array(library.DataFrame({"a": [True, False]}))[0].dtype == bool


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"a": pd.array([1, None], dtype="Int64"), "b": pd.array([None, 2.5], dtype="Float32")}),
        pd.DataFrame({"a": pd.array([True, None], dtype="boolean"), "b": [None, 2.5]}),
        pd.DataFrame({"a": [1.0, None], "b": [None, decimal.Decimal("2.5")]}),
        pl.DataFrame({"a": [1, None], "b": [None, 2.5]}),
        pl.DataFrame({"a": [True, None], "b": [None, decimal.Decimal("2.5")]}),
    ],
)
def test_missing_values_of_frames_become_nan(frame):
    np.testing.assert_array_equal(as_array(frame)[0], [[1, np.nan], [np.nan, 2.5]])


def test_pandas_columns_may_share_a_name_or_be_no_words():
    assert as_array(pd.DataFrame(NUMBERS, columns=["a", "a"]))[1] == ("a", "a")
    assert as_array(pd.DataFrame(NUMBERS, columns=[("a", 1), ("a", 2)]))[1] == ("('a', 1)", "('a', 2)")


DAY = datetime.datetime(2024, 1, 1)
WRONG = {
    "text": ["x", "y"],
    "number in text": ["1", "2"],
    "mixed": [1.0, "y"],
    "day": [DAY, DAY],
    "span": [datetime.timedelta(1), datetime.timedelta(2)],
    "bytes": [b"x", b"y"],
    "list": [[1], [2]],
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
def test_columns_that_are_no_numbers_are_named(library, name):
    values = [str(value) for value in WRONG[name]] if name == "mixed" and library is pl else WRONG[name]
    with pytest.raises(TypeError, match=rf"columns that are not numbers: '{name}' \(.*encode them as numbers"):
        as_array(library.DataFrame({"good": [1, 2], name: values}))


@pytest.mark.parametrize(
    "column",
    [
        pd.DataFrame({"c": pd.Categorical(["x", "y"])}),
        pd.DataFrame({"c": pd.Categorical([1, 2])}),
        pl.DataFrame({"c": pl.Series(["x", "y"], dtype=pl.Categorical)}),
        pl.DataFrame({"c": pl.Series(["x", "y"], dtype=pl.Enum(["x", "y"]))}),
        pd.DataFrame({"c": pd.to_datetime(["2024-01-01", "2024-01-02"])}),
        pl.DataFrame({"c": pl.Series([datetime.date(2024, 1, 1), None])}),
    ],
)
def test_categories_and_dates_are_not_numbers(column):
    with pytest.raises(TypeError, match="not numbers: 'c'"):
        as_array(column)


def test_many_wrong_columns_are_counted():
    with pytest.raises(TypeError, match=r"'c0' .*'c7' .* and 3 more"):
        as_array(pd.DataFrame({f"c{i}": ["x"] for i in range(11)}))


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (np.array(1.0), ValueError, "Expected 2D array, got scalar"),
        (np.ones(3), ValueError, "Expected 2D array, got 1D array(.|\n)*Reshape"),
        (pd.Series([1.0, 2.0]), ValueError, "2-dimensional container but got .*Series"),
        (pl.Series([1.0, 2.0]), ValueError, "1D array"),
        (np.ones((0, 3)), ValueError, r"0 sample\(s\) \(shape=\(0, 3\)\)"),
        (np.ones((3, 0)), ValueError, r"0 feature\(s\)"),
        (np.ones((3, 4, 0)), ValueError, r"empty: shape \(3, 4, 0\)"),
        (pd.DataFrame(), ValueError, "0 sample"),
        (pl.DataFrame({"a": []}, schema={"a": pl.Float64}), ValueError, "0 sample"),
        (np.ones((2, 2)) * 1j, ValueError, "Complex data not supported"),
        (torch.ones(2, 2) * 1j, ValueError, "Complex data not supported"),
        (scipy.sparse.eye(3, format="csr"), TypeError, "[Ss]parse.*dense"),
        (torch.eye(3).to_sparse(), TypeError, r"sparse tensor; pass X\.to_dense"),
        (np.ma.masked_greater(NUMBERS, 4), ValueError, "1 masked values; fill them"),
        (pl.LazyFrame({"a": [1, 2]}), TypeError, r"lazy frame.*collect\(\)"),
        (np.array([["a", "b"]]), ValueError, "strings.*[Cc]onvert"),
        (np.array([[1.0, "b"]], dtype=object), ValueError, "must hold numbers.*'b'.*Encode text"),
        ([[1, 2], [3]], ValueError, "must hold numbers.*samples of one shape"),
        ([[1, {}]], TypeError, "number"),
        (np.array([["2024-01-01"]], dtype="datetime64[D]"), TypeError, r"got dtype datetime64\[D\]"),
        ("words", ValueError, "Expected 2D array"),
        (None, ValueError, "Expected 2D array"),
    ],
)
def test_what_holds_no_numbers_is_refused(X, error, message):
    with pytest.raises(error, match=message):
        as_array(X)
