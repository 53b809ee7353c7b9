"""Independent latent units."""

from __future__ import annotations

__all__ = ["BetaTC", "decompose"]

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from latente.objectives.base import Batch, Losses, Objective, Progress
from latente.objectives.gaussian import check_gaussian
from latente.parts import is_number


def decompose(z: Tensor, mu: Tensor, logvar: Tensor, samples: int) -> tuple[Tensor, Tensor, Tensor]:
    """Splits the rate of z ~ q(z|x) into mutual information, total correlation and dimension-wise KL, each (batch,).

    The three sum to log q(z|x) - log p(z). The aggregate q(z), the mean of q(z|x) over all training samples, is
    estimated from the batch: a draw's own sample counts once, the others stand for all the rest (Chen et al., 2018,
    appendix C, in its plainest form).

    Args:
        z: (batch, latent_dim), one draw for each sample.
        mu: (batch, latent_dim).
        logvar: (batch, latent_dim), log sigma^2.
        samples: the number of training samples, at least the batch's size.
    """
    pairs = _log_normal(z.unsqueeze(1), mu.unsqueeze(0), logvar.unsqueeze(0))  # (batch of z, batch of x, latent_dim)
    log_share = _log_importance(len(z), samples, z.device)
    log_q_joint = (log_share + pairs.sum(2)).logsumexp(1)
    log_q_product = (log_share.unsqueeze(2) + pairs).logsumexp(1).sum(1)
    log_q_given_x = _log_normal(z, mu, logvar).sum(1)
    log_prior = _log_normal(z, torch.zeros_like(z), torch.zeros_like(z)).sum(1)
    return log_q_given_x - log_q_joint, log_q_joint - log_q_product, log_q_product - log_prior


def _log_normal(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    return -0.5 * ((z - mu).square() * (-logvar).exp() + logvar + math.log(2 * math.pi))


def _log_importance(batch: int, samples: int, device: torch.device) -> Tensor:
    """Returns (batch, batch): the logarithm of how much of the data set each sample of the batch stands for.

    A draw's own sample stands for 1 / n, every other for (n - 1) / (n (batch - 1)), so that each row sums to one.
    """
    n = max(samples, batch)
    if batch == 1:
        return torch.zeros(1, 1, device=device)
    weights = torch.full((batch, batch), (n - 1) / (n * (batch - 1)), device=device)
    return weights.fill_diagonal_(1 / n).log()


@dataclass
class BetaTC(Objective, name="beta_tc"):
    """loss = distortion + alpha * mutual information + beta * total correlation + gamma * dimension-wise KL.

    A beta above 1 asks for independent latent units. Needs a Gaussian bottleneck with beta = 1 and no free bits (others
    are refused, a warm-up does not act).
    Source: Chen, Li, Grosse, Duvenaud (2018), "Isolating sources of disentanglement in variational autoencoders".

    Args:
        alpha: weight of the mutual information between x and z.
        beta: weight of the total correlation.
        gamma: weight of the dimension-wise KL to the prior.

    Raises:
        ValueError: before training, for another bottleneck or a negative weight.

    Example:
        >>> from latente import Autoencoder, Trainer
        >>> X = torch.randn(200, 5, generator=torch.Generator().manual_seed(0))
        >>> parts = {"bottleneck": "gaussian", "objective": BetaTC(beta=6.0), "trainer": Trainer(epochs=2)}
        >>> model = Autoencoder(2, **parts, random_state=0).fit(X)
        >>> sorted(model.history_.records[-1].extra)
        ['mutual_information', 'total_correlation']
    """

    alpha: float = 1.0
    beta: float = 4.0
    gamma: float = 1.0

    def __call__(self, module: Any, batch: Batch, progress: Progress) -> Losses:
        h = module.features(batch.x)
        mu, logvar = module.bottleneck.moments(h)
        latent = module.bottleneck(h, module.generator)
        distortion = module.distort(latent.z, batch.target, batch.mask)
        information, correlation, marginal = decompose(latent.z, mu, logvar, progress.samples)
        loss = distortion + self.alpha * information + self.beta * correlation + self.gamma * marginal
        extra = {"total_correlation": correlation.mean().detach(), "mutual_information": information.mean().detach()}
        return Losses(loss, distortion, latent.rate, latent.penalty, extra)

    def check(self, module: Any) -> None:
        check_gaussian(module, "BetaTC", "its own weights are those of objective=BetaTC(alpha, beta, gamma)")
        if not all(is_number(weight, low=0) for weight in (self.alpha, self.beta, self.gamma)):
            raise ValueError(f"BetaTC: alpha, beta and gamma must be at least 0; got {self!r}")
