"""Convolutional blocks for signals (1-D) and images (2-D) whose output size is known exactly."""

from __future__ import annotations

__all__ = ["ConvBlock", "down_size", "links"]

import math
from typing import Any

import torch
from torch import Tensor, nn

from latente.nn.activations import activation as make_activation
from latente.nn.initialisation import initialise
from latente.nn.normalisation import normalisation as make_normalisation

CONV: dict[int, Any] = {1: nn.Conv1d, 2: nn.Conv2d}
TRANSPOSED: dict[int, Any] = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d}


def down_size(size: tuple[int, ...], stride: tuple[int, ...]) -> tuple[int, ...]:
    """Returns the size after a strided convolution with an odd kernel and half-kernel padding: ceil(size / stride)."""
    return tuple(-(-length // step) for length, step in zip(size, stride, strict=True))


def links(small: tuple[int, ...], large: tuple[int, ...], stride: tuple[int, ...], kernel_size: int) -> int:
    """Returns how many pairs of a small and a large position a strided convolution connects.

    Taps that fall on the padding connect nothing: of a 3 x 3 kernel on an image of height 1 only three do.

    Example:
        >>> links((2,), (4,), stride=(2,), kernel_size=3), links((1, 7), (1, 7), stride=(1, 1), kernel_size=3)
        (5, 19)
    """
    half = kernel_size // 2
    return math.prod(
        sum(min(i * step + half, b - 1) - max(i * step - half, 0) + 1 for i in range(a))
        for a, b, step in zip(small, large, stride, strict=True)
    )


class ConvBlock(nn.Module):
    """Convolution -> normalisation -> activation that maps one known size to another.

    Going down (`out_size` = ceil(in_size / stride)) it is a strided convolution. Going up it is the mirror: a
    transposed convolution, or a nearest-neighbour upsampling followed by a convolution (no checkerboards; Odena et al.,
    2016).

    Args:
        in_channels: channels of the input (batch, in_channels, *in_size).
        out_channels: channels of the output (batch, out_channels, *out_size).
        in_size: height and width, or length, of the input.
        out_size: the same of the output.
        kernel_size: odd.
        up: whether the block goes up.
        upsample: "transposed" or "nearest".
        activation: the name of the activation.
        normalization: "batch", "layer" or None.

    Example:
        >>> block = ConvBlock(1, 4, in_size=(7, 7), out_size=(4, 4), activation="relu")
        >>> block(torch.zeros(2, 1, 7, 7)).shape
        torch.Size([2, 4, 4, 4])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        in_size: tuple[int, ...],
        out_size: tuple[int, ...],
        kernel_size: int = 3,
        up: bool = False,
        upsample: str = "transposed",
        activation: str = "identity",
        normalization: str | None = None,
    ) -> None:
        super().__init__()
        self.out_size = out_size if up and upsample == "nearest" else None
        self.dimensions = len(in_size)
        small, large = (in_size, out_size) if up else (out_size, in_size)
        stride = tuple(-(-b // a) if a < b else 1 for a, b in zip(small, large, strict=True))
        padding = kernel_size // 2
        if up and upsample == "transposed":
            extra = tuple(b - ((a - 1) * s + 1) for a, b, s in zip(small, large, stride, strict=True))
            self.conv: nn.modules.conv._ConvNd = TRANSPOSED[self.dimensions](
                in_channels, out_channels, kernel_size, stride, padding, output_padding=extra
            )
            source, target = small, large
        else:
            stride = (1,) * self.dimensions if up else stride
            self.conv = CONV[self.dimensions](in_channels, out_channels, kernel_size, stride, padding)
            small, source, target = out_size, large, out_size
        pairs = links(small, large, stride, kernel_size)
        initialise(
            self.conv, activation, in_channels * pairs / math.prod(target), out_channels * pairs / math.prod(source)
        )
        self.norm = make_normalisation(normalization, out_channels, self.dimensions)
        self.activation = make_activation(activation)
        if self.dimensions == 2:
            self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x: Tensor) -> Tensor:
        if self.dimensions == 2:
            x = x.contiguous(memory_format=torch.channels_last)
        if self.out_size is not None:
            x = nn.functional.interpolate(x, self.out_size, mode="nearest")
        x = self.conv(x)
        return self.activation(x if self.norm is None else self.norm(x))
