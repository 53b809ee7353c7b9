"""Writing and reading .lat files section by section, whatever their size."""

from __future__ import annotations

__all__ = ["ContainerReader", "ContainerWriter", "check_kind"]

import os
from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, BinaryIO, Self

from latente.codec.errors import AlteredError, NotOursError, TruncatedError
from latente.codec.frames import (
    END_BYTES,
    END_MARKER,
    HEAD_BYTES,
    PREAMBLE_BYTES,
    Section,
    check_end,
    pack_end,
    pack_head,
    pack_header,
    read_head,
    read_header,
    read_preamble,
    rest_of_head,
)  # fmt: skip
from latente.codec.limits import Limits, crc32c
from latente.codec.models import Model, ModelRef, find

MODEL = "model"  # the section of an embedded model
CODECS = {"array": "ArrayCodec", "image": "ImageCodec", "image-lossless": "LosslessImageCodec"}  # by kind


def check_kind(kind: str, wanted: str) -> None:
    """Raises NotOursError when a stream is not of the wanted kind.

    Args:
        kind: of the stream.
        wanted: by its reader.
    """
    if kind != wanted:
        made = CODECS.get(kind, "the codec of its kind")
        raise NotOursError(f"this stream is of kind {kind!r}; wanted: {wanted!r}. Use {made}")


class ContainerWriter:
    """Writes a .lat file section by section; it is complete once `close` was called or the `with` block has ended.

    Args:
        file: open for writing bytes; it need not be able to go back.
        kind: which decoder reads the file: 1 to 32 small letters, digits, _ or -.
        header: JSON-ready fields for that decoder.
        model: that decoding needs: a `Model` is embedded, a `ModelRef` referred to.

    Raises:
        ValueError: for a header, a name or a checksum that cannot be written.

    Example:
        >>> import io
        >>> file = io.BytesIO()
        >>> with ContainerWriter(file, "array", {"blocks": 2}) as writer:
        ...     writer.write("block/0", b"12345")
        ...     writer.write("block/1", b"678")
        >>> with ContainerReader(io.BytesIO(file.getvalue())) as reader:
        ...     [(section.name, reader.read(section)) for section in reader]
        [('block/0', b'12345'), ('block/1', b'678')]
    """

    def __init__(
        self, file: BinaryIO, kind: str, header: Mapping[str, Any], model: Model | ModelRef | None = None
    ) -> None:
        self._file, self._names, self._closed = file, set[str](), False
        ref = ModelRef(model.id, model.ref.hash, True) if isinstance(model, Model) else model
        start, self._chain = pack_header(kind, header, ref)
        file.write(start)
        self.size = len(start)
        if isinstance(model, Model):
            self.write(MODEL, model.to_bytes())

    def write(self, name: str, payload: bytes, symbols: int | None = None) -> None:
        """Writes a section.

        Args:
            name: 1 to 64 printable ASCII characters without spaces, unique in the file.
            payload: its bytes.
            symbols: CRC-32C of what they decode to, see `crc32c`; None does not state it.
        """
        if name in self._names:
            raise ValueError(f"there is a section {name!r} already; each needs a name of its own")
        head, self._chain = pack_head(Section(name, len(payload), crc32c(payload), symbols), self._chain)
        self._names.add(name)
        self._file.write(head)
        self._file.write(payload)
        self.size += len(head) + len(payload)

    def close(self) -> None:
        """Writes the end, without which no reader takes the file; the file stays open."""
        if not self._closed:
            end = pack_end(len(self._names), self._chain)
            self._file.write(end)
            self.size += len(end)
            self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()


