"""Pictures to streams of kind `image`, and back."""

from __future__ import annotations

__all__ = [
    "EXTRAS",
    "KIND",
    "Header",
    "count_symbols",
    "decode_pictures",
    "encode_pictures",
    "preview",
    "quantised",
    "write_pictures",
]

import io
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, BinaryIO

import numpy as np
import torch
from numpy.typing import NDArray

from latente.codec.errors import AlteredError
from latente.codec.fields import take_integer
from latente.codec.frames import Section
from latente.codec.images.context import WIDTH
from latente.codec.images.integers import QUALITIES, VALUE_BITS, Decoded
from latente.codec.images.lapped import CHANNELS, STRIDE
from latente.codec.images.model import ImageModel
from latente.codec.images.pictures import check_size, shape_in
from latente.codec.images.steps import STEPS
from latente.codec.images.synthesis import HALO, Painter
from latente.codec.images.tables import SymbolDecoder, SymbolEncoder, Tables, count_magnitudes
from latente.codec.images.tiles import TILE, Tile, crop, tiles_of
from latente.codec.limits import Limits, crc32c
from latente.codec.streams import MODEL, ContainerReader, ContainerWriter

KIND = "image"
EXTRAS = ("alpha", "icc", "exif")  # sections of files behind the pixels
POSITIONS = 1 << 14  # of small pictures, that are coded together
SYMBOL = (1 << 23) - 1  # largest magnitude
SAVING = 0.25  # what a saved bit counts: less than one, for what comes later is predicted from the symbol (measured)
Pictures = NDArray[np.uint8]
Symbols = NDArray[np.int64]
Take = Callable[[Symbols, NDArray[np.uint8]], None]


@dataclass(frozen=True)
class Header:
    """What a stream says of its pictures.

    Attributes:
        shape: (pictures, height, width, channels), channels being 1 or 3.
        quality: from 0 to QUALITIES.
        tile: its size in positions.
    """

    shape: tuple[int, int, int, int]
    quality: int
    tile: int = TILE

    @classmethod
    def of(cls, pictures: Pictures, quality: int) -> Header:
        """Returns the header for pictures, which must not be too large."""
        check_size(pictures.shape)
        n, height, width, channels = pictures.shape
        return cls((n, height, width, channels), quality)

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of coefficients."""
        return math.ceil(self.shape[1] / STRIDE), math.ceil(self.shape[2] / STRIDE)

    def groups(self) -> Iterator[slice]:
        """Which pictures are coded together."""
        height, width = self.grid
        size = max(1, POSITIONS // (min(height, self.tile) * min(width, self.tile)))
        for start in range(0, self.shape[0], size):
            yield slice(start, min(start + size, self.shape[0]))

    @property
    def row_bytes(self) -> int:
        """What coefficients and states of a row of tiles and its borders take while pixels are made of them."""
        rows, columns = min(self.grid[0], self.tile + 2 * HALO), self.grid[1]
        together = min(self.shape[0], max(1, POSITIONS // (min(self.grid[0], self.tile) * min(columns, self.tile))))
        return 3 * 4 * (CHANNELS + WIDTH) * together * rows * columns

    @property
    def sections(self) -> int:
        """How many sections the stream has."""
        tiles = math.ceil(self.grid[0] / self.tile) * math.ceil(self.grid[1] / self.tile)
        return tiles * sum(1 for _ in self.groups())

    def to_json(self) -> dict[str, Any]:
        """Returns the fields of the container's header."""
        return {"shape": list(self.shape), "quality": self.quality, "tile": self.tile}

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Header:
        """Returns what the fields say; raises AlteredError where they make no sense."""
        quality, tile = take_integer(fields, "quality", 0, QUALITIES), take_integer(fields, "tile", 8, TILE)
        return cls(shape_in(fields), quality, tile)


