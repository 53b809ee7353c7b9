"""Several corruptions in a row, the user's own functions, and short strings for all of them."""

from __future__ import annotations

__all__ = ["Compose", "Custom", "resolve_corruption"]

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from latente.corruptions.base import Bounds, Corruption
from latente.parts import Part, resolve


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

    Raises:
        ValueError: when there is no function, or it returns another shape.

    Example:
        >>> Custom(lambda x: -x)(torch.tensor([[1.0, 2.0]]))
        tensor([[-1., -2.]])
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
    """Returns the corruption that the user meant: a part, a short string ("a+b" composes), any callable, or None.

    Args:
        value: a Corruption, a short string, a function of a batch, or None.

    Raises:
        TypeError: for anything else, with what is allowed.
        ValueError: for a string that names no corruption.

    Example:
        >>> resolve_corruption("gaussian:0.2"), resolve_corruption(None)
        (GaussianNoise(sigma=0.2, clip=False), None)
    """
    if isinstance(value, str) and len(texts := re.split(r"\+(?=\s*[a-zA-Z])", value)) > 1:  # not the + of 1e+2
        return Compose(tuple(Corruption.from_string(text) for text in texts))
    if callable(value) and not isinstance(value, (Part, type)):
        return Custom(value)
    return resolve(value, Corruption)  # type: ignore[type-abstract]
