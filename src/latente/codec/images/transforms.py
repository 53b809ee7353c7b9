"""Analysis and synthesis: the lapped transform, and small residual networks that correct it for each quality."""

from __future__ import annotations

__all__ = ["Analysis", "Synthesis"]

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from latente.codec.images.context import WIDTH as STATE
from latente.codec.images.lapped import CHANNELS, LappedAnalysis, LappedSynthesis
from latente.codec.images.quality import ANCHORS, QualityTable, lambda_of, step_of

FEATURES = 128
POST = 32  # features of the filter behind the transform, at half of the picture's size


class _Block(nn.Module):
    """x + W2 relu(W1 d(x)): a depthwise filter, then two layers at each position."""

    def __init__(self) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(FEATURES, FEATURES, 5, padding=2, groups=FEATURES)
        self.wide, self.narrow = nn.Conv2d(FEATURES, 2 * FEATURES, 1), nn.Conv2d(2 * FEATURES, FEATURES, 1)
        with torch.no_grad():
            self.narrow.weight *= 0.3

    def forward(self, x: Tensor) -> Tensor:
        return x + self.narrow(F.relu(self.wide(self.depthwise(x))))


class _Correction(nn.Module):
    """What is added to coefficients; 0 at the start.

    Args:
        inputs: channels.
        blocks: how many.
    """

    def __init__(self, inputs: int, blocks: int) -> None:
        super().__init__()
        self.first, self.quality = nn.Conv2d(inputs, FEATURES, 1), QualityTable(FEATURES)
        self.blocks = nn.Sequential(*(_Block() for _ in range(blocks)))
        self.last = nn.Conv2d(FEATURES, CHANNELS, 1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, quality: Tensor) -> Tensor:
        return self.last(self.blocks(self.first(x) + self.quality(quality))).float()


def _log_steps() -> Tensor:
    """(ANCHORS,) logarithms of the steps that suit each anchor's lambda."""
    weights = lambda_of(torch.linspace(0, 1, ANCHORS)).tolist()
    return torch.tensor([math.log(step_of(weight)) for weight in weights])


class Analysis(nn.Module):
    """Pixels from 0 to 255 to coefficients in steps.

    Example:
        >>> Analysis()(torch.zeros(1, 3, 32, 64), torch.tensor([0.5])).shape
        torch.Size([1, 120, 4, 8])
    """

    def __init__(self, blocks: int = 2) -> None:
        super().__init__()
        self.transform, self.log_step = LappedAnalysis(), QualityTable(CHANNELS, _log_steps())
        self.correction = _Correction(CHANNELS, blocks)

    def forward(self, x: Tensor, quality: Tensor) -> Tensor:
        """Returns (n, CHANNELS, h, w).

        Args:
            x: (n, 3, 8 h, 8 w), from 0 to 255.
            quality: (n,) in [0, 1].
        """
        y = self.transform(x - 128.0).float() * (-self.log_step(quality)).exp()
        return y + self.correction(torch.asinh(y), quality)


class Synthesis(nn.Module):
    """Coefficients in steps to pixels from 0 to 255, not clipped.

    Example:
        >>> Synthesis()(torch.zeros(1, 120, 4, 8), torch.zeros(1, 96, 4, 8), torch.tensor([0.5])).shape
        torch.Size([1, 3, 32, 64])
    """

    def __init__(self, blocks: int = 2) -> None:
        super().__init__()
        self.transform, self.log_step = LappedSynthesis(), QualityTable(CHANNELS, _log_steps())
        self.correction = _Correction(CHANNELS + STATE, blocks)
        self.post_first, self.post_quality = nn.Conv2d(12, POST, 3, padding=1), QualityTable(POST)
        self.post_middle, self.post_last = nn.Conv2d(POST, POST, 3, padding=1), nn.Conv2d(POST, 12, 3, padding=1)
        nn.init.zeros_(self.post_last.weight)
        nn.init.zeros_(self.post_last.bias)  # type: ignore[arg-type]

    def forward(self, values: Tensor, state: Tensor, quality: Tensor) -> Tensor:
        """Returns (n, 3, 8 h, 8 w).

        Args:
            values: (n, CHANNELS, h, w), what the context model coded.
            state: (n, STATE, h, w), what it knew.
            quality: (n,) in [0, 1].
        """
        y = values + self.correction(torch.cat([torch.asinh(values), state], dim=1), quality)
        x = self.transform(y * self.log_step(quality).exp()).float()
        hidden = F.relu(self.post_first(F.pixel_unshuffle(x / 64, 2)) + self.post_quality(quality))
        hidden = self.post_last(F.relu(self.post_middle(hidden))).float()
        return x + 128.0 + 16 * F.pixel_shuffle(hidden, 2)
