"""Noise that acts on single values: Gaussian, multiplicative, salt and pepper, masking, swapping."""

from __future__ import annotations

__all__ = ["GaussianNoise", "Masking", "SaltAndPepper", "Speckle", "SwapNoise"]

from dataclasses import dataclass

import torch
from torch import Tensor

from latente.corruptions.base import Bounds, Corruption, Level, check_level, level_of
from latente.parts import is_number


@dataclass
class GaussianNoise(Corruption, name="gaussian"):
    """x~ = x + sigma * n with n ~ N(0, I).

    Args:
        sigma: standard deviation in units of the scaled data, or a range.
        clip: whether x~ is clipped to the data's bounds, where it has any.

    Example:
        >>> GaussianNoise((0.1, 0.5))
        GaussianNoise(sigma=(0.1, 0.5), clip=False)
    """

    sigma: Level = 0.1
    clip: bool = False

    def __call__(self, x: Tensor, generator: torch.Generator | None = None, bounds: Bounds = None) -> Tensor:
        noisy = x + level_of(self.sigma, x, generator) * _normal_like(x, generator)
        return noisy.clamp(*bounds) if self.clip and bounds else noisy

    def check(self) -> None:
        check_level("GaussianNoise", "sigma", self.sigma, upper=None)


@dataclass
class Speckle(Corruption, name="speckle"):
    """Multiplicative noise: x~ = x * (1 + sigma * n) with n ~ N(0, I).

    Args:
        sigma: standard deviation of the factor, or a range.
        clip: whether x~ is clipped to the data's bounds, where it has any.

    Raises:
        ValueError: before training, for a negative sigma.

    Example:
        >>> x = torch.ones(1000, 10)
        >>> round(float(Speckle(0.2)(x, torch.Generator().manual_seed(0)).std()), 2)
        0.2
    """

    sigma: Level = 0.1
    clip: bool = False

    def __call__(self, x: Tensor, generator: torch.Generator | None = None, bounds: Bounds = None) -> Tensor:
        noisy = x * (1 + level_of(self.sigma, x, generator) * _normal_like(x, generator))
        return noisy.clamp(*bounds) if self.clip and bounds else noisy

    def check(self) -> None:
        check_level("Speckle", "sigma", self.sigma, upper=None)


@dataclass
class SaltAndPepper(Corruption, name="salt_and_pepper"):
    """A fraction of the elements becomes, with equal chances, the lowest or the highest value.

    Args:
        amount: the fraction that is replaced, in [0, 1], or a range.
        low: what pepper is; None takes the data's lower bound, or -3 for data without bounds (standardised columns).
        high: what salt is; None takes the data's upper bound, or 3.

    Raises:
        ValueError: before training, for an amount outside [0, 1], or a low or high that is no number.

    Example:
        >>> x = torch.full((100, 10), 0.5)
        >>> noisy = SaltAndPepper(0.2)(x, torch.Generator().manual_seed(0), bounds=(0.0, 1.0))
        >>> noisy.unique()
        tensor([0.0000, 0.5000, 1.0000])
    """

    amount: Level = 0.1
    low: float | None = None
    high: float | None = None

    def __call__(self, x: Tensor, generator: torch.Generator | None = None, bounds: Bounds = None) -> Tensor:
        low, high = bounds or (-3.0, 3.0)
        low, high = (low if self.low is None else self.low), (high if self.high is None else self.high)
        amount, u = level_of(self.amount, x, generator), _uniform_like(x, generator)
        salted = torch.where(u < amount / 2, torch.full_like(x, low), x)
        return torch.where((u >= amount / 2) & (u < amount), torch.full_like(x, high), salted)

    def check(self) -> None:
        check_level("SaltAndPepper", "amount", self.amount, upper=1.0)
        for name, value in (("low", self.low), ("high", self.high)):
            if value is not None and not is_number(value):
                raise ValueError(f"SaltAndPepper: {name} must be a number or None; got {value!r}")


@dataclass
class Masking(Corruption, name="masking"):
    """A fraction of the elements becomes zero (or `value`): the zero-only variant of salt-and-pepper noise.

    Zero is black in a picture and the mean of a standardised column.

    Args:
        amount: the fraction that is masked, in [0, 1], or a range.
        value: what a masked element becomes, in units of the scaled data.

    Raises:
        ValueError: before training, for an amount outside [0, 1].

    Example:
        >>> masked = Masking(0.25)(torch.ones(1000, 100), torch.Generator().manual_seed(0))
        >>> round(float((masked == 0).float().mean()), 2)
        0.25
    """

    amount: Level = 0.25
    value: float = 0.0

    def __call__(self, x: Tensor, generator: torch.Generator | None = None, bounds: Bounds = None) -> Tensor:
        masked = _uniform_like(x, generator) < level_of(self.amount, x, generator)
        return torch.where(masked, torch.full_like(x, self.value), x)

    def check(self) -> None:
        check_level("Masking", "amount", self.amount, upper=1.0)
        if not is_number(self.value):
            raise ValueError(f"Masking: value must be a number; got {self.value!r}")


@dataclass
class SwapNoise(Corruption, name="swap"):
    """A fraction of the elements takes the value that another sample of the batch has in the same place.

    Every column keeps its own distribution, so it suits tables of mixed scales.

    Args:
        amount: the fraction that is swapped, in [0, 1], or a range.

    Raises:
        ValueError: before training, for an amount outside [0, 1].

    Example:
        >>> x = torch.tensor([[1.0, 10.0], [2.0, 20.0]])
        >>> swapped = SwapNoise(0.5)(x, torch.Generator().manual_seed(0))
        >>> set(swapped[:, 0].tolist()) <= {1.0, 2.0}
        True
    """

    amount: Level = 0.15

    def __call__(self, x: Tensor, generator: torch.Generator | None = None, bounds: Bounds = None) -> Tensor:
        donors = torch.randint(len(x), x.shape, generator=generator, device=x.device)
        swapped = _uniform_like(x, generator) < level_of(self.amount, x, generator)
        return torch.where(swapped, x.gather(0, donors), x)

    def check(self) -> None:
        check_level("SwapNoise", "amount", self.amount, upper=1.0)


def _uniform_like(x: Tensor, generator: torch.Generator | None) -> Tensor:
    return torch.rand(x.shape, generator=generator, device=x.device, dtype=x.dtype)


def _normal_like(x: Tensor, generator: torch.Generator | None) -> Tensor:
    return torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype)
