"""What is made on the fly, in the batches of the training loop."""

from __future__ import annotations

__all__ = ["made_batches"]

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latente.data.source import batch_bounds, count_batches


def made_batches(
    make: Callable[[int], NDArray[np.float32]], count: int, batch_size: int, start: int, part: tuple[int, int]
) -> Iterator[Tensor]:
    """Yields what a function makes of 0, 1, ... count - 1, stacked, each once; see `latente.data.Source`.

    Args:
        make: of the number of a sample, the sample.
        count: samples of all processes together.
        batch_size: the largest size.
        start: batches at the beginning that are left out.
        part: (rank, world_size) of the process that these batches are for.

    Example:
        >>> [batch.tolist() for batch in made_batches(lambda i: np.float32(i), 5, 2, 1, (0, 1))]
        [[1.0, 2.0], [3.0, 4.0]]
    """
    rank, world_size = part
    number = count_batches(count, batch_size, world_size)
    for i in range(start, number):
        low, high = batch_bounds(count, number, i)
        first, last = batch_bounds(high - low, world_size, rank)
        yield torch.from_numpy(np.stack([make(low + j) for j in range(first, last)]))
