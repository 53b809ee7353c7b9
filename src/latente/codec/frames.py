"""The bytes of a .lat file: how its header, the heads of its sections and its end are laid out.

docs/container.md describes them byte by byte. All numbers are little-endian.
"""

from __future__ import annotations

__all__ = ["END_BYTES", "MAGIC", "PREAMBLE_BYTES", "VERSION", "Section", "pack_end", "pack_head", "pack_header"]

import json
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from latente.codec.deflate import deflated, inflated
from latente.codec.errors import AlteredError, NewerVersionError, NotOursError, TooLargeError, TruncatedError
from latente.codec.limits import Limits, crc32c
from latente.codec.models import ModelRef

MAGIC = b"\x89LAT"
VERSION = 1
PREAMBLE = struct.Struct("<4sHHII")  # magic, version, flags, bytes of the header, CRC of all before and the header
HEAD = struct.Struct("<BBHQII")  # marker, bytes of the name, flags, bytes of the payload, its CRC, CRC of its symbols
END = struct.Struct("<B3xQI")  # marker, number of sections, chained CRC
CRC = struct.Struct("<I")
PREAMBLE_BYTES, HEAD_BYTES, END_BYTES = PREAMBLE.size, HEAD.size, END.size
SECTION_MARKER, END_MARKER = b"S"[0], b"E"[0]
DEFLATED = 1  # a flag of the file: the header's JSON is deflated with `TYPICAL`
HAS_SYMBOLS = 1  # a flag of a section
NAME = re.compile(r"[\x21-\x7e]{1,64}")
KIND = re.compile(r"[a-z][a-z0-9_-]{0,31}")
# What headers usually hold, the likeliest last. It belongs to version 1 of the format and never changes.
TYPICAL = (
    b'"model":["archive","",0]}"comment":"","delimiter":"members":[{"name":".npy","zip":[0,3,25165824,1980,1,1,0,0,0],'
    b'"start":128,"linear":1}},"fortran":1}}"suffix":".txt"}}"type":"<i2","before":44,"after":0,"names":["","head":'
    b'"errors":[0.0,"schema":,"rows":["codec":"SNAPPY","targets":[[0.0,0.0]]}}{"kind":"array-codec","writer":"'
    b'{"kind":"parquet","writer":"{"kind":"csv","writer":"{"kind":"wav","writer":"{"kind":"npz","writer":"'
    b'{"kind":"zarr","writer":"{"kind":"netcdf","writer":"{"kind":"bytes","writer":"'
    b'{"kind":"array","writer":"0.1.0","header":{}}"structure":,"arrays":[{"fills":["0000f07c"]}]}}"mse":"|u1","<i2",'
    b'"<i4","<i8","<f8","bound":["snr",30],["psnr",40],["quality",0.5],["absolute",0.01],["lossless",0.0],"array":'
    b'{"dtype":"<f4","shape":[],"error":0.0}}}{"kind":"npy","writer":"0.1.0","header":{"size":,"block":33554432,'
    b'"bound":["relative",0.001],"array":{"dtype":"<f4","shape":[1,"error":0.'
)


@dataclass(frozen=True)
class Section:
    """What a .lat file says of one of its sections.

    Attributes:
        name: 1 to 64 printable ASCII characters without spaces, unique in the file.
        size: in bytes.
        crc: CRC-32C of these bytes.
        symbols: CRC-32C of what they decode to, or None where the writer did not state it.

    Example:
        >>> from latente.codec import unpack, pack
        >>> unpack(pack("array", {}, {"codes": b"12345"})).contents["codes"].size
        5
    """

    name: str
    size: int
    crc: int
    symbols: int | None = None

    @property
    def whole(self) -> int:
        """What it takes in the file, its head included, in bytes."""
        return HEAD_BYTES + len(self.name) + CRC.size + self.size


@dataclass(frozen=True)
class Header:
    """What a .lat file says of itself before its sections; `crc` is where the chain of checksums starts."""

    kind: str
    writer: str
    fields: dict[str, Any]
    model: ModelRef | None
    crc: int


def pack_header(kind: str, fields: Mapping[str, Any], model: ModelRef | None) -> tuple[bytes, int]:
    """Returns the first bytes of a file and their CRC, from which the chain goes on.

    Args:
        kind: which decoder reads the file.
        fields: JSON-ready, for that decoder.
        model: that it needs.

    Raises:
        ValueError: for a kind or fields that cannot be written.
    """
    from importlib.metadata import version

    if not KIND.fullmatch(kind):
        raise ValueError(f"kind must be 1 to 32 small letters, digits, _ or -, a letter first; got {kind!r}")
    content: dict[str, Any] = {"kind": kind, "writer": version("latente"), "header": dict(fields)}
    if model is not None:
        content["model"] = model.to_json()
    try:
        text = json.dumps(content, separators=(",", ":"), allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError) as error:
        raise ValueError(f"the header must be JSON with finite numbers: {error}") from error
    short = deflated(text, TYPICAL)
    flags, stored = (DEFLATED, short) if len(short) < len(text) else (0, text)
    start = PREAMBLE.pack(MAGIC, VERSION, flags, len(stored), 0)[: -CRC.size]
    crc = crc32c(stored, crc32c(start))
    return start + CRC.pack(crc) + stored, crc


