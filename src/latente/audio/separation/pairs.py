"""Pairs of noisy recordings of the same thing, cut at random places, as a source of the training loop."""

from __future__ import annotations

__all__ = ["Pairs"]

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from latente.audio.signals import Signal
from latente.data.source import batch_bounds, check_shards, count_batches
from latente.objectives import Batch


@dataclass(frozen=True)
class Pairs:
    """Batches of x (batch, n) and target (batch, 1, n): stretches of two noisy copies, either as input.

    Args:
        pairs: of signals of the same length.
        samples: n; shorter pairs are padded with silence.
        count: stretches in a pass.
        seed: decides everything random.
        device: where the batches go.
        part: (rank, world_size) of the process that these batches are for.

    Example:
        >>> source = Pairs.of([np.ones(100, np.float32)], [np.zeros(100, np.float32)], samples=50, count=4)
        >>> batch = next(source.batches(4, shuffle=0))
        >>> batch.x.shape, batch.target.shape
        (torch.Size([4, 50]), torch.Size([4, 1, 50]))
    """

    pairs: tuple[tuple[Signal, Signal], ...]
    samples: int
    count: int
    seed: int = 0
    device: str = "cpu"
    part: tuple[int, int] = (0, 1)

    @classmethod
    def of(
        cls,
        first: Sequence[Signal],
        second: Sequence[Signal],
        samples: int,
        count: int,
        seed: int = 0,
        device: str = "cpu",
    ) -> Pairs:
        """Returns the source of two lists.

        Args:
            first: noisy copies, (n,) each.
            second: other noisy copies of the same things, in the same order.
            samples: of a stretch.
            count: stretches in a pass.
            seed: decides everything random.
            device: where the batches go.

        Raises:
            ValueError: for lists or copies of different lengths.
        """
        if len(first) != len(second):
            raise ValueError(f"every noisy recording needs a second copy; got {len(first)} and {len(second)}")
        for i, (a, b) in enumerate(zip(first, second, strict=True)):
            if len(a) != len(b):
                raise ValueError(f"the two copies {i} have {len(a)} and {len(b)} samples; cut them to one length")
        return cls(tuple(zip(first, second, strict=True)), samples, count, seed, device)

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """The shape of a stretch."""
        return (self.samples,)

    def __len__(self) -> int:
        return self.count

    def batches(self, batch_size: int, shuffle: int | None = None, start: int = 0) -> Iterator[Batch]:
        """Yields every stretch of a pass once; see `latente.data.Source`.

        Args:
            batch_size: the largest size.
            shuffle: the number of the pass; None is one of its own.
            start: batches at the beginning that are left out.
        """
        (rank, world_size), order = self.part, -1 if shuffle is None else shuffle
        number = count_batches(self.count, batch_size, world_size)
        for i in range(start, number):
            low, high = batch_bounds(self.count, number, i)
            first, last = batch_bounds(high - low, world_size, rank)
            both = torch.from_numpy(np.stack([self._stretch(order, low + j) for j in range(first, last)]))
            both = both.to(self.device)
            yield Batch(both[:, 0], both[:, 1:])

    def _stretch(self, order: int, index: int) -> np.ndarray:
        """Returns (2, n)."""
        rng = np.random.default_rng((self.seed, order + 1, index))
        pair = self.pairs[rng.integers(len(self.pairs))]
        start = int(rng.integers(max(1, len(pair[0]) - self.samples + 1)))
        cut = np.stack([signal[start : start + self.samples] for signal in pair])
        cut = np.pad(cut, ((0, 0), (0, self.samples - cut.shape[1])))
        return cut[::-1].copy() if rng.random() < 0.5 else cut

    def split(self, fraction: float, seed: int) -> tuple[Pairs, Pairs]:
        """Returns stretches to train on, and those of other recordings that are held out.

        Args:
            fraction: that is held out, of the recordings.
            seed: decides which.
        """
        held = min(len(self.pairs) - 1, max(1, round(fraction * len(self.pairs))))
        order = np.random.default_rng(seed).permutation(len(self.pairs))
        rest, apart = (tuple(self.pairs[i] for i in part) for part in (order[held:], order[:held]))
        few = max(1, round(fraction * self.count))
        return replace(self, pairs=rest or self.pairs), replace(self, pairs=apart or self.pairs, count=few)

    def shard(self, rank: int, world_size: int) -> Pairs:
        """Returns the part of one process.

        Args:
            rank: of the process.
            world_size: how many there are.
        """
        check_shards(self.count, world_size)
        return replace(self, part=(rank, world_size))
