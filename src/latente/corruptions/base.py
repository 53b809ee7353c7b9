"""What every corruption offers, and levels that may be ranges."""

from __future__ import annotations

__all__ = ["Bounds", "Corruption", "Level", "check_level", "level_of"]

import abc
from typing import Any

import torch
from torch import Tensor

from latente.parts import Part, is_number

Level = float | tuple[float, float]
Bounds = tuple[float, float] | None


class Corruption(Part, abc.ABC, family="corruption"):
    """A random map of a batch to a damaged batch of the same shape.

    Example:
        >>> Corruption.from_string("masking:0.5")
        Masking(amount=0.5, value=0.0)
    """

    @abc.abstractmethod
    def __call__(self, x: Tensor, generator: torch.Generator | None = None, bounds: Bounds = None) -> Tensor:
        """Returns x~ of x's shape.

        Args:
            x: (batch, *sample_shape) scaled data.
            generator: the source of randomness, on x's device; None uses torch's global one.
            bounds: the smallest and largest value that scaled data can have, or None when unbounded.
        """

    def check(self) -> None:
        """Raises ValueError when a level makes no sense; called before any training."""


def level_of(level: Level, x: Tensor, generator: torch.Generator | None) -> float | Tensor:
    """Returns the level, or for a range one level a sample, of shape (batch, 1, ...).

    Args:
        level: one, or a range.
        x: (batch, *sample_shape).
        generator: the source of randomness.
    """
    if not isinstance(level, (tuple, list)):
        return level
    low, high = level
    shape = (len(x),) + (1,) * (x.ndim - 1)
    return low + (high - low) * torch.rand(shape, generator=generator, device=x.device, dtype=x.dtype)


def check_level(part: str, name: str, level: Any, upper: float | None) -> None:
    """Raises ValueError for a level that is not a number, or a range of numbers, from 0 to `upper`.

    Args:
        part: whose it is.
        name: of the argument.
        level: what was given.
        upper: the largest that is allowed; None for no limit.
    """
    values = level if isinstance(level, (tuple, list)) and len(level) == 2 else (level,)
    allowed = f"in [0, {upper:g}]" if upper is not None else "at least 0"
    good = all(is_number(value, 0.0, upper or float("inf")) for value in values)
    if not good or list(values) != sorted(values):
        raise ValueError(f"{part}: {name} must be a number {allowed}, or a range (low, high) of such; got {level!r}")
