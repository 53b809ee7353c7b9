"""The .lat container in memory: what every codec of latente writes its streams into.

docs/container.md describes the bytes. Larger files are written and read section by section, with `ContainerWriter` and
`ContainerReader`.
"""

from __future__ import annotations

__all__ = ["Container", "pack", "unpack"]

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from latente.codec.errors import AlteredError
from latente.codec.frames import Section
from latente.codec.limits import Limits, crc32c
from latente.codec.models import Model, ModelRef, find
from latente.codec.streams import MODEL, ContainerReader, ContainerWriter, check_kind


@dataclass(frozen=True)
class Container:
    """What a .lat stream holds; every checksum was compared.

    Attributes:
        kind: which decoder reads it.
        writer: the version of latente that wrote it.
        header: fields for the decoder. The CRC says that they are as they were written, not that they make sense.
        sections: the contents by name, in the stream's order.
        contents: what the stream says of each section.
        model: the model that decoding needs, or None.
        limits: under which it was read.

    Example:
        >>> container = unpack(pack("array", {"shape": [3]}, {"codes": b"12345"}))
        >>> container.kind, container.header, container.sections["codes"]
        ('array', {'shape': [3]}, b'12345')
    """

    kind: str
    writer: str
    header: dict[str, Any]
    sections: dict[str, bytes] = field(repr=False)
    contents: dict[str, Section]
    model: ModelRef | None
    limits: Limits

    def expect(self, kind: str) -> Container:
        """Returns itself; raises NotOursError when it is of another kind."""
        check_kind(self.kind, kind)
        return self

    def section(self, name: str) -> bytes:
        """Returns a section's content; raises AlteredError when it is not there."""
        if name not in self.sections:
            raise AlteredError(f"the stream lacks section {name!r}; it has {', '.join(self.sections) or 'none'}")
        return self.sections[name]

    def check_symbols(self, name: str, symbols: Any) -> None:
        """Raises AlteredError when what a section was decoded to is not what was encoded.

        Args:
            name: of the section.
            symbols: bytes or an array of them; nothing is checked where the writer stated no CRC.
        """
        stated = self.contents[name].symbols
        if stated is not None and crc32c(symbols) != stated:
            raise AlteredError(f"section {name!r} did not decode to what was encoded: the CRC of its symbols is wrong")

    def find_model(self, known: Iterable[Model] = ()) -> Model:
        """Returns the model that decoding needs: the embedded one, or the one of these that it refers to.

        Args:
            known: models to choose from.

        Raises:
            MissingModelError: when it is neither embedded nor among them.
            WrongModelError: when one has its name and other tensors, or the embedded one another hash.
            ValueError: when decoding needs none.
        """
        if self.model is None:
            raise ValueError("this stream needs no model")
        if self.model.embedded:
            return Model.from_bytes(self.section(MODEL), self.model)
        return find(self.model, known)


def pack(
    kind: str,
    header: Mapping[str, Any],
    sections: Mapping[str, bytes],
    model: Model | ModelRef | None = None,
    symbols: Mapping[str, int] | None = None,
) -> bytes:
    """Returns a .lat stream.

    Args:
        kind: which decoder reads it: 1 to 32 small letters, digits, _ or -.
        header: JSON-ready fields for that decoder, with finite numbers only.
        sections: contents by name; a name has 1 to 64 printable ASCII characters without spaces.
        model: that decoding needs: a `Model` is embedded, a `ModelRef` referred to.
        symbols: CRC-32C of what a section decodes to, by its name, see `crc32c`; `Container.check_symbols` compares it.

    Raises:
        ValueError: for a kind, a header or a name that cannot be written.

    Example:
        >>> stream = pack("array", {"shape": [3]}, {"codes": b"12345"}, symbols={"codes": crc32c(b"decoded")})
        >>> len(stream), unpack(stream).check_symbols("codes", b"decoded")
        (76, None)
    """
    stated = dict(symbols or {})
    unknown = sorted(set(stated) - set(sections))
    if unknown:
        raise ValueError(
            f"symbols names {unknown[0]!r}, which is no section; there are {', '.join(sections) or 'none'}"
        )
    file = io.BytesIO()
    with ContainerWriter(file, kind, header, model) as writer:
        for name, payload in sections.items():
            writer.write(name, payload, stated.get(name))
    return file.getvalue()


def unpack(data: bytes, limits: Limits | None = None) -> Container:
    """Returns what a .lat stream holds, with every checksum compared.

    Args:
        data: the stream.
        limits: what it may ask for; None takes those of `Limits`.

    Raises:
        CodecError: NotOursError, TruncatedError, AlteredError, NewerVersionError or TooLargeError.

    Example:
        >>> unpack(pack("array", {"shape": [3]}, {"codes": b"12345"})).section("codes")
        b'12345'
    """
    sections, contents = {}, {}
    with ContainerReader(io.BytesIO(data), limits) as reader:
        for section in reader:
            sections[section.name], contents[section.name] = reader.read(section), section
        return Container(reader.kind, reader.writer, reader.header, sections, contents, reader.model, reader.limits)
