"""Tiny pictures, coded as wholes, to streams of kind `image`, and back."""

from __future__ import annotations

__all__ = ["count_symbols", "decode_pictures", "preview", "write_pictures"]

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from latente.codec.errors import AlteredError
from latente.codec.images.integers import VALUE_BITS
from latente.codec.images.stream import EXTRAS, KIND, SYMBOL, Header, quantised
from latente.codec.images.tables import SymbolDecoder, SymbolEncoder, count_magnitudes
from latente.codec.images.whole.model import WholeModel
from latente.codec.limits import Limits, crc32c
from latente.codec.streams import MODEL, ContainerReader, ContainerWriter

TOGETHER = 4096  # pictures of a section
SAVING = 1.0  # what a saved bit counts when symbols are chosen
PASSES = 5  # of choosing symbols; after each is known what is beyond 0 or 255, where it costs nothing
OVERSHOOT = 1.4  # what is beyond counts as so much more in the next pass, which needs fewer of them
Pictures = NDArray[np.uint8]
Reals = NDArray[np.float32]
Symbols = NDArray[np.int64]
Clusters = NDArray[np.intp]
Take = Callable[[Symbols, NDArray[np.uint8]], None]


def _groups(n: int) -> Iterator[slice]:
    """Which pictures are coded together."""
    for start in range(0, n, TOGETHER):
        yield slice(start, min(start + TOGETHER, n))


def _check(pictures: Pictures, model: WholeModel) -> None:
    """Raises ValueError for pictures that the model cannot code."""
    if pictures.shape[1:] != model.shape:
        height, width, channels = model.shape
        kind = "grey" if channels == 1 else "red, green, blue"
        raise ValueError(
            f"this codec was fitted to pictures of {height} x {width} ({kind}) and codes no others; got "
            f"{pictures.shape[1]} x {pictures.shape[2]} with {pictures.shape[3]} channels. Use another codec for them"
        )


def _code(
    pictures: Pictures, quality: int, model: WholeModel, take: Take, choose: Callable[[Clusters], None] | None = None
) -> Pictures:
    """Returns what pictures will decode to; `choose` is given their clusters, `take` symbols and tables of groups.

    Where a picture has 0 or 255, decoded values beyond are limited to just that. So symbols are chosen again for a
    picture that may go on beyond its limits as far as what was decoded does (projections, as P. L. Combettes, 1993, and
    A. Zakhor, 1992, use them in decoders), and the error elsewhere falls.
    """
    x = pictures.reshape(len(pictures), -1).astype(np.float32)
    clusters, aim = model.nearest(x, quality), x
    if choose is not None:
        choose(clusters)
    for _ in range(PASSES - 1):
        beyond = _beyond(x, _run(aim, clusters, quality, model))
        if not beyond.any():
            break
        aim = x + OVERSHOOT * beyond
    return model.limited(_run(aim, clusters, quality, model, take))


def _beyond(x: Reals, decoded: Reals) -> Reals:
    """How far decoded values are beyond a limit at which the picture's value is: what costs nothing."""
    below, above = np.where(x == 0, np.minimum(decoded, 0), 0), np.where(x == 255, np.maximum(decoded - 255, 0), 0)
    found: Reals = below + above
    return found


def _run(aim: Reals, clusters: Clusters, quality: int, model: WholeModel, take: Take | None = None) -> Reals:
    """Chooses symbols that come near a picture, and returns what they decode to, not yet limited to [0, 255]."""
    rows, tables = model.analyse(aim, clusters, quality), model.context.tables
    weights = np.full(rows.shape[1], 6 / math.log(2))

    def coder(mean: NDArray[np.float64], which: NDArray[np.uint8], part: slice) -> Symbols:
        rest = rows[:, part] - mean / (1 << VALUE_BITS)
        symbols = quantised(rest, which, weights[part], tables, SAVING)
        if take is not None:
            take(symbols.ravel(), which.ravel())
        return symbols

    return model.synthesise(model.context.run(clusters, quality, coder), clusters, quality)