def read_preamble(data: bytes, limits: Limits) -> tuple[int, int]:
    """Returns the size of the header and its CRC.

    Args:
        data: the first `PREAMBLE_BYTES` of a file, or fewer where it ends before.
        limits: see `Limits`.
    """
    if not data or not data.startswith(MAGIC[: len(data)]):
        raise NotOursError(f"this is no .lat file: it starts with {bytes(data[:4])!r}, not with {MAGIC!r}")
    if len(data) < PREAMBLE_BYTES:
        raise TruncatedError(f"the file ends after {len(data)} bytes, within its first {PREAMBLE_BYTES}")
    _, version, flags, size, crc = PREAMBLE.unpack(data)
    if version == 0:
        raise AlteredError("the file was altered: there is no format version 0")
    unknown = flags & ~DEFLATED
    if version > VERSION or unknown:
        raise NewerVersionError(
            f"the file has format version {version}{f' with flags {unknown:#x}' if unknown else ''}; this version of "
            f"latente reads versions up to {VERSION}. Upgrade latente (or the file was altered)"
        )
    limits.check("header_bytes", size, "the header")
    return size, crc


def read_header(preamble: bytes, stored: bytes, crc: int, limits: Limits) -> Header:
    """Returns the header, checked.

    Args:
        preamble: the first bytes of the file.
        stored: the header's bytes.
        crc: what their CRC must be.
        limits: see `Limits`.
    """
    if crc32c(stored, crc32c(preamble[: PREAMBLE_BYTES - CRC.size])) != crc:
        raise AlteredError("the file's header was altered: its CRC is not the stored one")
    flags = PREAMBLE.unpack(preamble)[2]
    try:
        text = inflated(stored, limits.header_bytes, TYPICAL) if flags & DEFLATED else stored
        limits.check("header_bytes", len(text), "the header")
        content = json.loads(text, parse_constant=_refuse)
        kind, writer, fields = content["kind"], content["writer"], content["header"]
        ref = content.get("model")
        model = None if ref is None else ModelRef.from_json(ref)
    except TooLargeError:
        raise
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise AlteredError(f"the file's header cannot be read: {type(error).__name__}: {error}") from error
    sound = isinstance(kind, str) and KIND.fullmatch(kind) and isinstance(writer, str) and isinstance(fields, dict)
    if not sound:
        raise AlteredError("the file's header cannot be read: kind, writer or header have another form")
    return Header(kind, writer, fields, model, crc)


def pack_head(section: Section, chain: int) -> tuple[bytes, int]:
    """Returns the bytes before a section's payload, and the chain after them.

    Args:
        section: what to say.
        chain: CRC of all heads before.
    """
    if not NAME.fullmatch(section.name):
        raise ValueError(f"a section's name must be 1 to 64 printable ASCII characters; got {section.name!r}")
    stated = section.symbols is not None
    flags, symbols = (HAS_SYMBOLS, section.symbols) if stated else (0, 0)
    name = section.name.encode("ascii")
    head = HEAD.pack(SECTION_MARKER, len(name), flags, section.size, section.crc, symbols) + name
    chain = crc32c(head, chain)
    return head + CRC.pack(chain), chain


def rest_of_head(head: bytes) -> int:
    """Returns how many bytes of a section's head follow its first `HEAD_BYTES`."""
    if head[0] != SECTION_MARKER:
        raise AlteredError(f"the file was altered: a section starts with {head[:1]!r}, not with {b'S'!r}")
    return head[1] + CRC.size


def read_head(head: bytes, chain: int) -> tuple[Section, int]:
    """Returns what a section's head says, and the chain after it; see `pack_head`.

    Args:
        head: all its bytes.
        chain: CRC of all heads before.
    """
    (stated,) = CRC.unpack(head[-CRC.size :])
    chain = crc32c(head[: -CRC.size], chain)
    if chain != stated:
        raise AlteredError("the head of a section was altered, or a section was moved or removed: its CRC is wrong")
    _, _, flags, size, crc, symbols = HEAD.unpack(head[:HEAD_BYTES])
    name = head[HEAD_BYTES : -CRC.size].decode("ascii", "replace")
    if flags & ~HAS_SYMBOLS:
        raise NewerVersionError(f"section {name!r} has flags {flags:#x}, which this version of latente does not know")
    if not NAME.fullmatch(name):
        raise AlteredError(f"the file was altered: {name!r} is no name of a section")
    return Section(name, size, crc, symbols if flags else None), chain


def pack_end(count: int, chain: int) -> bytes:
    """Returns the last bytes of a file of so many sections; see `pack_head`."""
    start = END.pack(END_MARKER, count, 0)[: -CRC.size]
    return start + CRC.pack(crc32c(start, chain))


def check_end(end: bytes, count: int, chain: int) -> None:
    """Raises AlteredError for last bytes that are not those of a file of so many sections."""
    if end != pack_end(count, chain):
        raise AlteredError(f"the file was altered: its end is not that of a file of these {count} sections")


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is no number")
