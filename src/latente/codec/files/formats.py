"""Which formats there are, and which one a file is of."""

from __future__ import annotations

__all__ = ["format_of", "formats", "told"]

from pathlib import Path

from latente.codec.errors import NewerVersionError, NotOursError
from latente.codec.files.base import Format
from latente.codec.files.exact_pictures import ExactPictureFormat
from latente.codec.files.netcdf.format import NetcdfFormat
from latente.codec.files.npy import NpyFormat
from latente.codec.files.npz import NpzFormat
from latente.codec.files.pictures import PictureFormat
from latente.codec.files.plain import PlainFormat
from latente.codec.files.stream import StreamFormat
from latente.codec.files.tables.csv import CsvFormat
from latente.codec.files.tables.parquet import ParquetFormat
from latente.codec.files.wav import WavFormat
from latente.codec.files.zarr import ZarrFormat

HEAD = 4096  # bytes of a file that tell its format


def formats() -> tuple[Format, ...]:
    """Returns all formats, those that ask for most first; the last one takes every file."""
    arrays: tuple[Format, ...] = (StreamFormat(), NpyFormat(), NpzFormat(), ZarrFormat(), NetcdfFormat())
    pictures: tuple[Format, ...] = (PictureFormat(), ExactPictureFormat())
    return (*arrays, ParquetFormat(), WavFormat(), *pictures, CsvFormat(), PlainFormat())


def told(path: Path) -> list[tuple[Format, str]]:
    """Returns the formats that a file may be of, the likeliest first, each with what tells.

    Args:
        path: of a file, or of a folder.
    """
    head = b""
    if path.is_file():
        with path.open("rb") as file:
            head = file.read(HEAD)
    found = [(known, known.tells(path, head)) for known in formats()]
    return [(known, why) for known, why in found if why is not None]


def format_of(kind: str) -> Format:
    """Returns the format of a .lat file's kind; raises NewerVersionError for one that there is not."""
    for known in formats():
        if known.kind == kind:
            return known
    if kind in ("array-codec", "image-codec", "lossless-image-codec"):
        raise NotOursError("the file holds what fit learned, no compressed file; it is for --model and load")
    raise NewerVersionError(
        f"the file is of kind {kind!r}, which this version of latente cannot decompress. Upgrade latente, or use the "
        "codec that wrote it"
    )
