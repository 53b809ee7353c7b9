"""Mixtures made on the fly, as a source of the training loop."""

from __future__ import annotations

__all__ = ["Levels", "Mixtures"]

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from latente.audio.separation.drawing import Draw
from latente.audio.separation.passes import made_batches
from latente.data.source import check_shards
from latente.objectives import Batch


@dataclass(frozen=True)
class Levels:
    """How loud each source is in a mixture.

    Args:
        mean: dB of the first source above each other one.
        deviation: of each source's level, dB.
        absent: how often a source is silent; never all of them.

    Example:
        >>> Levels(mean=5.0).deviation
        5.0
    """

    mean: float = 0.0
    deviation: float = 5.0
    absent: float = 0.06


@dataclass(frozen=True)
class Mixtures:
    """Batches of mixtures x (batch, n) and their sources target (batch, sources, n), made when they are needed.

    Mixture i of a pass depends on the seed, on the pass's order and on i alone: every pass makes new ones, and an
    interrupted pass can be taken up again. Each mixture has a root mean square of 0.1.

    Args:
        sources: where each comes from, by name.
        samples: n.
        count: mixtures in a pass.
        seed: decides everything random.
        levels: of the sources.
        part: (rank, world_size) of the process that these batches are for.
        device: where the batches go.

    Example:
        >>> import torch
        >>> from latente.audio.separation.noises import Noise
        >>> source = Mixtures({"hiss": Noise(("white",)), "clicks": Noise(("clicks",))}, samples=800, count=4)
        >>> batch = next(source.batches(4, shuffle=0))
        >>> batch.x.shape, batch.target.shape, bool(torch.allclose(batch.target.sum(1), batch.x, atol=1e-5))
        (torch.Size([4, 800]), torch.Size([4, 2, 800]), True)
    """

    sources: Mapping[str, Draw]
    samples: int
    count: int
    seed: int = 0
    levels: Levels = Levels()
    part: tuple[int, int] = (0, 1)
    device: str = "cpu"

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """The shape of a mixture."""
        return (self.samples,)

    def __len__(self) -> int:
        return self.count

    def batches(self, batch_size: int, shuffle: int | None = None, start: int = 0) -> Iterator[Batch]:
        """Yields every mixture of a pass once; see `latente.data.Source`.

        Args:
            batch_size: the largest size.
            shuffle: the number of the pass; None is one of its own.
            start: batches at the beginning that are left out.
        """
        order = -1 if shuffle is None else shuffle
        for made in made_batches(partial(self.mixture, order), self.count, batch_size, start, self.part):
            target = made.to(self.device)
            yield Batch(target.sum(1), target)

    def mixture(self, order: int, index: int) -> np.ndarray:
        """Returns (sources, n) float32.

        Args:
            order: the pass.
            index: of the mixture in it.
        """
        rng = np.random.default_rng((self.seed, order + 1, index))
        out = np.stack([source.draw(rng, self.samples) for source in self.sources.values()])
        level = np.sqrt(np.square(out, dtype=np.float64).mean(1)).clip(1e-6)
        wanted = rng.normal(0, self.levels.deviation, len(out))
        wanted[0] += self.levels.mean
        gains = 10 ** (wanted / 20) / level
        silent = rng.random(len(out)) < self.levels.absent
        gains[silent & (np.arange(len(out)) != rng.integers(len(out)))] = 0
        out = out * gains[:, None].astype(np.float32)
        whole = np.sqrt(np.square(out.sum(0)).mean())
        return out * np.float32(0.1 / max(float(whole), 1e-6))

    def split(self, fraction: float, seed: int) -> tuple[Mixtures, Mixtures]:
        """Returns mixtures to train on, as many as before, and those of recordings that are held out.

        Args:
            fraction: of each source's recordings that is held out, and of the number of mixtures; see `hold_out`.
            seed: decides which.
        """
        apart = {name: source.split(fraction, seed) for name, source in self.sources.items()}
        kept, held = ({name: both[side] for name, both in apart.items()} for side in range(2))
        few = max(1, round(fraction * self.count))
        return replace(self, sources=kept), replace(self, sources=held, count=few, seed=self.seed + seed + 1)

    def shard(self, rank: int, world_size: int) -> Mixtures:
        """Returns the part of one process.

        Args:
            rank: of the process.
            world_size: how many there are.
        """
        check_shards(self.count, world_size)
        return replace(self, part=(rank, world_size))
