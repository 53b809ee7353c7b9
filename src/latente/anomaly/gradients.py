"""Pictures as histograms of the directions in which they change."""

from __future__ import annotations

__all__ = ["gradient_shape", "halved", "oriented_gradients"]

import math

import torch
from torch import Tensor, nn

DIRECTIONS, CELL, FEWEST = 8, 6, 2
BLUR = (0.25, 0.5, 0.25)  # before differences are taken
CONTRAST = 0.2  # of a cell, in standard deviations of the pixels: far weaker ones are weak in the histogram too
AT_ONCE = 1 << 21  # pixels
SMALL = 16  # pixels; shorter pictures keep their resolution


def halved(x: Tensor) -> Tensor:
    """Returns pictures (n, channels, h, w) at half their resolution, means of 2 x 2 pixels; those below 16 as they are.

    Example:
        >>> halved(torch.ones(1, 3, 17, 16)).shape, halved(torch.ones(1, 3, 8, 30)).shape
        (torch.Size([1, 3, 9, 8]), torch.Size([1, 3, 8, 30]))
    """
    return x if min(x.shape[2:]) < SMALL else nn.functional.avg_pool2d(x, 2, ceil_mode=True)


def gradient_shape(height: int, width: int) -> tuple[int, int, int]:
    """Returns the shape of one picture's histograms: (8, cells down, cells across), cells of about 6 x 6 pixels.

    Args:
        height: in pixels.
        width: in pixels.

    Example:
        >>> gradient_shape(28, 64)
        (8, 5, 11)
    """
    return DIRECTIONS, max(FEWEST, round(height / CELL)), max(FEWEST, round(width / CELL))


def oriented_gradients(x: Tensor) -> Tensor:
    """Returns (n, 8, cells down, cells across): how strongly the brightness rises in each of 8 directions.

    With g the gradient of the mean over channels (central differences of the picture smoothed by [1 2 1] / 4 each way)
    and e_k the unit vector at k 45 degrees, h_k is the mean over the cell of |g| max(0, cos(g, e_k))^3, divided by
    sqrt(sum_k h_k^2 + 0.2^2): what is left is the shape of edges more than their strength. Source: Dalal, Triggs
    (2005), "Histograms of oriented gradients for human detection", of which this is a smooth form.

    Args:
        x: (n, channels, h, w), in standard deviations of the pixels.

    Example:
        >>> ramp = torch.arange(8.0).expand(1, 1, 8, 8)  # brighter to the right
        >>> oriented_gradients(ramp)[0, :, 0, 0].round(decimals=2)
        tensor([0.8700, 0.3100, 0.0000, 0.0000, 0.0000, 0.0000, 0.0000, 0.3100])
    """
    pieces = x.split(max(1, AT_ONCE // x[0].numel()))
    return torch.cat([_histograms(piece.mean(1, keepdim=True)) for piece in pieces])


def _histograms(x: Tensor) -> Tensor:
    """Returns those of pictures (n, 1, h, w)."""
    right, down = _gradient(x)
    length = (right.square() + down.square()).sqrt()
    cells = gradient_shape(*x.shape[2:])[1:]
    angles = [2 * math.pi * k / DIRECTIONS for k in range(DIRECTIONS)]
    found = []
    for angle in angles:
        along = (right * math.cos(angle) + down * math.sin(angle)).clamp(min=0)
        found.append(nn.functional.adaptive_avg_pool2d(along * (along / length.clamp(min=1e-6)).square(), cells))
    histograms = torch.cat(found, 1)
    return histograms / (histograms.square().sum(1, keepdim=True) + CONTRAST**2).sqrt()


def _gradient(x: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the derivatives to the right and down of smoothed pictures (n, 1, h, w), the edges repeated."""
    padded = nn.functional.pad(x, (2, 2, 2, 2), mode="replicate")
    a, b, c = BLUR
    rows = a * padded[:, :, :-2] + b * padded[:, :, 1:-1] + c * padded[:, :, 2:]
    smooth = a * rows[..., :-2] + b * rows[..., 1:-1] + c * rows[..., 2:]
    right = (smooth[:, :, 1:-1, 2:] - smooth[:, :, 1:-1, :-2]) / 2
    down = (smooth[:, :, 2:, 1:-1] - smooth[:, :, :-2, 1:-1]) / 2
    return right, down
