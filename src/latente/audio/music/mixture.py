"""A better prior of codes, fitted when the rest is trained: a mixture of Gaussians, given the notes so far."""

from __future__ import annotations

__all__ = ["HELD_OUT", "MixturePrior", "fit_mixture", "keep_better", "usual_spread"]

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from latente.audio.music.building import shifts_of
from latente.audio.music.module import MusicModule, Transposition
from latente.audio.music.score import Score
from latente.audio.music.windows import tokens_of, whole_window
from latente.data import ArraySource
from latente.objectives import Batch, Losses, Objective, Progress
from latente.training import Trainer, seeded

COMPONENTS, USED = 32, 0.01  # Gaussians; nats from which on a number of the code says something
BEATS, EPOCHS, STEPS, BATCH, RATE = 100_000, 6, 300, 1024, 2e-3  # beats at most; epochs and steps at least
DRAWS, HELD_OUT = 20, 0.1  # of the codes of held-out music; the share of the scores that is held out
SPREAD, MIXTURE_SPREAD = 0.3, 0.5  # of codes; chosen on validation chorales by benchmarks/audio/music/spread.py
HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


class MixturePrior(nn.Module):
    """p(u_b | x_<b) of standardised deviations u = (z - mu) / sigma from the Gaussian prior: a mixture density network.

    p(u) = sum_k w_k(h) prod_i N(u_i; m_ki(h), s_ki(h)^2), h what the prior's recurrent network remembers of the notes
    before the beat. Numbers of the code that say nothing have m = 0 and s = 1: they stay with the Gaussian prior.

    Args:
        hidden: numbers in h.
        used: (numbers of a beat's code,), 1 for those that say something, 0 for others.
        components: Gaussians.

    Sources: Bishop (1994), "Mixture density networks"; Dai & Wipf (2019), "Diagnosing and enhancing VAE models" (a
    second stage); Ghosh et al. (2020), "From variational to deterministic autoencoders" (density fitted afterwards).
    """

    used: Tensor
    generator: torch.Generator | None = None  # of a training

    def __init__(self, hidden: int, used: Tensor, components: int = COMPONENTS) -> None:
        super().__init__()
        self.components, self.size = components, len(used)
        self.register_buffer("used", used.float())
        self.inner = nn.Linear(hidden, hidden)
        self.out = nn.Linear(hidden, components * (2 * self.size + 1))
        self.centres = nn.Parameter(torch.randn(components, self.size))
        self.widths = nn.Parameter(torch.full((components, self.size), -0.3))
        with torch.no_grad():
            self.out.weight *= 0.1
            self.out.bias.zero_()

    def forward(self, h: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Returns log w (n, components), m and log s (n, components, size) of states h (n, hidden)."""
        counts = [self.components, self.components * self.size, self.components * self.size]
        weights, means, widths = self.out(F.gelu(self.inner(h))).split(counts, 1)
        means = self.centres + means.unflatten(1, (self.components, -1))
        widths = (self.widths + widths.unflatten(1, (self.components, -1))).clamp(-4.0, 1.0)
        return weights.log_softmax(1), means * self.used, widths * self.used

    def log_prob(self, h: Tensor, u: Tensor) -> Tensor:
        """Returns log p(u) (n,) of deviations u (n, size) given states h (n, hidden)."""
        weights, means, widths = self(h)
        each = -0.5 * ((u[:, None] - means) * (-widths).exp()).square() - widths - HALF_LOG_2PI
        return torch.logsumexp(weights + each.sum(2), 1)

    def sample(self, h: Tensor, spread: float, generator: torch.Generator) -> Tensor:
        """Returns deviations (n, size), drawn with weights w^(1 / spread) and deviations spread * s.

        Args:
            h: (n, hidden).
            spread: 1 draws from the mixture, 0 takes the mean of its most probable Gaussian.
            generator: of the draws.
        """
        weights, means, widths = self(h)
        noise = torch.randn(means[:, 0].shape, generator=generator)
        gumbel = -(-torch.rand(weights.shape, generator=generator).clamp(1e-12, 1 - 1e-7).log()).log()
        chosen = (weights + spread * gumbel).argmax(1)
        rows = torch.arange(len(h))
        drawn: Tensor = means[rows, chosen] + spread * widths[rows, chosen].exp() * noise
        return drawn


@dataclass
class CodeLikelihood(Objective, name="code_likelihood"):
    """-log p(u) in nats, u drawn anew from q(z|x) each time; samples are h, then mu and log sigma^2 of u.

    Example:
        >>> mixture = MixturePrior(hidden=5, used=torch.zeros(2))
        >>> sample = torch.cat([torch.zeros(1, 7), torch.full((1, 2), -99.0)], 1)
        >>> losses = CodeLikelihood()(mixture, Batch(sample, sample), Progress())
        >>> round(losses.loss.item(), 4)  # log 2 pi, of two zeros
        1.8379
    """

    def __call__(self, module: Any, batch: Batch, progress: Progress) -> Losses:
        """Returns the losses of a batch."""
        size = module.size
        h, mu, logvar = batch.x.split([batch.x.shape[1] - 2 * size, size, size], 1)
        noise = torch.randn(mu.shape, generator=module.generator)
        loss = -module.log_prob(h, mu + (0.5 * logvar).exp() * noise)
        zero = torch.zeros_like(loss)
        return Losses(loss=loss, distortion=loss, rate=zero, penalty=zero)


def fit_mixture(module: MusicModule, scores: Sequence[Score], change: Transposition, seed: int) -> MixturePrior:
    """Returns a mixture fitted to the codes of scores in all transpositions that training sees.

    Args:
        module: trained, in evaluation mode; it stays as it is.
        scores: that it can read.
        change: which transpositions there are.
        seed: decides everything random.
    """
    found = _codes(module, scores, change, seed)
    size = module.sizes.per_beat
    mu, logvar = found[:, -2 * size : -size], found[:, -size:]
    used = (0.5 * (mu.square() + logvar.exp() - 1 - logvar)).mean(0) > USED
    with seeded(seed):
        mixture = MixturePrior(module.sizes.hidden, used)
    batch = min(BATCH, len(found))
    epochs = max(EPOCHS, -(-STEPS * batch // len(found)))
    trainer = Trainer(epochs=epochs, batch_size=batch, learning_rate=RATE, precision="float32", compile=False,
                      device="cpu", verbose=False)  # fmt: skip
    trainer.fit(mixture, ArraySource(found, torch.Tensor.float), CodeLikelihood(), seed=seed)
    return mixture.eval()


def keep_better(mixture: MixturePrior, module: MusicModule, held: Sequence[Score]) -> MixturePrior | None:
    """Returns the mixture, or None, with a warning, where it expects codes of held-out scores less than the Gaussian.

    Args:
        mixture: fitted to codes of other scores.
        module: that the codes come from.
        held: scores.
    """
    found = torch.cat([_codes_of(module, score) for score in held])
    h, mu, logvar = found.split([module.sizes.hidden, module.sizes.per_beat, module.sizes.per_beat], 1)
    plain = (0.5 * (mu.square() + logvar.exp()) + HALF_LOG_2PI).sum(1).mean().item()  # of N(0, I), exactly
    noise = torch.randn((DRAWS, *mu.shape), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        u = mu + (0.5 * logvar).exp() * noise
        mixed = -torch.stack([mixture.log_prob(h, each) for each in u]).mean().item()
    if mixed < plain:
        return mixture
    warnings.warn(
        f"the Gaussian prior stays: a mixture needs {mixed:.2f} nats for the code of a beat of held-out music, the "
        f"Gaussian {plain:.2f}; it takes more music than this to fit one",
        UserWarning,
        stacklevel=3,
    )
    return None


def usual_spread(module: MusicModule) -> float:
    """Returns the temperature of codes that suits the module's prior."""
    return SPREAD if module.mixture is None else MIXTURE_SPREAD


def _codes(module: MusicModule, scores: Sequence[Score], change: Transposition, seed: int) -> Tensor:
    """Returns (beats, hidden + 2 * size): states, and mu and log sigma^2 of the codes as standardised deviations."""
    alphabet, size = module.alphabet, module.alphabet.size
    moves = [(score, by) for score in scores for by in shifts_of(tokens_of(score, alphabet) % size, alphabet, change)]
    found, beats = [], 0
    for i in torch.randperm(len(moves), generator=torch.Generator().manual_seed(seed)).tolist():
        found.append(_codes_of(module, moves[i][0].transposed(moves[i][1])))
        beats += len(found[-1])
        if beats >= BEATS:
            break
    return torch.cat(found)


def _codes_of(module: MusicModule, score: Score) -> Tensor:
    """Returns (beats, hidden + 2 * size) of a score, with the marks after its end: the bound has a prior there too."""
    window = whole_window(score, module.alphabet, module.sizes).tokens
    with torch.inference_mode():
        h, moments = module.context(window), module.moments(window)
    mu, ratio = moments.deviations()
    return torch.cat([h[0], *(part.view(-1, module.sizes.per_beat) for part in (mu, ratio))], 1).clone()
