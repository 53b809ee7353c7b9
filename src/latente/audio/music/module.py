"""The variational autoencoder of segments, as latente's one module."""

from __future__ import annotations

__all__ = ["Hiding", "Moments", "MusicModule", "Transposition", "Voices"]

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from latente.audio.music.network import Prior, SegmentDecoder, SegmentEncoder
from latente.autoencoder import AutoencoderModule
from latente.bottlenecks import BottleneckModule
from latente.corruptions import Bounds, Corruption
from latente.distortions import DistortionModule
from latente.latent import Latent


@dataclass(frozen=True)
class Hiding:
    """Input dropout: what of the steps so far the decoder does not see while training, so that it needs the code.

    Source: Bowman, Vilnis, Vinyals et al. (2016), "Generating sentences from a continuous space" (word dropout).

    Attributes:
        all: the share of windows of which it sees nothing.
        most: of the others, it does not see a share of the tokens that is drawn from 0 to this.
        codes: the share of windows of which it gets the prior's mean, and no code.
    """

    all: float = 0.4
    most: float = 0.6
    codes: float = 0.2


@dataclass
class Transposition(Corruption):
    """Moves every window of tokens by a random interval that keeps each voice in its range.

    Args:
        low: the lowest token of each voice.
        high: the highest.
        symbols: tokens from 1 to below this are pitches.
        size: of the alphabet, repeats left aside.
        most: semitones, up and down.

    Example:
        >>> change = Transposition(low=(1,), high=(3,), symbols=4, size=7)
        >>> x = torch.tensor([[[2], [0], [3]]])
        >>> sorted({tuple(change(x, torch.Generator().manual_seed(i)).flatten().tolist()) for i in range(20)})
        [(1, 0, 2), (2, 0, 3)]
    """

    low: tuple[int, ...] = (1,)
    high: tuple[int, ...] = (1,)
    symbols: int = 2
    size: int = 5
    most: int = 6

    def __call__(self, x: Tensor, generator: torch.Generator | None = None, bounds: Bounds = None) -> Tensor:
        plain = x % self.size
        pitched = (plain >= 1) & (plain < self.symbols)
        lowest = torch.where(pitched, plain, self.symbols).amin(1)  # (n, voices)
        highest = torch.where(pitched, plain, 0).amax(1)
        silent = ~pitched.any(1)
        down = torch.where(silent, -self.most, torch.tensor(self.low, device=x.device) - lowest).amax(1)
        up = torch.where(silent, self.most, torch.tensor(self.high, device=x.device) - highest).amin(1)
        down, up = down.clamp(-self.most, 0), up.clamp(0, self.most)
        draw = torch.rand(len(x), generator=generator, device=x.device)
        shift = down + (draw * (up - down + 1)).long().minimum(up - down)
        return torch.where(pitched, x + shift[:, None, None], x)


class Voices(DistortionModule):
    """-log p(x|z) of tokens in nats, from the logits of all of them."""

    from_logits: ClassVar[bool] = True

    def elementwise(self, x_hat: Tensor, x: Tensor) -> Tensor:
        """Returns the cross-entropy of tokens.

        Args:
            x_hat: (n, steps, voices, symbols), logits.
            x: (n, steps, voices), tokens.
        """
        return F.cross_entropy(x_hat.flatten(0, -2), x.flatten().long(), reduction="none").view(x.shape)


@dataclass(frozen=True)
class Moments:
    """Two Gaussians over the codes of windows, each tensor (n, segments * latent_dim).

    Attributes:
        mu: of q(z|x).
        logvar: of q(z|x), log sigma^2.
        prior_mu: of the prior given the notes so far.
        prior_logvar: likewise.
    """

    mu: Tensor
    logvar: Tensor
    prior_mu: Tensor
    prior_logvar: Tensor

    def divergence(self) -> Tensor:
        """Returns KL(q || p) of each unit (n, segments * latent_dim) in nats."""
        ratio = (self.logvar - self.prior_logvar).exp()
        distance = (self.mu - self.prior_mu).square() * (-self.prior_logvar).exp()
        return 0.5 * (ratio + distance - 1 - self.logvar + self.prior_logvar)

    def deviations(self) -> tuple[Tensor, Tensor]:
        """Returns the mean and log sigma^2 of u = (z - prior_mu) / prior_sigma under q."""
        return (self.mu - self.prior_mu) * (-0.5 * self.prior_logvar).exp(), self.logvar - self.prior_logvar


