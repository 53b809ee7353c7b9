"""What can be wrong with a compressed file. Each is a `CodecError`, and each says what to do."""

from __future__ import annotations

__all__ = [
    "AlteredError", "CodecError", "MissingModelError", "NewerVersionError", "NotOursError", "TooLargeError",
    "TruncatedError", "WrongModelError",
]  # fmt: skip


class CodecError(ValueError):
    """Raised when a compressed file or stream cannot be decoded exactly; nothing is returned then.

    Example:
        >>> issubclass(TruncatedError, CodecError), issubclass(CodecError, ValueError)
        (True, True)
    """


class NotOursError(CodecError):
    """Raised for bytes that do not start as a .lat file does, or that hold another kind than is wanted.

    Example:
        >>> from latente.codec import unpack
        >>> unpack(b"PK, a zip file, it seems")
        Traceback (most recent call last):
        latente.codec.errors.NotOursError: this is no .lat file: ...
    """


class TruncatedError(CodecError):
    """Raised when a file ends before it is complete.

    Example:
        >>> from latente.codec import pack, unpack
        >>> unpack(pack("array", {}, {"codes": b"12345"})[:-1])
        Traceback (most recent call last):
        latente.codec.errors.TruncatedError: the file ends ...
    """


class AlteredError(CodecError):
    """Raised when bytes are not those that were written: a checksum or a field does not fit.

    Example:
        >>> from latente.codec import pack, unpack
        >>> unpack(pack("array", {}, {"codes": b"12345"}).replace(b"3", b"4"))
        Traceback (most recent call last):
        latente.codec.errors.AlteredError: section 'codes' was altered: ...
    """


class NewerVersionError(CodecError):
    """Raised for a file of a format that this version of latente does not know.

    Example:
        >>> from latente.codec import pack, unpack
        >>> stream = bytearray(pack("array", {}, {}))
        >>> stream[4] = 9
        >>> unpack(bytes(stream))
        Traceback (most recent call last):
        latente.codec.errors.NewerVersionError: the file has format version 9; ... Upgrade latente ...
    """


class TooLargeError(CodecError):
    """Raised before anything is allocated when a file says that it needs more than a stated limit.

    Example:
        >>> from latente.codec import Limits
        >>> Limits(decoded_bytes=1000).check_decoded(1001, "the array")
        Traceback (most recent call last):
        latente.codec.errors.TooLargeError: the array takes 1,001 bytes, more than the limit of 1,000; ...
    """


class MissingModelError(CodecError):
    """Raised when the model that a stream refers to is not at hand.

    Example:
        >>> from latente.codec import ModelRef, pack, unpack
        >>> stream = pack("array", {}, {}, model=ModelRef("climate-1", "0" * 32))
        >>> unpack(stream).find_model([])
        Traceback (most recent call last):
        latente.codec.errors.MissingModelError: decoding needs the model 'climate-1' ...
    """


class WrongModelError(CodecError):
    """Raised when a model has the wanted name but other tensors, or an embedded one is not what its hash says.

    Example:
        >>> import numpy as np
        >>> from latente.codec import Model, pack, unpack
        >>> ours, other = Model("climate-1", {"w": np.zeros(2)}), Model("climate-1", {"w": np.ones(2)})
        >>> unpack(pack("array", {}, {}, model=ours.ref)).find_model([other])
        Traceback (most recent call last):
        latente.codec.errors.WrongModelError: decoding needs the model 'climate-1' with hash ...
    """
