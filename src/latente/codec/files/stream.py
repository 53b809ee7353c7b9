"""Streams that `ArrayCodec.encode` made, kept in files: they become .npy files."""

from __future__ import annotations

__all__ = ["StreamFormat"]

from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from latente.codec.arrays.info import array_info
from latente.codec.errors import CodecError
from latente.codec.files.base import Settings, Unfit, Written
from latente.codec.files.coder import explain_block, read_stream
from latente.codec.files.results import Part
from latente.codec.streams import ContainerReader


class StreamFormat:
    """Reads only: the streams are made in Python."""

    kind, suffix = "array", ".npy"

    def tells(self, path: Path, head: bytes) -> str | None:
        """Returns None: no file is written this way."""
        return None

    def write(self, path: Path, file: BinaryIO, settings: Settings) -> Written:
        """Raises Unfit."""
        raise Unfit("array streams are made with ArrayCodec")

    def read(self, reader: ContainerReader, out: Path, settings: Settings) -> None:
        """Writes the array as .npy; see `Format`."""
        values = read_stream(reader.whole(), settings)
        if isinstance(values, np.ma.MaskedArray):
            raise CodecError("the array has a mask, which .npy files cannot hold; decode it with ArrayCodec in Python")
        with out.open("xb") as file:
            np.save(file, values, allow_pickle=False)

    def values(self, path: Path, name: str) -> NDArray[Any] | None:
        """Returns None: it has no numbers."""
        return None

    def describe(self, reader: ContainerReader) -> tuple[Part, ...]:
        """Returns the array as the only part; see `Format`."""
        stream = reader.whole()
        found, method = array_info(stream), explain_block(stream)
        sizes = found.original_bytes, len(stream)
        return (Part("values", *sizes, found.bound, None, method.text, method.exact, method.model),)
