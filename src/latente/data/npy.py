"""Numpy files larger than memory: read in ranges, written piece by piece."""

from __future__ import annotations

__all__ = ["MemmapRows", "NpyRows", "NpyWriter"]

import mmap
import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from latente.data.rows import Rows, StoredRowsChanged
from latente.files import replacing


class NpyRows(Rows):
    """Values that lie one after the other in a file, read from it without mapping it: resident memory never grows.

    Args:
        path: the file.
        offset: bytes before the first value.
        shape: (n, ...).
        dtype: of the values.
    """

    def __init__(self, path: str | Path, offset: int, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.path, self.offset, self.shape, self.dtype = Path(path).absolute(), offset, shape, dtype
        self.name = str(path)
        status = os.stat(self.path)
        self.seen = (status.st_size, status.st_mtime_ns)
        wanted = offset + len(self) * self.row_bytes
        if status.st_size < wanted:
            raise ValueError(
                f"cannot read {path}: the file ends after {status.st_size} bytes, but its header promises {wanted} "
                f"for an array of shape {shape}; it was cut off while it was written or copied"
            )

    @classmethod
    def open(cls, path: str | Path) -> Rows:
        """Returns the rows of a .npy file.

        Raises:
            ValueError: for a file that is damaged or holds no array of numbers.
        """
        try:
            array = np.load(path, mmap_mode="r", allow_pickle=False)
        except (ValueError, EOFError, OSError) as error:
            raise ValueError(f"cannot read {path}: {error}") from error
        if array.ndim == 0:
            raise ValueError(f"{path} holds a single number; needed: at least two axes, the first of samples")
        return memmap_rows(array) if isinstance(array, np.memmap) else MemmapRows(array)

    def read(self, start: int, stop: int) -> NDArray[Any]:
        out = np.empty((stop - start, *self.shape[1:]), self.dtype)
        with open(self.path, "rb", buffering=0) as file:
            file.seek(self.offset + start * self.row_bytes)
            view, done = out.reshape(-1).view(np.uint8).data, 0
            while done < len(view):
                got = file.readinto(view[done:])
                if not got:
                    raise StoredRowsChanged(f"{self.name} ended at row {start + done // self.row_bytes} of {len(self)}"
                                            ": it was shortened while it was read")  # fmt: skip
                done += got
        return out

    def gather(self, ranges: NDArray[np.int64]) -> NDArray[Any]:
        return super().gather(_joined(ranges))

    def check_unchanged(self) -> None:
        check_file_unchanged(self.path, self.seen)


class MemmapRows(Rows):
    """A memory map in which a sample's values do not lie one after the other, or that has changes of its own.

    Pages that were read are given back at once.

    Args:
        array: (n, ...), the map or a part of it.
    """

    def __init__(self, array: NDArray[Any]) -> None:
        self.array, self.shape, self.dtype = array, array.shape, array.dtype
        self.name = str(getattr(array, "filename", None) or "X")
        self.map = getattr(array, "_mmap", None) if getattr(array, "mode", "c") != "c" else None

    def read(self, start: int, stop: int) -> NDArray[Any]:
        out = np.array(self.array[start:stop])
        if self.map is not None and hasattr(mmap, "MADV_DONTNEED"):
            low, high = np.lib.array_utils.byte_bounds(self.array[start:stop])
            first = low - np.frombuffer(self.map, np.uint8, 1).ctypes.data
            first -= first % mmap.PAGESIZE
            self.map.madvise(mmap.MADV_DONTNEED, first, min(high - low + mmap.PAGESIZE, len(self.map) - first))
        return out


def memmap_rows(array: np.memmap[Any, Any]) -> Rows:
    """Returns the rows of a memory map or of a part of one: read from its file where that is possible."""
    base, mode = getattr(array, "_mmap", None), getattr(array, "mode", "c")
    if base is None or mode == "c" or array.filename is None or not array.flags.c_contiguous:
        return MemmapRows(array)
    mapped_from = array.offset - array.offset % mmap.ALLOCATIONGRANULARITY  # the offset of the whole, also in a part
    into_map = array.ctypes.data - np.frombuffer(base, np.uint8, 1).ctypes.data
    return NpyRows(array.filename, mapped_from + into_map, array.shape, array.dtype)


def check_file_unchanged(path: Path, seen: tuple[int, int]) -> None:
    """Raises StoredRowsChanged when the file's size and time of change are not (size, time) as they were seen."""
    try:
        status = os.stat(path)
    except OSError as error:
        raise StoredRowsChanged(f"{path} is gone since it was opened: {error}") from error
    if (status.st_size, status.st_mtime_ns) != seen:
        raise StoredRowsChanged(f"{path} has changed since it was opened; fit again from the start")


def _joined(ranges: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns the ranges with those that follow directly on each other made one."""
    fresh = np.append(True, ranges[1:, 0] != ranges[:-1, 1]) if len(ranges) else np.zeros(0, dtype=bool)
    last = np.append(fresh[1:], True) if len(ranges) else fresh
    return np.stack([ranges[fresh, 0], ranges[last, 1]], axis=1)


class NpyWriter:
    """Writes a .npy file piece by piece, under a temporary name until it is complete.

    Args:
        path: the file; an older one is replaced at the end.
        samples: how many there will be.

    Raises:
        ValueError: for a name that does not end in .npy.
        FileNotFoundError, IsADirectoryError: on entering, when its folder is not there, or the path is a folder.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "codes.npy"
        >>> with NpyWriter(file, 3) as writer:
        ...     writer.write_all([np.zeros((2, 4)), np.ones((1, 4))])
        >>> np.load(file).shape
        (3, 4)
    """

    def __init__(self, path: str | Path, samples: int) -> None:
        self.path, self.samples = Path(path), samples
        if self.path.suffix.lower() != ".npy":
            raise ValueError(f"out must name a .npy file; got {str(path)!r}")
        self._replacing = replacing(self.path)
        self.file: Any = None

    def __enter__(self) -> Self:
        self.file = self._replacing.__enter__()
        return self

    def write_all(self, pieces: Iterable[NDArray[Any]]) -> None:
        """Writes pieces (m, ...), which together hold all samples.

        Raises:
            ValueError: when they hold fewer or more.
        """
        written = 0
        for i, piece in enumerate(pieces):
            if i == 0:
                header = {"descr": np.lib.format.dtype_to_descr(piece.dtype), "fortran_order": False,
                          "shape": (self.samples, *piece.shape[1:])}  # fmt: skip
                np.lib.format.write_array_header_1_0(self.file, header)
            self.file.write(np.ascontiguousarray(piece).reshape(-1).view(np.uint8).data)
            written += len(piece)
        if written != self.samples:
            raise ValueError(f"{self.path}: {self.samples} samples were promised; {written} came")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._replacing.__exit__(kind, error, trace)
