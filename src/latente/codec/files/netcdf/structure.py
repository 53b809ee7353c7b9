"""What a NetCDF file is made of, as JSON, and a file made of it again."""

from __future__ import annotations

__all__ = ["Structure", "Variable", "build", "modules", "read_structure"]

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from latente.codec.errors import AlteredError
from latente.codec.fields import take_integer, take_list, take_text
from latente.codec.files.base import Unfit
from latente.codec.files.netcdf.attributes import TYPES, read_attributes, value_of, write_attributes

MODELS = ("NETCDF4", "NETCDF4_CLASSIC", "NETCDF3_CLASSIC", "NETCDF3_64BIT_OFFSET", "NETCDF3_64BIT_DATA")
HIDDEN = {"CLASS", "NAME", "REFERENCE_LIST", "DIMENSION_LIST", "_NCProperties", "_nc3_strict", "_Netcdf4Dimid"} | {
    "_Netcdf4Coordinates", "DIMENSION_LABELS",
}  # fmt: skip
LARGEST_CHUNK = 1 << 28  # bytes
STORED = ("zlib", "shuffle", "fletcher32")


@dataclass(frozen=True)
class Structure:
    """All of a NetCDF file but the values: "model" and "groups", each with dims, attrs and vars."""

    content: dict[str, Any]

    def variables(self) -> Iterator[Variable]:
        """Gives the variables in the order in which their values are stored."""
        sizes: dict[str, dict[str, int]] = {}
        for group in take_list(self.content, "groups", dict):
            path = take_text(group, "path")
            outer = sizes.get(path.rpartition("/")[0] or "/", {}) if path != "/" else {}
            sizes[path] = {**outer, **{str(name): int(size) for name, size, _ in take_list(group, "dims", list)}}
            for fields in take_list(group, "vars", dict):
                yield Variable.of(path, fields, sizes[path])


@dataclass(frozen=True)
class Variable:
    """A variable: where it is, what it is called, its type ("str" for text) and shape, and all that is known of it."""

    group: str
    name: str
    dtype: str
    shape: tuple[int, ...]
    fields: Mapping[str, Any]

    @classmethod
    def of(cls, group: str, fields: dict[str, Any], sizes: Mapping[str, int]) -> Variable:
        """Returns the variable that a group's JSON describes.

        Args:
            group: its path.
            fields: of the variable.
            sizes: of the dimensions that the group knows.
        """
        dims = take_list(fields, "dims", str, longest=64)
        if not all(name in sizes and sizes[name] >= 0 for name in dims):
            raise AlteredError(f"a variable has dimensions that there are not: {dims}")
        dtype = take_text(fields, "dtype", (*TYPES, "S1", "str"))
        return cls(group, take_text(fields, "name"), dtype, tuple(sizes[name] for name in dims), fields)

    @property
    def path(self) -> str:
        """The name that users know; in groups below the first one with their path."""
        return self.name if self.group == "/" else f"{self.group}/{self.name}"

    def attribute(self, name: str) -> Any:
        """Returns the value of an attribute, or None."""
        for found, kind, value in self.fields["attrs"]:
            if found == name:
                return value_of(kind, value) if kind in TYPES else value
        return None


def modules() -> Any:
    """Returns the netCDF4 module; raises ImportError naming the extra."""
    try:
        import netCDF4
    except ImportError as error:
        raise ImportError("NetCDF files need netCDF4; install it with: pip install 'latente[netcdf]'") from error
    return netCDF4


def read_structure(path: Path, dataset: Any) -> Structure:
    """Returns what a file is made of.

    Args:
        path: of the file.
        dataset: the same, open.

    Raises:
        Unfit: when something is in it that could not be written again.
    """
    if dataset.data_model not in MODELS:
        raise Unfit(f"data model {dataset.data_model} is kept as it is")
    strings = _hdf5_strings(path, dataset) if dataset.data_model.startswith("NETCDF4") else {}
    groups = [_group(group, strings) for group in _walk(dataset)]
    return Structure({"model": dataset.data_model, "groups": groups})


def _walk(group: Any) -> Iterator[Any]:
    yield group
    for below in group.groups.values():
        yield from _walk(below)


def _group(group: Any, strings: Mapping[str, set[str]]) -> dict[str, Any]:
    if group.cmptypes or group.vltypes or group.enumtypes:
        raise Unfit(f"group {group.path} has types of its own, which are kept as they are")
    return {
        "path": group.path,
        "dims": [[name, len(dim), int(dim.isunlimited())] for name, dim in group.dimensions.items()],
        "attrs": read_attributes(group, strings.get(group.path, set())),
        "vars": [_variable(group, variable, strings) for variable in group.variables.values()],
    }


