"""Batches of samples that need not fit in memory."""

from __future__ import annotations

__all__ = ["StreamSource", "source_of"]

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latente.data.prefetch import prefetched
from latente.data.rows import BLOCKS, ArrayRows, Rows
from latente.data.schema import Schema
from latente.data.source import ArraySource, Source, batch_bounds, check_shards, count_batches, on_device, placed
from latente.objectives import Batch

BUFFER_BYTES = 64 << 20  # samples are shuffled among so many bytes of them
IN_ORDER_BYTES = 4 << 20  # in order, there is nothing to mix
AHEAD = 2  # batches that are made while the consumer is busy with another one


def source_of(rows: Rows, schema: Schema, target: Rows | None = None, device: torch.device | None = None) -> Source:
    """Returns the batches of samples: in memory, on the device if they fit there, or streamed.

    Args:
        rows: (n, ...), in the user's units.
        schema: how they are scaled.
        target: (n, ...), what should come out, scaled likewise; or (n,) labels; None for the samples themselves.
        device: where the batches go; None for the processor.

    Example:
        >>> from latente.data import decide
        >>> X = np.random.default_rng(0).normal(size=(10, 3))
        >>> source = source_of(ArrayRows(X), decide(X))
        >>> len(source), source.sample_shape
        (10, (3,))
    """
    device = device or torch.device("cpu")
    if not (isinstance(rows, ArrayRows) and (target is None or isinstance(target, ArrayRows))):
        return StreamSource(rows, schema, target, device=device)
    x = placed(schema.ingest(rows.array), device)
    wanted = None if target is None else placed(_ingested(target.array, schema), x.device)
    return ArraySource(x, schema.prepare, wanted, device=device)


def _ingested(values: NDArray[Any], schema: Schema) -> Tensor:
    """Returns samples (n, ...) for the networks, and labels (n,) as they are."""
    return torch.from_numpy(values.astype(np.int64)) if values.ndim == 1 else schema.ingest(values)


class _Buffer(NamedTuple):
    """Samples in memory, the order they are used in, and how many were used."""

    x: NDArray[Any]
    target: NDArray[Any] | None
    order: NDArray[np.int64] | slice


