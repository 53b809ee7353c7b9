"""NumPy's .npz archives: each member as a .npy file, the archive's list of members as it was."""

from __future__ import annotations

__all__ = ["NpzFormat"]

import math
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from latente.codec.errors import AlteredError
from latente.codec.fields import take_integer, take_list, take_object, take_text
from latente.codec.files.arrays import (
    ArraySource,
    ArraySpec,
    Index,
    describe_array,
    iterate_array,
    plan_array,
    write_array,
)
from latente.codec.files.base import Sections, Settings, Unfit, Written
from latente.codec.files.exact import pack_bytes, unpack_bytes
from latente.codec.files.npy import LONGEST, bound_for, carried, notes_for, read_npy_header
from latente.codec.files.results import Part
from latente.codec.streams import ContainerReader, ContainerWriter

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ZIP64 = 1  # the extra field that zipfile writes itself


@dataclass(frozen=True)
class Member:
    """One member of an archive: its place in it, the bytes before the values, and the values."""

    info: zipfile.ZipInfo
    start: bytes
    source: ArraySource
    spec: ArraySpec
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Returns what the header says of it."""
        info = self.info
        how = [info.compress_type, info.create_system, info.external_attr, *info.date_time]
        return {"name": info.filename, "zip": how, "start": len(self.start), "array": self.spec.to_json()}


class NpzFormat:
    """Archives of arrays. The members' content is restored; the archive around it is written anew."""

    kind, suffix = "npz", ".npz"

    def tells(self, path: Path, head: bytes) -> str | None:
        """Returns what tells that a file is of this format, or None."""
        found = head.startswith(b"PK\x03\x04") and path.suffix.lower() == ".npz"
        return "it is a zip archive named .npz" if found else None

    def write(self, path: Path, file: BinaryIO, settings: Settings) -> Written:
        """Writes a .lat file; see `Format`."""
        with _opened(path) as archive:
            infos = _checked(archive)
            settings.check_names([_name(info) for info in infos], "members")
            members = [_member(archive, info, settings) for info in infos]
            content = {
                "size": path.stat().st_size,
                "block": settings.block_bytes,
                "bound": settings.bound.to_json(),
                "members": [member.to_json() for member in members],
                "comment": archive.comment.hex(),
            }
            with ContainerWriter(file, self.kind, content, settings.model) as writer:
                parts = [_write(writer, i, member, settings) for i, member in enumerate(members)]
        return Written(tuple(parts), tuple(note for member in members for note in member.notes))

    def read(self, reader: ContainerReader, out: Path, settings: Settings) -> None:
        """Writes what a .lat file holds; see `Format`."""
        stored, sections = _stored(reader), Sections(reader)
        settings.limits.check("output_bytes", sum(spec.bytes for _, _, spec in stored), "the archive")
        with zipfile.ZipFile(out, "x") as archive:
            archive.comment = bytes.fromhex(take_text(reader.header, "comment"))
            for i, (info, start, spec) in enumerate(stored):
                with archive.open(info, "w", force_zip64=True) as member:
                    member.write(unpack_bytes(sections.take(f"{i}h"), start))
                    for _, values in iterate_array(sections, str(i), spec, settings):
                        member.write(np.ascontiguousarray(values, dtype=spec.dtype).tobytes())
        sections.finish()

    def values(self, path: Path, name: str) -> NDArray[Any] | None:
        """Returns a member's numbers; see `Format`."""
        with np.load(path, allow_pickle=False) as archive:
            values = archive[name]
        return values if values.dtype.kind in "biufc" else None

    def describe(self, reader: ContainerReader) -> tuple[Part, ...]:
        """Returns the parts of a .lat file; see `Format`."""
        sections, parts = Sections(reader), []
        for i, (info, _, spec) in enumerate(_stored(reader)):
            sections.next(f"{i}h")
            parts.append(describe_array(sections, str(i), _name(info), spec))
        sections.finish()
        return tuple(parts)


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise Unfit(f"its list of members cannot be read: {error}") from error


