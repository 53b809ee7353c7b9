"""Compression: one container for all codecs, and errors that say what is wrong with a file."""

from __future__ import annotations

__all__ = [
    "AlteredError", "CodecError", "Container", "ContainerReader", "ContainerWriter", "Limits", "MissingModelError",
    "Model", "ModelRef", "NewerVersionError", "NotOursError", "Section", "TooLargeError", "TruncatedError",
    "WrongModelError", "crc32c", "hash_tensors", "pack", "unpack",
]  # fmt: skip

from latente.codec.container import Container, pack, unpack
from latente.codec.errors import (
    AlteredError,
    CodecError,
    MissingModelError,
    NewerVersionError,
    NotOursError,
    TooLargeError,
    TruncatedError,
    WrongModelError,
)
from latente.codec.frames import Section
from latente.codec.limits import Limits, crc32c
from latente.codec.models import Model, ModelRef, hash_tensors
from latente.codec.streams import ContainerReader, ContainerWriter
