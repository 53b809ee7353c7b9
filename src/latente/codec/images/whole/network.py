"""The entropy model of whole pictures while it is trained; `integers` has the same in integers.

Coefficients come in groups, from large variances to small ones. A state collects what is known; each group reads from
it how far its means and scales are from those of the picture's cluster, then adds what its coefficients turned out.
"""

from __future__ import annotations

__all__ = ["WIDTH", "WholeModule", "WholeRateDistortion", "groups_of", "weight_of"]

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from latente.codec.images.context import LARGEST_SCALE, SMALLEST_SCALE
from latente.codec.images.logistic import logistic_bits
from latente.codec.images.quality import QualityTable, lambda_of
from latente.objectives import Batch, Losses, Objective, Progress

WIDTH, HIDDEN = 384, 192
FIRST, GROWTH = 6, 1.5  # coefficients of the first group; how much larger each is than the one before
BALANCE = 0.35  # power of lambda by which a sample's loss is divided, so that no quality drowns the others
LOGISTIC = math.sqrt(3) / math.pi  # scale of a logistic variable whose variance is 1
LOW, SHARE_LOW = 0.25, 0.6  # this share of the samples has a quality below: tiny pictures are seldom coded well


def groups_of(size: int) -> list[int]:
    """Returns how many coefficients each group has.

    Args:
        size: of all groups together.

    Example:
        >>> groups_of(64)
        [6, 9, 14, 21, 14]
    """
    found, wanted = [], float(FIRST)
    while size > 0:
        found.append(min(size, math.ceil(wanted)))
        size, wanted = size - found[-1], GROWTH * found[-1]
    return found


def weight_of(quality: Tensor, channels: int) -> Tensor:
    """Returns what a squared error of one value costs, in bits.

    Args:
        quality: in [0, 1].
        channels: of the pictures; three count as one.
    """
    return lambda_of(quality) / channels


class _Head(nn.Module):
    """Reads what is added to means and log2 scales of some coefficients; nearly 0 at the start."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.hidden, self.out = nn.Linear(WIDTH, HIDDEN), nn.Linear(HIDDEN, 2 * size)
        self.direct = nn.Linear(WIDTH, size, bias=False)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)
        nn.init.normal_(self.direct.weight, std=0.003)

    def forward(self, state: Tensor) -> tuple[Tensor, Tensor]:
        mean, scale = self.out(F.relu(self.hidden(F.relu(state)))).chunk(2, dim=1)
        return mean + self.direct(state), scale


class WholeModule(nn.Module):
    """What the context model learns.

    Args:
        spreads: (K, D), standard deviations of each cluster's coefficients.
        channels: of the pictures.
    """

    generator: torch.Generator | None = None
    spreads: Tensor

    def __init__(self, spreads: Tensor, channels: int = 1) -> None:
        super().__init__()
        self.channels, self.sizes = channels, groups_of(spreads.shape[1])
        self.register_buffer("spreads", torch.log2(spreads * LOGISTIC))
        self.start, self.clusters = QualityTable(WIDTH), nn.Embedding(len(spreads), WIDTH)
        self.heads = nn.ModuleList(_Head(size) for size in self.sizes)
        self.updates = nn.ModuleList(nn.Linear(2 * size, WIDTH, bias=False) for size in self.sizes[:-1])
        for weight in (self.start.rows, self.clusters.weight):
            nn.init.normal_(weight, std=0.3)
        for update in self.updates:
            nn.init.normal_(update.weight, std=0.3 / math.sqrt(update.in_features))  # type: ignore[arg-type]

    def forward(self, y: Tensor, clusters: Tensor, quality: Tensor) -> tuple[Tensor, Tensor]:
        """Returns (n,) bits and squared errors; symbols are chosen as the encoder chooses them.

        Args:
            y: (n, D), coefficients of values from 0 to 255.
            clusters: (n,).
            quality: (n,) in [0, 1].
        """
        weight = weight_of(quality, self.channels)[:, None]
        step = torch.sqrt(6 / (weight * math.log(2)))
        y, expected = y / step, self.spreads[clusters] - torch.log2(step)
        state = self.start(quality)[:, :, 0, 0] + self.clusters(clusters)
        spent, wrong = y.new_zeros(len(y)), y.new_zeros(len(y))
        for k, (mine, scale) in enumerate(zip(y.split(self.sizes, 1), expected.split(self.sizes, 1), strict=True)):
            mean, log_scale = self.heads[k](state)
            scale = torch.exp2(scale + log_scale).clamp(SMALLEST_SCALE, LARGEST_SCALE)
            symbols = _chosen(mine - mean, scale, weight * step**2)
            spent = spent + self._bits(symbols, mine - mean, scale)
            known = mean + symbols
            wrong = wrong + (known - mine).square().sum(1)
            if k < len(self.updates):
                log = torch.asinh(known)
                state = state + self.updates[k](torch.cat([log, log.abs()], dim=1))
        return spent, wrong * step[:, 0] ** 2

    def _bits(self, symbols: Tensor, rest: Tensor, scale: Tensor) -> Tensor:
        """Bits of symbols; while training means learn, too, from what noise instead of rounding would cost."""
        spent = logistic_bits(symbols, scale).sum(1)
        if not self.training:
            return spent
        noise = torch.rand(rest.shape, generator=self.generator, device=rest.device) - 0.5
        smooth = logistic_bits(rest + noise, scale.detach()).sum(1)
        return spent + smooth - smooth.detach()


@torch.no_grad()
def _chosen(rest: Tensor, scale: Tensor, weight: Tensor) -> Tensor:
    """The nearest symbols, or the next ones towards 0 where that saves more bits than it costs."""
    nearest = torch.round(rest)
    lower = nearest - nearest.sign()
    saved = logistic_bits(nearest, scale) - logistic_bits(lower, scale)
    cost = weight * ((rest - lower).square() - (rest - nearest).square())
    return torch.where(saved > cost, lower, nearest)


@dataclass
class WholeRateDistortion(Objective, name="whole_rate_distortion"):
    """Bits + weight * squared error of whole pictures; a batch has coefficients, and clusters as condition.

    Args:
        quality: of every sample outside training.
    """

    quality: float = 0.25

    def __call__(self, module: Any, batch: Batch, progress: Progress) -> Losses:
        y, clusters, n = batch.x, batch.condition, len(batch)
        if module.training:
            drawn = torch.rand(2, n, generator=module.generator, device=y.device)
            quality = torch.where(drawn[0] < SHARE_LOW, LOW * drawn[1], drawn[1])
        else:
            quality = y.new_full((n,), self.quality)
        spent, wrong = module(y, clusters, quality)
        weight = weight_of(quality, module.channels)
        loss = (spent + weight * wrong) / y.shape[1] * lambda_of(quality) ** -BALANCE
        rate = spent * math.log(2)
        return Losses(loss=loss, distortion=wrong, rate=rate, penalty=torch.zeros_like(rate))
