"""The entropy model: what each coefficient may be, given all that was coded before it.

A state of the grid's size collects what is known. Each step (see `steps`) reads mean and scale of its coefficients from
the state, then adds what they turned out to be. Nothing else predicts: there is no hyperprior.
"""

from __future__ import annotations

__all__ = ["LARGEST_SCALE", "SMALLEST_SCALE", "Coded", "ContextModel"]

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from latente.codec.images.lapped import full_precision
from latente.codec.images.logistic import logistic_bits
from latente.codec.images.quality import QualityTable
from latente.codec.images.steps import MEANS, STEPS, Step

WIDTH = 96
SMALLEST_SCALE, LARGEST_SCALE = 2.0**-4.5, 2.0**7  # of the logistic distribution of what a mean leaves
TAPS = 5, 3  # of the means, of other coefficients


@dataclass(frozen=True)
class Coded:
    """What the context model made of coefficients.

    Attributes:
        values: (n, channels, h, w), rounded to whole steps from their means.
        bits: (n,) that they cost.
        state: (n, WIDTH, h, w), all that was known at the end.
    """

    values: Tensor
    bits: Tensor
    state: Tensor


class _Head(nn.Module):
    """Reads mean and log2 scale of some channels from the state.

    Args:
        channels: how many.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.hidden, self.out = nn.Conv2d(WIDTH, WIDTH, 1), nn.Conv2d(WIDTH, 2 * channels, 1)
        self.direct = nn.Conv2d(WIDTH, channels, 1, bias=False)  # means are linear in what is known
        for layer in (self.out, self.direct):
            nn.init.normal_(layer.weight, std=0.01)
        nn.init.zeros_(self.out.bias)  # type: ignore[arg-type]

    def forward(self, state: Tensor) -> tuple[Tensor, Tensor]:
        mean, scale = self.out(F.relu(self.hidden(F.relu(state)))).float().chunk(2, dim=1)
        with full_precision(state.device):
            return mean + self.direct(state), scale


class _Update(nn.Module):
    """Adds coefficients that became known to the state.

    Args:
        step: that coded them.
    """

    def __init__(self, step: Step) -> None:
        super().__init__()
        self.linear = step.channels == MEANS
        taps = TAPS[0] if self.linear else TAPS[1]
        features = len(step.channels) * (3 if self.linear else 2)
        padding = step.spacing * (taps // 2)
        self.conv = nn.Conv2d(features, WIDTH, taps, padding=padding, dilation=step.spacing, bias=False)
        nn.init.normal_(self.conv.weight, std=0.3 / math.sqrt(features * taps))

    def forward(self, values: Tensor) -> Tensor:
        log = torch.asinh(values)
        features = torch.cat([log, log.abs(), *([values / 8] if self.linear else [])], dim=1)
        if not self.linear:
            return self.conv(features).float()
        with full_precision(values.device):
            return self.conv(features)


class ContextModel(nn.Module):
    """Codes coefficients step by step; see the module's text.

    Example:
        >>> from latente.codec.images.lapped import CHANNELS
        >>> model = ContextModel()
        >>> coded = model(torch.randn(2, CHANNELS, 4, 6), torch.tensor([0.2, 0.9]))
        >>> coded.values.shape, coded.bits.shape
        (torch.Size([2, 120, 4, 6]), torch.Size([2]))
    """

    def __init__(self) -> None:
        super().__init__()
        self.start = QualityTable(WIDTH)
        nn.init.normal_(self.start.rows, std=0.3)
        self.heads = nn.ModuleList(_Head(len(step.channels)) for step in STEPS)
        self.updates = nn.ModuleList(_Update(step) for step in STEPS[:-1])

    def forward(self, y: Tensor, quality: Tensor, generator: torch.Generator | None = None) -> Coded:
        """Returns rounded coefficients and their cost; while training the cost is that of y with uniform noise.

        Args:
            y: (n, channels, h, w), in steps.
            quality: (n,) in [0, 1].
            generator: of the noise.
        """
        n, _, height, width = y.shape
        state = self.start(quality).expand(n, -1, height, width)
        values, cost = torch.zeros_like(y), y.new_zeros(n)
        for k, step in enumerate(STEPS):
            mask = step.mask(height, width).to(y.device)
            if not mask.any():
                continue
            mean, scale = self.heads[k](state)
            mine = y[:, step.channels]
            rest = mine - mean
            whole = mine + (torch.round(rest) + mean - mine).detach()
            noise = torch.rand(rest.shape, generator=generator, device=y.device) - 0.5 if self.training else 0.0
            seen = rest + noise if self.training else torch.round(rest)
            spent = logistic_bits(seen, (scale * math.log(2)).exp().clamp(SMALLEST_SCALE, LARGEST_SCALE))
            cost = cost + (spent * mask).flatten(1).sum(1)
            known = whole * mask
            values = values.index_add(1, torch.tensor(step.channels, device=y.device), known)
            if k < len(self.updates):
                state = state + self.updates[k](known)
        return Coded(values, cost, state)
