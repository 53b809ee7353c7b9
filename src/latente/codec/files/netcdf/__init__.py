"""NetCDF files: every group, dimension, variable and attribute, the values within their bounds."""

from __future__ import annotations

__all__: list[str] = []