class MusicModule(AutoencoderModule):
    """z = one code for each beat, x = windows of tokens (n, 1 + segments * steps, voices).

    The first step of a window is what came before it: it is seen and not predicted. The prior of a beat's code depends
    on the notes before the beat, p(z_b | x_<b). The encoder's Gaussian e(z|x) is multiplied with it,
    q(z_b|x) ~ p(z_b | x_<b) e(z_b | x): where the encoder has nothing to add, q is the prior and costs nothing.
    Sources: Chung, Kastner et al. (2015), "A recurrent latent variable model for sequential data"; Sonderby et al.
    (2016), "Ladder variational autoencoders" (the product of the two).

    Args:
        encoder: of segments.
        bottleneck: Gaussian; it draws z and weighs the rate, which is measured against the prior here.
        decoder: that emits the voices in turn.
        prior: of codes.
        hiding: of the decoder's input while training.
    """

    encoder: SegmentEncoder
    decoder: SegmentDecoder
    mixture: nn.Module | None  # a better prior, where one was fitted; see `fit_mixture`

    def __init__(
        self,
        encoder: SegmentEncoder,
        bottleneck: BottleneckModule,
        decoder: SegmentDecoder,
        prior: Prior,
        hiding: Hiding,
    ) -> None:
        super().__init__(encoder, bottleneck, decoder, distortion=Voices())
        self.prior, self.hiding, self.sizes, self.alphabet = prior, hiding, decoder.sizes, decoder.alphabet
        self.mixture = None

    def moments(self, x: Tensor) -> Moments:
        """Returns q(z|x) and the prior of windows x (n, 1 + segments * steps, voices)."""
        segments = x[:, 1:].unflatten(1, (-1, self.sizes.length))  # (n, segments, steps, voices)
        read = self.encoder(segments.flatten(0, 1)).float().unflatten(0, (len(x), -1)).flatten(1, 2)
        expected = self.prior.moments(self.context(x))
        (mean, logvar), (prior_mu, prior_logvar) = read.chunk(2, 2), expected.float().chunk(2, 2)
        precision, prior_precision = (-logvar.clamp(-8.0, 8.0)).exp(), (-prior_logvar).exp()
        both = precision + prior_precision
        mu = (mean * precision + prior_mu * prior_precision) / both
        return Moments(mu.flatten(1), -both.log().flatten(1), prior_mu.flatten(1), prior_logvar.flatten(1))

    def context(self, x: Tensor) -> Tensor:
        """Returns what the prior remembers before each beat of windows x, (n, segments * beats, hidden)."""
        steps = self.sizes.steps
        hidden = torch.full_like(x[:, : steps - 1], self.alphabet.hidden)
        h: Tensor = self.prior.remember(torch.cat([hidden, x[:, : x.shape[1] - steps]], 1))[0]
        return h

    def features(self, x: Tensor) -> Tensor:
        """Returns mu of q(z|x), then log sigma^2 (n, 2 * segments * latent_dim)."""
        moments = self.moments(x)
        return torch.cat([moments.mu, moments.logvar], 1)

    def encode(self, x: Tensor) -> Latent:
        """Returns the codes of windows, their rate measured against the prior."""
        moments = self.moments(x)
        latent = self.bottleneck(torch.cat([moments.mu, moments.logvar], 1), self.generator)
        rates, z = moments.divergence(), latent.z
        if self.training and self.hiding.codes:
            draw = torch.rand((len(x), 1), generator=self.generator, device=x.device)
            coded = draw >= self.hiding.codes
            z, rates = torch.where(coded, z, moments.prior_mu), rates * coded
        return replace(latent, z=z, rate=rates.sum(1), rate_per_unit=rates)

    def decode(self, z: Tensor) -> Tensor:
        """Refuses: what the decoder makes of z depends on what it has emitted before; see `write`."""
        raise NotImplementedError("this decoder emits step after step; use latente.audio.music.writing.write")

    def token_losses(self, z: Tensor, window: Tensor) -> Tensor:
        """Returns -log p (n, steps, voices) in nats of every token given those before; 0 after the end.

        Args:
            z: (n, segments * latent_dim).
            window: (n, 1 + steps, voices).
        """
        size, target = self.alphabet.size, window[:, 1:]
        plain, before = target % size, window[:, :-1] % size
        counts = plain < self.alphabet.symbols
        tokens = torch.where(counts, plain, 0)
        logits, again = self.decoder(z, tokens, self.hide(window[:, :-1]))
        losses = self.distortion.elementwise(logits.float(), tokens)
        if self.alphabet.repeats:
            held = (plain == before) & (plain > 0)
            struck = (target >= size).float()
            losses = losses + held * F.binary_cross_entropy_with_logits(again.float(), struck, reduction="none")
        return losses * counts

    def distort(self, z: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
        """Returns (n,): -log p(x|z) of windows in nats."""
        return self.token_losses(z, target).flatten(1).sum(1)

    def hide(self, seen: Tensor) -> Tensor:
        """Returns what the decoder is shown while training; in evaluation everything.

        Args:
            seen: (n, steps, voices).
        """
        if not self.training:
            return seen
        draw = torch.rand((2, len(seen), 1, 1), generator=self.generator, device=seen.device)
        share = torch.where(draw[0] < self.hiding.all, 1.0, draw[1] * self.hiding.most)
        hidden = torch.rand(seen.shape, generator=self.generator, device=seen.device) < share
        return torch.where(hidden, self.alphabet.hidden, seen)
