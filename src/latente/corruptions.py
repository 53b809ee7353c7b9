"""Corruptions x -> x~ for denoising: noise, masking, swapping, any callable.

They act on scaled data (pictures in [0, 1], table columns with unit variance), in training or when asked for by name.
A level may be a range (low, high): then one level is drawn for each sample. Source: Vincent, Larochelle, Lajoie,
Bengio, Manzagol (2010), "Stacked denoising autoencoders".
"""

from __future__ import annotations

__all__ = [
    "Compose", "Corruption", "Custom", "GaussianNoise", "Level", "Masking", "SaltAndPepper", "Speckle", "SwapNoise",
    "resolve_corruption",
]  # fmt: skip

import abc
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from latente.parts import Part, is_number, resolve

Level = float | tuple[float, float]
Bounds = tuple[float, float] | None


class Corruption(Part, abc.ABC, family="corruption"):
    """A random map of a batch to a damaged batch of the same shape."""

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
        noisy = x + _level(self.sigma, x, generator) * _normal_like(x, generator)
        return noisy.clamp(*bounds) if self.clip and bounds else noisy

    def check(self) -> None:
        _check_level("GaussianNoise", "sigma", self.sigma, upper=None)


@dataclass
class Speckle(Corruption, name="speckle"):
    """Multiplicative noise: x~ = x * (1 + sigma * n) with n ~ N(0, I).

    Args:
        sigma: standard deviation of the factor, or a range.
        clip: whether x~ is clipped to the data's bounds, where it has any.
    """

    sigma: Level = 0.1
    clip: bool = False

    def __call__(self, x: Tensor, generator: torch.Generator | None = None, bounds: Bounds = None) -> Tensor:
        noisy = x * (1 + _level(self.sigma, x, generator) * _normal_like(x, generator))
        return noisy.clamp(*bounds) if self.clip and bounds else noisy

    def check(self) -> None:
        _check_level("Speckle", "sigma", self.sigma, upper=None)


