"""Pictures to bytes and back, exactly; the smaller of several ways wins."""

from __future__ import annotations

__all__ = ["WAYS", "checked_pixels", "decode_pixels", "encode_pixels", "read_plane", "way_of"]

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from latente.codec.entropy import ContextDecoder, ContextEncoder
from latente.codec.errors import AlteredError
from latente.codec.images.lossless.classes import LARGEST
from latente.codec.images.lossless.colour import from_rgb, to_rgb
from latente.codec.images.lossless.lattice import DISTANCE
from latente.codec.images.lossless.linear import LinearPredictor, fit_linear
from latente.codec.images.lossless.predictors import PlainPredictor, Predictor
from latente.codec.images.lossless.walk import walk
from latente.codec.libraries import zstandard
from latente.codec.limits import crc32c
from latente.codec.streams import ContainerReader

WAYS = ("stored", "plain", "network", "linear")
LEAST = 1 << 15  # values from which on linear predictions are tried
AT_ONCE = 1 << 21  # pixels that are coded together
Pictures = NDArray[np.uint8]


class _Writer:
    """A coder that writes."""

    def __init__(self, predictor: Predictor) -> None:
        self.encoder = ContextEncoder(LARGEST, base=predictor.counts)

    def code(self, values: NDArray[np.int64], classes: NDArray[np.uint16]) -> NDArray[np.int64]:
        self.encoder.encode(values, classes)
        return values


class _Reader:
    """A coder that reads."""

    def __init__(self, data: bytes, predictor: Predictor) -> None:
        self.decoder = ContextDecoder(data, LARGEST, base=predictor.counts)

    def code(self, values: NDArray[np.int64], classes: NDArray[np.uint16]) -> NDArray[np.int64]:
        return self.decoder.decode(classes)


