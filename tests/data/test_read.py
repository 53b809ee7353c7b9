"""Files and folders."""

from __future__ import annotations

import builtins

import numpy as np
import pandas as pd
import polars as pl
import pytest

from latente.data import as_array, open_rows, read

TABLE = pd.DataFrame({"a": [1, 2, 3], "b": [0.5, 1.5, 2.5]})


@pytest.fixture
def without(monkeypatch):
    """Makes libraries look as if they were not installed."""

    def hide(*names):
        real = builtins.__import__

        def fake(name, *args, **kwargs):
            if name.split(".")[0] in names:
                raise ImportError(f"No module named {name!r}")
            return real(name, *args, **kwargs)

        monkeypatch.setattr(builtins, "__import__", fake)

    return hide


def test_npy_is_memory_mapped(tmp_path):
    X = np.arange(12.0).reshape(3, 2, 2)
    np.save(tmp_path / "x.npy", X)
    loaded = read(tmp_path / "x.npy")
    assert isinstance(loaded, np.memmap)
    assert not loaded.flags.writeable
    np.testing.assert_array_equal(loaded, X)


@pytest.mark.parametrize("arrays", [["X"], ["other"], ["X", "y"], ["y", "x"]])
def test_npz_gives_x(tmp_path, arrays):
    X = np.arange(6.0).reshape(3, 2)
    np.savez(tmp_path / "x.npz", **{name: np.zeros(3) if name == "y" else X for name in arrays})
    np.testing.assert_array_equal(read(str(tmp_path / "x.npz")), X)


def test_npz_without_a_clear_array_lists_them(tmp_path):
    np.savez(tmp_path / "x.npz", train=np.zeros(2), test=np.zeros(2))
    with pytest.raises(ValueError, match=r"^\S*x\.npz holds the arrays train, test; keep one, or call it X$"):
        read(tmp_path / "x.npz")


def write(frame, path):
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, sep="\t" if path.suffix == ".tsv" else ",")


@pytest.mark.parametrize("library", ["polars", "pandas"])
@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.parquet", "T.CSV"])
def test_tables_keep_their_columns(tmp_path, without, name, library):
    path = tmp_path / name
    write(TABLE, path)
    if library == "pandas":
        without("polars")
    frame = read(path)
    assert isinstance(frame, pl.DataFrame if library == "polars" else pd.DataFrame)
    array, columns = as_array(frame)
    assert columns == ("a", "b")
    np.testing.assert_array_equal(array, TABLE)


@pytest.mark.parametrize("library", ["polars", "pandas"])
@pytest.mark.parametrize(
    ("first", "rows", "columns"),
    [
        ("0.5,1,-3e2", 3, 3),  # numpy.savetxt writes no header
        ("0,1,2", 2, 3),  # pandas counts columns without names
        ("a,1,2", 2, 3),
        ('"x y",b,c', 2, 3),
        ("\ufeffa,b,c", 2, 3),
    ],
)
def test_a_first_line_of_numbers_is_data(tmp_path, without, first, rows, columns, library):
    (tmp_path / "t.csv").write_text(f"{first}\n1,2,3\n4,5,6\n", encoding="utf-8")
    if library == "pandas":
        without("polars")
    assert as_array(read(tmp_path / "t.csv"))[0].shape == (rows, columns)


@pytest.mark.parametrize("library", ["polars", "pandas"])
@pytest.mark.parametrize("cell", ["", '""'])
def test_a_column_without_any_value_is_one_of_missing_numbers(tmp_path, without, cell, library):
    (tmp_path / "t.csv").write_text(f"a,empty,b\n1,{cell},0.5\n2,{cell},1.5\n")
    if library == "pandas":
        without("polars")
    frame = read(tmp_path / "t.csv")
    assert np.asarray(frame["empty"]).dtype == np.float64
    array, columns = as_array(frame)
    assert columns == ("a", "empty", "b")
    np.testing.assert_array_equal(array, [[1, np.nan, 0.5], [2, np.nan, 1.5]])


def test_a_column_of_parquet_without_any_value_is_one_of_missing_numbers(tmp_path):
    frame = pl.DataFrame({"a": [1, 2], "empty": [None, None]})
    assert frame["empty"].dtype == pl.Null
    frame.write_parquet(tmp_path / "t.parquet")
    for found in (open_rows(tmp_path / "t.parquet").read(0, 2), as_array(read(tmp_path / "t.parquet"))[0]):
        np.testing.assert_array_equal(found, [[1, np.nan], [2, np.nan]])


def test_integers_that_turn_into_fractions_late_are_read(tmp_path):
    (tmp_path / "t.csv").write_text("a\n" + "1\n" * 5000 + "0.5\n", encoding="utf-8")
    assert as_array(read(tmp_path / "t.csv"))[0][-1] == 0.5


def test_tables_need_an_extra(tmp_path, without):
    write(TABLE, tmp_path / "t.csv")
    without("polars", "pandas")
    with pytest.raises(ImportError, match=r"pip install 'latente\[data\]'"):
        read(tmp_path / "t.csv")


@pytest.mark.parametrize("library", ["polars", "pandas"])
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.npy", b""),
        ("x.npy", b"not an array"),
        ("x.npy", b"\x93NUMPY\x01\x00v\x00{'descr'"),
        ("x.npz", b""),
        ("x.npz", b"PK\x03\x04 broken"),
        ("x.csv", b""),
        ("x.csv", b"a,b\n1,2\n1,2,3,4\n"),
        ("x.csv", b"a,b\n\xff\xfe,2\n"),
        ("x.parquet", b"PAR1 broken"),
        ("x.parquet", b""),
    ],
)
def test_damaged_files_are_named(tmp_path, without, name, content, library):
    (tmp_path / name).write_bytes(content)
    if library == "pandas":
        without("polars")
    with pytest.raises(ValueError, match=rf"^cannot read \S*{name}: \S"):
        read(tmp_path / name)


def test_objects_are_not_unpickled(tmp_path):
    np.save(tmp_path / "x.npy", np.array([{"a": 1}]), allow_pickle=True)
    with pytest.raises(ValueError, match="cannot read"):
        read(tmp_path / "x.npy")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("x.xlsx", r"unknown format '\.xlsx'; known: \.npy, \.npz, \.csv, \.parquet, \.tsv, image folders"),
        ("noextension", r"unknown format '\(no extension\)'"),
        ("x.png", "a single image; give a folder of images"),
    ],
)
def test_other_formats(tmp_path, name, message):
    (tmp_path / name).write_bytes(b"1")
    with pytest.raises(ValueError, match=message):
        read(tmp_path / name)


def test_nothing_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file or folder: .*missing.npy"):
        read(tmp_path / "missing.npy")