@dataclass
class SaltAndPepper(Corruption, name="salt_and_pepper"):
    """A fraction of the elements becomes, with equal chances, the lowest or the highest value.

    Args:
        amount: the fraction that is replaced, in [0, 1], or a range.
        low: what pepper is; None takes the data's lower bound, or -3 for data without bounds (standardised columns).
        high: what salt is; None takes the data's upper bound, or 3.
    """

    amount: Level = 0.1
    low: float | None = None
    high: float | None = None

    def __call__(self, x: Tensor, generator: torch.Generator | None = None, bounds: Bounds = None) -> Tensor:
        low, high = bounds or (-3.0, 3.0)
        low, high = (low if self.low is None else self.low), (high if self.high is None else self.high)
        amount, u = _level(self.amount, x, generator), _uniform_like(x, generator)
        salted = torch.where(u < amount / 2, torch.full_like(x, low), x)
        return torch.where((u >= amount / 2) & (u < amount), torch.full_like(x, high), salted)

    def check(self) -> None:
        _check_level("SaltAndPepper", "amount", self.amount, upper=1.0)
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
    """

    amount: Level = 0.25
    value: float = 0.0

    def __call__(self, x: Tensor, generator: torch.Generator | None = None, bounds: Bounds = None) -> Tensor:
        masked = _uniform_like(x, generator) < _level(self.amount, x, generator)
        return torch.where(masked, torch.full_like(x, self.value), x)

    def check(self) -> None:
        _check_level("Masking", "amount", self.amount, upper=1.0)
        if not is_number(self.value):
            raise ValueError(f"Masking: value must be a number; got {self.value!r}")


@dataclass
class SwapNoise(Corruption, name="swap"):
    """A fraction of the elements takes the value that another sample of the batch has in the same place.

    Every column keeps its own distribution, so it suits tables of mixed scales.

    Args:
        amount: the fraction that is swapped, in [0, 1], or a range.
    """

    amount: Level = 0.15

    def __call__(self, x: Tensor, generator: torch.Generator | None = None, bounds: Bounds = None) -> Tensor:
        donors = torch.randint(len(x), x.shape, generator=generator, device=x.device)
        swapped = _uniform_like(x, generator) < _level(self.amount, x, generator)
        return torch.where(swapped, x.gather(0, donors), x)

    def check(self) -> None:
        _check_level("SwapNoise", "amount", self.amount, upper=1.0)


@dataclass
class Compose(Corruption, name="compose"):
    """Several corruptions, one after the other.

    Args:
        corruptions: the corruptions in the order in which they act; short strings may stand for them.

    Example:
        >>> resolve_corruption("masking:0.25+gaussian:0.1")
        Compose(corruptions=(Masking(amount=0.25, value=0.0), GaussianNoise(sigma=0.1, clip=False)))
    """

    variadic = True
    corruptions: tuple[Any, ...] = ()

    def __call__(self, x: Tensor, generator: torch.Generator | None = None, bounds: Bounds = None) -> Tensor:
        for corruption in self.corruptions:
            part = resolve_corruption(corruption)
            x = x if part is None else part(x, generator, bounds)
        return x

    def check(self) -> None:
        for corruption in self.corruptions:
            part = resolve_corruption(corruption)
            if part is not None:
                part.check()


@dataclass
class Custom(Corruption, name="custom"):
    """Any function of a batch: x~ = function(x).

    Randomness drawn from torch's global generator inside it is reproducible: `fit` seeds that generator for its own
    duration and restores it afterwards.

    Args:
        function: takes a tensor (batch, *sample_shape), returns one of the same shape. It is not saved with a model.
    """

    function: Callable[[Tensor], Tensor] | None = None

    def __call__(self, x: Tensor, generator: torch.Generator | None = None, bounds: Bounds = None) -> Tensor:
        self.check()
        noisy = self.function(x)  # type: ignore[misc]  # check() has seen that it is there
        if not isinstance(noisy, Tensor) or noisy.shape != x.shape:
            got = tuple(noisy.shape) if isinstance(noisy, Tensor) else type(noisy).__name__
            raise ValueError(f"a corruption must return a tensor of its input's shape {tuple(x.shape)}; got {got}")
        return noisy

    def check(self) -> None:
        if self.function is None:
            raise ValueError("the custom corruption's function is not here (a saved model does not keep it); pass it")
        if not callable(self.function):
            raise ValueError(f"Custom: function must be a function of a batch; got {self.function!r}")


def resolve_corruption(value: Any) -> Corruption | None:
    """Returns the corruption that the user meant: a part, a short string ("a+b" composes), any callable, or None."""
    if isinstance(value, str) and len(texts := re.split(r"\+(?=\s*[a-zA-Z])", value)) > 1:  # not the + of 1e+2
        return Compose(tuple(Corruption.from_string(text) for text in texts))
    if callable(value) and not isinstance(value, (Part, type)):
        return Custom(value)
    return resolve(value, Corruption)  # type: ignore[type-abstract]


def _uniform_like(x: Tensor, generator: torch.Generator | None) -> Tensor:
    return torch.rand(x.shape, generator=generator, device=x.device, dtype=x.dtype)


def _normal_like(x: Tensor, generator: torch.Generator | None) -> Tensor:
    return torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype)


def _level(level: Level, x: Tensor, generator: torch.Generator | None) -> float | Tensor:
    """Returns the level, or for a range one level a sample, of shape (batch, 1, ...)."""
    if not isinstance(level, (tuple, list)):
        return level
    low, high = level
    shape = (len(x),) + (1,) * (x.ndim - 1)
    return low + (high - low) * torch.rand(shape, generator=generator, device=x.device, dtype=x.dtype)


def _check_level(part: str, name: str, level: Any, upper: float | None) -> None:
    values = level if isinstance(level, (tuple, list)) and len(level) == 2 else (level,)
    allowed = f"in [0, {upper:g}]" if upper is not None else "at least 0"
    good = all(is_number(value, 0.0, upper or float("inf")) for value in values)
    if not good or list(values) != sorted(values):
        raise ValueError(f"{part}: {name} must be a number {allowed}, or a range (low, high) of such; got {level!r}")
