"""Convolutional blocks for signals (1-D) and images (2-D) whose output size is known exactly."""

from __future__ import annotations

__all__ = ["ConvBlock", "down_size"]

import math

import torch
from torch import Tensor, nn

from latente.nn.activations import activation as make_activation
from latente.nn.initialisation import initialise
from latente.nn.normalisation import normalisation as make_normalisation

CONV = {1: nn.Conv1d, 2: nn.Conv2d}
TRANSPOSED = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d}


def down_size(size: tuple[int, ...], stride: tuple[int, ...]) -> tuple[int, ...]:
    """Returns the size after a strided convolution with an odd kernel and half-kernel padding: ceil(size / stride)."""
    return tuple(-(-length // step) for length, step in zip(size, stride, strict=True))


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
        taps = kernel_size**self.dimensions
        if up and upsample == "transposed":
            extra = tuple(b - ((a - 1) * s + 1) for a, b, s in zip(small, large, stride, strict=True))
            self.conv: nn.modules.conv._ConvNd = TRANSPOSED[self.dimensions](
                in_channels, out_channels, kernel_size, stride, padding, output_padding=extra
            )
            overlap = taps / math.prod(stride)  # how many taps reach one output
            initialise(self.conv, activation, max(1, round(in_channels * overlap)), out_channels * taps)
        else:
            step = (1,) * self.dimensions if up else stride
            self.conv = CONV[self.dimensions](in_channels, out_channels, kernel_size, step, padding)
            initialise(self.conv, activation, in_channels * taps, max(1, out_channels * taps // math.prod(step)))
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
