"""Tables of frequencies of rounded logistic variables, corrected by what was counted, and coding with them."""

from __future__ import annotations

__all__ = ["SCALES", "SymbolDecoder", "SymbolEncoder", "Tables", "count_magnitudes", "magnitudes", "tables_of"]

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.codec.entropy.coder import model
from latente.codec.entropy.tables import PRECISION
from latente.codec.images.context import LARGEST_SCALE, SMALLEST_SCALE
from latente.codec.libraries import constriction

SCALES = 64  # tables, from the smallest scale to the largest in equal steps of the logarithm
LEAST = 2.0**-20  # probability of a symbol that has one of its own
NEAR = 4  # magnitudes up to this always have one
MOST = 1500  # the largest magnitude that is counted
PRIOR = 2000.0  # observations that the logistic variable counts as
LONGEST = 24  # bits of what an escaped magnitude exceeds the table by
Symbols = NDArray[np.int64]


def magnitudes() -> NDArray[np.float64]:
    """Returns (SCALES, MOST + 1) probabilities of |v| for logistic variables of each scale, rounded to integers v.

    Example:
        >>> bool(np.allclose(magnitudes().sum(axis=1), 1))
        True
    """
    scales = np.exp2(np.linspace(np.log2(SMALLEST_SCALE), np.log2(LARGEST_SCALE), SCALES))[:, None]
    tails = 1 / (1 + np.exp(np.minimum((np.arange(MOST + 2) - 0.5) / scales, 700.0)))
    p = tails[:, :-1] - tails[:, 1:]
    p[:, 1:] *= 2
    return p / p.sum(axis=1, keepdims=True)


