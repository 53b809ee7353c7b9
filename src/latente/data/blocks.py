"""Rows stored in compressed blocks, which are read whole: Zarr, HDF5, and what Parquet and Arrow build on."""

from __future__ import annotations

__all__ = ["BlockRows", "ChunkedRows", "LargeBlockWarning", "open_zarr"]

import abc
import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.data.npy import check_file_unchanged
from latente.data.rows import BLOCK_BYTES, BLOCKS, Rows

LARGE = 1 << 28  # bytes of a block that are warned about
Seen = dict[Path, tuple[int, int]]


class LargeBlockWarning(UserWarning):
    """Warned when a file's blocks are so large that reading one takes much memory."""


class BlockRows(Rows):
    """Rows that can only be read a block at a time; the last one read is kept.

    A subclass sets `bounds` (0, ..., n), where the blocks begin and end, and `files`, with size and time of change.
    """

    bounds: NDArray[np.int64]
    files: Seen
    advice: str = "write it again with smaller blocks"

    @abc.abstractmethod
    def decode(self, block: int) -> NDArray[Any]:
        """Returns the samples of a block, (m, ...)."""

    def start(self) -> None:
        """Ends the constructor: warns of blocks that take much memory."""
        self._forget()
        largest = int(np.diff(self.bounds).max()) * self.row_bytes
        if largest > LARGE:
            warnings.warn(
                f"{self.name} is stored in blocks of up to {largest / 1e6:.0f} MB, each of which is read whole and "
                f"shuffled by itself; {self.advice}",
                LargeBlockWarning,
                stacklevel=6,
            )

    def _forget(self) -> None:
        self._lock, self._last = threading.Lock(), (-1, np.empty(0))

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in ("_lock", "_last")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._forget()

    def edges(self) -> NDArray[np.int64]:
        blocks = len(self.bounds) - 1
        mean = max(1, len(self) * self.row_bytes // blocks)
        joined = max(1, min(BLOCK_BYTES // mean, blocks // BLOCKS))  # many small blocks are read as one
        return np.append(self.bounds[:-1:joined], self.bounds[-1])

    def read(self, start: int, stop: int) -> NDArray[Any]:
        parts, at = [], start
        while at < stop:
            block = int(np.searchsorted(self.bounds, at, "right")) - 1
            first, last = self.bounds[block : block + 2].tolist()
            parts.append(self._block(block)[at - first : min(stop, last) - first])
            at = min(stop, last)
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _block(self, block: int) -> NDArray[Any]:
        with self._lock:
            if self._last[0] != block:
                first, last = self.bounds[block : block + 2].tolist()
                try:
                    values = self.decode(block)
                except (OSError, RuntimeError, ValueError, KeyError) as error:
                    self.check_unchanged()
                    raise ValueError(f"cannot read rows {first} to {last - 1} of {self.name}: {error}") from error
                if values.shape != (last - first, *self.shape[1:]):
                    self.check_unchanged()
                    raise ValueError(f"cannot read rows {first} to {last - 1} of {self.name}: got {values.shape}")
                self._last = block, values
            return self._last[1]

    def check_unchanged(self) -> None:
        for path, seen in self.files.items():
            check_file_unchanged(path, seen)


class ChunkedRows(BlockRows):
    """An array on disk that is sliced like one in memory: a Zarr array, an HDF5 data set.

    Args:
        array: has a shape, a dtype, chunks (or None), and slices.
        name: for messages.
        files: what shows whether it has changed.
    """

    def __init__(self, array: Any, name: str = "X", files: Seen | None = None) -> None:
        self.array, self.name, self.files = array, name, files or {}
        self.shape, self.dtype = tuple(array.shape), np.dtype(array.dtype)
        rows = (getattr(array, "chunks", None) or (max(1, BLOCK_BYTES // max(1, self.row_bytes)),))[0]
        self.bounds = np.append(np.arange(0, len(self), rows, dtype=np.int64), len(self))
        self.advice = "store it in chunks of fewer samples"
        if len(self):
            self.start()

    def decode(self, block: int) -> NDArray[Any]:
        first, last = self.bounds[block : block + 2].tolist()
        return np.asarray(self.array[first:last])


def open_zarr(path: Path) -> Rows:
    """Returns the rows of a Zarr array, or of the array X in a group, or of its only one.

    Raises:
        ImportError: naming the extra to install.
        ValueError: when it is damaged, or which of several arrays is meant cannot be told.
    """
    try:
        import zarr
    except ImportError as error:
        raise ImportError("reading Zarr needs: pip install 'latente[data]'") from error
    try:
        found = zarr.open(store=path, mode="r")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"cannot read {path}: {error}") from error
    if not isinstance(found, zarr.Array):
        arrays = dict(found.arrays())
        name = next((n for n in ("X", "x") if n in arrays), next(iter(arrays)) if len(arrays) == 1 else None)
        if name is None:
            raise ValueError(f"{path} holds the arrays {', '.join(sorted(arrays)) or '(none)'}; keep one, or call it X")
        found, path = arrays[name], path / name
    described = [path / name for name in ("zarr.json", ".zarray") if (path / name).is_file()]
    return ChunkedRows(found, str(path), stamps(described))


def stamps(files: list[Path]) -> Seen:
    """Returns the size and the time of change of each file."""
    return {file: (file.stat().st_size, file.stat().st_mtime_ns) for file in files}
