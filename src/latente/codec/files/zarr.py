"""Zarr stores in folders: arrays within their bounds, every other file byte by byte.

Formats: Zarr version 2 and 3. The chunks of an array are written anew with the codecs that its metadata names, and only
where all of these are known to lose nothing; other arrays keep their chunks as they are.
"""

from __future__ import annotations

__all__ = ["ZarrFormat"]

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from latente.codec.bounds import Bound
from latente.codec.errors import AlteredError
from latente.codec.fields import take_integer, take_list, take_object, take_text
from latente.codec.files.arrays import (
    ArraySource,
    ArraySpec,
    describe_array,
    iterate_array,
    may_lose,
    plan_array,
    write_array,
)
from latente.codec.files.base import Sections, Settings, Unfit, Written
from latente.codec.files.exact import pack_bytes, unpack_bytes
from latente.codec.files.places import tree_bytes
from latente.codec.files.results import Part
from latente.codec.limits import crc32c
from latente.codec.streams import ContainerReader, ContainerWriter

METADATA = ("zarr.json", ".zarray", ".zgroup")
CHUNK = re.compile(r"(c[/.])?\d+([./]\d+)*|c")
LOSSLESS = {"blosc", "bytes", "bz2", "crc32c", "gzip", "lz4", "lzma", "sharding_indexed", "shuffle"} | {
    "transpose", "zlib", "zstd",
}  # fmt: skip
NUMBERS = re.compile(r"[<>|=][biufc](1|2|4|8|16)")
LARGEST_STRUCTURE = 1 << 26  # bytes


@dataclass(frozen=True)
class Stored:
    """An array of a store: where it is, and the chunks that are there of it."""

    path: str
    array: Any
    chunks: tuple[str, ...]
    attributes: dict[str, Any]
    dimensions: tuple[str, ...]

    @property
    def name(self) -> str:
        """The path, or "values" where the store is one array."""
        return self.path or "values"


