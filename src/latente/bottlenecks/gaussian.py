"""The variational bottleneck."""

from __future__ import annotations

__all__ = ["Gaussian", "GaussianModule"]

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributions import Independent, Normal

from latente.bottlenecks.base import Bottleneck, BottleneckModule
from latente.latent import Latent
from latente.parts import is_number


class GaussianModule(BottleneckModule):
    """q(z|x) = N(mu, diag sigma^2) against the prior N(0, I); h holds mu and log sigma^2 side by side.

    Args:
        latent_dim: the size of the code.
        beta: the weight of the rate.
        free_bits: nats for each unit, averaged over the batch, that cost nothing.
        warmup: the fraction of training over which the weight grows from 0 to beta.

    Example:
        >>> module = GaussianModule(1, beta=4.0, free_bits=0.0, warmup=0.5)
        >>> module.weight(0.25), module.weight(1.0)
        (2.0, 4.0)
    """

    def __init__(self, latent_dim: int, beta: float, free_bits: float, warmup: float) -> None:
        super().__init__()
        self.features, self.latent_dim = 2 * latent_dim, latent_dim
        self.beta, self.free_bits, self.warmup = beta, free_bits, warmup

    def moments(self, h: Tensor) -> tuple[Tensor, Tensor]:
        """Returns mu and log sigma^2, each (batch, latent_dim).

        Args:
            h: (batch, 2 * latent_dim).
        """
        mu, logvar = h.chunk(2, dim=1)
        return mu, logvar.clamp(-20.0, 10.0)

    def posterior(self, h: Tensor) -> Independent:
        """Returns q(z|x) as a distribution over (latent_dim,) for each sample.

        Args:
            h: (batch, 2 * latent_dim).
        """
        mu, logvar = self.moments(h)
        return Independent(Normal(mu, (0.5 * logvar).exp()), 1)

    def forward(self, h: Tensor, generator: torch.Generator | None = None) -> Latent:
        mu, logvar = self.moments(h)
        z = mu
        if self.training:
            noise = torch.randn(mu.shape, generator=generator, device=mu.device, dtype=mu.dtype)
            z = mu + (0.5 * logvar).exp() * noise
        kl = 0.5 * (mu.square() + logvar.exp() - 1.0 - logvar)
        return Latent(z=z, mode=mu, rate=kl.sum(1), penalty=kl.new_zeros(len(kl)), rate_per_unit=kl)

    def weight(self, progress: float) -> float:
        """Returns the weight of the rate, beta after the warm-up and a fraction of it before.

        Args:
            progress: the fraction of training that is done, in [0, 1].
        """
        return self.beta * min(1.0, progress / self.warmup if self.warmup else 1.0)

    def cost(self, latent: Latent, progress: float = 1.0) -> Tensor:
        rate = latent.rate
        if self.free_bits and latent.rate_per_unit is not None:
            excess = latent.rate_per_unit.mean(0).clamp(min=self.free_bits)  # (latent_dim,)
            rate = excess.sum().expand(len(rate))
        return self.weight(progress) * rate + latent.penalty

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        device = generator.device if generator is not None else None
        return torch.randn(n, self.latent_dim, generator=generator, device=device)


@dataclass
class Gaussian(Bottleneck, name="gaussian"):
    """The variational bottleneck: rate = KL(q(z|x) || N(0, I)) = 1/2 sum_j (mu_j^2 + sigma_j^2 - 1 - log sigma_j^2).

    Sources: Kingma & Welling (2014), "Auto-encoding variational Bayes"; beta: Higgins et al. (2017); free bits:
    Kingma et al. (2016), "Improved variational inference with inverse autoregressive flow".

    Args:
        beta: the weight of the rate in the loss.
        free_bits: nats for each latent unit, averaged over the batch, below which its rate costs nothing more.
        warmup: the fraction of training, in [0, 1], over which the weight grows from 0 to beta.

    Raises:
        ValueError: by `build`, for a negative beta or free_bits, or a warmup outside [0, 1].

    Example:
        >>> h = torch.tensor([[1.0, -1.0, 0.0, 0.0]])  # mu, then log sigma^2
        >>> latent = Gaussian().build(2).eval()(h)
        >>> latent.mode, latent.rate
        (tensor([[ 1., -1.]]), tensor([1.]))
    """

    beta: float = 1.0
    free_bits: float = 0.0
    warmup: float = 0.1

    def build(self, latent_dim: int) -> GaussianModule:
        for name in ("beta", "free_bits"):
            if not is_number(getattr(self, name), low=0):
                raise ValueError(f"Gaussian: {name} must be at least 0; got {getattr(self, name)!r}")
        if not is_number(self.warmup, 0, 1):
            raise ValueError(f"Gaussian: warmup is a fraction of training in [0, 1]; got {self.warmup!r}")
        return GaussianModule(latent_dim, self.beta, self.free_bits, self.warmup)
