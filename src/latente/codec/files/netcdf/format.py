"""NetCDF files in .lat files."""

from __future__ import annotations

__all__ = ["NetcdfFormat"]

import json
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from latente.codec.bounds import Bound
from latente.codec.errors import AlteredError, CodecError
from latente.codec.fields import take_integer, take_list, take_object
from latente.codec.files.arrays import (
    ArraySource,
    ArraySpec,
    describe_array,
    iterate_array,
    native,
    plan_array,
    write_array,
)
from latente.codec.files.base import Sections, Settings, Unfit, Written
from latente.codec.files.exact import pack_bytes, unpack_bytes
from latente.codec.files.netcdf.structure import Structure, Variable, build, modules, read_structure
from latente.codec.files.results import Part
from latente.codec.streams import ContainerReader, ContainerWriter

MAGICS = (b"CDF\x01", b"CDF\x02", b"CDF\x05")
HDF5 = b"\x89HDF\r\n\x1a\n"
SUFFIXES = (".nc", ".nc4", ".netcdf", ".cdf")
NAMING = ("coordinates", "bounds", "climatology", "grid_mapping", "formula_terms", "cell_measures")  # CF conventions
LARGEST_STRUCTURE = 1 << 26  # bytes


class NetcdfFormat:
    """Variables within their bounds; coordinates, bounds of cells, text and integers that are not packed exactly."""

    kind, suffix = "netcdf", ".nc"

    def tells(self, path: Path, head: bytes) -> str | None:
        """Returns what tells that a file is of this format, or None."""
        if head.startswith(MAGICS):
            return "it starts as NetCDF files do"
        found = head.startswith(HDF5) and path.suffix.lower() in SUFFIXES
        return "it is an HDF5 file named as NetCDF" if found else None

    def write(self, path: Path, file: BinaryIO, settings: Settings) -> Written:
        """Writes a .lat file; see `Format`."""
        with _opened(path) as dataset:
            structure = read_structure(path, dataset)
            variables = list(structure.variables())
            settings.check_names([variable.path for variable in variables], "variables")
            for variable in variables:
                if variable.dtype in ("str", "S1"):
                    settings.check_exact(variable.path, "text")
            exact = _named_by_others(variables)
            sources = [_source(dataset, variable) for variable in variables]
            specs = [
                None if source is None else plan_array(source, _bound(variable, exact, settings), settings)
                for variable, source in zip(variables, sources, strict=True)
            ]
            raw = json.dumps(structure.content, separators=(",", ":")).encode()
            content = {
                "size": path.stat().st_size, "block": settings.block_bytes, "structure": len(raw),
                "bound": settings.bound.to_json(),
                "arrays": [{} if spec is None else spec.to_json() for spec in specs],
            }  # fmt: skip
            with ContainerWriter(file, self.kind, content, settings.model) as writer:
                writer.write("structure", pack_bytes(raw))
                parts = [
                    _write_text(writer, i, dataset, variable)
                    if source is None or spec is None
                    else write_array(writer, str(i), variable.path, source, spec, settings)
                    for i, (variable, source, spec) in enumerate(zip(variables, sources, specs, strict=True))
                ]
        _check(file, path, structure, self, settings)
        kept = [v.path for v, spec in zip(variables, specs, strict=True) if spec is None or spec.target.exact]
        lossy = not settings.bound.lossless and kept
        return Written(tuple(parts), (f"kept exactly: {', '.join(kept)}",) if lossy else ())

    def read(self, reader: ContainerReader, out: Path, settings: Settings) -> None:
        """Writes what a .lat file holds; see `Format`."""
        sections = Sections(reader)
        structure, stored = _structure(reader, sections), _stored(reader)
        settings.limits.check("output_bytes", sum(spec.bytes for spec in stored if spec), "the file")
        try:
            dataset = build(structure, out)
            try:
                for i, (variable, spec) in enumerate(zip(structure.variables(), stored, strict=True)):
                    _fill(dataset, variable, spec, i, sections, settings)
                sections.finish()
            finally:
                dataset.close()
        except (RuntimeError, OSError) as error:
            if isinstance(error, OSError) and error.errno and error.errno > 0:
                raise
            raise AlteredError(f"the NetCDF library cannot write what the file describes: {error}") from error

    def values(self, path: Path, name: str) -> NDArray[Any] | None:
        """Returns a variable's numbers as they are stored; see `Format`."""
        with _opened(path) as dataset:
            found = {variable.path: variable for variable in read_structure(path, dataset).variables()}
            if found[name].dtype in ("str", "S1"):
                return None
            return np.asarray(_place(dataset, found[name])[...])

    def describe(self, reader: ContainerReader) -> tuple[Part, ...]:
        """Returns the parts of a .lat file; see `Format`."""
        sections, parts = Sections(reader), []
        structure = _structure(reader, sections)
        for i, (variable, spec) in enumerate(zip(structure.variables(), _stored(reader), strict=True)):
            if spec is None:
                section = sections.next(f"{i}t")
                size = int.from_bytes(reader.read(section)[:8], "little")
                parts.append(Part(variable.path, size, section.whole, "exact", None, "text, zstd", True))
            else:
                parts.append(describe_array(sections, str(i), variable.path, spec))
        sections.finish()
        return tuple(parts)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Yields a file, open, that gives and takes values as they are stored."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of what it skips, which `read_structure` finds by itself
            dataset = modules().Dataset(path, "r")
    except (OSError, RuntimeError) as error:
        raise Unfit(f"the NetCDF library cannot read it: {error}") from error
    try:
        dataset.set_auto_maskandscale(False)
        dataset.set_auto_chartostring(False)
        yield dataset
    finally:
        dataset.close()


