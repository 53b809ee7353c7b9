"""How much a file may ask for before it is refused, and the checksums."""

from __future__ import annotations

__all__ = ["Limits", "crc32c"]

from dataclasses import dataclass, fields
from typing import Any

from latente.codec.errors import TooLargeError
from latente.codec.libraries import google_crc32c
from latente.parts import is_integer

PIECE = 1 << 24  # bytes of an array that are copied at a time


@dataclass(frozen=True)
class Limits:
    """What a file may ask of a reader; a file that says it needs more is refused before anything is allocated.

    Attributes:
        header_bytes: of the header.
        sections: in one file.
        section_bytes: of one section, which is held in memory.
        decoded_bytes: what one stream or one block becomes, which is held in memory.
        output_bytes: what a whole file becomes on disk.

    Raises:
        ValueError: for a limit that is no positive integer.

    Example:
        >>> from dataclasses import replace
        >>> replace(Limits(), decoded_bytes=1 << 36).decoded_bytes
        68719476736
    """

    header_bytes: int = 1 << 24
    sections: int = 1 << 20
    section_bytes: int = 1 << 30
    decoded_bytes: int = 1 << 32
    output_bytes: int = 1 << 38

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not is_integer(value, low=1):
                raise ValueError(f"{field.name} must be a positive integer of bytes or sections; got {value!r}")

    def check(self, name: str, size: int, what: str) -> None:
        """Raises TooLargeError when a size is above a limit.

        Args:
            name: of the limit, an attribute of this class.
            size: in bytes, or a number of sections.
            what: is so large, for the message.
        """
        limit = getattr(self, name)
        if size > limit:
            unit = "sections" if name == "sections" else "bytes"
            raise TooLargeError(
                f"{what} takes {size:,} {unit}, more than the limit of {limit:,}; where the file is to be trusted, "
                f"raise it with Limits({name}=...)"
            )

    def check_decoded(self, size: int, what: str) -> None:
        """Raises TooLargeError when what is to be decoded takes more memory than is allowed; see `check`."""
        self.check("decoded_bytes", size, what)


def crc32c(data: Any, start: int = 0) -> int:
    """Returns the CRC-32C (Castagnoli) of bytes.

    The polynomial is 0x1EDC6F41, reflected, with initial value and final XOR 0xFFFFFFFF (RFC 3720, appendix B.4).

    Args:
        data: bytes, a bytearray, a memoryview or an array.
        start: the CRC of what came before.

    Raises:
        ImportError: without the extra `codec`.

    Example:
        >>> hex(crc32c(b"123456789")), crc32c(b"789", crc32c(b"123456")) == crc32c(b"123456789")
        ('0xe3069283', True)
    """
    extend = google_crc32c().extend
    if isinstance(data, bytes):
        return extend(start, data)
    view = memoryview(data)
    if not view.nbytes or not view.c_contiguous:
        return extend(start, view.tobytes())
    view = view.cast("B")
    for at in range(0, len(view), PIECE):  # the library takes bytes only: a copy of all would double the memory
        start = extend(start, view[at : at + PIECE].tobytes())
    return start
