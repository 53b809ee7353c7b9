"""How probable a model finds music, in nats a step."""

from __future__ import annotations

__all__ = ["MusicBounds", "measure_bounds"]

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from latente.audio.music.module import MusicModule
from latente.audio.music.score import Score
from latente.audio.music.windows import whole_window

DECODED = 64  # draws times segments that are decoded at a time


@dataclass(frozen=True)
class MusicBounds:
    """Bounds of -log p(x) of scores, in nats a step of all voices; the mean over all steps of all scores.

    Attributes:
        distortion: E_q[-log p(x|z)].
        rate: KL(q(z|x) || p(z)), p(z) given the notes so far; the mean of the draws where p is a mixture.
        elbo: their sum, an upper bound of -log p(x): the negative evidence lower bound.
        importance: -log 1/k sum_i p(x|z_i) p(z_i) / q(z_i|x), segment by segment: a tighter upper bound.
        draws: k.
        steps: that were looked at.

    Example:
        >>> MusicBounds(distortion=1.5, rate=1.0, elbo=2.5, importance=2.4, draws=100, steps=18_900).elbo
        2.5
    """

    distortion: float
    rate: float
    elbo: float
    importance: float
    draws: int
    steps: int


def measure_bounds(module: MusicModule, scores: Sequence[Score], draws: int, generator: torch.Generator) -> MusicBounds:
    """Returns the bounds of scores, each read from its beginning to its end.

    What is remembered of earlier steps depends on the notes alone, not on earlier codes, so
    log p(x) = sum_k log p(x_k | x_<k) over segments k, and each term has a bound of its own.

    Args:
        module: in evaluation mode.
        scores: that it can read.
        draws: for each segment.
        generator: of the draws.
    """
    totals, steps = torch.zeros(3, dtype=torch.float64), 0
    for score in scores:
        window = whole_window(score, module.alphabet, module.sizes).tokens
        with torch.inference_mode():
            totals += _of_one(module, window, draws, generator)
        steps += score.steps
    distortion, rate, importance = (float(value) / steps for value in totals)
    return MusicBounds(distortion, rate, distortion + rate, importance, draws, steps)


def _of_one(module: MusicModule, window: Tensor, draws: int, generator: torch.Generator) -> Tensor:
    """Returns (3,): distortion, rate and importance bound of one window, summed over its segments."""
    moments = module.moments(window)
    mu, logvar, prior_mu, prior_logvar = (
        part.unflatten(1, (-1, module.sizes.latent_dim))[0]  # (segments, latent_dim)
        for part in (moments.mu, moments.logvar, moments.prior_mu, moments.prior_logvar)
    )
    h = module.context(window)[0]  # (beats, hidden)
    at_once, found = max(1, DECODED // len(mu)), []
    for start in range(0, draws, at_once):
        n = min(at_once, draws - start)
        noise = torch.randn((n, *mu.shape), generator=generator)
        z = mu + (0.5 * logvar).exp() * noise  # (n, segments, latent_dim)
        losses = module.token_losses(z.flatten(1), window.expand(n, -1, -1))
        losses = losses.unflatten(1, (-1, module.sizes.length)).sum((2, 3))  # (n, segments)
        u = (z - prior_mu) * (-0.5 * prior_logvar).exp()
        ratio = 0.5 * (noise.square() + logvar - prior_logvar).sum(2) + _prior(module, h, u)  # log p(z) - log q(z|x)
        found.append(torch.stack([losses, ratio]))
    losses, ratio = torch.cat(found, 1).double()
    importance = math.log(draws) * losses.shape[1] - (ratio - losses).logsumexp(0).sum()
    exact = module.mixture is None
    rate = moments.divergence().double().sum() if exact else -ratio.mean(0).sum()
    return torch.stack([losses.mean(0).sum(), rate, importance])


def _prior(module: MusicModule, h: Tensor, u: Tensor) -> Tensor:
    """Returns log p(u) of deviations (n, segments, latent_dim), without the constant of a Gaussian (n, segments)."""
    if module.mixture is None:
        return -0.5 * u.square().sum(2)
    beats = u.unflatten(2, (module.sizes.beats, -1))  # (n, segments, beats, per_beat)
    states = h.unflatten(0, (u.shape[1], -1)).expand(len(u), -1, -1, -1)
    found = module.mixture.log_prob(states.flatten(0, 2), beats.flatten(0, 2))  # type: ignore[operator]
    constant = 0.5 * math.log(2 * math.pi) * module.sizes.latent_dim
    return found.view(beats.shape[:3]).sum(2) + constant
