"""What a denoiser is trained on: clean samples, pairs of noisy ones, or single noisy ones."""

from __future__ import annotations

__all__ = ["GRID", "WAYS", "Restoration", "check_level", "from_neighbours", "hide", "is_blind", "neighbour_mean"]

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from latente.corruptions import Bounds, Compose, GaussianNoise, resolve_corruption
from latente.objectives import Batch, Losses, Objective, Progress
from latente.parts import is_number

WAYS = ("clean", "noise2noise", "noise2self")
GRID = 4  # one in GRID positions along each axis is hidden at a time


@dataclass
class Restoration(Objective, name="restoration"):
    """loss = ||f(noisy) - target||^2 w, summed over the elements of a sample; w = 1 unless there is a floor.

    - "clean": noisy is the corrupted target. Source: Vincent, Larochelle, Bengio, Manzagol (2008), "Extracting and
      composing robust features with denoising autoencoders".
    - "noise2noise": noisy and target are two noisy copies of one thing; where the noise has mean 0, the best f is that
      for clean targets. Source: Lehtinen et al. (2018), "Noise2Noise".
    - "noise2self": positions on a grid are replaced by the mean of their neighbours, and only there the sum is taken,
      against their own noisy values; where noise is independent between positions, f cannot learn it. Source: Batson,
      Royer (2019), "Noise2Self".

    Args:
        way: which.
        noise: the corruption of "clean", in units of scaled data.
        floor: with "clean", weighs samples by w = floor / (floor + e), e the mean square of the noise that a sample
            got. For noise of many levels: otherwise the strongest, whose errors are largest, decide nearly alone. None
            weighs all alike.

    Example:
        >>> x, other = torch.zeros(1, 1, 4), torch.ones(1, 1, 4)  # two noisy copies of a signal
        >>> Restoration("noise2noise")(torch.nn.Identity().eval(), Batch(x, other), Progress()).loss
        tensor([4.])
    """

    way: str = "clean"
    noise: Any = "gaussian:0.1"
    floor: float | None = None

    def __call__(self, module: Any, batch: Batch, progress: Progress) -> Losses:
        generator = module.generator if module.training else torch.Generator(batch.x.device).manual_seed(0)
        noisy, weight = batch.x, None
        if self.way == "clean":
            corruption = resolve_corruption(self.noise)
            noisy = batch.x if corruption is None else corruption(batch.x, generator, module.bounds)
        elif self.way == "noise2self":
            offsets = torch.randint(GRID, (batch.x.ndim - 2,), generator=generator, device=batch.x.device)
            weight, noisy = hide(batch.x, offsets.tolist())
        error = (module(noisy).float() - batch.target).square()
        if weight is not None:  # scaled to all positions, so that losses compare
            error = error * weight * (weight.numel() / weight.sum().clamp(min=1))
        loss = error.flatten(1).sum(1)
        if self.way == "clean" and self.floor is not None:
            energy = (noisy - batch.target).square().flatten(1).mean(1)
            loss = loss * (self.floor / (self.floor + energy))
        zero = torch.zeros_like(loss)
        return Losses(loss, loss, zero, zero)


def is_blind(noise: Any) -> bool:
    """Returns whether a noise has a range of levels, so that a network for it cannot know the level.

    Args:
        noise: a corruption or a short string; of a `Compose`, whether one of them has.

    Example:
        >>> is_blind("gaussian:0.1..0.5"), is_blind("masking:0.2+gaussian:0.1"), is_blind(None)
        (True, False, False)
    """
    part = resolve_corruption(noise)
    if isinstance(part, Compose):
        return any(is_blind(inner) for inner in part.corruptions)
    return part is not None and any(_is_range(value) for value in part.get_params().values())


def _is_range(value: Any) -> bool:
    return isinstance(value, (tuple, list)) and len(value) == 2 and all(is_number(end) for end in value)


def check_level(noise: Any, bounds: Bounds) -> None:
    """Raises ValueError for Gaussian noise whose sigma is wider than the range of scaled data.

    Articles write sigma in units of bytes, 25 of 255; here it is in units of scaled data, 25 / 255 of a range of 1.

    Args:
        noise: a corruption or a short string; those of a `Compose` are looked at one by one.
        bounds: of scaled data; None, for data without any, allows every sigma.
    """
    part = resolve_corruption(noise)
    if isinstance(part, Compose):
        for inner in part.corruptions:
            check_level(inner, bounds)
    if bounds is None or not isinstance(part, GaussianNoise):
        return
    levels = part.sigma if isinstance(part.sigma, (tuple, list)) else (part.sigma,)
    if max(levels) > bounds[1] - bounds[0]:
        given, scaled = (
            "..".join(f"{level / unit:.4g}" for level in levels) for unit in (1, 255 / (bounds[1] - bounds[0]))
        )
        raise ValueError(
            f"noise 'gaussian:{given}' is wider than the data, which is scaled to [{bounds[0]:g}, {bounds[1]:g}], the "
            f"units of sigma; if {given} is meant in units of 255, as articles write it, it is 'gaussian:{scaled}' here"
        )


def from_neighbours(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Returns for each position what the function makes of x without that position: a function that cannot copy noise.

    Args:
        function: (batch, channels, *size) -> the same shape.
        x: (batch, channels, *size).
    """
    means, result = neighbour_mean(x), torch.zeros_like(x)
    for offsets in itertools.product(range(GRID), repeat=x.ndim - 2):
        hidden, without = hide(x, offsets, means)
        result = torch.where(hidden, function(without).to(x), result)
    return result


def hide(x: Tensor, offsets: Sequence[int], means: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Returns which positions of x are hidden, booleans of its shape, and x with their neighbours' means there.

    Args:
        x: (batch, channels, *size).
        offsets: where the grid of hidden positions begins along each axis, from 0 to GRID - 1.
        means: `neighbour_mean(x)`, where it is at hand.
    """
    hidden = _grid(x, offsets)
    return hidden, torch.where(hidden, neighbour_mean(x) if means is None else means, x)


def neighbour_mean(x: Tensor) -> Tensor:
    """Returns the weighted mean of each position's nearest neighbours (not itself) in x (batch, channels, *size).

    In two dimensions the four that share a side count 1, the four at the corners 1/2. Beyond the edges there are none:
    an edge that was repeated would give a position on it its own value back. Without any neighbour the mean is 0.
    """
    kernel = x.new_tensor([1.0, 0.0, 1.0] if x.ndim == 3 else [[0.5, 1.0, 0.5], [1.0, 0.0, 1.0], [0.5, 1.0, 0.5]])
    channels, dimensions = x.shape[1], x.ndim - 2
    convolve = F.conv1d if dimensions == 1 else F.conv2d
    sums = convolve(x, kernel.expand(channels, 1, *kernel.shape), padding=1, groups=channels)
    counts = convolve(torch.ones_like(x[:1, :1]), kernel[None, None], padding=1)
    return sums / counts.clamp(min=0.5)


def _grid(x: Tensor, offsets: Sequence[int]) -> Tensor:
    """Returns booleans of x's shape: True at one in GRID positions along each axis, counted from the offsets."""
    grid = torch.ones((), dtype=torch.bool, device=x.device)
    for i, length in enumerate(x.shape[2:]):
        on = (torch.arange(length, device=x.device) + offsets[i]) % GRID == 0
        grid = grid[..., None] & on
    return grid.expand(x.shape)
