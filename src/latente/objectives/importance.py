"""A tighter bound from several samples."""

from __future__ import annotations

__all__ = ["ImportanceWeighted", "log_weights"]

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from latente.objectives.base import Batch, Losses, Objective, Progress
from latente.objectives.gaussian import check_gaussian
from latente.parts import is_integer, is_number

ROWS = 512  # decoded at once on a CPU where no gradient is wanted, so that what they need stays in its cache
SMALLEST_SHARE = 1e-30  # that a draw is chosen by; its weight is not changed


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
    return _weigh(module, batch, mu + (0.5 * logvar).exp() * noise, logvar, noise)


def _weigh(module: Any, batch: Batch, z: Tensor, logvar: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """Returns `log_weights` of draws z (samples, batch, units), made from the noise of the same shape."""
    log_prior_ratio = 0.5 * (noise.square() + logvar - z.square()).sum(2)  # log p(z) - log q(z|x)
    at_once = len(z) if torch.is_grad_enabled() or z.device.type != "cpu" else max(1, ROWS // z.shape[1])
    distortion = torch.cat([_distort(module, batch, piece) for piece in z.split(at_once)])
    return log_prior_ratio - distortion, distortion


def _distort(module: Any, batch: Batch, z: Tensor) -> Tensor:
    """Returns -log p(x|z), (samples, batch)."""
    repeat = [len(z)] + [1] * (batch.target.ndim - 1)
    mask = None if batch.mask is None else batch.mask.repeat(repeat)
    return module.distort(z.flatten(0, 1), batch.target.repeat(repeat), mask).unflatten(0, z.shape[:2])


@dataclass
class ImportanceWeighted(Objective, name="importance_weighted"):
    """loss = -log (1/k sum_i p(x, z_i) / q(z_i|x)), z_i ~ q(z|x): the importance-weighted autoencoder.

    With k = 1 it is the negative evidence lower bound by one sample; it falls towards -log p(x) as k grows. Needs a
    Gaussian bottleneck with beta = 1 and no free bits (others are refused, a warm-up does not act). The distortion
    stands for -log p(x|z): one that is no likelihood is one but for a constant that does not depend on the weights,
    "squared_error" of a normal density with the variance 1/2 in units of scaled data. Source: Burda, Grosse,
    Salakhutdinov (2016), "Importance weighted autoencoders".

    With w_i the normalised weights, the decoder's gradient is sum_i w_i grad log w_i. The encoder's own falls beneath
    its noise as k grows (Rainforth et al., 2018, "Tighter variational bounds are not necessarily better"). It is
    replaced by the doubly reparameterised one, sum_i w_i^2 (d log w_i / dz_i) (dz_i / dphi): the same on average, and
    exactly zero where q is the posterior. Source: Tucker, Lawson, Gu, Maddison (2019), "Doubly reparameterized
    gradient estimators for Monte Carlo objectives"; for k = 1, Roeder, Wu, Duvenaud (2017), "Sticking the landing".

    A step costs k passes through the decoder. Two ways to pay less, both of which change the way, not the goal: begin
    with few draws (`growth`), and let the gradient pass through few draws, chosen by their weights (`backward`), which
    Burda et al. suggest. Heavy draws are passed through for certain, the others by lot: the gradient is that of all
    on average. The loss is that of all k draws.

    Both the doubly reparameterised gradient and `backward` ask that a draw is decoded alike whatever the others are. A
    decoder with dropout or normalisation over the batch does not in training: it gets the plain gradient of all draws.

    Args:
        samples: k.
        growth: the share of training in which k grows from 1 to `samples`; 0: it is `samples` from the start.
            Validation uses all.
        backward: the number of draws that the gradient passes through; None: all.
        doubly_reparameterized: whether the encoder's gradient is the one above; False: the plain one.
        power: k = samples^(t^power) when the part t of `growth` is done. With 1 it grows by a constant factor from
            step to step; with 2 or 3 it stays small for longer, so that epochs are cheaper.

    Raises:
        ValueError: before training, for another bottleneck, less than one sample, a growth outside [0, 1], a power of
            0 or less.

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
    doubly_reparameterized: bool = True
    power: float = 1.0

    def __call__(self, module: Any, batch: Batch, progress: Progress) -> Losses:
        samples = self.samples if not module.training else self.draws(progress.fraction)
        all_of_them = self.backward is None or not torch.is_grad_enabled() or _mixes(module.decoder)
        chosen = samples if all_of_them or self.backward is None else self.backward
        mu, logvar = module.bottleneck.moments(module.features(batch.x))
        noise = torch.randn((samples, *mu.shape), generator=module.generator, device=mu.device, dtype=mu.dtype)
        if chosen >= samples:
            weights, distortion = self._pass(module, batch, mu, logvar, noise)
            loss = math.log(samples) - weights.logsumexp(0)
        else:
            with torch.no_grad():
                weights, distortion = self._pass(module, batch, mu, logvar, noise)
            loss = math.log(samples) - weights.logsumexp(0)
            share = weights.softmax(0)
            index, factor = _chosen(share, chosen, module.generator)
            noise = noise.gather(0, index.unsqueeze(2).expand(-1, -1, noise.shape[2]))
            passed = (factor * self._pass(module, batch, mu, logvar, noise, share.gather(0, index))[0]).sum(0)
            loss = loss + (passed.detach() - passed)  # the value of all, the gradient of the chosen
        rate = (-weights - distortion).mean(0)  # a sample of KL(q || p)
        return Losses(loss, distortion.mean(0), rate, torch.zeros_like(loss))

    def _pass(
        self, module: Any, batch: Batch, mu: Tensor, logvar: Tensor, noise: Tensor, share: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Returns `log_weights` of the noise's draws, with the gradient that is wanted.

        Args:
            module, batch: as in a call.
            mu, logvar: of q(z|x), (batch, units).
            noise: (samples, batch, units).
            share: the draws' normalised weights, (samples, batch); None takes them among these draws.
        """
        z = mu + (0.5 * logvar).exp() * noise
        if not self.doubly_reparameterized or not z.requires_grad or _mixes(module.decoder):
            return _weigh(module, batch, z, logvar, noise)
        fixed = logvar.detach()
        noise = noise + (z - z.detach()) * (-0.5 * fixed).exp()  # the same, with the gradient of (z - mu) / sigma in z
        weights, distortion = _weigh(module, batch, z, fixed, noise)
        factor = (weights.detach().softmax(0) if share is None else share).unsqueeze(2)
        z.register_hook(lambda gradient: gradient * factor)
        return weights, distortion

    def draws(self, fraction: float) -> int:
        """Returns k when this fraction of training is done."""
        if fraction >= self.growth:
            return self.samples
        return round(self.samples ** ((fraction / self.growth) ** self.power))

    def check(self, module: Any) -> None:
        check_gaussian(module, "ImportanceWeighted", "its bound weighs the rate by 1")
        if not is_integer(self.samples, low=1):
            raise ValueError(f"ImportanceWeighted: samples must be an integer of at least 1; got {self.samples!r}")
        if not is_number(self.growth, 0, 1):
            raise ValueError(f"ImportanceWeighted: growth is a share of training in [0, 1]; got {self.growth!r}")
        if not is_number(self.power, low=0) or self.power == 0:
            raise ValueError(f"ImportanceWeighted: power must be a finite number above 0; got {self.power!r}")
        if not isinstance(self.doubly_reparameterized, bool):
            raise ValueError(
                f"ImportanceWeighted: doubly_reparameterized must be True or False; got {self.doubly_reparameterized!r}"
            )
        if self.backward is not None and not is_integer(self.backward, low=1):
            raise ValueError(
                f"ImportanceWeighted: backward must be None or an integer of at least 1; got {self.backward!r}"
            )


def _mixes(decoder: nn.Module) -> bool:
    """Returns whether what a draw is decoded to depends on the others, or on chance."""
    mixing = nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd
    return decoder.training and any(isinstance(layer, mixing) for layer in decoder.modules())


def _chosen(share: Tensor, count: int, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
    """Returns which draws stand for all, and with which weights, each (count, batch).

    Draws whose share is at least a threshold c are taken with their share as the weight; of the others each is taken
    with the probability share / c and has the weight c. c is such that `count` different draws are taken, which leaves
    weighted sums over draws unbiased. Source: Fearnhead, Clifford (2003), "On-line inference for hidden Markov models
    via particle filters", with systematic sampling.

    Args:
        share: normalised weights, (samples, batch).
        count: fewer than the samples.
        generator: of the choice.
    """
    share = share.T.to(torch.float64 if share.device.type == "cpu" else torch.float32)  # (batch, samples)
    likely = share.clamp(min=SMALLEST_SHARE)
    falling = likely.sort(1, descending=True).values
    rest = falling.flip(1).cumsum(1).flip(1)[:, :count]  # without the j largest, j from 0
    fair = rest / torch.arange(count, 0, -1, device=share.device)  # c if the j largest are taken for certain
    first = (falling[:, :count] <= fair).double().argmax(1, keepdim=True)
    inclusion = (likely / fair.gather(1, first)).clamp(max=1.0)
    ends = inclusion.cumsum(1)
    start = torch.rand((len(share), 1), generator=generator, device=share.device, dtype=share.dtype)
    points = (start + torch.arange(count, device=share.device)) * (ends[:, -1:] / count)  # that is 1 but for rounding
    index = torch.searchsorted(ends, points, right=True).clamp(max=share.shape[1] - 1)
    weight = share.gather(1, index) / inclusion.gather(1, index)
    return index.T, weight.T.float()
