"""Tables: CSV, whose text is restored, and Parquet, whose values are."""

from __future__ import annotations

__all__ = ["CsvFormat"]

from latente.codec.files.tables.csv import CsvFormat
