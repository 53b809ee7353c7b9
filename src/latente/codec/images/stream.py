"""Pictures to streams of kind `image`, and back."""

from __future__ import annotations

__all__ = ["Header", "decode_pictures", "encode_pictures"]

import io
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from latente.codec.errors import AlteredError
from latente.codec.fields import take_integer, take_list
from latente.codec.images.integers import QUALITIES, Decoded
from latente.codec.images.lapped import CHANNELS, STRIDE
from latente.codec.images.model import ImageModel
from latente.codec.images.steps import STEPS
from latente.codec.images.synthesis import Painter
from latente.codec.images.tables import SymbolDecoder, SymbolEncoder
from latente.codec.images.tiles import TILE, Tile, crop, tiles_of
from latente.codec.limits import Limits, crc32c
from latente.codec.streams import ContainerReader, ContainerWriter

KIND = "image"
LARGEST = 1 << 20  # pixels in a row or a column
POSITIONS = 1 << 14  # of small pictures, that are coded together
SYMBOL = (1 << 23) - 1  # largest magnitude
Pictures = NDArray[np.uint8]


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
        shape = take_list(fields, "shape", int, 4)
        if len(shape) != 4 or shape[3] not in (1, 3) or not all(0 < n <= LARGEST for n in shape):
            raise AlteredError(f"the header's 'shape' is not that of pictures: {shape}")
        n, height, width, channels = shape
        quality, tile = take_integer(fields, "quality", 0, QUALITIES), take_integer(fields, "tile", 8, 512)
        return cls((n, height, width, channels), quality, tile)


def encode_pictures(
    pictures: Pictures,
    quality: int,
    model: ImageModel,
    embed: bool = False,
    keep: Callable[[Pictures], None] | None = None,
) -> bytes:
    """Returns a stream.

    Args:
        pictures: (n, height, width, channels), channels being 1 or 3.
        quality: from 0 to QUALITIES.
        model: of the coefficients.
        embed: whether the stream holds the model.
        keep: called with what will be decoded, (n, rows, width, channels) from the top down, group after group.
    """
    header = Header(pictures.shape, quality)  # type: ignore[arg-type]
    file = io.BytesIO()
    with ContainerWriter(file, KIND, header.to_json(), model.model if embed else model.model.ref) as writer:
        number = 0
        for group in header.groups():
            painter = None if keep is None else Painter(header.grid, header.shape[1:], quality, model, keep)
            for row in tiles_of(*header.grid, header.tile):
                done = []
                for tile in row:
                    coded, crc, decoded = _encode_tile(pictures[group], tile, header, model)
                    writer.write(str(number), coded, crc)
                    number += 1
                    done.append(decoded)
                if painter is not None:
                    painter.add(done)
    return file.getvalue()


def _encode_tile(pictures: Pictures, tile: Tile, header: Header, model: ImageModel) -> tuple[bytes, int, Decoded]:
    """Returns the coded symbols, their CRC, and what they decode to."""
    seen, inside = crop(pictures, tile, header.grid)
    x = torch.from_numpy(np.broadcast_to(seen, (*seen.shape[:3], 3)).transpose(0, 3, 1, 2).astype(np.float32))
    y = model.analyse(x, header.quality)[:, :, inside.top : inside.bottom, inside.left : inside.right]
    rows = y.permute(0, 2, 3, 1).reshape(-1, CHANNELS).numpy().astype(np.float64)
    encoder, crc = SymbolEncoder(model.context.tables), 0

    def code(mean: NDArray[np.float64], which: NDArray[np.uint8], k: int, at: NDArray[np.intp]) -> NDArray[np.int64]:
        nonlocal crc
        rest = rows[at][:, STEPS[k].channels] - mean / 64
        symbols = np.clip(np.rint(rest), -SYMBOL, SYMBOL).astype(np.int64)
        encoder.encode(symbols.ravel(), which.ravel())
        crc = crc32c(symbols.astype("<i4"), crc)
        return symbols

    decoded = model.context.run(len(pictures), *tile.shape, header.quality, code)
    return encoder.finish(), crc, decoded


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
    _check_sections(reader, header)
    pictures = np.empty(header.shape, np.uint8)
    sections = (section for section in reader if section.name != "model")
    for group in header.groups():
        part, at = pictures[group], 0

        def keep(rows: Pictures, part: Pictures = part) -> None:
            nonlocal at
            part[:, at : at + rows.shape[1]] = rows
            at += rows.shape[1]

        painter = Painter(header.grid, header.shape[1:], header.quality, model, keep)
        for row in tiles_of(*header.grid, header.tile):
            painter.add([_decode_tile(reader, next(sections), len(part), tile, header, model) for tile in row])
    next(sections, None)  # the end, with its checksum
    return pictures


def _check_sections(reader: ContainerReader, header: Header) -> None:
    """Raises AlteredError where the sections are not those of the pictures."""
    names = [section.name for section in reader if section.name != "model"]
    if len(names) != header.sections or names != [str(i) for i in range(len(names))]:
        raise AlteredError(f"pictures of this size have {header.sections} sections; the stream has {len(names)} others")


def _decode_tile(
    reader: ContainerReader, section: Any, n: int, tile: Tile, header: Header, model: ImageModel
) -> Decoded:
    decoder, crc = SymbolDecoder(reader.read(section), model.context.tables), 0

    def code(mean: NDArray[np.float64], which: NDArray[np.uint8], k: int, at: NDArray[np.intp]) -> NDArray[np.int64]:
        nonlocal crc
        symbols = decoder.decode(which.ravel()).reshape(which.shape)
        crc = crc32c(symbols.astype("<i4"), crc)
        return symbols

    decoded = model.context.run(n, *tile.shape, header.quality, code)
    if section.symbols != crc:
        raise AlteredError(
            f"section {section.name!r} did not decode to what was encoded: the CRC of its symbols is wrong"
        )
    return decoded
