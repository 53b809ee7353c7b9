"""What every bottleneck offers."""

from __future__ import annotations

__all__ = ["Bottleneck", "BottleneckModule", "NoPriorError"]

import abc

import torch
from torch import Tensor, nn

from latente.latent import Latent
from latente.parts import Part


class NoPriorError(ValueError):
    """Raised when a sample is asked of a model that has no prior over its codes.

    Example:
        >>> from latente.bottlenecks import Deterministic
        >>> Deterministic().build(2).sample(1)
        Traceback (most recent call last):
        latente.bottlenecks.base.NoPriorError: this model has no prior to sample from: ...
    """


class BottleneckModule(nn.Module, abc.ABC):
    """Maps features h to latent variables.

    In training mode it may sample; in evaluation mode it is deterministic (z = mode).

    Attributes:
        features: how many features h it wants for each sample.
        latent_dim: how many values z it hands to the decoder for each sample.
        beta: the weight of the rate in the loss; 0 where the rate is not minimised.

    Example:
        >>> class Rounded(BottleneckModule):
        ...     features = latent_dim = 2
        ...     def forward(self, h, generator=None):
        ...         zero = h.new_zeros(len(h))
        ...         return Latent(z=h.round(), mode=h.round(), rate=zero, penalty=zero)
        >>> Rounded()(torch.tensor([[0.9, 2.2]])).mode
        tensor([[1., 2.]])
    """

    features: int
    latent_dim: int
    beta: float = 0.0

    @abc.abstractmethod
    def forward(self, h: Tensor, generator: torch.Generator | None = None) -> Latent:
        """Returns the latent variables of h (batch, features)."""

    def cost(self, latent: Latent, progress: float = 1.0) -> Tensor:
        """Returns (batch,): what the latent variables add to the loss, beta * rate + penalty.

        Args:
            latent: what `forward` returned.
            progress: the fraction of training that is done, in [0, 1], for warm-ups.
        """
        return latent.penalty

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Returns n draws (n, latent_dim) from the prior.

        Args:
            n: how many.
            generator: the source of randomness; None is torch's global one.

        Raises:
            NoPriorError: when there is none, with how to fit one.
        """
        raise NoPriorError(
            "this model has no prior to sample from: its bottleneck leaves the distribution of the codes free. Fit a "
            "density to the codes of your data: latente.generation.Generator(model).fit(X).sample(n), or train with a "
            "bottleneck that has a prior, such as bottleneck='gaussian'"
        )


class Bottleneck(Part, abc.ABC, family="bottleneck"):
    """Describes a bottleneck; `build` makes its module.

    Example:
        >>> Bottleneck.from_string("gaussian:4")
        Gaussian(beta=4, free_bits=0.0, warmup=0.1)
    """

    @abc.abstractmethod
    def build(self, latent_dim: int) -> BottleneckModule:
        """Makes the module.

        Raises:
            ValueError: for a setting that makes no sense or does not fit the latent size.
        """
