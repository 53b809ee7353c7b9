"""A network from pictures or signals to pictures or signals of the same size, whatever that is."""

from __future__ import annotations

__all__ = ["UNet"]

import itertools
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

CONV: dict[int, Any] = {1: nn.Conv1d, 2: nn.Conv2d}
TRANSPOSED: dict[int, Any] = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d}


def fold(x: Tensor, factor: int) -> Tensor:
    """Moves every block of `factor` positions along each axis into channels: (b, c, n, m) -> (b, c f f, n/f, m/f)."""
    if x.ndim == 4:
        return F.pixel_unshuffle(x, factor)
    batch, channels, length = x.shape
    return x.reshape(batch, channels, length // factor, factor).transpose(2, 3).reshape(batch, channels * factor, -1)


def unfold(x: Tensor, factor: int) -> Tensor:
    """The inverse of `fold`."""
    if x.ndim == 4:
        return F.pixel_shuffle(x, factor)
    batch, channels, length = x.shape
    parts = x.reshape(batch, channels // factor, factor, length).transpose(2, 3)
    return parts.reshape(batch, channels // factor, length * factor)


class _Residual(nn.Module):
    """x + conv(silu(conv(x)))."""

    def __init__(self, width: int, dimensions: int) -> None:
        super().__init__()
        self.first = CONV[dimensions](width, width, 3, padding=1)
        self.second = CONV[dimensions](width, width, 3, padding=1)
        for layer in (self.first, self.second):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
        with torch.no_grad():
            self.second.weight.mul_(0.1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.silu(self.first(F.silu(x))))


class UNet(nn.Module):
    """x_hat = x + f(x), or f(x), where f sees x at several resolutions and begins as 0.

    Positions are folded into channels first, so that the widest layers work on few positions (Zhang, Zuo, Zhang 2018,
    "FFDNet"). Each level then halves the size, and on the way up the features of the way down are added (Ronneberger,
    Fischer, Brox 2015, "U-Net"). Sizes that do not divide are padded with their edge and cut again.

    Args:
        channels: of x (batch, channels, *size).
        dimensions: of the size: 1 for signals, 2 for images.
        width: channels of the first level; each further level has twice as many.
        levels: how many, each at half the size of the one before.
        blocks: residual blocks of a level, on each side.
        factor: how many positions along an axis are folded into channels.
        identity: whether x is added.
        outputs: channels of the result; None is as many as x has, and those that x is added to.

    Example:
        >>> UNet(3, width=8)(torch.zeros(1, 3, 30, 17)).shape
        torch.Size([1, 3, 30, 17])
    """

    def __init__(
        self,
        channels: int,
        dimensions: int = 2,
        width: int = 32,
        levels: int = 3,
        blocks: int = 1,
        factor: int = 2,
        identity: bool = True,
        outputs: int | None = None,
    ) -> None:
        super().__init__()
        if identity and outputs not in (None, channels):
            raise ValueError(f"x of {channels} channels cannot be added to {outputs}; pass identity=False")
        self.dimensions, self.blocks, self.factor, self.identity = dimensions, blocks, factor, identity
        self.multiple = factor * 2 ** (levels - 1)
        widths = [width * 2**level for level in range(levels)]
        folded = channels * factor**dimensions
        self.enter = CONV[dimensions](folded, width, 3, padding=1)
        self.leave = CONV[dimensions](width, (outputs or channels) * factor**dimensions, 3, padding=1)
        self.down = nn.ModuleList(CONV[dimensions](a, b, 2, stride=2) for a, b in itertools.pairwise(widths))
        self.up = nn.ModuleList(TRANSPOSED[dimensions](b, a, 2, stride=2) for a, b in itertools.pairwise(widths))
        self.descending = nn.ModuleList(self._level(wide, blocks) for wide in widths)
        self.ascending = nn.ModuleList(self._level(wide, blocks) for wide in widths[:-1])
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def _level(self, width: int, blocks: int) -> nn.Sequential:
        return nn.Sequential(*(_Residual(width, self.dimensions) for _ in range(blocks)))

    @property
    def reach(self) -> int:
        """How far, in positions, a value can act through the convolutions of the network, rounded up."""
        levels = (*range(len(self.descending)), *range(len(self.ascending)))
        convolutions = sum(2 * self.blocks * 2**level for level in levels)
        return self.factor * (convolutions + 2 + 2 ** len(self.down))

    def forward(self, x: Tensor) -> Tensor:
        """Returns x_hat (batch, channels or outputs, *size) for x (batch, channels, *size)."""
        size = x.shape[2:]
        missing = [-length % self.multiple for length in size]
        ends = [end for more in reversed(missing) for end in (0, more)]
        padded = F.pad(x, ends, mode="replicate") if any(missing) else x
        out = unfold(self._features(fold(padded, self.factor)), self.factor)
        out = padded + out if self.identity else out
        for axis, length in enumerate(size, start=2):
            out = out.narrow(axis, 0, length)
        return out

    def _features(self, x: Tensor) -> Tensor:
        x, kept = self.enter(x), []
        for i, level in enumerate(self.descending):
            x = level(x)
            if i < len(self.down):
                kept.append(x)
                x = self.down[i](x)
        for i in reversed(range(len(self.up))):
            x = self.ascending[i](self.up[i](x) + kept[i])
        return self.leave(x)