def count_magnitudes(values: Symbols, which: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Returns (SCALES, MOST + 1), how often each magnitude came with each table; larger ones count as MOST.

    Args:
        values: symbols.
        which: their tables.
    """
    key = which.astype(np.int64) * (MOST + 1) + np.minimum(np.abs(values), MOST)
    return np.bincount(key, minlength=SCALES * (MOST + 1)).reshape(SCALES, -1)


def tables_of(counts: NDArray[Any] | None = None) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Returns frequencies and the largest magnitude of each table; a model stores them, so they are made only once.

    Symbol v has the probability that a logistic variable of the table's scale rounds to v, at least 2^-20, or what was
    counted where there was much to count. A table holds the frequencies of 0, 1, ..., its largest magnitude (those of
    -v are the same), then that of the escape. All sum to 2^24.

    Args:
        counts: as `count_magnitudes` makes them, of symbols like those that will come.

    Example:
        >>> frequencies, reach = tables_of()
        >>> first = frequencies[: reach[0] + 2]
        >>> int(first[0] + 2 * first[1:-1].sum() + first[-1]) == 2**24
        True
    """
    seen: Any = np.zeros((SCALES, MOST + 1)) if counts is None else counts
    floor = np.where(np.arange(MOST + 1) > 0, 2, 1) * LEAST
    rows, reach = [], []
    for expected, found in zip(magnitudes(), seen, strict=True):
        p = PRIOR * np.maximum(expected, floor) + found
        p /= p.sum()
        most = max(NEAR, int(np.flatnonzero(p > 4 * LEAST)[-1]) if p[-1] < 0.5 else MOST)
        most = min(most, MOST - 1)
        row = np.append(p[: most + 1], max(float(p[most + 1 :].sum()), 4 * LEAST))
        row[1:-1] /= 2
        weight = np.full(len(row), 2)
        weight[[0, -1]] = 1
        whole = np.maximum(np.rint(row / (row * weight).sum() * 2**PRECISION), 1).astype(np.int64)
        whole[0] += 2**PRECISION - int((whole * weight).sum())
        rows.append(whole)
        reach.append(most)
    return np.concatenate(rows).astype(np.int32), np.array(reach, np.int32)


class Tables:
    """What `tables_of` made, ready for coding.

    Args:
        frequencies: of all tables.
        reach: the largest magnitude of each.

    Raises:
        ValueError: for what cannot be such tables.
    """

    def __init__(self, frequencies: NDArray[Any], reach: NDArray[Any]) -> None:
        if reach.dtype != np.int32 or frequencies.dtype != np.int32 or reach.shape != (SCALES,):
            raise ValueError("the model's tables of frequencies are not integers")
        self.reach = reach.astype(np.int64)
        ends = np.cumsum(self.reach + 2)
        if reach.min() < 0 or reach.max() > MOST or frequencies.shape != (int(ends[-1]),):
            raise ValueError("the model's tables of frequencies are not of the stated sizes")
        halves = np.split(frequencies.astype(np.int64), ends[:-1])
        self.rows = [np.concatenate([half[-2:0:-1], half]) for half in halves]  # -most ... most, escape
        for row in self.rows:
            if row.min() < 1 or row.sum() != 2**PRECISION:
                raise ValueError("a table of frequencies of the model does not sum to 2^24")
        self._models: dict[int, Any] = {}

    def model(self, k: int) -> Any:
        """Returns the model of a table for the range coder.

        Args:
            k: which.
        """
        if k not in self._models:
            self._models[k] = model(self.rows[k], 1 << 20)
        return self._models[k]

    @cached_property
    def _costs(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Bits of each token of all tables, one after the other, and where that of 0 is for each."""
        ends = np.cumsum([len(row) for row in self.rows])
        return PRECISION - np.log2(np.concatenate(self.rows)), np.append(0, ends[:-1]) + self.reach

    def bits(self, values: Symbols, which: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Returns what symbols cost; those that are escaped at least that.

        Args:
            values: symbols.
            which: their tables, of the same shape.
        """
        costs, zero = self._costs
        reach = self.reach[which]
        token: NDArray[np.int64] = np.where(np.abs(values) > reach, reach + 1, values)
        return costs[zero[which] + token]


def _grouped(tables: NDArray[np.uint8]) -> tuple[NDArray[np.intp], list[tuple[int, int, int]]]:
    """The order that sorts by table, and (table, first, last + 1) in that order."""
    order = np.argsort(tables, kind="stable")
    ends = np.bincount(tables, minlength=1).cumsum().tolist()
    return order, [(k, a, b) for k, (a, b) in enumerate(zip([0, *ends], ends, strict=False)) if b > a]


def _pieces(bits: int) -> list[tuple[int, int]]:
    """(shift, width) of pieces of at most 12 bits."""
    return [(shift, min(12, bits - shift)) for shift in range(0, bits, 12)]


class SymbolEncoder:
    """Codes batches of integers, each with a table.

    Args:
        tables: for coding.

    Example:
        >>> tables = Tables(*tables_of())
        >>> values, which = np.array([0, 900, -2]), np.array([0, 30, 63], np.uint8)
        >>> encoder = SymbolEncoder(tables)
        >>> encoder.encode(values, which)
        >>> SymbolDecoder(encoder.finish(), tables).decode(which)
        array([  0, 900,  -2])
    """

    def __init__(self, tables: Tables) -> None:
        self._tables, self._library = tables, constriction()
        self._coder = self._library.stream.queue.RangeEncoder()

    def encode(self, values: Symbols, which: NDArray[np.uint8]) -> None:
        """Codes one batch.

        Args:
            values: (n,), magnitudes below 2^24.
            which: (n,), their tables.
        """
        order, groups = _grouped(which)
        ordered, reach = values[order], self._tables.reach
        escaped = []
        for k, start, end in groups:
            part, most = ordered[start:end], int(reach[k])
            far = np.abs(part) > most
            escaped.append(part[far] - np.sign(part[far]) * most)  # at least 1
            tokens = np.where(far, 2 * most + 1, part + most).astype(np.int32)
            self._coder.encode(tokens, self._tables.model(k))
        for value in np.concatenate(escaped).tolist() if escaped else ():
            self._encode_far(abs(value), int(value < 0))

    def _encode_far(self, magnitude: int, sign: int) -> None:
        """A magnitude of at least 1: how many bits it has, those below the first, the sign."""
        uniform, bits = self._library.stream.model.Uniform, magnitude.bit_length()
        if bits > LONGEST:
            raise ValueError(f"a coefficient is too large to be coded: {magnitude}")
        self._coder.encode(np.array([bits - 1], np.int32), uniform(LONGEST))
        rest = (magnitude - (1 << (bits - 1))) << 1 | sign
        for shift, width in _pieces(bits):
            self._coder.encode(np.array([rest >> shift & ((1 << width) - 1)], np.int32), uniform(1 << width))

    def encode_by(self, row: NDArray[np.int64], values: NDArray[np.intp]) -> None:
        """Codes values from 0 on with frequencies of their own; where there is but one value, nothing.

        Args:
            row: frequencies, which sum to 2^24.
            values: (n,).
        """
        if len(row) > 1:
            self._coder.encode(values.astype(np.int32), model(row, len(values)))

    def finish(self) -> bytes:
        """Returns all that was coded, as little-endian 32-bit words."""
        return self._coder.get_compressed().astype("<u4").tobytes()


class SymbolDecoder:
    """Decodes what `SymbolEncoder` coded; it must be asked for the same batches.

    Args:
        data: the bytes.
        tables: as for the encoder.

    Raises:
        ValueError: when the bytes are no whole number of words.
    """

    def __init__(self, data: bytes, tables: Tables) -> None:
        if len(data) % 4:
            raise ValueError(f"coded symbols are whole 32-bit words; got {len(data)} bytes: the stream is damaged")
        self._tables, self._library = tables, constriction()
        self._coder = self._library.stream.queue.RangeDecoder(np.frombuffer(data, "<u4").astype(np.uint32))

    def decode(self, which: NDArray[np.uint8]) -> Symbols:
        """Returns (n,) integers.

        Args:
            which: (n,), their tables.

        Raises:
            ValueError: when the bytes cannot come from the encoder.
        """
        order, groups = _grouped(which)
        ordered = np.empty(len(which), np.int64)
        try:
            far = []
            for k, start, end in groups:
                most = int(self._tables.reach[k])
                tokens = self._coder.decode(self._tables.model(k), end - start).astype(np.int64)
                ordered[start:end] = tokens - most
                far.append(np.flatnonzero(tokens > 2 * most) + start)
            for i in np.concatenate(far).tolist() if far else ():
                ordered[i] = self._decode_far(int(ordered[i]) - 1)  # the escape is one above the most
        except (AssertionError, ValueError) as error:  # what constriction raises for bytes that it cannot have made
            raise ValueError(f"the coded symbols are damaged: {error}") from error
        values = np.empty_like(ordered)
        values[order] = ordered
        return values

    def decode_by(self, row: NDArray[np.int64], n: int) -> NDArray[np.intp]:
        """Returns (n,) values that `SymbolEncoder.encode_by` coded.

        Args:
            row: frequencies, which sum to 2^24.
            n: how many.

        Raises:
            ValueError: when the bytes cannot come from the encoder.
        """
        if len(row) == 1:
            return np.zeros(n, np.intp)
        try:
            return np.asarray(self._coder.decode(model(row, n), n), np.intp)
        except (AssertionError, ValueError) as error:
            raise ValueError(f"the coded symbols are damaged: {error}") from error

    def _decode_far(self, most: int) -> int:
        """A value whose magnitude is above `most`."""
        uniform = self._library.stream.model.Uniform
        bits = int(self._coder.decode(uniform(LONGEST), 1)[0]) + 1
        rest = 0
        for shift, width in _pieces(bits):
            rest |= int(self._coder.decode(uniform(1 << width), 1)[0]) << shift
        magnitude = most + (1 << (bits - 1)) + (rest >> 1)
        return -magnitude if rest & 1 else magnitude
