"""Where batches come from."""

from __future__ import annotations

__all__ = ["ArraySource", "Source"]

from collections.abc import Callable, Iterator
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from latente.objectives import Batch


@runtime_checkable
class Source(Protocol):
    """Yields batches of scaled samples; knows its length and the shape of a sample; can be divided.

    Whatever can do this can be trained on: arrays in memory, files larger than memory, the shard of one process.
    """

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """The shape of one scaled sample."""

    def __len__(self) -> int:
        """The number of samples."""

    def batches(self, batch_size: int, generator: torch.Generator | None = None) -> Iterator[Batch]:
        """Yields every sample once in batches of nearly equal size, at most batch_size: shuffled by the generator, in
        order without one."""

    def shard(self, rank: int, world_size: int) -> Source:
        """Returns the part of process `rank` of `world_size`; the parts are disjoint and together complete."""


class ArraySource:
    """Samples in memory, kept as narrow as they came and scaled in the batch.

    Args:
        x: (n, *sample_shape), bytes or scaled float32, on the device that trains.
        prepare: makes scaled float32 from a slice of x.
        target: (n, ...), what should come out; None for x itself. Integers (class labels) pass unprepared.
        condition: (n,) labels, or None.
    """

    def __init__(
        self,
        x: Tensor,
        prepare: Callable[[Tensor], Tensor] = torch.Tensor.float,
        target: Tensor | None = None,
        condition: Tensor | None = None,
    ) -> None:
        self.x, self.prepare, self.target, self.condition = x, prepare, target, condition

    @property
    def sample_shape(self) -> tuple[int, ...]:
        return tuple(self.x.shape[1:])

    def __len__(self) -> int:
        return len(self.x)

    def batches(self, batch_size: int, generator: torch.Generator | None = None) -> Iterator[Batch]:
        n = len(self)
        count = -(-n // batch_size)
        if generator is None:
            order: list[slice] | list[Tensor] = [slice(n * i // count, n * (i + 1) // count) for i in range(count)]
        else:
            permutation = torch.randperm(n, generator=generator, device=generator.device).to(self.x.device)
            order = list(permutation.tensor_split(count))
        for index in order:
            x = self.prepare(self.x[index])
            target = x if self.target is None else self._prepare_target(self.target[index])
            yield Batch(x, target, condition=None if self.condition is None else self.condition[index])

    def _prepare_target(self, target: Tensor) -> Tensor:
        return target if target.dtype == torch.int64 else self.prepare(target)

    def subset(self, index: Tensor) -> ArraySource:
        """Returns the source of the samples with these indices (m,)."""
        pick = [None if t is None else t[index.to(t.device)] for t in (self.x, self.target, self.condition)]
        return ArraySource(pick[0], self.prepare, pick[1], pick[2])  # type: ignore[arg-type]

    def shard(self, rank: int, world_size: int) -> ArraySource:
        return self.subset(torch.arange(rank, len(self), world_size))

    def split(self, fraction: float, generator: torch.Generator) -> tuple[ArraySource, ArraySource]:
        """Returns a random partition: samples to train on, and a fraction that is held out; at least one of each."""
        order = torch.randperm(len(self), generator=generator, device=generator.device)
        held = min(len(self) - 1, max(1, round(fraction * len(self))))
        return self.subset(order[held:]), self.subset(order[:held])
