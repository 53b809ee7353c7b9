"""Coding of integers by classes of contexts, with tables that adapt.

The values come in batches; each value has a class that says what magnitude its surroundings let expect. Inside a
batch all values of a class are coded together with one table, so no loop runs over values. After each batch the
counts of its tokens are added to the tables. Encoder and decoder see the same batches.
"""

from __future__ import annotations

__all__ = ["ContextDecoder", "ContextEncoder", "classes_of"]

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.codec.entropy.tables import THRESHOLDS, frequencies, laplace_counts
from latente.codec.entropy.tokens import alphabet_size, from_tokens, raw_bits, to_tokens
from latente.codec.libraries import constriction

OBSERVED = 32  # what one coded token adds to its count
FIRST_BATCH = 64  # values after which the tables are renewed first,
SHARE = 4  # and then after this part of what was coded so far
CHUNK = 16  # raw bits that are coded at a time
Values = NDArray[np.int64]
Classes = NDArray[np.uint8] | NDArray[np.uint16]


def model(row: NDArray[np.int64], symbols: int) -> Any:
    """constriction's model with exactly these frequencies.

    constriction gives symbol i the frequency 1 + trunc(p_i * scale) with scale = (2^24 - alphabet) / sum(p). With
    p_i = frequency_i - 1 the scale is exactly 1 and every number on the way is an integer below 2^24, so nothing is
    rounded.

    Args:
        row: frequencies that sum to 2^24.
        symbols: how many will be coded with it; many are worth a table that takes longer to make.
    """
    return constriction().stream.model.Categorical((row - 1).astype(np.float64), perfect=False, lazy=symbols < 400)


