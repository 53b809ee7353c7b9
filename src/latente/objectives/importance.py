"""A tighter bound from several samples."""

from __future__ import annotations

__all__ = ["ImportanceWeighted", "log_weights"]

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from latente.objectives.base import Batch, Losses, Objective, Progress
from latente.objectives.gaussian import check_gaussian
from latente.parts import is_integer


def log_weights(
    module: Any, batch: Batch, samples: int, generator: torch.Generator | None = None
) -> tuple[Tensor, Tensor]:
    """Returns log p(x|z) + log p(z) - log q(z|x) and -log p(x|z) for draws z ~ q(z|x), each (samples, batch), in nats.

    Args:
        module: an AutoencoderModule with a Gaussian bottleneck.
        batch: the batch, scaled.
        samples: the number of draws for each sample.
        generator: of the draws; None is the module's.
    """
    mu, logvar = module.bottleneck.moments(module.features(batch.x))
    noise = torch.randn((samples, *mu.shape), generator=generator or module.generator, device=mu.device, dtype=mu.dtype)
    z = mu + (0.5 * logvar).exp() * noise
    log_prior_ratio = 0.5 * (noise.square() + logvar - z.square()).sum(2)  # log p(z) - log q(z|x)
    repeat = [samples] + [1] * (batch.target.ndim - 1)
    mask = None if batch.mask is None else batch.mask.repeat(repeat)
    distortion = module.distort(z.flatten(0, 1), batch.target.repeat(repeat), mask).unflatten(0, (samples, -1))
    return log_prior_ratio - distortion, distortion


@dataclass
class ImportanceWeighted(Objective, name="importance_weighted"):
    """loss = -log (1/k sum_i p(x, z_i) / q(z_i|x)), z_i ~ q(z|x): the importance-weighted autoencoder.

    With k = 1 it is the negative evidence lower bound by one sample; it falls towards -log p(x) as k grows. Needs a
    Gaussian bottleneck with beta = 1 and no free bits (others are refused, a warm-up does not act); the distortion
    should be a likelihood. Source: Burda, Grosse, Salakhutdinov (2016), "Importance weighted autoencoders".

    Args:
        samples: k.

    Raises:
        ValueError: before training, for another bottleneck or less than one sample.

    Example:
        >>> from latente import VariationalAutoencoder, Trainer
        >>> X = torch.randn(200, 5, generator=torch.Generator().manual_seed(0))
        >>> objective = ImportanceWeighted(samples=10)
        >>> model = VariationalAutoencoder(2, objective=objective, trainer=Trainer(epochs=2), random_state=0).fit(X)
        >>> model.history_.records[-1].loss < model.history_.records[0].first_loss
        True
    """

    samples: int = 5

    def __call__(self, module: Any, batch: Batch, progress: Progress) -> Losses:
        weights, distortion = log_weights(module, batch, self.samples)
        loss = math.log(self.samples) - weights.logsumexp(0)
        rate = (-weights - distortion).mean(0)  # a sample of KL(q || p)
        return Losses(loss, distortion.mean(0), rate, torch.zeros_like(loss))

    def check(self, module: Any) -> None:
        check_gaussian(module, "ImportanceWeighted", "its bound weighs the rate by 1")
        if not is_integer(self.samples, low=1):
            raise ValueError(f"ImportanceWeighted: samples must be an integer of at least 1; got {self.samples!r}")
