"""Tables of numbers in Parquet and Arrow files, read a row group at a time."""

from __future__ import annotations

__all__ = ["ArrowRows", "ParquetRows"]

import abc
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latente.data.arrays import refuse_columns
from latente.data.blocks import BlockRows, stamps

if TYPE_CHECKING:
    import pyarrow

NEEDED = "reading {} in pieces needs: pip install 'latente[data]'"


class _Block(NamedTuple):
    """Where a block is, how many rows it has, and in which columns values are missing (all, where unknown)."""

    path: Path
    number: int
    rows: int
    missing: set[int]


class _ColumnarRows(BlockRows):
    """Numeric columns of one or several files of one schema; missing values are NaN.

    Args:
        files: in the order of their rows.
        name: for messages.
    """

    advice = "write it again with fewer rows in a group, e.g. row_group_size=10_000"

    def __init__(self, files: list[Path], name: str) -> None:
        self.name = name
        found = [(file, *self._opened(file)) for file in files]
        schema = found[0][1]
        for file, other, _ in found[1:]:
            if not other.equals(schema):
                raise ValueError(
                    f"{file} has other columns or types than {files[0]}; the files of one table must agree"
                )
        self.stored = [block for _, _, blocks in found for block in blocks if block.rows]
        self.columns = tuple(schema.names)
        missing = set().union(*(block.missing for block in self.stored))
        self.dtype = _dtype(schema, missing)
        self.bounds = np.cumsum([0, *(block.rows for block in self.stored)], dtype=np.int64)
        self.shape = (int(self.bounds[-1]), len(self.columns))
        self.files = stamps(files)
        if self.stored:
            self.start()

    def _opened(self, file: Path) -> tuple[pyarrow.Schema, list[_Block]]:
        try:
            return self._blocks(file)
        except ImportError as error:
            raise ImportError(NEEDED.format(self.name)) from error
        except (OSError, ValueError) as error:  # Arrow's own are among them
            raise ValueError(f"cannot read {file}: {error}") from error

    @abc.abstractmethod
    def _blocks(self, file: Path) -> tuple[pyarrow.Schema, list[_Block]]:
        """Returns the schema of a file and what it is made of."""

    @abc.abstractmethod
    def _columns(self, block: _Block) -> Iterable[Any]:
        """Returns the columns of a block as Arrow arrays."""

    def decode(self, block: int) -> NDArray[Any]:
        out = np.empty((self.stored[block].rows, self.shape[1]), self.dtype)
        for i, column in enumerate(self._columns(self.stored[block])):
            out[:, i] = column.to_numpy(zero_copy_only=False)  # missing integers become NaN
        return out


class ParquetRows(_ColumnarRows):
    """A Parquet file, or the files of a folder in the order of their names.

    Args:
        path: the file or the folder.
    """

    def __init__(self, path: Path) -> None:
        files = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
        super().__init__(files, str(path))

    def _blocks(self, file: Path) -> tuple[pyarrow.Schema, list[_Block]]:
        from pyarrow import parquet

        with parquet.ParquetFile(file) as opened:
            groups = [opened.metadata.row_group(i) for i in range(opened.metadata.num_row_groups)]
            schema = _plain(opened.schema_arrow, file)
        return schema, [_Block(file, i, group.num_rows, _missing(group)) for i, group in enumerate(groups)]

    def _columns(self, block: _Block) -> Iterable[Any]:
        from pyarrow import parquet

        with parquet.ParquetFile(block.path) as opened:
            return opened.read_row_group(block.number, columns=None, use_threads=False).columns


class ArrowRows(_ColumnarRows):
    """An Arrow IPC (Feather) file.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        super().__init__([path], str(path))

    def _blocks(self, file: Path) -> tuple[pyarrow.Schema, list[_Block]]:
        import pyarrow

        blocks = []
        with pyarrow.memory_map(str(file)) as mapped, pyarrow.ipc.open_file(mapped) as reader:
            schema = _plain(reader.schema, file)
            for i in range(reader.num_record_batches):
                batch = reader.get_batch(i)
                missing = {j for j, column in enumerate(batch.columns) if column.null_count}
                blocks.append(_Block(file, i, batch.num_rows, missing))
        return schema, blocks

    def decode(self, block: int) -> NDArray[Any]:
        import pyarrow

        # What is mapped may be read only while the file is open.
        stored = self.stored[block]
        with pyarrow.memory_map(str(stored.path)) as mapped, pyarrow.ipc.open_file(mapped) as reader:
            self._open = reader
            try:
                return super().decode(block)
            finally:
                del self._open

    def _columns(self, block: _Block) -> Iterable[Any]:
        return self._open.get_batch(block.number).columns


def _plain(schema: pyarrow.Schema, file: Path) -> pyarrow.Schema:
    """Returns a file's schema without metadata; TypeError for columns that hold no numbers."""
    from pyarrow import types

    def numeric(kind: Any) -> bool:
        known = types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)
        return known or types.is_null(kind)  # a column without any value

    refuse_columns([f"{field.name!r} ({field.type})" for field in schema if not numeric(field.type)], str(file))
    return schema.remove_metadata()


def _missing(group: Any) -> set[int]:
    """Returns in which columns of a Parquet row group values are, or may be, missing."""
    statistics = [group.column(i).statistics for i in range(group.num_columns)]
    return {i for i, s in enumerate(statistics) if s is None or not s.has_null_count or s.null_count}


def _dtype(schema: pyarrow.Schema, missing: set[int]) -> np.dtype[Any]:
    """Returns the dtype that holds all columns; one of integers with missing values needs float64."""
    kinds = [np.dtype(field.type.to_pandas_dtype()) for field in schema]
    return np.result_type(
        *(np.dtype("f8") if k.kind == "O" or (i in missing and k.kind != "f") else k for i, k in enumerate(kinds))
    )
