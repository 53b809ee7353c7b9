"""Distortions: what a reconstruction costs, one number a sample, summed over all its elements.

Summed, never averaged, so that a distortion in nats stands beside a rate in nats.
"""

from __future__ import annotations

__all__ = [
    "AbsoluteError", "Bernoulli", "Distortion", "DistortionModule", "GaussianLikelihood", "Huber", "SquaredError",
    "resolve_distortion",
]  # fmt: skip

import abc
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from latente.parts import Part, is_number, resolve


class DistortionModule(nn.Module, abc.ABC):
    """Computes the distortion of a batch; learned variances live here, so that they are trained and saved.

    `from_logits` says that `forward` wants the decoder's raw output instead of x_hat.

    Example:
        >>> class Cubes(DistortionModule):
        ...     def elementwise(self, x_hat, x):
        ...         return (x_hat - x).abs() ** 3
        >>> Cubes()(torch.tensor([[1.0, -2.0]]), torch.zeros(1, 2))
        tensor([9.])
    """

    from_logits: ClassVar[bool] = False

    @property
    def sigma(self) -> Tensor | None:
        """The standard deviation that was learned, () or of a sample's shape, in units of scaled data; else None."""
        return None

    @abc.abstractmethod
    def elementwise(self, x_hat: Tensor, x: Tensor) -> Tensor:
        """Returns the cost of every element, of x's shape."""

    def forward(self, x_hat: Tensor, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Returns (batch,): the elements' costs summed; where a mask is given, over known cells (True) only.

        Args:
            x_hat: (batch, *sample_shape), or the decoder's raw output where `from_logits` says so.
            x: (batch, *sample_shape).
            mask: of x's shape, or None.
        """
        if mask is None:
            return self.elementwise(x_hat.float(), x.float()).flatten(1).sum(1)
        known = torch.where(mask, x.float(), 0.0)  # an unknown cell may hold NaN, which no factor of 0 removes
        return torch.where(mask, self.elementwise(x_hat.float(), known), 0.0).flatten(1).sum(1)


class Distortion(Part, abc.ABC, family="distortion"):
    """Describes a distortion; `build` makes its module.

    Example:
        >>> Distortion.from_string("huber:0.5")
        Huber(delta=0.5)
    """

    is_likelihood: ClassVar[bool] = False  # whether the cost is a negative log-likelihood in nats

    @abc.abstractmethod
    def build(self, sample_shape: tuple[int, ...]) -> DistortionModule:
        """Makes the module for samples of that shape."""


class _SquaredError(DistortionModule):
    def elementwise(self, x_hat: Tensor, x: Tensor) -> Tensor:
        return F.mse_loss(x_hat, x, reduction="none")


@dataclass
class SquaredError(Distortion, name="squared_error"):
    """||x - x_hat||^2, summed over the elements of a sample.

    Example:
        >>> SquaredError().build((2,))(torch.tensor([[1.0, -2.0]]), torch.zeros(1, 2))
        tensor([5.])
    """

    def build(self, sample_shape: tuple[int, ...]) -> DistortionModule:
        return _SquaredError()


class _AbsoluteError(DistortionModule):
    def elementwise(self, x_hat: Tensor, x: Tensor) -> Tensor:
        return (x_hat - x).abs()


@dataclass
class AbsoluteError(Distortion, name="absolute"):
    """||x - x_hat||_1, summed over the elements of a sample; outliers weigh less than with squares.

    Example:
        >>> AbsoluteError().build((2,))(torch.tensor([[1.0, -2.0]]), torch.zeros(1, 2))
        tensor([3.])
    """

    def build(self, sample_shape: tuple[int, ...]) -> DistortionModule:
        return _AbsoluteError()


class _Huber(DistortionModule):
    def __init__(self, delta: float) -> None:
        super().__init__()
        self.delta = delta

    def elementwise(self, x_hat: Tensor, x: Tensor) -> Tensor:
        return F.huber_loss(x_hat, x, reduction="none", delta=self.delta)


@dataclass
class Huber(Distortion, name="huber"):
    """e^2 / 2 for an error |e| below delta, delta (|e| - delta / 2) above (Huber, 1964).

    Args:
        delta: where squares turn into absolute values, in units of the scaled data; above 0.

    Raises:
        ValueError: by `build`, for a delta of 0 or less.

    Example:
        >>> Huber(delta=1.0).build((2,))(torch.tensor([[1.0, -2.0]]), torch.zeros(1, 2))
        tensor([2.])
    """

    delta: float = 1.0

    def build(self, sample_shape: tuple[int, ...]) -> DistortionModule:
        if not is_number(self.delta, low=0) or self.delta == 0:
            raise ValueError(f"Huber: delta must be above 0; got {self.delta!r}")
        return _Huber(self.delta)


FACTORS = 112  # up to 2 each, whose product is a float32


class _Bernoulli(DistortionModule):
    from_logits = True

    def elementwise(self, x_hat: Tensor, x: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(x_hat, x, reduction="none")

    def forward(self, x_hat: Tensor, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Returns (batch,); without a gradient by a third of the work, from log(1 + e^a) + log(1 + e^b) = log(...)."""
        if mask is not None or torch.is_grad_enabled():
            return super().forward(x_hat, x, mask)
        logit, x = x_hat.flatten(1).float(), x.flatten(1).float()
        cost = logit.clamp(min=0).addcmul_(logit, x, value=-1).sum(1)  # large logits cancel before they are summed
        for part in logit.abs().neg_().exp_().add_(1).split(FACTORS, 1):  # each in (1, 2]
            cost += part.prod(1).log_()
        return cost


@dataclass
class Bernoulli(Distortion, name="bernoulli"):
    """-log p(x) in nats for pixels that are coins with probability x_hat; needs data in [0, 1].

    A true likelihood for binary data; for grey values it is the customary cross-entropy.

    Example:
        >>> Bernoulli().build((1,))(torch.zeros(1, 1), torch.ones(1, 1))  # of the logits: log 2
        tensor([0.6931])
    """

    is_likelihood: ClassVar[bool] = True

    def build(self, sample_shape: tuple[int, ...]) -> DistortionModule:
        return _Bernoulli()


class _GaussianLikelihood(DistortionModule):
    gain = 10.0  # Adam's step is the same for every parameter; a log-variance has far to go
    largest = 14.0  # of |log-variance|; approached smoothly, so that there is always a gradient back

    def __init__(self, shape: tuple[int, ...], smallest_std: float, initial_std: float) -> None:
        super().__init__()
        self.scaled_logvar = nn.Parameter(torch.zeros(shape))
        self.smallest_std, self.initial_logvar = smallest_std, 2 * math.log(initial_std)

    @property
    def logvar(self) -> Tensor:
        free = self.initial_logvar + self.largest * torch.tanh(self.gain / self.largest * self.scaled_logvar)
        if not self.smallest_std:
            return free
        return torch.logaddexp(free, free.new_tensor(2 * math.log(self.smallest_std)))

    @property
    def sigma(self) -> Tensor:
        return (0.5 * self.logvar.detach()).exp()

    def elementwise(self, x_hat: Tensor, x: Tensor) -> Tensor:
        logvar = self.logvar
        return 0.5 * ((x - x_hat).square() * torch.exp(-logvar) + logvar + math.log(2 * math.pi))


@dataclass
class GaussianLikelihood(Distortion, name="gaussian"):
    """-log N(x; x_hat, sigma^2) in nats with a learned variance.

    With one variance for all elements this is the sigma-VAE (Rybkin, Daniilidis, Levine, 2021, "Simple and effective
    VAE training with calibrated decoders"): the balance between distortion and rate is learned, not tuned.

    Args:
        per_feature: one variance for each element of a sample instead of one for all.
        smallest_std: the floor of sigma, in units of the scaled data; sigma^2 is this squared plus what is learned.
            Without it sigma shrinks to what the training samples allow, which asks too much of others. What "auto"
            chooses for bounded data has a floor of a tenth of the range, lower where the data fill little of it (see
            `VariationalAutoencoder`); `latente info` prints the sigma that was reached.
        initial_std: what sigma begins as, but for the floor. Where it begins far above the data's spread, a code pays
            little for a long time and may collapse.

    Raises:
        ValueError: by `build`, for a negative smallest_std, or an initial_std that is not above 0.

    Example:
        >>> module, x = GaussianLikelihood().build((2,)), torch.zeros(1, 2)
        >>> round(module(x, x).item(), 4)  # sigma begins as 1: log 2 pi
        1.8379
        >>> round(float(GaussianLikelihood(smallest_std=0.1).build((2,)).sigma), 3)  # sqrt(1 + 0.1^2)
        1.005
    """

    per_feature: bool = False
    smallest_std: float = 0.0
    initial_std: float = 1.0
    is_likelihood: ClassVar[bool] = True

    def build(self, sample_shape: tuple[int, ...]) -> DistortionModule:
        if not is_number(self.smallest_std, low=0):
            raise ValueError(f"GaussianLikelihood: smallest_std must be at least 0; got {self.smallest_std!r}")
        if not is_number(self.initial_std, low=0) or self.initial_std == 0:
            raise ValueError(
                f"GaussianLikelihood: initial_std must be a finite number above 0; got {self.initial_std!r}"
            )
        return _GaussianLikelihood(sample_shape if self.per_feature else (), self.smallest_std, self.initial_std)


class _CustomDistortion(DistortionModule):
    def __init__(self, function: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def elementwise(self, x_hat: Tensor, x: Tensor) -> Tensor:
        return self.function(x_hat, x)

    def forward(self, x_hat: Tensor, x: Tensor, mask: Tensor | None = None) -> Tensor:
        if mask is not None:
            x_hat, x = torch.where(mask, x_hat, 0.0), torch.where(mask, x, 0.0)
        cost = self.function(x_hat.float(), x.float())
        if not isinstance(cost, Tensor) or cost.shape != (len(x),):
            got = tuple(cost.shape) if isinstance(cost, Tensor) else type(cost).__name__
            raise ValueError(f"a distortion must return one cost a sample, shape ({len(x)},); got {got}")
        return cost


@dataclass
class CustomDistortion(Distortion, name="custom"):
    """Any function (x_hat, x) -> (batch,). It is not saved with a model.

    Args:
        function: takes two tensors (batch, *sample_shape), returns one cost a sample, summed over its elements.
    """

    function: Callable[[Tensor, Tensor], Tensor] | None = None

    def build(self, sample_shape: tuple[int, ...]) -> DistortionModule:
        if self.function is None:
            raise ValueError(
                "the custom distortion's function is not here; pass it: latente.load(path, distortion=...)"
            )
        return _CustomDistortion(self.function)


def resolve_distortion(value: Any) -> Distortion | None:
    """Returns the distortion that the user meant: a part, a short string, any callable; None for "auto".

    Args:
        value: a Distortion, its short string, a function (x_hat, x) -> (batch,), "auto" or None.

    Raises:
        TypeError: for anything else, with what is allowed.
        ValueError: for a string that names no distortion.

    Example:
        >>> resolve_distortion("huber:0.5"), resolve_distortion("auto")
        (Huber(delta=0.5), None)
    """
    if value is None or (isinstance(value, str) and value == "auto"):
        return None
    if callable(value) and not isinstance(value, (Part, type)):
        return CustomDistortion(value)
    return resolve(value, Distortion)  # type: ignore[type-abstract]