class StreamSource:
    """Samples that are read while they are needed, by a thread.

    They are shuffled in two levels: blocks of neighbours come in a random order, and the samples of as many blocks as
    fit into a buffer are shuffled together. Two buffers are in memory at a time.

    Args:
        rows: (n, ...), in the user's units.
        schema: how they are scaled.
        target: (n, ...), what should come out, scaled likewise; or (n,) labels; None for the samples themselves.
        device: where the batches go.
        pieces: (m, 2), the ranges of rows that belong to this source; None for all.
        part: (rank, world_size) of the process that these batches are for, and the number of samples of the whole.
        buffer_bytes: the size of a buffer; None for 64 MiB.

    Example:
        >>> from latente.data import decide
        >>> X = np.random.default_rng(0).normal(size=(10, 3))
        >>> source = StreamSource(ArrayRows(X), decide(X))
        >>> [len(batch) for batch in source.batches(4, shuffle=0)]
        [3, 3, 4]
    """

    def __init__(
        self,
        rows: Rows,
        schema: Schema,
        target: Rows | None = None,
        *,
        device: torch.device | None = None,
        pieces: NDArray[np.int64] | None = None,
        part: tuple[int, int, int] | None = None,
        buffer_bytes: int | None = None,
    ) -> None:
        self.rows, self.schema, self.target = rows, schema, target
        self.device, self.buffer_bytes = device or torch.device("cpu"), buffer_bytes or BUFFER_BYTES
        self.edges = rows.edges()
        self.pieces = np.stack([self.edges[:-1], self.edges[1:]], axis=1) if pieces is None else pieces
        self.own = int((self.pieces[:, 1] - self.pieces[:, 0]).sum())
        self.part = part or (0, 1, self.own)

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """The shape of one scaled sample."""
        return self.schema.sample_shape

    def __len__(self) -> int:
        return self.part[2]

    # Dividing

    def split(self, fraction: float, seed: int) -> tuple[StreamSource, StreamSource]:
        """Returns a random partition; runs of neighbours are held out, so that either side reads only what is its.

        Args:
            fraction: that is held out, of the samples.
            seed: decides which.
        """
        pieces = _finer(self.pieces, max(1, self.own // BLOCKS))
        held = min(self.own - 1, max(1, round(fraction * self.own)))
        order = np.random.default_rng(seed).permutation(len(pieces))
        out, kept = _cut(pieces[order], held)
        return self._of(kept), self._of(out)

    def shard(self, rank: int, world_size: int) -> StreamSource:
        """Returns the part of one process; see `Source.shard`."""
        check_shards(self.own, world_size)
        low, high = batch_bounds(self.own, world_size, rank)
        return self._of(_cut(_cut(self.pieces, low)[1], high - low)[0], (rank, world_size, self.own))

    def _of(self, pieces: NDArray[np.int64], part: tuple[int, int, int] | None = None) -> StreamSource:
        pieces = pieces[np.argsort(pieces[:, 0])]
        return StreamSource(self.rows, self.schema, self.target, device=self.device, pieces=pieces, part=part,
                            buffer_bytes=self.buffer_bytes)  # fmt: skip

    # Batches

    def batches(self, batch_size: int, shuffle: int | None = None, start: int = 0) -> Iterator[Batch]:
        """Yields every sample once; see `Source.batches`."""
        return prefetched(self._batches(batch_size, shuffle, start), AHEAD)

    def _batches(self, batch_size: int, shuffle: int | None, start: int) -> Iterator[Batch]:
        self.rows.check_unchanged()
        if self.target is not None:
            self.target.check_unchanged()
        count = count_batches(len(self), batch_size, self.part[1])
        if start >= count:
            return
        plan = self._plan(shuffle)
        ends = np.cumsum([_length(ranges) for ranges in plan])
        at = batch_bounds(self.own, count, start)[0]
        first = int(np.searchsorted(ends, at, "right"))  # the buffer that holds the first sample wanted
        used = at - int(ends[first - 1] if first else 0)
        buffers = prefetched(self._load(plan[i], shuffle, i) for i in range(first, len(plan)))
        try:
            buffer = next(buffers)
            for i in range(start, count):
                low, high = batch_bounds(self.own, count, i)
                parts: list[tuple[NDArray[Any], NDArray[Any] | None]] = []
                while (missing := high - low - sum(len(x) for x, _ in parts)) > 0:
                    if used == len(buffer.x):
                        del buffer
                        buffer, used = next(buffers), 0
                    parts.append(_pick(buffer, used, used + missing))
                    used += len(parts[-1][0])
                yield self._batch(parts)
        finally:
            buffers.close()

    def _plan(self, shuffle: int | None) -> list[NDArray[np.int64]]:
        """Returns the ranges of each buffer; the buffers are of about one size."""
        pieces = self.pieces
        if shuffle is not None:
            block = np.searchsorted(self.edges, pieces[:, 0], "right") - 1
            rank = np.random.default_rng((shuffle, 0)).permutation(len(self.edges) - 1)
            pieces = pieces[np.argsort(rank[block], kind="stable")]
        sizes = pieces[:, 1] - pieces[:, 0]
        size = self.buffer_bytes if shuffle is not None else min(self.buffer_bytes, IN_ORDER_BYTES)
        buffers = max(1, -(-self.own * self.rows.row_bytes // size))
        middle = np.cumsum(sizes) - sizes / 2
        cuts = np.flatnonzero(np.diff((middle * buffers / self.own).astype(np.int64))) + 1
        return np.split(pieces, cuts)

    def _load(self, ranges: NDArray[np.int64], shuffle: int | None, index: int) -> _Buffer:
        x = self.rows.gather(ranges)
        target = None if self.target is None else self.target.gather(ranges)
        order = slice(None) if shuffle is None else np.random.default_rng((shuffle, 1, index)).permutation(len(x))
        return _Buffer(x, target, order)

    def _batch(self, parts: list[tuple[NDArray[Any], NDArray[Any] | None]]) -> Batch:
        x = self._scaled(_together([part[0] for part in parts]))
        if self.target is None:
            return Batch(x, x)
        return Batch(x, self._scaled(_together([part[1] for part in parts if part[1] is not None])))

    def _scaled(self, values: NDArray[Any]) -> Tensor:
        tensor = on_device(_ingested(values, self.schema), self.device)
        return tensor if tensor.dtype == torch.int64 else self.schema.prepare(tensor)


def _pick(buffer: _Buffer, low: int, high: int) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Returns the samples and targets low..high - 1 in the buffer's order."""
    index = slice(low, high) if isinstance(buffer.order, slice) else buffer.order[low:high]
    return buffer.x[index], None if buffer.target is None else buffer.target[index]


def _together(parts: list[NDArray[Any]]) -> NDArray[Any]:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _length(ranges: NDArray[np.int64]) -> int:
    return int((ranges[:, 1] - ranges[:, 0]).sum())


def _finer(pieces: NDArray[np.int64], longest: int) -> NDArray[np.int64]:
    """Returns the same ranges, divided where they are longer than that."""
    divided = [
        np.arange(start, stop, longest, dtype=np.int64) if stop - start > longest else np.array([start])
        for start, stop in pieces.tolist()
    ]
    starts = np.concatenate(divided)
    stops = np.concatenate([np.append(s[1:], stop) for s, (_, stop) in zip(divided, pieces.tolist(), strict=True)])
    return np.stack([starts, stops], axis=1).astype(np.int64)


def _cut(pieces: NDArray[np.int64], samples: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns the ranges of the first so many samples, and those of the rest."""
    ends = np.cumsum(pieces[:, 1] - pieces[:, 0])
    at = int(np.searchsorted(ends, samples))
    if at == len(ends):
        return pieces, pieces[:0]
    inside = pieces[at, 1] - (ends[at] - samples)
    head, tail = [pieces[at, 0], inside], [inside, pieces[at, 1]]
    first, rest = np.vstack([pieces[:at], head]), np.vstack([tail, pieces[at + 1 :]])
    return tuple(p[p[:, 1] > p[:, 0]].astype(np.int64) for p in (first, rest))  # type: ignore[return-value]