class ZarrFormat:
    """Zarr stores. Values and metadata are kept; the chunks are compressed anew."""

    kind, suffix = "zarr", ".zarr"

    def tells(self, path: Path, head: bytes) -> str | None:
        """Returns what tells that a folder is of this format, or None."""
        found = path.is_dir() and any((path / name).is_file() for name in METADATA)
        return "it is a folder with Zarr's metadata" if found else None

    def write(self, path: Path, file: BinaryIO, settings: Settings) -> Written:
        """Writes a .lat file; see `Format`."""
        files = _files(path)
        arrays = [stored for name in files if (stored := _stored(path, name, files)) is not None]
        settings.check_names([stored.name for stored in arrays], "arrays")
        for stored in arrays:
            if not may_lose(np.dtype(stored.array.dtype)):
                settings.check_exact(stored.name, f"values of type {stored.array.dtype}")
        exact = {name for stored in arrays for name in str(stored.attributes.get("coordinates", "")).split()}
        sources = [_source(stored) for stored in arrays]
        bounds = [_bound(stored, exact, settings) for stored in arrays]
        specs = [plan_array(source, bound, settings) for source, bound in zip(sources, bounds, strict=True)]
        coded = {chunk for stored in arrays for chunk in stored.chunks}
        rest = [(name, size) for name, size in files.items() if name not in coded]
        listed = [{"path": stored.path, "chunks": list(stored.chunks)} for stored in arrays]
        raw = json.dumps({"files": rest, "arrays": listed}, separators=(",", ":")).encode()
        content = {
            "size": tree_bytes(path), "block": settings.block_bytes, "bound": settings.bound.to_json(),
            "structure": len(raw), "arrays": [spec.to_json() for spec in specs],
        }  # fmt: skip
        with ContainerWriter(file, self.kind, content, settings.model) as writer:
            writer.write("structure", pack_bytes(raw))
            start = writer.size
            for i, block in enumerate(_joined(path, rest, settings.block_bytes)):
                writer.write(f"files/{i}", pack_bytes(block), crc32c(block))
            sizes = sum(size for _, size in rest), writer.size - start
            other = Part("other files", *sizes, "exact", 0.0, "zstd, exact", True)
            parts = [
                write_array(writer, str(i), stored.name, source, spec, settings)
                for i, (stored, source, spec) in enumerate(zip(arrays, sources, specs, strict=True))
            ]
        kept = [stored.name for stored, spec in zip(arrays, specs, strict=True) if spec.target.exact]
        notes = () if settings.bound.lossless or not kept else (f"kept exactly: {', '.join(kept)}",)
        return Written((*parts, other), notes)

    def read(self, reader: ContainerReader, out: Path, settings: Settings) -> None:
        """Writes what a .lat file holds; see `Format`."""
        zarr = _module()
        sections = Sections(reader)
        structure, specs = _structure(reader, sections), _specs(reader)
        files = [_entry(item) for item in take_list(structure, "files", list)]
        total = sum(size for _, size in files) + sum(spec.bytes for spec in specs)
        settings.limits.check("output_bytes", total, "the store")
        out.mkdir()
        _unjoin(out, files, sections, take_integer(reader.header, "block", 1), settings)
        for i, (fields, spec) in enumerate(zip(take_list(structure, "arrays", dict), specs, strict=True)):
            place = out / _safe(take_text(fields, "path"))
            wanted = {str(_safe(chunk)) for chunk in take_list(fields, "chunks", str)}
            try:
                array = zarr.open_array(place, mode="r+", config={"write_empty_chunks": True})
            except Exception as error:  # zarr raises of all kinds for metadata that makes no sense
                raise AlteredError(f"array {fields['path']!r} cannot be made again: {error}") from error
            if array.shape != spec.shape or array.dtype.str[1:] != spec.dtype.str[1:]:
                raise AlteredError(f"array {fields['path']!r} has another type or shape than its values")
            chunk = math.prod(array.shards or array.chunks) * array.dtype.itemsize
            settings.limits.check_decoded(chunk, f"a chunk of array {fields['path']!r}")
            for index, values in iterate_array(sections, str(i), spec, settings):
                array[index if spec.shape else ...] = values if spec.shape else values.reshape(())
            for name in _files(place):
                full = f"{fields['path']}/{name}".lstrip("/")
                if CHUNK.fullmatch(name) and full not in wanted:
                    (place / name).unlink()  # it was not there: all of it is the fill value
        sections.finish()

    def values(self, path: Path, name: str) -> NDArray[Any] | None:
        """Returns an array's numbers; see `Format`."""
        place = path if name == "values" and not (path / name).is_dir() else path / name
        return np.asarray(_module().open_array(place, mode="r")[...])

    def describe(self, reader: ContainerReader) -> tuple[Part, ...]:
        """Returns the parts of a .lat file; see `Format`."""
        sections = Sections(reader)
        structure = _structure(reader, sections)
        sizes = [size for _, size in map(_entry, take_list(structure, "files", list))]
        block = take_integer(reader.header, "block", 1)
        packed = sum(sections.next(f"files/{i}").whole for i in range(-(-sum(sizes) // block)))
        other = Part("other files", sum(sizes), packed, "exact", None, "zstd, exact", True)
        names = [take_text(fields, "path") or "values" for fields in take_list(structure, "arrays", dict)]
        parts = [
            describe_array(sections, str(i), name, spec)
            for i, (name, spec) in enumerate(zip(names, _specs(reader), strict=True))
        ]
        sections.finish()
        return (*parts, other)


def _module() -> Any:
    try:
        import zarr
    except ImportError as error:
        raise ImportError("Zarr stores need zarr; install it with: pip install 'latente[data]'") from error
    return zarr


def _files(path: Path) -> dict[str, int]:
    """Returns all files below a folder, by their path in it, with their sizes; raises Unfit for links."""
    found = {}
    for item in sorted(path.rglob("*")):
        if item.is_symlink():
            raise Unfit(f"{item.relative_to(path)} is a link")
        if item.is_file():
            found[item.relative_to(path).as_posix()] = item.stat().st_size
    return found


def _stored(path: Path, name: str, files: dict[str, int]) -> Stored | None:
    """Returns the array that a file of metadata belongs to, None where there is none that can be coded."""
    folder, _, base = name.rpartition("/")
    if base not in ("zarr.json", ".zarray"):
        return None
    try:
        metadata = json.loads((path / name).read_bytes())
        if base == "zarr.json" and metadata.get("node_type") != "array":
            return None
        array = _module().open_array(path / folder, mode="r")
        dtype = np.dtype(array.dtype)
    except (ValueError, TypeError, KeyError, OSError) as error:
        raise Unfit(f"array {folder!r} cannot be read: {error}") from error
    if not _known(metadata) or not NUMBERS.fullmatch(dtype.str):
        return None
    prefix = f"{folder}/" if folder else ""
    chunks = tuple(n for n in files if n.startswith(prefix) and CHUNK.fullmatch(n[len(prefix) :]))
    dimensions = metadata.get("dimension_names") or array.attrs.get("_ARRAY_DIMENSIONS") or ()
    return Stored(folder, array, chunks, dict(array.attrs), tuple(map(str, dimensions)))


def _known(metadata: Any) -> bool:
    """Returns whether all codecs of an array are known to lose nothing."""
    used = [*(metadata.get("filters") or []), *([metadata["compressor"]] if metadata.get("compressor") else [])]
    names = [codec.get("id") for codec in used] + [*_names(metadata.get("codecs") or [])]
    return all(name in LOSSLESS for name in names) and not metadata.get("storage_transformers")


def _names(codecs: list[Any]) -> Iterator[Any]:
    """Gives the names of codecs, and of those inside shards."""
    for codec in codecs:
        yield codec.get("name")
        inner = codec.get("configuration") or {}
        yield from _names([*inner.get("codecs", []), *inner.get("index_codecs", [])])


def _source(stored: Stored) -> ArraySource:
    array = stored.array
    fills = [array.fill_value, *(stored.attributes.get(name) for name in ("_FillValue", "missing_value"))]
    dtype = np.dtype(array.dtype)
    numbers = {np.array(fill, dtype).tobytes(): fill for fill in fills if _is_number(fill) and fill != 0}
    return ArraySource(
        array.shape,
        dtype,
        lambda index: np.asarray(array[index if array.shape else ...]),
        tuple(numbers.values()) if dtype.kind in "iuf" and dtype.itemsize > 1 else (),
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def _bound(stored: Stored, exact: set[str], settings: Settings) -> Bound:
    """Returns an array's bound: axes are exact, and integers unless they are packed numbers or all that there is."""
    axis = stored.path.rpartition("/")[2] in (*stored.dimensions, *exact)
    stated = stored.attributes.get("scale_factor")
    scale = abs(float(stated)) if _is_number(stated) and stated is not None and np.isfinite(stated) else 0.0
    measured = not axis and (np.dtype(stored.array.dtype).kind in "fc" or scale or not stored.path)
    bound = settings.bound_of(stored.name, None if measured else Bound())
    return Bound("absolute", bound.value / scale) if scale and bound.mode == "absolute" else bound


def _joined(path: Path, files: list[tuple[str, int]], block: int) -> Iterator[bytes]:
    """Gives the content of files, one after the other, in blocks."""
    rest = bytearray()
    for name, size in files:
        with (path / name).open("rb") as file:
            left = size
            while left:
                piece = file.read(min(left, block))
                if not piece:
                    raise OSError(f"{path / name} became shorter while it was read")
                rest += piece
                left -= len(piece)
                while len(rest) >= block:
                    yield bytes(rest[:block])
                    del rest[:block]
    if rest:
        yield bytes(rest)


def _unjoin(out: Path, files: list[tuple[str, int]], sections: Sections, block: int, settings: Settings) -> None:
    """Writes files whose content `_joined` gave."""
    left, total, number = bytearray(), sum(size for _, size in files), 0
    for name, size in files:
        with _new(out / _safe(name)) as file:
            missing = size
            while missing:
                if not left:
                    length = min(block, total)
                    settings.limits.check_decoded(length, "a block of the store")
                    section = sections.next(f"files/{number}")
                    raw = unpack_bytes(sections.reader.read(section), length)
                    if section.symbols != crc32c(raw):
                        raise AlteredError(f"section {section.name} did not decode to what was encoded")
                    left += raw
                    total, number = total - length, number + 1
                piece = left[:missing]
                file.write(piece)
                missing -= len(piece)
                del left[: len(piece)]


def _new(place: Path) -> BinaryIO:
    """Opens a new file in a new store; raises AlteredError where the store names it twice, or names a folder."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        return place.open("xb")
    except (FileExistsError, IsADirectoryError, NotADirectoryError) as error:
        raise AlteredError(f"the store names a file that there cannot be: {place.name!r}") from error


def _entry(item: list[Any]) -> tuple[str, int]:
    if len(item) != 2:
        raise AlteredError("the store's list of files cannot be read")
    named = dict(zip(("file", "size"), item, strict=True))
    return take_text(named, "file"), take_integer(named, "size")


def _safe(name: str) -> PurePosixPath:
    """Returns a path inside the store; raises AlteredError for one that would lead out of it."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name or "\0" in name:
        raise AlteredError(f"the store names a file outside itself: {name!r}")
    return path


def _structure(reader: ContainerReader, sections: Sections) -> dict[str, Any]:
    raw = unpack_bytes(sections.take("structure"), take_integer(reader.header, "structure", 2, LARGEST_STRUCTURE))
    try:
        return take_object({"structure": json.loads(raw)}, "structure")
    except (ValueError, RecursionError) as error:
        raise AlteredError(f"what the store is made of cannot be read: {error}") from error


def _specs(reader: ContainerReader) -> list[ArraySpec]:
    block = take_integer(reader.header, "block", 1)
    return [ArraySpec.from_json(content, block) for content in take_list(reader.header, "arrays", dict)]