def _variable(group: Any, variable: Any, strings: Mapping[str, set[str]]) -> dict[str, Any]:
    dtype = "str" if variable.dtype is str else np.dtype(variable.dtype).str[1:]
    if dtype not in (*TYPES, "S1", "str"):
        raise Unfit(f"variable {variable.name!r} is of type {variable.dtype}, which is kept as it is")
    path = f"{group.path.rstrip('/')}/{variable.name}"
    fields = {
        "name": variable.name,
        "dtype": dtype,
        "dims": list(variable.dimensions),
        "attrs": read_attributes(variable, strings.get(path, set())),
    }
    if dtype != "str" and variable.get_fill_value() is None:
        fields["nofill"] = 1
    return fields | _storage(variable)


def _storage(variable: Any) -> dict[str, Any]:
    """Returns how a variable's values lie in the file; nothing of that changes a value."""
    found: dict[str, Any] = {"endian": variable.endian()}
    chunks = variable.chunking()
    if isinstance(chunks, list) and math.prod(chunks) * 8 <= LARGEST_CHUNK:
        found["chunks"] = [int(n) for n in chunks]
    filters = variable.filters() or {}
    used = {name: 1 for name in STORED if filters.get(name)}
    return found | used | ({"level": int(filters["complevel"])} if used.get("zlib") else {})


def _hdf5_strings(path: Path, dataset: Any) -> dict[str, set[str]]:
    """Returns names of attributes of type string by their holder's path; raises Unfit for what NetCDF does not show."""
    try:
        import h5py
    except ImportError as error:
        raise ImportError("NetCDF files need h5py; install it with: pip install 'latente[netcdf]'") from error
    shown = {"/"} | {group.path for group in _walk(dataset)}
    scales = set()
    for group in _walk(dataset):
        base = group.path.rstrip("/")
        shown |= {f"{base}/{name}" for name in group.variables}
        scales |= {f"{base}/{name}" for name in group.dimensions}
    strings: dict[str, set[str]] = {}
    with h5py.File(path, "r") as file:
        found: dict[str, Any] = {"/": file}
        file.visititems(lambda name, item: found.__setitem__(f"/{name}", item))
        for name, item in found.items():
            plain = name.replace("_nc4_non_coord_", "")
            if plain not in shown | scales or isinstance(item, h5py.Datatype):
                raise Unfit(f"it holds {name!r}, which is no part of NetCDF")
            strings[plain] = {key for key in item.attrs if key not in HIDDEN and _is_string(h5py, item, key)}
    return strings


def _is_string(h5py: Any, item: Any, key: str) -> bool:
    information = h5py.check_string_dtype(item.attrs.get_id(key).dtype)
    return information is not None and information.length is None


def build(structure: Structure, path: Path) -> Any:
    """Returns a new, open file that is made of the same parts, without the values.

    Args:
        structure: as `read_structure` returned it.
        path: of the new file.

    Raises:
        AlteredError: when it makes no sense.
    """
    model = take_text(structure.content, "model", MODELS)
    dataset = modules().Dataset(path, "w", clobber=False, format=model)
    try:
        variables = list(structure.variables())
        for group in take_list(structure.content, "groups", dict):
            name = take_text(group, "path")
            place = dataset if name == "/" else dataset.createGroup(name)
            for dim, size, unlimited in group["dims"]:
                place.createDimension(dim, None if unlimited else size)
            write_attributes(place, take_list(group, "attrs", list))
            for variable in variables:
                if variable.group == name:
                    _create(place, variable, chunked=model.startswith("NETCDF4"))
    except BaseException:
        dataset.close()
        raise
    return dataset


def _create(place: Any, variable: Variable, chunked: bool) -> None:
    fields = variable.fields
    attributes = take_list(dict(fields), "attrs", list)
    fill = variable.attribute("_FillValue")
    settings: dict[str, Any] = {"fill_value": fill if fill is not None else False if fields.get("nofill") else None}
    if variable.dtype == "str":
        settings = {}
    elif chunked:
        chunks = take_list(dict(fields), "chunks", int, longest=64) if "chunks" in fields else None
        if chunks is not None and (min(chunks, default=1) < 1 or math.prod(chunks) * 8 > LARGEST_CHUNK):
            raise AlteredError(f"the file describes chunks that there cannot be: {chunks}")
        settings |= {name: bool(fields.get(name)) for name in STORED} | {"chunksizes": chunks}
        settings |= {"complevel": take_integer(dict(fields), "level", 0, 9)} if fields.get("zlib") else {}
    dtype: Any = str if variable.dtype == "str" else np.dtype(variable.dtype)
    if variable.dtype not in ("str", "S1"):
        order = take_text(dict(fields), "endian", ("native", "little", "big"))
        settings["endian"] = order
        dtype = dtype if order == "native" else dtype.newbyteorder(order)
    made = place.createVariable(variable.name, dtype, tuple(fields["dims"]), **settings)
    made.set_auto_maskandscale(False)
    made.set_auto_chartostring(False)
    write_attributes(made, attributes)