def _walk(
    header: Header, model: ImageModel, visit: Callable[[slice, Tile], Decoded], out: Pictures | None = None
) -> None:
    """Visits all tiles in the order of their sections, and makes pixels of what the visits return.

    Args:
        header: of the stream.
        model: that makes pixels.
        visit: called with pictures that are coded together, and a tile of them.
        out: takes the pixels, (n, height, width, channels); None makes none.
    """
    for group in header.groups():
        painter = None if out is None else Painter(header.grid, out[group], header.quality, model)
        for row in tiles_of(*header.grid, header.tile):
            if painter is None:
                for tile in row:
                    visit(group, tile)
            else:
                painter.add([visit(group, tile) for tile in row])


def _code(pictures: Pictures, tile: Tile, header: Header, model: ImageModel, take: Take) -> Decoded:
    """Returns what a tile will decode to; `take` is given the symbols of each step and their tables."""
    seen, inside = crop(pictures, tile, header.grid)
    x = torch.from_numpy(np.broadcast_to(seen, (*seen.shape[:3], 3)).transpose(0, 3, 1, 2).astype(np.float32))
    y = model.analyse(x, header.quality)[:, :, inside.top : inside.bottom, inside.left : inside.right]
    rows = y.permute(0, 2, 3, 1).reshape(-1, CHANNELS).numpy().astype(np.float64)
    weights, tables = model.weights(header.quality), model.context.tables

    def coder(mean: NDArray[np.float64], which: NDArray[np.uint8], k: int, at: NDArray[np.intp]) -> Symbols:
        channels = np.array(STEPS[k].channels)
        symbols = quantised(rows[at[:, None], channels] - mean / (1 << VALUE_BITS), which, weights[channels], tables)
        take(symbols.ravel(), which.ravel())
        return symbols

    return model.context.run(len(pictures), *tile.shape, header.quality, coder)


def quantised(
    rest: NDArray[np.float64], which: NDArray[np.uint8], weights: NDArray[np.float64], tables: Tables,
    saving: float = SAVING,
) -> Symbols:  # fmt: skip
    """Symbols for what means leave: the nearest, or the next one towards 0 where that saves more bits than it costs.

    Args:
        rest: (m, channels), in steps.
        which: their tables.
        weights: (channels,) bits that the square of an error of one step is worth.
        tables: of bits.
        saving: what a saved bit counts.
    """
    symbols = np.clip(np.rint(rest), -SYMBOL, SYMBOL).astype(np.int64)
    i, c = np.nonzero(symbols)
    nearest, real, table = symbols[i, c], rest[i, c], which[i, c]
    lower = nearest - np.sign(nearest)
    saved = saving * (tables.bits(nearest, table) - tables.bits(lower, table))
    symbols[i, c] = np.where(saved > weights[c] * ((real - lower) ** 2 - (real - nearest) ** 2), lower, nearest)
    return symbols


def encode_pictures(pictures: Pictures, quality: int, model: ImageModel, embed: bool = False) -> bytes:
    """Returns a stream; see `write_pictures`."""
    file = io.BytesIO()
    write_pictures(file, pictures, quality, model, embed)
    return file.getvalue()


def write_pictures(
    file: BinaryIO,
    pictures: Pictures,
    quality: int,
    model: ImageModel,
    embed: bool = False,
    fields: Mapping[str, Any] | None = None,
    extras: Mapping[str, tuple[bytes, int]] | None = None,
) -> None:
    """Writes a stream.

    Args:
        file: open for writing bytes.
        pictures: (n, height, width, channels), channels being 1 or 3.
        quality: from 0 to QUALITIES.
        model: of the coefficients.
        embed: whether the stream holds the model.
        fields: more of the header.
        extras: content of more sections and the CRC of what it decodes to, by their names, which are in EXTRAS.
    """
    header, number = Header.of(pictures, quality), count()
    ref, stated = model.model if embed else model.model.ref, header.to_json() | dict(fields or {})
    with ContainerWriter(file, KIND, stated, ref) as writer:

        def visit(group: slice, tile: Tile) -> Decoded:
            encoder, crc = SymbolEncoder(model.context.tables), 0

            def take(symbols: Symbols, which: NDArray[np.uint8]) -> None:
                nonlocal crc
                encoder.encode(symbols, which)
                crc = crc32c(symbols.astype("<i4"), crc)

            decoded = _code(pictures[group], tile, header, model, take)
            writer.write(str(next(number)), encoder.finish(), crc)
            return decoded

        _walk(header, model, visit)
        for name, (content, crc) in (extras or {}).items():
            writer.write(name, content, crc)