class _Tables:
    """Counts, and the tables made of them, which are renewed after a batch and then whenever a share more was seen."""

    def __init__(self, largest: int, start: NDArray[np.int64] | None, base: NDArray[np.int64] | None) -> None:
        alphabet = alphabet_size(largest)
        if base is not None and base.shape[1] != alphabet:
            raise ValueError(f"magnitudes up to {largest} have {alphabet} tokens; the counts have {base.shape[1]}")
        self.counts = laplace_counts(alphabet).copy() if base is None else base.copy()
        if start is not None:
            width = min(alphabet, start.shape[1])
            self.counts[:, :width] += start[:, :width]
        self.seen, self.left = 0, 0
        self.table = frequencies(self.counts)

    def batches(self, n: int) -> Iterator[slice]:
        """Slices of n values, each coded with one state of the tables."""
        done = 0
        while done < n:
            if self.left == 0:
                self.table, self.left = frequencies(self.counts), max(FIRST_BATCH, self.seen // SHARE)
            size = min(n - done, self.left)
            yield slice(done, done + size)
            done, self.seen, self.left = done + size, self.seen + size, self.left - size

    def add(self, classes: Classes, tokens: NDArray[np.int32]) -> None:
        alphabet = self.counts.shape[1]
        key = classes.astype(np.int64) * alphabet + tokens
        found = np.bincount(key, minlength=self.counts.size)
        self.counts += OBSERVED * found.reshape(self.counts.shape)


def _grouped(classes: Classes) -> tuple[NDArray[np.int64], list[tuple[int, int, int]]]:
    """The order that sorts by class, and (class, first, last + 1) of every class in that order."""
    order = np.argsort(classes, kind="stable")
    ends = np.bincount(classes).cumsum().tolist()
    groups = [(c, start, end) for c, (start, end) in enumerate(zip([0, *ends], ends, strict=False)) if end > start]
    return order, groups


def _by_width(bits: Values) -> Iterator[tuple[int, int, NDArray[np.int64]]]:
    """(shift, width, which) of every piece of raw bits, in the order in which they are coded."""
    for b in np.flatnonzero(np.bincount(bits)).tolist():
        which = np.flatnonzero(bits == b)
        for shift in range(0, b, CHUNK):
            yield shift, min(CHUNK, b - shift), which


class ContextEncoder:
    """Codes batches of integers, each with its class.

    Args:
        largest: the largest magnitude that will come.
        start: counts to begin with, of other data of the same kind; they come on top of the built-in ones.
        base: counts of classes of one's own, (classes, tokens), instead of the built-in ones.

    Attributes:
        counts: int64, shape (classes, tokens), as they are after what was coded.

    Raises:
        ImportError: when constriction is not installed.

    Example:
        >>> values, classes = np.array([0, 1, -1, 300]), np.array([0, 9, 9, 20], np.uint8)
        >>> encoder = ContextEncoder(300)
        >>> encoder.encode(values, classes)
        >>> ContextDecoder(encoder.finish(), 300).decode(classes)
        array([  0,   1,  -1, 300])
    """

    def __init__(
        self, largest: int, start: NDArray[np.int64] | None = None, *, base: NDArray[np.int64] | None = None
    ) -> None:
        self._tables = _Tables(largest, start, base)
        self._library = constriction()
        self._coder = self._library.stream.queue.RangeEncoder()

    @property
    def counts(self) -> NDArray[np.int64]:
        return self._tables.counts

    def encode(self, values: Values, classes: Classes) -> None:
        """Codes one batch.

        Args:
            values: int64, shape (n,).
            classes: uint8, shape (n,), below the number of classes.
        """
        for part in self._tables.batches(len(values)):
            self._encode(values[part], classes[part])

    def _encode(self, values: Values, classes: Classes) -> None:
        parts = to_tokens(values)
        order, groups = _grouped(classes)
        tokens = parts.tokens[order]
        for c, start, end in groups:
            self._coder.encode(tokens[start:end], model(self._tables.table[c], end - start))
        for shift, width, which in _by_width(parts.bits):
            piece = (parts.raw[which] >> shift) & ((1 << width) - 1)
            self._coder.encode(piece.astype(np.int32), self._library.stream.model.Uniform(1 << width))
        self._tables.add(classes, parts.tokens)

    def finish(self) -> bytes:
        """Returns all that was coded, as little-endian 32-bit words."""
        return self._coder.get_compressed().astype("<u4").tobytes()


class ContextDecoder:
    """Decodes what `ContextEncoder` coded; it must be asked for the same batches.

    Args:
        data: the bytes.
        largest: as for the encoder.
        start: as for the encoder.
        base: as for the encoder.

    Raises:
        ImportError: when constriction is not installed.
        ValueError: when the bytes are no whole number of words.

    Example:
        >>> encoder = ContextEncoder(5)
        >>> encoder.encode(np.array([5, -5]), np.array([12, 12], np.uint8))
        >>> ContextDecoder(encoder.finish(), 5).decode(np.array([12, 12], np.uint8))
        array([ 5, -5])
    """

    def __init__(
        self, data: bytes, largest: int, start: NDArray[np.int64] | None = None, *,
        base: NDArray[np.int64] | None = None,
    ) -> None:  # fmt: skip
        if len(data) % 4:
            raise ValueError(f"a coded section has whole 32-bit words; got {len(data)} bytes: the file is damaged")
        self._tables = _Tables(largest, start, base)
        self._library = constriction()
        words = np.frombuffer(data, "<u4").astype(np.uint32)
        self._coder = self._library.stream.queue.RangeDecoder(words)

    def decode(self, classes: Classes) -> Values:
        """Decodes one batch.

        Args:
            classes: uint8, shape (n,).

        Returns:
            int64, shape (n,).

        Raises:
            ValueError: when the bytes cannot come from the encoder.
        """
        values = np.empty(len(classes), np.int64)
        for part in self._tables.batches(len(classes)):
            values[part] = self._decode(classes[part])
        return values

    def _decode(self, classes: Classes) -> Values:
        order, groups = _grouped(classes)
        tokens = np.empty(len(classes), np.int32)
        try:
            for c, start, end in groups:
                found = self._coder.decode(model(self._tables.table[c], end - start), end - start)
                tokens[order[start:end]] = found
            large, bits = raw_bits(tokens)
            raw = np.zeros(len(large), np.int64)
            for shift, width, which in _by_width(bits):
                piece = self._coder.decode(self._library.stream.model.Uniform(1 << width), len(which))
                raw[which] |= piece.astype(np.int64) << shift
        except (AssertionError, ValueError) as error:  # what constriction raises for bytes that it cannot have made
            raise ValueError(f"the coded symbols are damaged: {error}") from error
        self._tables.add(classes, tokens)
        return from_tokens(tokens, large, raw)


FINE_TABLE = np.searchsorted(THRESHOLDS, np.arange(1 << 13), side="right").astype(np.uint8)


def classes_of(expected: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The class of each expected magnitude.

    Args:
        expected: what magnitude the surroundings let expect, in 1/256; not negative.

    Example:
        >>> classes_of(np.array([0, 256, 2**40]))
        array([ 0, 12, 39], dtype=uint8)
    """
    classes = FINE_TABLE[np.minimum(expected, len(FINE_TABLE) - 1)]
    large = np.flatnonzero(expected >= len(FINE_TABLE))
    if len(large):
        classes[large] = np.searchsorted(THRESHOLDS, expected[large], side="right")
    return classes
