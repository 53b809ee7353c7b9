"""The front door: what kind of data this is, how it is scaled, how batches come."""

from __future__ import annotations

__all__ = [
    "ArrayRows", "ArraySource", "Columns", "DataSpec", "MappedSource", "NpyWriter", "RangeWarning", "Rows", "Schema",
    "Source", "StoredRowsChanged", "StreamSource", "as_array", "as_rows", "batch_bounds", "check_values",
    "count_batches", "count_distinct", "decide", "loaded", "open_rows", "prefetched", "read", "recognise", "source_of",
]  # fmt: skip

from latente.data.arrays import Columns, as_array
from latente.data.checks import check_values
from latente.data.decide import decide, recognise
from latente.data.duplicates import count_distinct
from latente.data.npy import NpyWriter
from latente.data.open import as_rows, loaded, open_rows
from latente.data.prefetch import prefetched
from latente.data.ranges import RangeWarning
from latente.data.read import read
from latente.data.rows import ArrayRows, Rows, StoredRowsChanged
from latente.data.schema import Schema
from latente.data.source import ArraySource, MappedSource, Source, batch_bounds, count_batches
from latente.data.spec import DataSpec
from latente.data.stream import StreamSource, source_of