def preview(pictures: Pictures, quality: int, model: ImageModel) -> Pictures:
    """Returns what pictures would be after encoding and decoding; nothing is coded.

    Args:
        pictures: (n, height, width, channels).
        quality: from 0 to QUALITIES.
        model: of the coefficients.
    """
    header, out = Header.of(pictures, quality), np.empty_like(pictures)
    _walk(header, model, lambda group, tile: _code(pictures[group], tile, header, model, lambda *_: None), out)
    return out


def count_symbols(pictures: Pictures, quality: int, model: ImageModel) -> NDArray[np.int64]:
    """Returns how often each magnitude of a symbol comes with each table; see `tables.count_magnitudes`.

    Args:
        pictures: (n, height, width, channels).
        quality: from 0 to QUALITIES.
        model: of the coefficients.
    """
    header, found = Header.of(pictures, quality), count_magnitudes(np.zeros(0, np.int64), np.zeros(0, np.uint8))

    def take(symbols: Symbols, which: NDArray[np.uint8]) -> None:
        nonlocal found
        found = found + count_magnitudes(symbols, which)

    _walk(header, model, lambda group, tile: _code(pictures[group], tile, header, model, take))
    return found


def decode_pictures(reader: ContainerReader, model: ImageModel, limits: Limits) -> Pictures:
    """Returns (n, height, width, channels).

    Args:
        reader: of the stream, of kind `image`.
        model: that it needs.
        limits: what may be allocated.

    Raises:
        CodecError: when the stream is damaged or takes more than the limits.
    """
    header = Header.from_json(reader.header)
    limits.check_decoded(math.prod(header.shape), "the picture")
    limits.check_decoded(header.row_bytes, "a row of tiles")
    _check_sections(reader, header)
    sections = (section for section in reader if section.name not in (MODEL, *EXTRAS))
    out = np.empty(header.shape, np.uint8)

    def visit(group: slice, tile: Tile) -> Decoded:
        return _decode_tile(reader, next(sections), group.stop - group.start, tile, header, model)

    _walk(header, model, visit, out)
    return out


def _check_sections(reader: ContainerReader, header: Header) -> None:
    """Raises AlteredError where the sections are not those of the pictures; reads up to the end, with its checksum."""
    names = [section.name for section in reader if section.name not in (MODEL, *EXTRAS)]
    if len(names) != header.sections or names != [str(i) for i in range(len(names))]:
        raise AlteredError(f"pictures of this size have {header.sections} sections; the stream has {len(names)} others")


def _decode_tile(
    reader: ContainerReader, section: Section, n: int, tile: Tile, header: Header, model: ImageModel
) -> Decoded:
    decoder, crc = SymbolDecoder(reader.read(section), model.context.tables), 0

    def coder(mean: NDArray[np.float64], which: NDArray[np.uint8], k: int, at: NDArray[np.intp]) -> Symbols:
        nonlocal crc
        symbols = decoder.decode(which.ravel()).reshape(which.shape)
        crc = crc32c(symbols.astype("<i4"), crc)
        return symbols

    decoded = model.context.run(n, *tile.shape, header.quality, coder)
    if section.symbols != crc:
        raise AlteredError(f"section {section.name!r} did not decode to what was encoded: its symbols' CRC is wrong")
    return decoded
