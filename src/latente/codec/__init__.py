"""Compression: files and arrays within a stated bound, one container for all codecs, errors that say what is wrong.

`ArrayCodec` brings scikit-learn and `ImageCodec` torch, which take longer to import than most files take to compress;
they are imported when their names are first used.
"""

from __future__ import annotations

__all__ = [
    "AlteredError", "ArrayCodec", "ArrayInfo", "Bound", "CodecError", "Compressed", "Container", "ContainerReader",
    "ContainerWriter", "Decompressed", "Description", "ImageCodec", "ImageInfo", "Limits", "LosslessImageCodec",
    "MissingModelError", "Model", "ModelRef", "NewerVersionError", "NotOursError", "Part", "Section", "TooLargeError",
    "TruncatedError", "WrongModelError", "compress_file", "crc32c", "decompress_file", "describe_file", "hash_tensors",
    "pack", "unpack",
]  # fmt: skip

import importlib
from typing import TYPE_CHECKING, Any

from latente.codec.arrays.info import ArrayInfo
from latente.codec.bounds import Bound
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
from latente.codec.files import (
    Compressed,
    Decompressed,
    Description,
    Part,
    compress_file,
    decompress_file,
    describe_file,
)
from latente.codec.frames import Section
from latente.codec.limits import Limits, crc32c
from latente.codec.models import Model, ModelRef, hash_tensors
from latente.codec.streams import ContainerReader, ContainerWriter

if TYPE_CHECKING:
    from latente.codec.array_codec import ArrayCodec
    from latente.codec.images.codec import ImageCodec
    from latente.codec.images.info import ImageInfo
    from latente.codec.images.lossless.codec import LosslessImageCodec

LATER = {
    "ArrayCodec": "array_codec", "ImageCodec": "images.codec", "ImageInfo": "images.info",
    "LosslessImageCodec": "images.lossless.codec",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"latente.codec.{LATER[name]}"), name)


def __dir__() -> list[str]:
    return __all__
