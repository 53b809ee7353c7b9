"""Pictures to bytes and back, exactly; the smaller of several ways wins."""

from __future__ import annotations

__all__ = ["WAYS", "decode_pixels", "encode_pixels"]

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from latente.codec.entropy import ContextDecoder, ContextEncoder
from latente.codec.images.lossless.classes import LARGEST
from latente.codec.images.lossless.colour import from_rgb, to_rgb
from latente.codec.images.lossless.lattice import DISTANCE
from latente.codec.images.lossless.linear import LinearPredictor, fit_linear
from latente.codec.images.lossless.predictors import PlainPredictor, Predictor
from latente.codec.images.lossless.walk import walk
from latente.codec.libraries import zstandard

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

    Args:
        pictures: (n, height, width, channels), channels being 1 or 3.
        network: of a model for that many channels; None does without.
        stored: whether nothing is predicted.

    Example:
        >>> pictures = np.arange(600, dtype=np.uint8).reshape(2, 10, 10, 3)
        >>> bool((decode_pixels(encode_pixels(pictures), pictures.shape) == pictures).all())
        True
    """
    found = [b"\x00" + zstandard().ZstdCompressor(level=9).compress(pictures.tobytes())]
    ways: list[tuple[int, Predictor | None]] = [] if stored else [(1, PlainPredictor()), (2, network)]
    for way, predictor in ways:
        if predictor is not None:
            found.append(bytes([way]) + _coded(pictures, predictor))
    if pictures.size >= LEAST and not stored:
        linear = fit_linear(from_rgb(pictures[next(parts_of(pictures.shape))]))
        weights = linear.to_bytes()
        found.append(b"\x03" + len(weights).to_bytes(2, "little") + weights + _coded(pictures, linear))
    return min(found, key=len)


def _coded(pictures: Pictures, predictor: Predictor) -> bytes:
    """Bytes of all pixels with a predictor."""
    writer = _Writer(predictor)
    for part in parts_of(pictures.shape):
        walk(from_rgb(pictures[part]), predictor, writer)
    return writer.encoder.finish()


def decode_pixels(data: bytes, shape: tuple[int, ...], network: Predictor | None = None) -> Pictures:
    """Returns the pictures.

    Args:
        data: as `encode_pixels` made it.
        shape: of the pictures.
        network: with which they were encoded.

    Raises:
        ValueError: for bytes that are damaged, or that need a network where none is given.
    """
    way = WAYS[data[0]] if data and data[0] < len(WAYS) else None
    if way is None:
        raise ValueError("the pixels are coded in a way that is not known: the stream is damaged")
    if way == "stored":
        return _stored(data[1:], shape)
    predictor, coded = _predictor(way, data[1:], shape[3], network)
    found, reader = np.empty(shape, np.uint8), _Reader(coded, predictor)
    for part in parts_of(shape):
        n, height, width, channels = found[part].shape
        planes = np.zeros((n, channels, height, width), np.int16)
        walk(planes, predictor, reader)
        found[part] = to_rgb(planes)
    return found


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
    return np.frombuffer(raw, np.uint8).reshape(shape).copy()