def _checked(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Returns the members; raises Unfit where writing the archive anew would lose something of it."""
    infos = archive.infolist()
    if len({info.filename for info in infos}) < len(infos):
        raise Unfit("two members have the same name")
    if infos and min(info.header_offset for info in infos) > 0:
        raise Unfit("something stands before its first member")
    for info in infos:
        if info.compress_type not in METHODS or info.flag_bits & 1 or info.comment or _extra(info):
            raise Unfit(f"member {info.filename!r} is encrypted, commented or packed in a way that is kept as it is")
    return infos


def _extra(info: zipfile.ZipInfo) -> bool:
    """Returns whether a member has extra fields but for the one that large archives have."""
    return len(info.extra) >= 2 and int.from_bytes(info.extra[:2], "little") != ZIP64


def _name(info: zipfile.ZipInfo) -> str:
    return info.filename.removesuffix(".npy")


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, settings: Settings) -> Member:
    """Returns how a member will be written; what is no array of numbers, as bytes."""
    start = b""
    notes: tuple[str, ...] = ()
    dtype: np.dtype[Any] = np.dtype("V1")
    shape: tuple[int, ...] = (info.file_size,)
    bound = settings.bound_of(_name(info))
    try:
        with archive.open(info) as file:
            header = read_npy_header(file)
        if header.size == info.file_size:
            start, dtype, shape = header.raw, header.dtype, header.shape[::-1] if header.fortran else header.shape
            notes = notes_for(info.filename, dtype, bound)
            if notes:
                settings.check_exact(_name(info), f"values of type {dtype}")
    except Unfit as reason:
        notes = (f"{info.filename} is kept byte by byte: {reason}",)
    source = ArraySource(shape, carried(dtype), _reading(archive, info, len(start), shape, carried(dtype)))
    return Member(info, start, source, plan_array(source, bound_for(dtype, bound), settings), notes)


def _reading(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, start: int, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> Callable[[Index], NDArray[Any]]:
    """Returns what reads a block of a member: blocks are contiguous in it."""
    state: list[Any] = []

    def read(index: Index) -> NDArray[Any]:
        first = 0
        for n, part in zip(shape, index, strict=True):
            first = first * n + part.start
        count = math.prod(part.stop - part.start for part in index)
        if not state:
            state.append(archive.open(info))
        state[0].seek(start + first * dtype.itemsize)
        raw = state[0].read(count * dtype.itemsize)
        return np.frombuffer(raw, dtype).reshape([part.stop - part.start for part in index])

    return read


def _write(writer: ContainerWriter, i: int, member: Member, settings: Settings) -> Part:
    writer.write(f"{i}h", pack_bytes(member.start))
    return write_array(writer, str(i), _name(member.info), member.source, member.spec, settings)


def _stored(reader: ContainerReader) -> list[tuple[zipfile.ZipInfo, int, ArraySpec]]:
    """Returns members, bytes before their values, and values, as the header states them."""
    block = take_integer(reader.header, "block", 1)
    found = []
    for content in take_list(reader.header, "members", dict):
        how = take_list(content, "zip", int)
        ranges = ((0, 8), (0, 255), (0, 0xFFFFFFFF), (1980, 2107), (1, 12), (1, 31), (0, 23), (0, 59), (0, 61))
        fits = len(how) == len(ranges) and all(a <= n <= b for n, (a, b) in zip(how, ranges, strict=True))
        if not fits or how[0] not in METHODS:
            raise AlteredError("the header describes a member of an archive that there cannot be")
        info = zipfile.ZipInfo(take_text(content, "name"), tuple(how[3:]))
        info.compress_type, info.create_system, info.external_attr = how[:3]
        spec = ArraySpec.from_json(take_object(content, "array"), block)
        found.append((info, take_integer(content, "start", 0, LONGEST + 12), spec))
    return found
