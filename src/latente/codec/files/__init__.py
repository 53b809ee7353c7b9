"""Files of many formats into .lat files and back."""

from __future__ import annotations

__all__ = ["Compressed", "Decompressed", "Description", "Part", "compress_file", "decompress_file", "describe_file"]

from latente.codec.files.compressing import compress_file
from latente.codec.files.decompressing import decompress_file, describe_file
from latente.codec.files.results import Compressed, Decompressed, Description, Part
