"""Whatever the user has, as rows."""

from __future__ import annotations

__all__ = ["as_rows", "loaded", "open_rows"]

import math
import sys
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from latente.data.arrays import as_array
from latente.data.blocks import ChunkedRows, open_zarr
from latente.data.columnar import ArrowRows, ParquetRows
from latente.data.datasets import DatasetRows
from latente.data.images import IMAGE_SUFFIXES, ImageRows
from latente.data.npy import MemmapRows, NpyRows, memmap_rows
from latente.data.read import read
from latente.data.rows import ArrayRows, Rows

STREAMED = (".npy", ".parquet", ".arrow", ".feather", ".zarr")
SMALL_PARQUET = 1 << 26  # bytes of a file that is read without a look at what it unpacks to
IN_MEMORY = 1 << 30  # bytes; samples in files that would take more are streamed


def open_rows(X: Any, *, resize: tuple[int, int] | None = None, workers: int = 0) -> Rows:
    """Returns rows that are read while they are needed, whatever their size; every estimator takes them as X.

    Args:
        X: the path of a .npy, Parquet or Arrow (.arrow, .feather) file, of a folder of Parquet files or of images, or
            of a Zarr array; a memory map; an open Zarr array or HDF5 data set; a torch Dataset, of whose items the
            samples are taken, or of tuples such as (x, label) the first.
        resize: (height, width) to which the images of a folder are resized.
        workers: processes that fetch the items of a torch Dataset; 0 for a thread.

    Raises:
        FileNotFoundError: when nothing is there.
        TypeError: for something that cannot be read in ranges.
        ValueError: for a file that is damaged, or of a format that cannot be read in ranges.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "X.npy"
        >>> np.save(file, np.arange(12.0).reshape(4, 3))
        >>> open_rows(file).read(1, 3)
        array([[3., 4., 5.],
               [6., 7., 8.]])
    """
    if isinstance(X, Rows):
        return X
    if isinstance(X, (str, PathLike)):
        rows = _stored(Path(X), resize)
        if rows is None:
            raise ValueError(f"cannot read {X} in pieces; known: {', '.join(STREAMED)}, folders of images or Parquet "
                             "files; convert it, e.g. with polars.scan_csv(...).sink_parquet(...)")  # fmt: skip
    else:
        rows = _objects(X, workers)
        if rows is None and (hasattr(X, "__array__") or isinstance(X, (list, tuple))):
            raise TypeError(f"{type(X).__name__} is in memory already; give it to fit as it is")
        rows = DatasetRows(X, workers) if rows is None else rows
    return _checked(rows)


def loaded(X: Any, *, resize: tuple[int, int] | None = None) -> Any:
    """Returns X, or what is at that path: an array or a frame, or rows where it would take more than 1 GiB.

    Args:
        X: a path, or anything else.
        resize: (height, width) to which the images of a folder are resized.

    Raises:
        FileNotFoundError, ValueError, ImportError: as `read` and `open_rows` do.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "X.npy"
        >>> np.save(file, np.zeros((4, 3)))
        >>> loaded(file).shape, loaded([[1, 2]])
        ((4, 3), [[1, 2]])
    """
    if not isinstance(X, (str, PathLike)):
        rows = None if isinstance(X, Rows) else _objects(X)
        return X if rows is None or (isinstance(X, np.memmap) and fits(rows)) else _checked(rows)
    path = Path(X)
    table = path.suffix.lower() == ".parquet" and path.is_file() and path.stat().st_size <= SMALL_PARQUET
    rows = None if table else _stored(path, resize)
    if rows is None or (isinstance(rows, (NpyRows, MemmapRows)) and fits(rows)):
        return read(path, resize=resize)
    return ArrayRows(_checked(rows).read(0, len(rows)), rows.columns) if fits(rows) else _checked(rows)


def as_rows(X: Any, where: Any = None) -> Rows:
    """Returns samples as rows: streamed when they are a file's that would take more than 1 GiB, else in memory.

    Args:
        X: rows, a path, a memory map, an array, a tensor, a frame of numbers, nested lists.
        where: what `loaded` gave X for, so that messages can name the file.

    Raises:
        TypeError, ValueError, FileNotFoundError: as `as_array`, `read` and `open_rows` do.

    Example:
        >>> as_rows([[1.0, 2.0], [3.0, 4.0]])
        ArrayRows('X', shape=(2, 2), dtype=float64)
    """
    where = X if where is None else where
    X = loaded(X)
    if isinstance(X, Rows):
        return X
    return ArrayRows(*as_array(X, str(where) if isinstance(where, (str, PathLike)) else ""))


def fits(rows: Rows) -> bool:
    """Returns whether rows are few enough to be kept in memory, as bytes or as float32."""
    return math.prod(rows.shape) * (1 if rows.dtype.itemsize == 1 else 4) <= IN_MEMORY


def _stored(path: Path, resize: tuple[int, int] | None = None) -> Rows | None:
    """Returns the rows of a file or folder, None for a format that cannot be read in pieces."""
    if not path.exists():
        raise FileNotFoundError(f"no such file or folder: {path}")
    suffix = path.suffix.lower()
    if path.is_dir():
        if suffix == ".zarr" or any((path / name).is_file() for name in ("zarr.json", ".zarray", ".zgroup")):
            return open_zarr(path)
        if any(path.glob("*.parquet")) or (_without_images(path) and any(path.rglob("*.parquet"))):
            return ParquetRows(path)
        return ImageRows(path, resize)
    if suffix == ".npy":
        return NpyRows.open(path)
    if suffix == ".parquet":
        return ParquetRows(path)
    return ArrowRows(path) if suffix in (".arrow", ".feather", ".ipc") else None


def _without_images(folder: Path) -> bool:
    return not any(path.suffix.lower() in IMAGE_SUFFIXES for path in folder.rglob("*"))


def _objects(X: Any, workers: int = 0) -> Rows | None:
    """Returns the rows of an object whose samples are not in memory, None for any other."""
    if isinstance(X, np.memmap):
        return memmap_rows(X) if getattr(X, "_mmap", None) is not None else None
    if type(X).__module__.partition(".")[0] in ("zarr", "h5py") and hasattr(X, "chunks"):
        return ChunkedRows(X, str(getattr(X, "name", None) or "X"))
    utils = sys.modules.get("torch.utils.data")
    if utils is not None and isinstance(X, utils.Dataset):
        return DatasetRows(X, workers)
    if utils is not None and isinstance(X, utils.DataLoader):
        raise TypeError("X is a DataLoader, which has batches of its own; give its data set, X.dataset")
    if isinstance(X, Iterator):
        raise TypeError(
            f"X is a {type(X).__name__}, which can be gone through once only; give an array of all samples, or write "
            "them to a file first, with latente.data.NpyWriter"
        )
    return None


def _checked(rows: Rows) -> Rows:
    """Raises for rows that no model can take."""
    if rows.dtype.kind not in "biuf":
        raise TypeError(f"{rows.name} must hold numbers; got dtype {rows.dtype}. Encode text and categories first")
    if rows.ndim < 2 or 0 in rows.shape:
        raise ValueError(
            f"{rows.name} has shape {rows.shape}; needed: at least two axes, the first of samples, all above 0"
        )
    return rows
