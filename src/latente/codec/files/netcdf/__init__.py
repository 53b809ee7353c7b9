"""NetCDF files: every group, dimension, variable and attribute, the values within their bounds."""

from __future__ import annotations

__all__ = ["NetcdfFormat"]

from latente.codec.files.netcdf.format import NetcdfFormat
