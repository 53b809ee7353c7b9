"""Where results go: checked before any work, complete or not there at all."""

from __future__ import annotations

__all__ = ["ARRAYS", "SAMPLES", "check_file", "check_folder", "check_samples", "new_file", "new_folder", "write_array"]

import csv
import importlib.util
import io
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latente.files import naming

if TYPE_CHECKING:
    from latente.data import Schema

SEPARATORS = {".csv": ",", ".tsv": "\t"}
TABLES = (*SEPARATORS, ".parquet")
ARRAYS = (".npy", *TABLES)
SAMPLES = (*ARRAYS, ".png")


def check_file(path: Path, allowed: Sequence[str], force: bool) -> None:
    """Raises when a result cannot be written to a path.

    Args:
        path: of the file.
        allowed: the extensions that the command writes.
        force: whether a file that is there may be overwritten.

    Raises:
        ValueError: for another extension.
        FileExistsError: when something is there.
        OSError: when the folder cannot be written to.
        ImportError: when the format needs a package that is missing.
    """
    suffix = path.suffix.lower()
    if suffix not in allowed:
        got = repr(suffix) if suffix else "no extension"
        raise ValueError(f"-o {path}: the extension says the format; got {got}, allowed: {', '.join(allowed)}")
    if path.is_dir():
        raise FileExistsError(f"-o {path} is a folder; give the name of a file")
    if path.exists() and not force:
        raise FileExistsError(f"{path} exists; add --force to overwrite it, or choose another name")
    _check_writable(path, path.parent)
    if suffix == ".parquet" and not any(importlib.util.find_spec(name) for name in ("polars", "pyarrow")):
        raise ImportError("writing .parquet needs: pip install 'latente[data]'")


def check_folder(path: Path, force: bool) -> None:
    """Raises when a result cannot be written to a folder: a file is there, or a folder with something in it.

    Args:
        path: of the folder.
        force: whether files of the result's names may be overwritten in it; others stay.

    Raises:
        FileExistsError: when something is there.
        OSError: when it cannot be written to.
    """
    if path.exists() and not path.is_dir():
        raise FileExistsError(f"{path} is a file; a folder is written, choose another name")
    if path.is_dir() and not force and any(path.iterdir()):
        raise FileExistsError(f"{path} exists and is not empty; add --force to overwrite it, or choose another name")
    _check_writable(path, path if path.is_dir() else path.parent)


def _check_writable(path: Path, folder: Path) -> None:
    """Tries to write in the nearest folder that exists; missing ones are made when there is a result."""
    folder = folder.absolute()
    nearest = next(parent for parent in (folder, *folder.parents) if parent.exists())
    try:
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        raise type(error)(f"{path} cannot be written: {error.strerror} in {nearest}") from error


def check_samples(path: Path, schema: Schema) -> None:
    """Raises ValueError when samples of this kind have no place in a file of that extension."""
    suffix, shape = path.suffix.lower(), " x ".join(map(str, schema.user_shape))
    if suffix in TABLES and len(schema.user_shape) != 1:
        raise ValueError(f"-o {path}: samples of shape {shape} are no rows of a table; write .npy or .png")
    if suffix == ".png" and schema.kind != "image":
        raise ValueError(f"-o {path}: this model's samples are a {schema.kind}, not images; write .npy or .csv")
    if suffix == ".png" and schema.sample_shape[0] not in (1, 3):
        raise ValueError(
            f"-o {path}: PNG shows 1 or 3 channels; these images have {schema.sample_shape[0]}; write .npy"
        )


def write_array(
    path: Path,
    array: NDArray[Any],
    *,
    columns: Sequence[str] | None = None,
    schema: Schema | None = None,
    across: int | None = None,
) -> None:
    """Writes codes or samples in the format that the extension says.

    Args:
        path: as checked.
        array: (n, d) for tables, (n, ...) for .npy and .png.
        columns: names of a table's columns; None numbers them.
        schema: what an image is, for .png.
        across: images in a row of a .png; None makes the grid about square.
    """
    suffix = path.suffix.lower()
    names = list(columns) if columns is not None else [f"x{i}" for i in range(array[0].size)]
    with new_file(path) as part:
        if suffix == ".npy":
            np.save(part, array)
        elif suffix == ".parquet":
            _write_parquet(part, array, names)
        elif suffix == ".png" and schema is not None:
            from latente.cli.pictures import write_grid

            write_grid(part, array, schema, across)
        else:
            _write_text(part, array, names, SEPARATORS[suffix])


def _write_text(path: Path, array: NDArray[Any], names: list[str], separator: str) -> None:
    digits = {"float32": "%.9g", "float64": "%.17g"}.get(array.dtype.name, "%d")  # enough to read the same number back
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=separator, lineterminator="\n").writerow(names)
        np.savetxt(file, array, fmt=digits, delimiter=separator)


def _write_parquet(path: Path, array: NDArray[Any], names: list[str]) -> None:
    columns = {name: np.ascontiguousarray(array[:, i]) for i, name in enumerate(names)}
    content = io.BytesIO()  # so that a full disk is Python's error, not one of each library's own
    if importlib.util.find_spec("polars"):
        import polars

        polars.DataFrame(columns).write_parquet(content)
    else:
        import pyarrow
        import pyarrow.parquet

        pyarrow.parquet.write_table(pyarrow.table(columns), content)
    path.write_bytes(content.getbuffer())


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Yields a temporary name in the same folder, which becomes the file when all went well and vanishes otherwise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{secrets.token_hex(4)}.part{path.suffix}")
    try:
        with naming(path, part):
            yield part
            os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yields a temporary folder beside the path, whose content moves there when all went well and vanishes otherwise.

    What else is in the folder stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{secrets.token_hex(4)}.part")
    part.mkdir()
    try:
        with naming(path, part):
            yield part
            path.mkdir(exist_ok=True)
            for item in part.iterdir():
                target = path / item.name
                if target.is_dir() and not target.is_symlink():
                    shutil.rmtree(target)
                os.replace(item, target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
