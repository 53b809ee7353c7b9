"""Randomness that is decided by `random_state` alone and leaves every global generator as it was."""

from __future__ import annotations

__all__ = ["seed_of", "seed_of_rank", "seeded"]

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from latente.parts import is_integer


def seed_of(random_state: int | np.random.RandomState | np.random.Generator | None) -> int:
    """Returns a seed: the integer itself, a draw from a numpy generator, or fresh entropy for None.

    Raises:
        ValueError: for anything else.

    Args:
        random_state: None, an integer from 0 to 2**32 - 1 or a numpy generator, which moves on by one draw.

    Example:
        >>> seed_of(7), seed_of(np.random.default_rng(0)) == seed_of(np.random.default_rng(0))
        (7, True)
    """
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1)[0])
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**31 - 1))
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31 - 1))
    if is_integer(random_state, 0, 2**32 - 1):
        return int(random_state)
    raise ValueError(
        f"random_state must be None, an integer from 0 to 2**32 - 1 or a numpy generator; got {random_state!r}"
    )


def seed_of_rank(seed: int, rank: int) -> int:
    """Returns a seed for the noise of one process of several."""
    return int(np.random.SeedSequence((seed, rank)).generate_state(1)[0])


@contextmanager
def seeded(seed: int, device: torch.device | None = None) -> Iterator[torch.Generator]:
    """Seeds torch's global generators inside the block and restores them after it; yields a generator of its own.

    Layers that know only the global generator (dropout, a user's own module) are reproducible inside.

    Args:
        seed: of all generators.
        device: whose generators; None is the CPU.

    Example:
        >>> with seeded(0):
        ...     first = torch.rand(3)
        >>> with seeded(0) as generator:
        ...     bool((torch.rand(3) == first).all()), generator.initial_seed()
        (True, 0)
    """
    device = device or torch.device("cpu")
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed asks every kind of GPU, for a millisecond
        if device.type == "cuda":
            torch.cuda.manual_seed(seed)
        elif device.type == "mps":
            torch.mps.manual_seed(seed)
        yield torch.Generator(device=device).manual_seed(seed)
