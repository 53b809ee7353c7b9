"""Where batches come from."""

from __future__ import annotations

__all__ = [
    "ArraySource",
    "MappedSource",
    "Source",
    "batch_bounds",
    "check_shards",
    "count_batches",
    "on_device",
    "placed",
]

from collections.abc import Callable, Iterator
from typing import Protocol, Self, runtime_checkable

import torch
from torch import Tensor

from latente.data.prefetch import prefetched
from latente.objectives import Batch

ON_DEVICE = 0.25  # of a GPU's memory; samples that take more stay outside
AHEAD = 2  # batches that are moved while the consumer is busy with another one


@runtime_checkable
class Source(Protocol):
    """Yields batches of scaled samples; knows its length and the shape of a sample; can be divided.

    Whatever can do this can be trained on: arrays in memory, files larger than memory, the shard of one process. The
    order of the samples depends on the arguments of `batches` alone, so an interrupted pass can be taken up again.

    Example:
        >>> isinstance(ArraySource(torch.zeros(10, 3)), Source)
        True
    """

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """The shape of one scaled sample."""

    def __len__(self) -> int:
        """The number of samples; a shard knows that of the whole."""

    def batches(self, batch_size: int, shuffle: int | None = None, start: int = 0) -> Iterator[Batch]:
        """Yields every sample once in `count_batches(len(self), batch_size, world_size)` batches of nearly equal size.

        Args:
            batch_size: the largest size.
            shuffle: the seed of a random order; None keeps the samples in order.
            start: batches at the beginning that are left out.
        """

    def split(self, fraction: float, seed: int) -> tuple[Self, Self]:
        """Returns a random partition: samples to train on, and a fraction that is held out; at least one of each.

        Args:
            fraction: that is held out, of the samples.
            seed: decides which.
        """

    def shard(self, rank: int, world_size: int) -> Self:
        """Returns the part of process `rank` of `world_size`.

        All parts yield the same number of batches, none empty; together they hold every sample once.

        Raises:
            ValueError: for fewer samples than processes.
        """


