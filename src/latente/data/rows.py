"""Samples as the user has them, read in ranges: what every kind of storage can do."""

from __future__ import annotations

__all__ = ["ArrayRows", "Rows", "StoredRowsChanged", "TakenRows"]

import abc
import math
from collections.abc import Generator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.data.arrays import Columns
from latente.data.prefetch import prefetched

BLOCK_BYTES = 1 << 20  # what is read together where storage has no blocks of its own
BLOCKS = 1024  # but at least so many blocks, so that even small data mix well
CHUNK = 1 << 20  # values that are looked at in one piece


class StoredRowsChanged(RuntimeError):
    """Raised when a file is no longer what it was when it was opened.

    Example:
        >>> import tempfile
        >>> from latente.data import open_rows
        >>> file = tempfile.mkdtemp() + "/X.npy"
        >>> np.save(file, np.zeros((4, 3)))
        >>> rows = open_rows(file)
        >>> np.save(file, np.zeros((5, 3)))
        >>> rows.check_unchanged()
        Traceback (most recent call last):
        latente.data.rows.StoredRowsChanged: ...
    """


class Rows(abc.ABC):
    """Samples (n, ...) in the user's units that need not fit in memory.

    A subclass sets the attributes and says how a range is read; what it returns must depend on the range alone.

    Attributes:
        shape: (n, ...).
        dtype: of the values.
        columns: the names of a table's columns, or None.
        name: for messages: what is read.

    Example:
        >>> class Squares(Rows):
        ...     shape, dtype = (1000, 1), np.dtype(np.int64)
        ...     def read(self, start, stop):
        ...         return np.arange(start, stop)[:, None] ** 2
        >>> Squares().take(np.array([3, 10])).ravel()
        array([  9, 100])
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    columns: Columns = None
    name: str = "X"

    @abc.abstractmethod
    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Returns samples start..stop - 1, in order, (stop - start, ...)."""

    def gather(self, ranges: NDArray[np.int64]) -> NDArray[Any]:
        """Returns the samples of all ranges, (m, 2) of starts and stops, one after the other."""
        out = np.empty((int((ranges[:, 1] - ranges[:, 0]).sum()), *self.shape[1:]), self.dtype)
        at = 0
        for start, stop in ranges.tolist():
            out[at : at + stop - start] = self.read(start, stop)
            at += stop - start
        return out

    def edges(self) -> NDArray[np.int64]:
        """Returns where the blocks that are best read whole begin and end: 0, ..., n."""
        blocks = max(-(-len(self) * self.row_bytes // BLOCK_BYTES), min(len(self), BLOCKS))
        blocks = min(blocks, len(self))
        return np.arange(blocks + 1, dtype=np.int64) * len(self) // blocks

    def check_unchanged(self) -> None:  # noqa: B027  (what has no file does not change)
        """Raises StoredRowsChanged when what is stored is no longer what was opened."""

    def take(self, index: NDArray[np.int64]) -> NDArray[Any]:
        """Returns the samples with the indices `index` (m,); sorted ones are read fastest."""
        return self.gather(np.stack([index, index + 1], axis=1))

    def sample(self, limit: int, seed: int = 0) -> NDArray[Any]:
        """Returns all samples, or where there are more than `limit`, so many random ones; in order.

        Args:
            limit: the most.
            seed: decides which.
        """
        if len(self) <= limit:
            return self.read(0, len(self))
        chosen = np.random.default_rng(seed).choice(len(self), limit, replace=False, shuffle=False)
        return self.take(np.sort(chosen).astype(np.int64))

    def chunks(self) -> Generator[tuple[int, NDArray[Any]], None, None]:
        """Yields all samples in order and in pieces, as (index of the first, samples), read ahead by a thread."""
        rows = max(1, CHUNK // self.row_size)
        self.check_unchanged()
        return prefetched((i, self.read(i, min(i + rows, len(self)))) for i in range(0, len(self), rows))

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def row_size(self) -> int:
        """The number of values in a sample."""
        return math.prod(self.shape[1:])

    @property
    def row_bytes(self) -> int:
        """The bytes of a sample as it is stored."""
        return self.row_size * self.dtype.itemsize

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, shape={self.shape}, dtype={self.dtype})"


class ArrayRows(Rows):
    """An array in memory.

    Args:
        array: (n, ...).
        columns: the names of its columns, or None.

    Example:
        >>> ArrayRows(np.arange(8).reshape(4, 2)).read(1, 3)
        array([[2, 3],
               [4, 5]])
    """

    def __init__(self, array: NDArray[Any], columns: Columns = None) -> None:
        self.array, self.columns = array, columns
        self.shape, self.dtype = array.shape, array.dtype

    def read(self, start: int, stop: int) -> NDArray[Any]:
        return self.array[start:stop]

    def take(self, index: NDArray[np.int64]) -> NDArray[Any]:
        return self.array[index]

    def chunks(self) -> Generator[tuple[int, NDArray[Any]], None, None]:
        rows = max(1, CHUNK // self.row_size)
        return ((i, self.array[i : i + rows]) for i in range(0, len(self), rows))


class TakenRows(Rows):
    """Some of other rows.

    Args:
        rows: all of them.
        index: (m,) which, in rising order.

    Example:
        >>> rows = ArrayRows(np.arange(8).reshape(4, 2))
        >>> TakenRows(rows, np.array([0, 3])).read(0, 2)
        array([[0, 1],
               [6, 7]])
    """

    def __init__(self, rows: Rows, index: NDArray[np.int64]) -> None:
        self.rows, self.index = rows, index
        self.shape, self.dtype = (len(index), *rows.shape[1:]), rows.dtype
        self.columns, self.name = rows.columns, rows.name

    def read(self, start: int, stop: int) -> NDArray[Any]:
        return self.rows.take(self.index[start:stop])

    def take(self, index: NDArray[np.int64]) -> NDArray[Any]:
        return self.rows.take(self.index[index])

    def check_unchanged(self) -> None:
        self.rows.check_unchanged()
