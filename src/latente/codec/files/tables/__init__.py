"""Tables: CSV, whose text is restored, and Parquet, whose values are."""

from __future__ import annotations

__all__ = ["CsvFormat", "ParquetFormat"]

from latente.codec.files.tables.csv import CsvFormat
from latente.codec.files.tables.parquet import ParquetFormat
