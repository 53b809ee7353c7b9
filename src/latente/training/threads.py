"""How many threads compute."""

from __future__ import annotations

__all__ = ["automatic_threads", "computing_with"]

from collections.abc import Iterator
from contextlib import contextmanager

import torch

WORK_OF_A_THREAD = 1 << 26  # multiply-adds in a step that are worth a thread of their own


def automatic_threads(multiply_adds: int) -> int:
    """Returns the number of threads for a step of that much work, at most as many as torch has now.

    A step of a small network is over before a second thread has woken up. The choice depends on the shapes and the
    machine alone, so that results do too.

    Args:
        multiply_adds: of a step: forward and backward, the whole batch.

    Example:
        >>> automatic_threads(1_000_000)
        1
    """
    return max(1, min(torch.get_num_threads(), multiply_adds // WORK_OF_A_THREAD))


@contextmanager
def computing_with(threads: int) -> Iterator[None]:
    """Sets torch's number of threads inside the block."""
    before = torch.get_num_threads()
    if threads != before:
        torch.set_num_threads(threads)
    try:
        yield
    finally:
        if threads != before:
            torch.set_num_threads(before)
