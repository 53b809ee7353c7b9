"""Paths as what lies there, in memory: pictures of any sizes, arrays, tables."""

from __future__ import annotations

__all__ = ["in_memory", "mapped", "opened"]

from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from latente.data import ArrayRows, Rows, loaded, read
from latente.data.images import IMAGE_SUFFIXES, read_each
from latente.data.open import fits


def opened(X: Any) -> Any:
    """Returns X, or what is at that path: one image as an array, a folder of images of any sizes as a list of arrays.

    Anything else is read as `fit` of every estimator reads it, but nothing is streamed.

    Args:
        X: a path, or anything else.

    Raises:
        FileNotFoundError, ValueError, ImportError: as `latente.data.loaded` does.
        ValueError: for samples that would take more than 1 GiB of memory and are in no .npy file.
    """
    if isinstance(X, (str, PathLike)):
        path = Path(X)
        if path.is_file() and path.suffix.lower() in IMAGE_SUFFIXES:
            return next(iter(read_each(path).values()))
        if path.is_dir() and any(file.suffix.lower() in IMAGE_SUFFIXES for file in path.rglob("*")):
            return list(read_each(path).values())
    X = loaded(mapped(X))
    return in_memory(X) if isinstance(X, Rows) else X


def mapped(X: Any) -> Any:
    """Returns X; of a memory map, or the path of a .npy file, an array that is used like one in memory."""
    if isinstance(X, (str, PathLike)) and Path(X).suffix.lower() == ".npy" and Path(X).is_file():
        X = read(Path(X))
    return np.asarray(X) if isinstance(X, np.memmap) else X


def in_memory(rows: Rows) -> Any:
    """Returns all samples as an array (n, ...).

    Args:
        rows: read at once.

    Raises:
        ValueError: when they are not in memory yet and would take more than 1 GiB.
    """
    if isinstance(rows, ArrayRows):
        return rows.array
    if not fits(rows):
        raise ValueError(
            f"{rows.name} has shape {rows.shape}, which takes more than 1 GiB; denoisers and imputers keep what they "
            "are given in memory, so give them a part of it at a time"
        )
    return rows.read(0, len(rows))
