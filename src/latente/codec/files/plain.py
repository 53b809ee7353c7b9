"""Any file, kept byte by byte with zstd."""

from __future__ import annotations

__all__ = ["PlainFormat"]

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from numpy.typing import NDArray

from latente.codec.errors import AlteredError
from latente.codec.fields import take_integer
from latente.codec.files.base import Sections, Settings, Written
from latente.codec.files.exact import pack_bytes, unpack_bytes
from latente.codec.files.results import Part
from latente.codec.limits import crc32c
from latente.codec.streams import ContainerReader, ContainerWriter


class PlainFormat:
    """Files of which no other format can keep everything. The whole file is restored bit by bit."""

    kind, suffix = "bytes", ""

    def tells(self, path: Path, head: bytes) -> str | None:
        """Returns that every file can be kept."""
        return "no other format takes it" if path.is_file() else None

    def write(self, path: Path, file: BinaryIO, settings: Settings) -> Written:
        """Writes a .lat file; see `Format`."""
        size = path.stat().st_size
        header = {"size": size, "block": settings.block_bytes, "suffix": path.suffix[:16]}
        with path.open("rb") as source, ContainerWriter(file, self.kind, header) as writer:
            start = writer.size
            for i, length in enumerate(_lengths(size, settings.block_bytes)):
                raw = source.read(length)
                if len(raw) < length:
                    raise OSError(f"{path} became shorter while it was read")
                writer.write(str(i), pack_bytes(raw), crc32c(raw))
            packed = writer.size - start
        return Written((Part("all bytes", size, packed, "exact", 0.0, "zstd, exact", True),))

    def read(self, reader: ContainerReader, out: Path, settings: Settings) -> None:
        """Writes what a .lat file holds; see `Format`."""
        size, block = self._sizes(reader)
        settings.limits.check("output_bytes", size, "the file")
        settings.limits.check_decoded(min(size, block), "a block of the file")
        sections = Sections(reader)
        with out.open("xb") as file:
            for i, length in enumerate(_lengths(size, block)):
                section = sections.next(str(i))
                raw = unpack_bytes(reader.read(section), length)
                if section.symbols != crc32c(raw):
                    raise AlteredError(f"section {i} did not decode to what was encoded: its CRC is wrong")
                file.write(raw)
            sections.finish()

    def values(self, path: Path, name: str) -> NDArray[Any] | None:
        """Returns None: it has no numbers."""
        return None

    def describe(self, reader: ContainerReader) -> tuple[Part, ...]:
        """Returns the parts of a .lat file; see `Format`."""
        size, _ = self._sizes(reader)
        packed = sum(section.whole for section in reader)
        return (Part("all bytes", size, packed, "exact", None, "zstd, exact", True),)

    def _sizes(self, reader: ContainerReader) -> tuple[int, int]:
        return take_integer(reader.header, "size"), take_integer(reader.header, "block", 1)


def _lengths(size: int, block: int) -> Iterator[int]:
    """Gives the lengths of the blocks of so many bytes."""
    for start in range(0, size, block):
        yield min(block, size - start)
