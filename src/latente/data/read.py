"""Files and folders as arrays."""

from __future__ import annotations

__all__ = ["read"]

import re
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from latente.data.images import IMAGE_SUFFIXES, read_images

TABLE_SUFFIXES = {".csv", ".tsv", ".parquet"}
SEPARATED = {",": "commas", ";": "semicolons", "\t": "tabs"}
QUOTED = re.compile(r'"[^"]*"')
NUMBER = re.compile(r"\s*[-+]?\d[\d.]*(,\d+)?([eE][-+]?\d+)?\s*")  # 1,5 and 1.234,5 too


def read(path: str | Path, *, resize: tuple[int, int] | None = None) -> Any:
    """Returns what a path holds: an array (.npy memory-mapped, .npz, image folder) or a frame (.csv, .tsv, .parquet).

    An .npz with several arrays gives the one called X or x. The first line of a .csv or .tsv holds the columns' names;
    a line of numbers in that place is a row (unless it counts the columns, 0, 1, 2, ..., as pandas writes it). Columns
    of a .csv are separated by commas; by semicolons or tabs where the first line has these and no commas. A column
    without a value in any row is one of missing numbers, NaN.

    Args:
        path: a file or a folder of images.
        resize: (height, width) to which images are resized.

    Raises:
        FileNotFoundError: when nothing is there.
        ValueError: for a format that is not known, a file that is damaged, or decimals written with commas.
        ImportError: naming the extra to install, when a format needs one.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "X.npz"
        >>> np.savez(file, X=np.zeros((4, 3)), y=np.zeros(4))
        >>> read(file).shape
        (4, 3)
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"no such file or folder: {path}")
    if path.is_dir():
        return read_images(path, resize=resize)
    suffix = path.suffix.lower()
    if suffix in (".npy", ".npz"):
        return _read_numpy(path)
    if suffix in TABLE_SUFFIXES:
        return _read_table(path)
    if suffix in IMAGE_SUFFIXES:
        raise ValueError(f"{path} is a single image; give a folder of images to learn from")
    known = ", ".join([".npy", ".npz", *sorted(TABLE_SUFFIXES)])
    raise ValueError(
        f"cannot read {path}: unknown format {suffix or '(no extension)'!r}; known: {known}, image folders"
    )


def _read_numpy(path: Path) -> NDArray[Any]:
    try:
        if path.suffix.lower() == ".npy":
            return np.load(path, mmap_mode="r", allow_pickle=False)
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as loaded:
            names = list(loaded.files)
            name = next((n for n in ("X", "x") if n in names), names[0] if len(names) == 1 else None)
            if name is not None:
                return loaded[name]
    except (ValueError, EOFError, OSError, TypeError, AttributeError, BadZipFile) as error:  # not what the name says
        raise ValueError(f"cannot read {path}: {error}") from error
    raise ValueError(f"{path} holds the arrays {', '.join(names) or '(none)'}; keep one, or call it X")


def _read_table(path: Path) -> Any:
    """Reads with polars or, where that is missing, pandas."""
    try:
        import polars as pl
    except ImportError:
        return _read_with_pandas(path)
    separator = ","
    try:
        if path.suffix.lower() == ".parquet":
            return pl.read_parquet(path)
        separator = _separator(path)
        header = _has_header(path, separator)
        frame = pl.read_csv(path, separator=separator, has_header=header, infer_schema_length=None)
    except (pl.exceptions.PolarsError, OSError, UnicodeDecodeError) as error:
        ragged = "truncate_ragged_lines" in str(error)  # advice for who calls polars
        more = f"a row has more values than the first line; {SEPARATED[separator]} must separate them, as they do there"
        raise ValueError(f"cannot read {path}: {more if ragged else error}") from error
    _refuse_decimal_commas(frame, separator, path)
    return _as_missing(frame)


def _as_missing(frame: Any) -> Any:
    """Returns a frame of polars whose columns without any value are of numbers, as pandas reads them, not of words."""
    import polars as pl

    words = [column for column in frame.get_columns() if column.dtype == pl.String]
    empty = [column.name for column in words if (column.is_null() | (column == "")).all()]
    return frame.with_columns(pl.lit(None, pl.Float64).alias(name) for name in empty)


def _read_with_pandas(path: Path) -> Any:
    try:
        import pandas as pd

        if path.suffix.lower() == ".parquet":
            return pd.read_parquet(path)
    except ImportError as error:
        raise ImportError("reading tables from files needs: pip install 'latente[data]'") from error
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot read {path}: {error}") from error
    try:
        separator = _separator(path)
        frame = pd.read_csv(path, sep=separator, header=0 if _has_header(path, separator) else None)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise ValueError(f"cannot read {path}: {error}") from error
    _refuse_decimal_commas(frame, separator, path)
    return frame


def _separator(path: Path) -> str:
    """Returns what separates the columns, by the first two lines."""
    if path.suffix.lower() == ".tsv":
        return "\t"
    with open(path, encoding="utf-8-sig") as file:
        first, second = (QUOTED.sub("", file.readline().rstrip("\r\n")) for _ in range(2))
    for other in ";\t":
        alike = other in first and first.count(other) == second.count(other)
        if alike and ("," not in first or all(map(NUMBER.fullmatch, first.split(other)))):
            return other
    return ","


def _refuse_decimal_commas(frame: Any, separator: str, path: Path) -> None:
    """Raises ValueError for a column of numbers such as 1,5 where commas do not separate the columns."""
    for name in frame.columns if separator != "," else ():
        values = np.asarray(frame[name])
        words = [] if values.dtype.kind in "biuf" else [value for value in values.tolist() if isinstance(value, str)]
        numbers = [value.strip() for value in words if NUMBER.fullmatch(value)]
        comma = next((value for value in numbers if "," in value), None)
        if comma is not None and 2 * len(numbers) > len(words):
            raise ValueError(
                f"cannot read {path}: column {name!r} has decimal commas, {comma!r} for one; write numbers with a "
                "decimal point, such as 1.5"
            )


def _has_header(path: Path, separator: str) -> bool:
    """Returns whether the first line names the columns; numbers do not, unless they count them."""
    with open(path, encoding="utf-8-sig") as file:
        names = file.readline().rstrip("\r\n").split(separator)
    try:
        numbers = [float(name) for name in names]
    except ValueError:
        return True
    return len(names) > 1 and numbers == list(range(len(names)))
