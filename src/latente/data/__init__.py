"""The front door: what kind of data this is, how it is scaled, how batches come."""

from __future__ import annotations

__all__ = ["ArraySource", "Columns", "DataSpec", "Schema", "Source", "as_array", "check_values", "decide", "read"]

from latente.data.arrays import Columns, as_array
from latente.data.checks import check_values
from latente.data.decide import decide
from latente.data.read import read
from latente.data.schema import Schema
from latente.data.source import ArraySource, Source
from latente.data.spec import DataSpec