def parts_of(shape: tuple[int, ...]) -> Iterator[tuple[slice, slice]]:
    """Pictures and rows that are coded together.

    Args:
        shape: (n, height, width, channels).
    """
    n, height, width, _ = shape
    pictures = max(1, AT_ONCE // (height * width))
    rows = max(DISTANCE, AT_ONCE // width // DISTANCE * DISTANCE)
    for p in range(0, n, pictures):
        for i in range(0, height, rows):
            yield slice(p, p + pictures), slice(i, i + rows)


def encode_pixels(pictures: Pictures, network: Predictor | None = None, *, stored: bool = False) -> bytes:
    """Returns pictures of one size as bytes; the first says which way they were coded.

    Where they have more than one part, the ways compete on the middle one alone.

    Args:
        pictures: (n, height, width, channels), channels being 1 or 3.
        network: of a model for that many channels; None does without.
        stored: whether nothing is predicted.

    Example:
        >>> pictures = np.arange(600, dtype=np.uint8).reshape(2, 10, 10, 3)
        >>> bool((decode_pixels(encode_pixels(pictures), pictures.shape) == pictures).all())
        True
    """
    if stored:
        return _packed(pictures)
    parts = list(parts_of(pictures.shape))
    middle = pictures[parts[len(parts) // 2]]
    linear = fit_linear(from_rgb(middle)) if pictures.size >= LEAST else None
    ways: dict[int, Predictor | None] = {1: PlainPredictor(), 2: network, 3: linear}
    heads = {way: bytes([way]) + (_head(linear) if way == 3 and linear else b"") for way in ways}
    found = {way: heads[way] + _coded(middle, known) for way, known in ways.items() if known is not None}
    found[0] = _packed(middle)
    best = min(found, key=lambda way: (len(found[way]), way))
    if len(parts) == 1:
        return found[best]
    chosen = ways.get(best)
    return _packed(pictures) if chosen is None else heads[best] + _coded(pictures, chosen)


def _packed(pictures: Pictures) -> bytes:
    """Bytes of all pixels without a prediction."""
    return b"\x00" + zstandard().ZstdCompressor(level=9).compress(np.ascontiguousarray(pictures).reshape(-1).data)


def _head(linear: LinearPredictor) -> bytes:
    """The weights of linear predictions, after their number of bytes."""
    weights = linear.to_bytes()
    return len(weights).to_bytes(2, "little") + weights


def _coded(pictures: Pictures, predictor: Predictor) -> bytes:
    """Bytes of all pixels with a predictor."""
    writer = _Writer(predictor)
    for part in parts_of(pictures.shape):
        walk(from_rgb(pictures[part]), predictor, writer)
    return writer.encoder.finish()


def checked_pixels(pictures: Pictures, network: Predictor | None = None) -> bytes:
    """Returns what `encode_pixels` does, after decoding it; what were to come back otherwise is stored.

    Args:
        pictures: (n, height, width, channels).
        network: as for `encode_pixels`.
    """
    data = encode_pixels(pictures, network)
    parts = _parts_decoded(data, pictures.shape, network)
    same = all(np.array_equal(pixels, pictures[part]) for part, pixels in parts)
    return data if same else encode_pixels(pictures, stored=True)


def way_of(data: bytes) -> str | None:
    """Returns how pixels were coded, one of WAYS; None for bytes that do not say so.

    Args:
        data: as `encode_pixels` made it.
    """
    return WAYS[data[0]] if data and data[0] < len(WAYS) else None


def decode_pixels(data: bytes, shape: tuple[int, ...], network: Predictor | None = None) -> Pictures:
    """Returns the pictures.

    Args:
        data: as `encode_pixels` made it.
        shape: of the pictures.
        network: with which they were encoded.

    Raises:
        ValueError: for bytes that are damaged, or that need a network where none is given.
    """
    found = np.empty(shape, np.uint8)
    for part, pixels in _parts_decoded(data, shape, network):
        found[part] = pixels
    return found


def _parts_decoded(
    data: bytes, shape: tuple[int, ...], network: Predictor | None
) -> Iterator[tuple[tuple[slice, ...], Pictures]]:
    """Yields the parts of pictures, and where they are."""
    way = way_of(data)
    if way is None:
        raise ValueError("the pixels are coded in a way that is not known: the stream is damaged")
    if way == "stored":
        yield (slice(None),), _stored(data[1:], shape)
        return
    predictor, coded = _predictor(way, data[1:], shape[3], network)
    reader = _Reader(coded, predictor)
    for pictures, rows in parts_of(shape):
        n, height = (len(range(*part.indices(size))) for part, size in ((pictures, shape[0]), (rows, shape[1])))
        planes = np.zeros((n, shape[3], height, shape[2]), np.int16)
        walk(planes, predictor, reader)
        yield (pictures, rows), to_rgb(planes)


def read_plane(
    reader: ContainerReader, name: str, shape: tuple[int, ...], network: Predictor | None = None
) -> Pictures:
    """Returns the pictures of a section, after comparing their CRC.

    Args:
        reader: of the stream.
        name: of the section.
        shape: of the pictures.
        network: as for `decode_pixels`.

    Raises:
        AlteredError: when the section is not there, or decodes to something else than was encoded.
        ValueError: as `decode_pixels`.
    """
    section = next((section for section in list(reader) if section.name == name), None)
    if section is None:
        raise AlteredError(f"the stream lacks section {name!r}")
    pictures = decode_pixels(reader.read(section), shape, network)
    if section.symbols is not None and section.symbols != crc32c(pictures):
        raise AlteredError(f"section {name!r} did not decode to what was encoded: the CRC of its symbols is wrong")
    return pictures


def _predictor(way: str, data: bytes, colours: int, network: Predictor | None) -> tuple[Predictor, bytes]:
    """What predicts, and the rest of the bytes."""
    if way == "linear":
        end = 2 + int.from_bytes(data[:2], "little")
        return LinearPredictor.from_bytes(data[2:end], colours), data[end:]
    if way == "plain":
        return PlainPredictor(), data
    if network is None:
        raise ValueError("the pixels were coded with a network, and none is given")
    return network, data


def _stored(data: bytes, shape: tuple[int, ...]) -> Pictures:
    """Pixels that only zstd has compressed."""
    size = int(np.prod(shape))
    try:
        if zstandard().frame_content_size(data) != size:  # a stated size is allocated, whatever the largest one is
            raise ValueError(f"the stored pixels are not the {size} that are wanted: the stream is damaged")
        raw = zstandard().ZstdDecompressor().decompress(data, max_output_size=size)
    except zstandard().ZstdError as error:
        raise ValueError(f"the stored pixels are damaged: {error}") from error
    if len(raw) != size:
        raise ValueError(f"{len(raw)} pixels were stored where {size} are wanted: the stream is damaged")
    return np.frombuffer(raw, np.uint8).reshape(shape)