class ContainerReader:
    """Reads a .lat file section by section. Sizes are checked against the file and the limits before memory is taken.

    Args:
        file: open for reading bytes, from where the .lat file starts to its end; it must be able to go back.
        limits: what the file may ask for.

    Attributes:
        kind: which decoder reads it.
        writer: the version of latente that wrote it.
        header: fields for the decoder.
        model: the model that decoding needs, or None.

    Raises:
        CodecError: NotOursError, TruncatedError, AlteredError, NewerVersionError or TooLargeError.

    Example:
        See `ContainerWriter`.

        >>> import io
        >>> from latente.codec import pack
        >>> reader = ContainerReader(io.BytesIO(pack("array", {"shape": [3]}, {"codes": b"12345"})))
        >>> reader.kind, reader.header, [section.name for section in reader]
        ('array', {'shape': [3]}, ['codes'])
    """

    def __init__(self, file: BinaryIO, limits: Limits | None = None) -> None:
        self._file, self.limits = file, limits or Limits()
        self._position = self._start = file.tell()
        self._size = file.seek(0, os.SEEK_END)
        file.seek(self._start)
        preamble = file.read(PREAMBLE_BYTES)
        size, crc = read_preamble(preamble, self.limits)
        self._position += PREAMBLE_BYTES
        header = read_header(preamble, self._take(size, "its header"), crc, self.limits)
        self.kind, self.writer, self.header, self.model = header.kind, header.writer, header.fields, header.model
        self._first, self._crc = self._position, header.crc
        self._places: dict[Section, int] = {}

    def __iter__(self) -> Iterator[Section]:
        """Goes through the sections from the first on; `read` gives the content of those that it has come to."""
        position, chain, names = self._first, self._crc, set[str]()
        while True:
            self._go(position)
            head = self._take(1, "its end")
            if head[0] == END_MARKER:
                check_end(head + self._take(END_BYTES - 1, "its end"), len(names), chain)
                self._no_more()
                return
            head += self._take(HEAD_BYTES - 1, "the head of a section")
            section, chain = read_head(head + self._take(rest_of_head(head), "the head of a section"), chain)
            position = self._admit(section, names)
            yield section

    def _admit(self, section: Section, names: set[str]) -> int:
        """Checks what a section asks for, and returns where the next one starts."""
        if section.name in names:
            raise AlteredError(f"the file was altered: it has two sections {section.name!r}")
        names.add(section.name)
        self.limits.check("sections", len(names), "the file")
        if section.size > self._size - self._position:
            raise TruncatedError(
                f"the file ends {section.size - (self._size - self._position):,} bytes before the end of section "
                f"{section.name!r}"
            )
        self._places[section] = self._position
        return self._position + section.size

    def read(self, section: Section) -> bytes:
        """Returns the content of a section that iteration has come to.

        Args:
            section: as iteration gave it.

        Raises:
            TooLargeError: when it is above the limit.
            AlteredError: when its CRC is not the stored one.
        """
        if section not in self._places:
            raise ValueError(f"section {section.name!r} must come from iteration over this reader")
        self.limits.check("section_bytes", section.size, f"section {section.name!r}")
        self._go(self._places[section])
        payload = self._take(section.size, f"section {section.name!r}")
        if crc32c(payload) != section.crc:
            raise AlteredError(f"section {section.name!r} was altered: its CRC is not the stored one")
        return payload

    @property
    def size(self) -> int:
        """Bytes of the .lat file."""
        return self._size - self._start

    def expect(self, kind: str) -> Self:
        """Returns itself; raises NotOursError when it is of another kind."""
        check_kind(self.kind, kind)
        return self

    def verify(self) -> None:
        """Compares every checksum there is: of all sections, of their heads, of the end, and an embedded model's hash.

        Raises:
            CodecError: for the first that is wrong.
        """
        for section in self:
            self.read(section)
        if self.model is not None and self.model.embedded:
            self.load_model()

    def load_model(self, known: Iterable[Model] = ()) -> Model | None:
        """Returns the model that decoding needs, None where it needs none; see `Container.find_model`.

        Args:
            known: models to choose from where it is only referred to.
        """
        if self.model is None:
            return None
        if not self.model.embedded:
            return find(self.model, known)
        section = next(iter(self), None)
        if section is None or section.name != MODEL:
            raise AlteredError("the file lacks the model that its header says it holds")
        return Model.from_bytes(self.read(section), self.model)

    def whole(self) -> bytes:
        """Returns all bytes of the .lat file; raises TooLargeError when they are more than a section may have."""
        self.limits.check("section_bytes", self._size - self._start, "the file")
        self._go(self._start)
        return self._take(self._size - self._start, "itself")

    def close(self) -> None:
        """Forgets the file, which stays open."""
        self._places.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _go(self, position: int) -> None:
        self._position = self._file.seek(position)

    def _take(self, size: int, what: str) -> bytes:
        """Returns the next bytes; never asks for more memory than the file has bytes."""
        left = self._size - self._position
        data = self._file.read(size) if size <= left else b""
        if len(data) < size:
            raise TruncatedError(f"the file ends after {self._size - self._start:,} bytes, within {what}")
        self._position += size
        return data

    def _no_more(self) -> None:
        if self._position != self._size:
            raise AlteredError(f"the file was altered: {self._size - self._position:,} bytes follow its end")
