"""Pairs of noisy recordings of the same thing, cut at random places, as a source of the training loop."""

from __future__ import annotations

__all__ = ["Pairs", "read_pairs"]

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.audio.clips import listed, read_clip
from latente.audio.collecting import warn_left_out
from latente.audio.separation.holding import hold_out
from latente.audio.separation.passes import made_batches
from latente.audio.signals import Signal
from latente.data.source import check_shards
from latente.objectives import Batch


@dataclass(frozen=True)
class Pairs:
    """Batches of x (batch, n) and target (batch, 1, n): stretches of two noisy copies, either as input.

    Args:
        pairs: of signals of the same length, each (2, length).
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

    pairs: tuple[NDArray[np.float32], ...]
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
        _check_lists(first, second)
        for i, (a, b) in enumerate(zip(first, second, strict=True)):
            if len(a) != len(b):
                raise ValueError(f"the two copies {i} have {len(a)} and {len(b)} samples; cut them to one length")
        both = tuple(np.stack(pair) for pair in zip(first, second, strict=True))
        return cls(both, samples, count, seed, device)

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
        order = -1 if shuffle is None else shuffle
        for made in made_batches(partial(self._stretch, order), self.count, batch_size, start, self.part):
            both = made.to(self.device)
            yield Batch(both[:, 0], both[:, 1:])

    def _stretch(self, order: int, index: int) -> NDArray[np.float32]:
        """Returns (2, n)."""
        rng = np.random.default_rng((self.seed, order + 1, index))
        pair = self.pairs[rng.integers(len(self.pairs))]
        start = int(rng.integers(max(1, pair.shape[1] - self.samples + 1)))
        cut = pair[:, start : start + self.samples]
        cut = np.pad(cut, ((0, 0), (0, self.samples - cut.shape[1])))
        return cut[::-1].copy() if rng.random() < 0.5 else cut

    def split(self, fraction: float, seed: int) -> tuple[Pairs, Pairs]:
        """Returns stretches to train on, and those of other recordings that are held out; see `hold_out`.

        Args:
            fraction: that is held out, of the recordings.
            seed: decides which.
        """
        rest, apart = hold_out(tuple((pair,) for pair in self.pairs), fraction, seed)
        kept, held = (tuple(pair for (pair,) in side) for side in (rest, apart))
        return replace(self, pairs=kept), replace(self, pairs=held, count=max(1, round(fraction * self.count)))

    def shard(self, rank: int, world_size: int) -> Pairs:
        """Returns the part of one process.

        Args:
            rank: of the process.
            world_size: how many there are.
        """
        check_shards(self.count, world_size)
        return replace(self, part=(rank, world_size))


def read_pairs(first: Any, second: Any, sample_rate: int) -> tuple[list[Signal], list[Signal]]:
    """Returns two lists of signals; pairs of which a file cannot be read are left out.

    Args:
        first: a list of paths and arrays (n,) or (channels, n) at the sample rate.
        second: another one, as long.
        sample_rate: Hz; files of another rate are resampled.

    Raises:
        ValueError: for lists of different lengths, or when no pair can be read.

    Warns:
        LeftOutWarning: when some cannot.
    """
    firsts, seconds = listed(first), listed(second)
    _check_lists(firsts, seconds)
    found: list[list[Signal]] = []
    reasons = []
    for i, pair in enumerate(zip(firsts, seconds, strict=True)):
        try:
            found.append([read_clip(item, sample_rate, f"recording {i}") for item in pair])
        except (ValueError, OSError) as error:
            if not any(isinstance(item, (str, Path)) for item in pair):
                raise
            reasons.append(str(error))
    warn_left_out("the noisy recordings", reasons, len(firsts), what="pairs")
    return [a for a, _ in found], [b for _, b in found]


def _check_lists(first: Sequence[Any], second: Sequence[Any]) -> None:
    if len(first) != len(second):
        raise ValueError(f"every noisy recording needs a second copy; got {len(first)} and {len(second)}")