def _place(dataset: Any, variable: Variable) -> Any:
    group = dataset if variable.group == "/" else dataset[variable.group]
    return group.variables[variable.name]


def _source(dataset: Any, variable: Variable) -> ArraySource | None:
    """Returns a variable's values, None for text of any length."""
    if variable.dtype == "str":
        return None
    place = _place(dataset, variable)
    dtype = np.dtype("V1") if variable.dtype == "S1" else np.dtype(variable.dtype)
    fills = [np.asarray(value).ravel() for name in ("_FillValue", "missing_value")
             if isinstance(value := variable.attribute(name), (np.generic, np.ndarray))]  # fmt: skip
    unset = modules().default_fillvals.get(variable.dtype)
    if unset is not None and dtype.itemsize > 1 and dtype.kind != "V":
        fills.append(np.array([unset], dtype))
    distinct = {np.array(item, dtype).tobytes(): item for fill in fills for item in fill if _fits(item, dtype)}

    def read(index: Any) -> Any:
        values = np.asarray(place[index if variable.shape else ...])
        return values.view("V1") if variable.dtype == "S1" else values

    return ArraySource(variable.shape, dtype, read, tuple(distinct.values()))


def _fits(value: Any, dtype: np.dtype[Any]) -> bool:
    """Returns whether a fill value is one of the variable's own type."""
    return dtype.kind in "fiu" and np.asarray(value).dtype.str[1:] == dtype.str[1:]


def _named_by_others(variables: list[Variable]) -> set[str]:
    """Returns the names of variables that say where others are, by the CF conventions: they are kept exactly."""
    names = {name for variable in variables for name in variable.fields["dims"]}
    for variable in variables:
        for attribute in NAMING:
            text = variable.attribute(attribute)
            names |= set(text.split()) if isinstance(text, str) else set()
    return names


def _bound(variable: Variable, exact: set[str], settings: Settings) -> Bound:
    """Returns a variable's bound, in units of what is stored."""
    scale = variable.attribute("scale_factor")
    packed = isinstance(scale, np.generic) and scale.dtype.kind in "fiu" and np.isfinite(scale) and scale != 0
    measured = (variable.dtype[0] == "f" or packed) and variable.name not in exact
    bound = settings.bound_of(variable.path, None if measured else Bound())
    if packed and bound.mode == "absolute":
        return Bound("absolute", bound.value / abs(float(scale)))
    return bound


def _write_text(writer: ContainerWriter, i: int, dataset: Any, variable: Variable) -> Part:
    """Writes a variable of text."""
    values = np.asarray(_place(dataset, variable)[...], dtype=object).ravel().tolist()
    raw = json.dumps(values, ensure_ascii=False).encode("utf-8", "surrogateescape")
    start = writer.size
    writer.write(f"{i}t", len(raw).to_bytes(8, "little") + pack_bytes(raw))
    return Part(variable.path, len(raw), writer.size - start, "exact", 0.0, "text, zstd", True)


def _structure(reader: ContainerReader, sections: Sections) -> Structure:
    size = take_integer(reader.header, "structure", 2, LARGEST_STRUCTURE)
    return Structure(take_object({"structure": _json(unpack_bytes(sections.take("structure"), size))}, "structure"))


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw.decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError) as error:
        raise AlteredError(f"what the file is made of cannot be read: {error}") from error


def _stored(reader: ContainerReader) -> list[ArraySpec | None]:
    block = take_integer(reader.header, "block", 1)
    found = take_list(reader.header, "arrays", dict)
    return [ArraySpec.from_json(content, block) if content else None for content in found]


def _fill(
    dataset: Any, variable: Variable, spec: ArraySpec | None, i: int, sections: Sections, settings: Settings
) -> None:
    """Writes the values of a variable."""
    place = _place(dataset, variable)
    if spec is None:
        content = sections.take(f"{i}t")
        size = int.from_bytes(content[:8], "little")
        settings.limits.check_decoded(size, f"variable {variable.path!r}")
        values = _json(unpack_bytes(content[8:], size))
        place[...] = np.array(values, dtype=object).reshape(variable.shape)
        return
    dtype = np.dtype("V1" if variable.dtype == "S1" else variable.dtype)
    if spec.shape != variable.shape or native(spec.dtype) != dtype:
        raise AlteredError(f"variable {variable.path!r} has another type or shape than its values")
    for index, block in iterate_array(sections, str(i), spec, settings):
        values = block.view("S1") if variable.dtype == "S1" else block
        place[index if variable.shape else ...] = values if variable.shape else values.reshape(())


def _check(file: BinaryIO, path: Path, structure: Structure, known: NetcdfFormat, settings: Settings) -> None:
    """Raises Unfit when what was written does not become a file of the same parts, with the same text.

    Numbers were compared block by block when they were written.
    """
    file.flush()
    with tempfile.TemporaryDirectory() as folder, open(file.name, "rb") as written:
        again = Path(folder) / "again.nc"
        try:
            known.read(ContainerReader(written, settings.limits), again, settings)
        except CodecError as error:
            raise Unfit(f"what was written could not be read again: {error}") from error
        with _opened(again) as dataset, _opened(path) as original:
            found = read_structure(again, dataset)
            texts = [variable for variable in structure.variables() if variable.dtype == "str"]
            other = [v.path for v in texts if found.content == structure.content and not _alike(original, dataset, v)]
    if found.content != structure.content:
        raise Unfit("some of its attributes, types or dimensions would not be the same again")
    if other:
        raise Unfit(f"the text of {other[0]!r} would not be the same again")


def _alike(original: Any, again: Any, variable: Variable) -> bool:
    """Whether a variable of text is the same in both files."""
    a, b = (np.asarray(_place(dataset, variable)[...], dtype=object) for dataset in (original, again))
    return bool(a.shape == b.shape and (a == b).all())