def count_batches(samples: int, batch_size: int, world_size: int = 1) -> int:
    """Returns the number of batches when each of `world_size` processes takes at most batch_size samples at a time.

    With very few samples a batch may be larger, so that no process is ever without one.

    Args:
        samples: of all processes together.
        batch_size: the most samples of a process at a time.
        world_size: the number of processes.

    Example:
        >>> count_batches(1000, 128), count_batches(1000, 64, 2), count_batches(5, 1, 4)
        (8, 8, 1)
    """
    return max(1, min(-(-samples // (batch_size * world_size)), samples // world_size))


def batch_bounds(samples: int, count: int, index: int) -> tuple[int, int]:
    """Returns where batch `index` of `count` begins and ends: the sizes of any two differ by at most one.

    Args:
        samples: that are divided.
        count: of batches.
        index: of the batch, from 0.

    Example:
        >>> [batch_bounds(10, 3, i) for i in range(3)]
        [(0, 3), (3, 6), (6, 10)]
    """
    return samples * index // count, samples * (index + 1) // count


def check_shards(samples: int, world_size: int) -> None:
    """Raises ValueError when there are fewer samples than processes."""
    if samples < world_size:
        raise ValueError(f"{world_size} processes cannot share {samples} samples; start fewer processes")


def is_on(values: Tensor, device: torch.device) -> bool:
    """Returns whether the values are on the device; "cuda" without a number is any GPU.

    Example:
        >>> is_on(torch.zeros(3), torch.device("cpu")), is_on(torch.zeros(3), torch.device("cuda"))
        (True, False)
    """
    return values.device.type == device.type and device.index in (None, values.device.index)


def on_device(values: Tensor, device: torch.device) -> Tensor:
    """Returns the values on the device; the copy to a GPU goes on while the processor does something else."""
    if is_on(values, device):
        return values
    return (values.pin_memory() if device.type == "cuda" else values).to(device, non_blocking=True)


def placed(values: Tensor, device: torch.device) -> Tensor:
    """Returns the values on the device when they take at most a quarter of its memory, else as they are."""
    if device.type != "cuda":
        return values.to(device)
    fits = values.nbytes <= ON_DEVICE * torch.cuda.get_device_properties(device).total_memory
    return values.to(device) if fits else values


class MappedSource:
    """The batches of another source after a function, computed while they are needed; its own target.

    Args:
        source: whose x the function gets.
        function: (m, *shape) -> (m, *sample_shape), without gradients.
        sample_shape: of what it returns.

    Example:
        >>> source = MappedSource(ArraySource(torch.ones(10, 3)), lambda x: x.sum(1, keepdim=True), (1,))
        >>> next(source.batches(2)).x
        tensor([[3.],
                [3.]])
    """

    def __init__(self, source: Source, function: Callable[[Tensor], Tensor], sample_shape: tuple[int, ...]) -> None:
        self.source, self.function, self.sample_shape = source, function, sample_shape

    def __len__(self) -> int:
        return len(self.source)

    def batches(self, batch_size: int, shuffle: int | None = None, start: int = 0) -> Iterator[Batch]:
        """Yields every sample once; see `Source.batches`."""
        for batch in self.source.batches(batch_size, shuffle, start):
            with torch.no_grad():
                x = self.function(batch.x)
            yield Batch(x, x)

    def split(self, fraction: float, seed: int) -> tuple[MappedSource, MappedSource]:
        """Returns a random partition; see `Source.split`."""
        kept, held = self.source.split(fraction, seed)
        return self._of(kept), self._of(held)

    def shard(self, rank: int, world_size: int) -> MappedSource:
        """Returns the part of one process; see `Source.shard`."""
        return self._of(self.source.shard(rank, world_size))

    def _of(self, source: Source) -> MappedSource:
        return MappedSource(source, self.function, self.sample_shape)


class ArraySource:
    """Samples in memory, kept as narrow as they came and scaled in the batch.

    Args:
        x: (n, *sample_shape), bytes or scaled float32.
        prepare: makes scaled float32 from a slice of x.
        target: (n, ...), what should come out; None for x itself. Integers (class labels) pass unprepared.
        condition: (n,) labels, or None.
        part: (rank, world_size) of the process that these batches are for. Of each batch of the whole it gets an even
            share, so that the processes together take the steps that a single one would.
        index: (m,), which of the samples belong to this source, in what order; None for all.
        device: where the batches go; None leaves them where x is. A thread moves them ahead.

    Example:
        >>> source = ArraySource(torch.arange(10).reshape(5, 2))
        >>> [batch.x[:, 0].tolist() for batch in source.batches(3)]
        [[0.0, 2.0], [4.0, 6.0, 8.0]]
        >>> [len(part) for part in source.split(0.2, seed=0)]
        [4, 1]
    """

    def __init__(
        self,
        x: Tensor,
        prepare: Callable[[Tensor], Tensor] = torch.Tensor.float,
        target: Tensor | None = None,
        condition: Tensor | None = None,
        part: tuple[int, int] = (0, 1),
        index: Tensor | None = None,
        device: torch.device | None = None,
    ) -> None:
        self.x, self.prepare, self.target, self.condition, self.part = x, prepare, target, condition, part
        self.index, self.device = index, device or x.device

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """The shape of one scaled sample."""
        return tuple(self.x.shape[1:])

    def __len__(self) -> int:
        return len(self.x) if self.index is None else len(self.index)

    def batches(self, batch_size: int, shuffle: int | None = None, start: int = 0) -> Iterator[Batch]:
        """Yields every sample once; see `Source.batches`."""
        batches = self._batches(batch_size, shuffle, start)
        return batches if is_on(self.x, self.device) else prefetched(batches, AHEAD)

    def _batches(self, batch_size: int, shuffle: int | None, start: int) -> Iterator[Batch]:
        (rank, world_size), n = self.part, len(self)
        count = count_batches(n, batch_size, world_size)
        order = self._order(shuffle)
        for i in range(start, count):
            low, high = batch_bounds(n, count, i)
            first, last = batch_bounds(high - low, world_size, rank)
            yield self._batch(order, low + first, low + last)

    def _order(self, seed: int | None) -> Tensor | None:
        if seed is None:
            return self.index
        order = torch.randperm(len(self), generator=torch.Generator().manual_seed(seed)).to(self.x.device)
        return order if self.index is None else self.index[order]

    def _batch(self, order: Tensor | None, low: int, high: int) -> Batch:
        def pick(values: Tensor) -> Tensor:
            part = values[low:high] if order is None else values.index_select(0, order[low:high])
            return on_device(part, self.device)

        x = self.prepare(pick(self.x))
        target = x if self.target is None else self._prepare_target(pick(self.target))
        return Batch(x, target, condition=None if self.condition is None else pick(self.condition))

    def _prepare_target(self, target: Tensor) -> Tensor:
        return target if target.dtype == torch.int64 else self.prepare(target)

    def subset(self, index: Tensor) -> ArraySource:
        """Returns the source of the samples with these indices (m,); they are not copied.

        Args:
            index: of samples of this source.
        """
        index = index.to(self.x.device)
        index = index if self.index is None else self.index[index]
        return ArraySource(self.x, self.prepare, self.target, self.condition, index=index, device=self.device)

    def split(self, fraction: float, seed: int) -> tuple[ArraySource, ArraySource]:
        """Returns a random partition; see `Source.split`."""
        order = torch.randperm(len(self), generator=torch.Generator().manual_seed(seed))
        held = min(len(self) - 1, max(1, round(fraction * len(self))))
        return self.subset(order[held:]), self.subset(order[:held])

    def shard(self, rank: int, world_size: int) -> ArraySource:
        """Returns the part of one process; see `Source.shard`."""
        check_shards(len(self), world_size)
        part = (rank, world_size)
        return ArraySource(self.x, self.prepare, self.target, self.condition, part, self.index, self.device)
