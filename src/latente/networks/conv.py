"""Convolutional encoder and decoder for images and signals of any size."""

from __future__ import annotations

__all__ = ["Conv"]

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from torch import nn

from latente.networks.base import Network, positive_integers
from latente.nn import ConvBlock, dense_block
from latente.nn.conv import down_size
from latente.parts import is_integer


@dataclass
class Conv(Network, name="conv"):
    """Strided convolutions, then fully connected layers to the code; the decoder is the mirror.

    Every convolution halves height and width (rounding up) until they are small; odd sizes and any number of channels
    are planned from the sample shape, and the decoder returns exactly that shape.

    Args:
        channels: channels after each strided convolution.
        hidden_features: widths of fully connected layers between the convolutions and the code.
        kernel_size: odd.
        activation: the name of the hidden units' activation.
        normalization: "batch", "layer" or None.
        upsample: "transposed" (transposed convolutions) or "nearest" (upsampling, then a convolution).

    Example:
        >>> encoder, decoder = Conv((8, 16)).build((3, 27, 31), latent_dim=4, features=4)
        >>> import torch
        >>> decoder(encoder(torch.zeros(2, 3, 27, 31))).shape
        torch.Size([2, 3, 27, 31])
    """

    variadic = True
    channels: Sequence[int] = (32, 64)
    hidden_features: Sequence[int] = (256,)
    kernel_size: int = 3
    activation: str = "silu"
    normalization: str | None = None
    upsample: str = "transposed"

    def build(self, sample_shape: tuple[int, ...], latent_dim: int, features: int) -> tuple[nn.Module, nn.Module]:
        self._check(sample_shape)
        plan = self._plan(sample_shape)
        hidden = positive_integers("Conv: hidden_features", self.hidden_features)
        encoder = [self._conv_block(a, b, up=False) for a, b in pairwise(plan)]
        decoder = [self._conv_block(b, a, up=True, last=a is plan[0]) for a, b in reversed(list(pairwise(plan)))]
        widths = (math.prod(plan[-1]), *hidden)
        dense_down = [dense_block(a, b, self.activation) for a, b in pairwise(widths)]
        dense_up = [dense_block(b, a, self.activation) for a, b in reversed(list(pairwise(widths)))]
        dense_down.append(dense_block(widths[-1], features))
        dense_up.insert(0, dense_block(latent_dim, widths[-1], self.activation))
        dense_down[0] = nn.Sequential(nn.Flatten(), *dense_down[0])
        dense_up[-1] = nn.Sequential(*dense_up[-1], nn.Unflatten(1, plan[-1]))
        return nn.Sequential(*encoder, *dense_down), nn.Sequential(*dense_up, *decoder)

    def _plan(self, sample_shape: tuple[int, ...]) -> list[tuple[int, ...]]:
        """Returns the shape (channels, *size) before the first and after every convolution."""
        plan = [sample_shape]
        for channels in positive_integers("Conv: channels", self.channels):
            size = plan[-1][1:]
            stride = tuple(2 if length >= 4 else 1 for length in size)
            plan.append((channels, *down_size(size, stride)))
        return plan

    def _conv_block(
        self, source: tuple[int, ...], target: tuple[int, ...], *, up: bool, last: bool = False
    ) -> ConvBlock:
        return ConvBlock(
            source[0],
            target[0],
            in_size=source[1:],
            out_size=target[1:],
            kernel_size=int(self.kernel_size),
            up=up,
            upsample=self.upsample,
            activation="identity" if last else self.activation,
            normalization=None if last else self.normalization,
        )

    def _check(self, sample_shape: tuple[int, ...]) -> None:
        if len(sample_shape) not in (2, 3):
            raise ValueError(
                f"Conv needs images or signals; got samples of shape {sample_shape}. For rows of a table that are "
                f"signals pass data=DataSpec(kind='signal'); for flattened pictures data=DataSpec(kind='image', "
                f"shape=(height, width)); else use network='mlp'"
            )
        if not is_integer(self.kernel_size, low=1) or self.kernel_size % 2 == 0:
            raise ValueError(f"Conv: kernel_size must be odd and positive; got {self.kernel_size!r}")
        if self.upsample not in ("transposed", "nearest"):
            raise ValueError(f"Conv: upsample must be 'transposed' or 'nearest'; got {self.upsample!r}")
        if not positive_integers("Conv: channels", self.channels):
            raise ValueError("Conv: channels must name at least one convolution; use network='mlp' for none")
