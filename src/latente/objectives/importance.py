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
from latente.parts import is_integer, is_number


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
    return _weigh(module, batch, mu, logvar, noise)


def _weigh(module: Any, batch: Batch, mu: Tensor, logvar: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """Returns `log_weights` of the draws that the noise (samples, batch, units) makes."""
    z = mu + (0.5 * logvar).exp() * noise
    log_prior_ratio = 0.5 * (noise.square() + logvar - z.square()).sum(2)  # log p(z) - log q(z|x)
    repeat = [len(noise)] + [1] * (batch.target.ndim - 1)
    mask = None if batch.mask is None else batch.mask.repeat(repeat)
    distortion = module.distort(z.flatten(0, 1), batch.target.repeat(repeat), mask).unflatten(0, (len(noise), -1))
    return log_prior_ratio - distortion, distortion


@dataclass
class ImportanceWeighted(Objective, name="importance_weighted"):
    """loss = -log (1/k sum_i p(x, z_i) / q(z_i|x)), z_i ~ q(z|x): the importance-weighted autoencoder.

    With k = 1 it is the negative evidence lower bound by one sample; it falls towards -log p(x) as k grows. Needs a
    Gaussian bottleneck with beta = 1 and no free bits (others are refused, a warm-up does not act); the distortion
    should be a likelihood. Source: Burda, Grosse, Salakhutdinov (2016), "Importance weighted autoencoders".

    A step costs k passes through the decoder. Two ways to pay less, both of which change the way, not the goal: begin
    with few draws (`growth`), and let the gradient pass through draws chosen by their weights only (`backward`), which
    Burda et al. suggest: the gradient sum_i w_i grad log w_i, w_i the normalised weights, is the mean of grad log w_i
    over draws of i with the probabilities w_i. The loss is that of all k draws.

    Args:
        samples: k.
        growth: the share of training in which k grows from 1 to `samples`, by a constant factor from step to step;
            0: it is `samples` from the start. Validation uses all.
        backward: the number of draws that the gradient passes through; None: all.

    Raises:
        ValueError: before training, for another bottleneck, less than one sample, a growth outside [0, 1].

    Example:
        >>> from latente import VariationalAutoencoder, Trainer
        >>> X = torch.randn(200, 5, generator=torch.Generator().manual_seed(0))
        >>> objective = ImportanceWeighted(samples=10)
        >>> model = VariationalAutoencoder(2, objective=objective, trainer=Trainer(epochs=2), random_state=0).fit(X)
        >>> model.history_.records[-1].loss < model.history_.records[0].first_loss
        True
    """

    samples: int = 5
    growth: float = 0.0
    backward: int | None = None

    def __call__(self, module: Any, batch: Batch, progress: Progress) -> Losses:
        samples = self.samples if not module.training else self.draws(progress.fraction)
        chosen = samples if self.backward is None or not torch.is_grad_enabled() else self.backward
        mu, logvar = module.bottleneck.moments(module.features(batch.x))
        noise = torch.randn((samples, *mu.shape), generator=module.generator, device=mu.device, dtype=mu.dtype)
        with torch.set_grad_enabled(torch.is_grad_enabled() and chosen >= samples):
            weights, distortion = _weigh(module, batch, mu, logvar, noise)
        loss = math.log(samples) - weights.logsumexp(0)
        if chosen < samples:
            passed, _ = _weigh(module, batch, mu, logvar, _resampled(noise, weights, chosen, module.generator))
            loss = loss + (passed.detach() - passed).mean(0)  # the value of all, the gradient of the chosen
        rate = (-weights - distortion).mean(0)  # a sample of KL(q || p)
        return Losses(loss, distortion.mean(0), rate, torch.zeros_like(loss))

    def draws(self, fraction: float) -> int:
        """Returns k when this fraction of training is done."""
        return self.samples if fraction >= self.growth else round(self.samples ** (fraction / self.growth))

    def check(self, module: Any) -> None:
        check_gaussian(module, "ImportanceWeighted", "its bound weighs the rate by 1")
        if not is_integer(self.samples, low=1):
            raise ValueError(f"ImportanceWeighted: samples must be an integer of at least 1; got {self.samples!r}")
        if not is_number(self.growth, 0, 1):
            raise ValueError(f"ImportanceWeighted: growth is a share of training in [0, 1]; got {self.growth!r}")
        if self.backward is not None and not is_integer(self.backward, low=1):
            raise ValueError(
                f"ImportanceWeighted: backward must be None or an integer of at least 1; got {self.backward!r}"
            )


def _resampled(noise: Tensor, log_weights: Tensor, count: int, generator: torch.Generator | None) -> Tensor:
    """Returns noise (count, batch, units) of draws chosen with probabilities in proportion to their weights."""
    share = log_weights.softmax(0).T  # (batch, samples)
    chosen = torch.multinomial(share, count, replacement=True, generator=generator).T  # (count, batch)
    return noise.gather(0, chosen.unsqueeze(2).expand(-1, -1, noise.shape[2]))
