"""Attributes of NetCDF files as JSON and back, with their types."""

from __future__ import annotations

__all__ = ["read_attributes", "write_attributes"]

from collections.abc import Collection
from typing import Any

import numpy as np

from latente.codec.errors import AlteredError
from latente.codec.files.base import Unfit

SET_AT_CREATION = "_FillValue"
TYPES = ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8")


def read_attributes(holder: Any, strings: Collection[str]) -> list[list[Any]]:
    """Returns the attributes of a group or a variable: name, type, values.

    Args:
        holder: a netCDF4 data set, group or variable.
        strings: names of those that are of type string, not char.

    Raises:
        Unfit: for one of a user's own type.
    """
    return [[name, *_described(name, holder.getncattr(name), name in strings)] for name in holder.ncattrs()]


def _described(name: str, value: Any, string: bool) -> tuple[str, Any]:
    if isinstance(value, str):
        return ("string" if string else "char"), value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return "strings", value
    array = np.asarray(value)
    if array.dtype.str[1:] not in TYPES or array.ndim > 1:
        raise Unfit(f"attribute {name!r} is of type {array.dtype}, which is kept as it is")
    kind = array.dtype.str[1:]
    return kind, array.astype(f"<{kind}").tobytes().hex()


def write_attributes(holder: Any, attributes: list[Any]) -> None:
    """Gives a group or a variable its attributes, but for the fill value, which it must have had from the start.

    Args:
        holder: a netCDF4 data set, group or variable.
        attributes: as `read_attributes` returned them.
    """
    for item in attributes:
        if not isinstance(item, list) or len(item) != 3 or not isinstance(item[0], str):
            raise AlteredError("the file describes an attribute that there cannot be")
        name, kind, value = item
        if name == SET_AT_CREATION:
            continue
        if kind == "string":
            holder.setncattr_string(name, value)
        elif kind == "char":
            holder.setncattr(name, value)
        elif kind == "strings":
            holder.setncattr_string(name, [str(text) for text in value])
        else:
            holder.setncattr(name, value_of(kind, value))


def value_of(kind: str, text: Any) -> Any:
    """Returns the number, or the numbers, of an attribute."""
    if kind not in TYPES or not isinstance(text, str):
        raise AlteredError(f"the file describes an attribute of type {kind!r}, which there is not")
    try:
        values = np.frombuffer(bytes.fromhex(text), f"<{kind}").astype(kind)
    except ValueError as error:
        raise AlteredError(f"an attribute's values cannot be read: {error}") from error
    return values[0] if len(values) == 1 else values
