"""What damaged or forged bytes make the code stumble over, and what becomes of it."""

from __future__ import annotations

__all__ = ["telling_damage"]

import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from latente.codec.errors import AlteredError, CodecError, TooLargeError

DAMAGED = (
    ValueError, TypeError, LookupError, ArithmeticError, AttributeError, StopIteration, RuntimeError, struct.error,
    zipfile.BadZipFile,
)  # fmt: skip


@contextmanager
def telling_damage(what: str) -> Iterator[None]:
    """Makes an AlteredError of whatever damaged or forged bytes make the code inside stumble over.

    Memory that the machine does not have becomes a TooLargeError: a forged file can state any size.

    Args:
        what: cannot be done, for the message.

    Example:
        >>> with telling_damage("the stream cannot be decoded"):
        ...     {}["shape"]
        Traceback (most recent call last):
        latente.codec.errors.AlteredError: the stream cannot be decoded: KeyError: 'shape'
    """
    try:
        with np.errstate(all="ignore"):  # forged numbers may overflow; what comes out is checked
            yield
    except CodecError:
        raise
    except MemoryError as error:
        raise TooLargeError(
            f"{what}: it says that it needs more memory than this machine has; where it is to be trusted, decode it on "
            "a larger machine"
        ) from error
    except DAMAGED as error:
        said = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
        raise AlteredError(f"{what}: {said}") from error