def write_pictures(
    file: BinaryIO,
    pictures: Pictures,
    quality: int,
    model: WholeModel,
    embed: bool = False,
    fields: Mapping[str, Any] | None = None,
    extras: Mapping[str, tuple[bytes, int]] | None = None,
) -> None:
    """Writes a stream; see `images.stream.write_pictures`.

    Args:
        file: open for writing bytes.
        pictures: (n, height, width, channels), of the size that the model is for.
        quality: from 0 to QUALITIES.
        model: of the coefficients.
        embed: whether the stream holds the model.
        fields: more of the header.
        extras: more sections.

    Raises:
        ValueError: for pictures of another size.
    """
    _check(pictures, model)
    ref = model.model if embed else model.model.ref
    stated = Header.of(pictures, quality).to_json() | dict(fields or {})
    with ContainerWriter(file, KIND, stated, ref) as writer:
        for k, group in enumerate(_groups(len(pictures))):
            encoder, crc = SymbolEncoder(model.context.tables), 0

            def choose(clusters: Clusters, encoder: SymbolEncoder = encoder) -> None:
                nonlocal crc
                encoder.encode_by(model.shares, clusters)
                crc = crc32c(clusters.astype("<i4"), crc)

            def take(symbols: Symbols, which: NDArray[np.uint8], encoder: SymbolEncoder = encoder) -> None:
                nonlocal crc
                encoder.encode(symbols, which)
                crc = crc32c(symbols.astype("<i4"), crc)

            _code(pictures[group], quality, model, take, choose)
            writer.write(str(k), encoder.finish(), crc)
        for name, (content, crc) in (extras or {}).items():
            writer.write(name, content, crc)


def preview(pictures: Pictures, quality: int, model: WholeModel) -> Pictures:
    """Returns what pictures would be after encoding and decoding; nothing is coded.

    Args:
        pictures: (n, height, width, channels).
        quality: from 0 to QUALITIES.
        model: of the coefficients.

    Raises:
        ValueError: for pictures of another size than the model is for.
    """
    _check(pictures, model)
    return np.concatenate([_code(pictures[g], quality, model, lambda *_: None) for g in _groups(len(pictures))])


def count_symbols(pictures: Pictures, quality: int, model: WholeModel) -> NDArray[np.int64]:
    """Returns how often each magnitude of a symbol comes with each table; see `tables.count_magnitudes`.

    Args:
        pictures: (n, height, width, channels).
        quality: from 0 to QUALITIES.
        model: of the coefficients.
    """
    found = count_magnitudes(np.zeros(0, np.int64), np.zeros(0, np.uint8))

    def take(symbols: Symbols, which: NDArray[np.uint8]) -> None:
        nonlocal found
        found = found + count_magnitudes(symbols, which)

    for group in _groups(len(pictures)):
        _code(pictures[group], quality, model, take)
    return found


def decode_pictures(reader: ContainerReader, model: WholeModel, limits: Limits) -> Pictures:
    """Returns (n, height, width, channels).

    Args:
        reader: of the stream, of kind `image`.
        model: that it needs.
        limits: what may be allocated.

    Raises:
        CodecError: when the stream is damaged or takes more than the limits.
    """
    header = Header.from_json(reader.header)
    n, shape = header.shape[0], header.shape[1:]
    if shape != model.shape:
        raise AlteredError(f"the stream's model is for pictures of {model.shape}; the header says {shape}")
    limits.check_decoded(math.prod(header.shape), "the pictures")
    limits.check_decoded(8 * min(n, TOGETHER) * (4 * math.prod(shape) + 4 * model.context.width), "coefficients")
    sections = [section for section in reader if section.name not in (MODEL, *EXTRAS)]
    groups = list(_groups(n))
    if [section.name for section in sections] != [str(k) for k in range(len(groups))]:
        raise AlteredError(f"{n} pictures have {len(groups)} sections; the stream has {len(sections)} others")
    out = np.empty(header.shape, np.uint8)
    for group, section in zip(groups, sections, strict=True):
        decoder = SymbolDecoder(reader.read(section), model.context.tables)
        clusters = decoder.decode_by(model.shares, group.stop - group.start)
        values, crc = _decoded(decoder, clusters, header.quality, model)
        if section.symbols != crc:
            raise AlteredError(
                f"section {section.name!r} did not decode to what was encoded: its symbols' CRC is wrong"
            )
        out[group] = model.limited(model.synthesise(values, clusters, header.quality))
    return out


def _decoded(
    decoder: SymbolDecoder, clusters: Clusters, quality: int, model: WholeModel
) -> tuple[NDArray[np.float64], int]:
    """Coefficients and the CRC of the symbols."""
    crc = crc32c(clusters.astype("<i4"))

    def coder(mean: NDArray[np.float64], which: NDArray[np.uint8], part: slice) -> Symbols:
        nonlocal crc
        symbols = decoder.decode(which.ravel())
        if np.abs(symbols).max(initial=0) > SYMBOL:
            raise ValueError("a decoded coefficient is too large: the stream is damaged")
        crc = crc32c(symbols.astype("<i4"), crc)
        return symbols.reshape(which.shape)

    return model.context.run(clusters, quality, coder), crc
