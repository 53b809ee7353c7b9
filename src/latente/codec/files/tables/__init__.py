"""Tables: CSV, whose text is restored, and Parquet, whose values are."""

from __future__ import annotations

__all__: list[str] = []
