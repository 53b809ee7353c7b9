"""The network that tells mean and scale of each pixel, as it is trained: floating point, rounded as the integers are.

For each step of a level: windows of known pixels less the average of the four nearest go through two hidden layers and,
for the mean, a linear path. Colour differences see what the brightness, and the one before, turned out to be.
"""

from __future__ import annotations

__all__ = ["Bits", "LosslessModule", "StepNetwork", "rounded"]

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from latente.codec.images.logistic import logistic_bits
from latente.codec.images.lossless.lattice import LEVELS, STEPS, Step, phase_slices
from latente.codec.images.lossless.units import ACTIVATION, GAIN, SLOW, UNIT, WEIGHT
from latente.objectives import Batch, Losses, Objective, Progress

LOWEST, HIGHEST = -4.0, 6.0  # log2 of the scales


def rounded(x: Tensor) -> Tensor:
    """Returns whole numbers with the gradient of x."""
    return x + (torch.round(x) - x).detach()


def _weights(w: Tensor) -> Tensor:
    """Weights as the integers will have them: WEIGHT steps to the largest of each unit."""
    step = w.detach().flatten(1).abs().amax(1).clamp(min=1e-9) / WEIGHT
    step = step.view(-1, *[1] * (w.ndim - 1))
    return rounded(w / step) * step


def _activation(x: Tensor) -> Tensor:
    return rounded(x.clamp(0, 1) * ACTIVATION) / ACTIVATION


class _Dense(nn.Module):
    """Units that each see all channels of a position, with rounded weights."""

    def __init__(self, inputs: int, outputs: int, std: float | None = None) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 1, 1) * (std or math.sqrt(2 / inputs)))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, _weights(self.weight), self.bias)


class StepNetwork(nn.Module):
    """Of one step.

    Args:
        step: of the level.
        colours: 1 or 3.
        width: hidden units.
        spike: whether one value of the brightness has a probability of its own.
        positions: (rows, columns) of the grid when every place has biases of its own.
    """

    def __init__(
        self, step: Step, colours: int, width: int, spike: bool, positions: tuple[int, int] | None = None
    ) -> None:
        super().__init__()
        self.step, self.colours = step, colours
        taps = sum(math.prod(w.shape) for w in step.windows)
        self.windows = nn.ParameterList(
            torch.randn(width, colours, *w.shape) / math.sqrt(taps * colours) for w in step.windows
        )
        self.direct = nn.ParameterList(torch.zeros(colours, colours, *w.shape) for w in step.windows)
        self.bias = nn.Parameter(torch.full((width,), 0.1))
        self.places = None if positions is None else nn.Parameter(torch.zeros(width, *positions))
        self.second = _Dense(width, width)
        self.heads = nn.ModuleList([_Dense(width, 3 if spike else 2, 0.01)])
        self.hidden = nn.ModuleList()
        self.slopes = nn.ParameterList()
        for c in range(1, colours):
            self.hidden.append(_Dense(width + 2 * c, width // 2))
            self.heads.append(_Dense(width // 2, 2, 0.01))
            self.slopes.append(torch.zeros(c))

    def _padded(self, known: list[Tensor]) -> tuple[list[Tensor], Tensor]:
        """Returns each window's phase with as many rows and columns more as the window needs, and the average."""
        padded = []
        for window, plane in zip(self.step.windows, known, strict=True):
            (top, bottom), (left, right) = window.rows, window.columns
            padded.append(F.pad(plane, (-left, right, -top, bottom), mode="replicate"))
        rows, columns = known[0].shape[-2:]
        near = [padded[k][..., i : i + rows, j : j + columns] for k, i, j in self.step.nearest]
        return padded, torch.floor((torch.stack(near).sum(0) + 2) / 4)

    @torch.no_grad()
    def start(self, known: list[Tensor], target: Tensor) -> None:
        """Sets the linear path to the least squares solution.

        Args:
            known: as in `seen`.
            target: (n, colours, rows, columns).
        """
        padded, average = self._padded(known)
        rows, columns = average.shape[-2:]
        parts = [
            (plane[..., i : i + rows, j : j + columns] - average).movedim(1, 0).flatten(1)
            for window, plane in zip(self.step.windows, padded, strict=True)
            for i in range(window.shape[0])
            for j in range(window.shape[1])
        ]
        a, b = torch.cat(parts).double(), (target - average).movedim(1, 0).flatten(1).double()
        ridge = torch.eye(len(a), dtype=torch.float64) * 4 * a.shape[1] ** 0.5
        solved = torch.linalg.solve(a @ a.T + ridge, a @ b.T).T / SLOW  # (colours, taps * colours)
        solved = solved.view(self.colours, -1, self.colours).transpose(1, 2).float()
        sizes = [math.prod(w.shape) for w in self.step.windows]
        for direct, piece in zip(self.direct, solved.split(sizes, dim=2), strict=True):
            direct.copy_(piece.reshape(direct.shape))

    def seen(self, known: list[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Returns the hidden layer, the linear means, and the average of the four nearest pixels.

        Args:
            known: (n, colours, rows, columns) of each window's phase, whole numbers.
        """
        padded, average = self._padded(known)
        hidden, linear = self.bias[:, None, None], average
        if self.places is not None:
            hidden = hidden + self.places
        for w, d, plane in zip(self.windows, self.direct, padded, strict=True):
            w, d = _weights(w) / UNIT, SLOW * d
            hidden = hidden + F.conv2d(plane, w) - F.conv2d(average, w.sum((2, 3), keepdim=True))
            linear = linear + F.conv2d(plane, d) - F.conv2d(average, d.sum((2, 3), keepdim=True))
        return _activation(hidden), linear, average

    def forward(self, known: list[Tensor], target: Tensor, spike: float | None = None) -> Tensor:
        """Returns the bits (n, rows, columns) that pixels cost.

        Args:
            known: as in `seen`.
            target: (n, colours, rows, columns).
            spike: the value of the brightness that has a probability of its own.
        """
        hidden, linear, _ = self.seen(known)
        hidden = _activation(self.second(hidden))
        out = self.heads[0](hidden)
        mean, total = linear[:, 0] + out[:, 0], self._cost(target[:, 0], linear[:, 0] + out[:, 0], out[:, 1])
        if spike is not None:
            is_spike = target[:, 0] == spike
            flag = F.softplus(torch.where(is_spike, -out[:, 2], out[:, 2])) / math.log(2)
            total = flag + torch.where(is_spike, 0.0, total)
        errors: list[Tensor] = []
        for c in range(1, self.colours):
            error = (target[:, c - 1] - torch.round(mean)).detach()
            errors.append(error)
            features = [f for e in errors for f in (e, (e * GAIN).clamp(-255, 255))]
            more = torch.stack(features, dim=1) / ACTIVATION
            mine = _activation(self.hidden[c - 1](torch.cat([hidden, more], dim=1)))
            out = self.heads[c](mine)
            slope = sum(k * e for k, e in zip(self.slopes[c - 1], errors, strict=True))
            mean = linear[:, c] + out[:, 0] + slope
            total = total + self._cost(target[:, c], mean, out[:, 1])
        return total

    def _cost(self, target: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
        return logistic_bits(target - mean, (scale.clamp(LOWEST, HIGHEST) * math.log(2)).exp())


class LosslessModule(nn.Module):
    """Networks of all steps; levels from the third on share theirs.

    Args:
        colours: 1 or 3.
        width: hidden units.
        sets: of networks; the last serves all coarser levels.
        spike: a value of the brightness with a probability of its own, or None.
        size: (height, width) of all pictures when each place has biases of its own.

    Example:
        >>> LosslessModule(width=8)(torch.zeros(2, 3, 64, 64)).shape
        torch.Size([2])
    """

    generator: torch.Generator | None = None

    def __init__(
        self, colours: int = 3, width: int = 64, sets: int = 3, spike: int | None = None,
        size: tuple[int, int] | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.colours, self.width, self.sets, self.spike, self.size = colours, width, sets, spike, size
        self.networks = nn.ModuleList()
        for k in range(sets):
            grid = None if size is None else (-(-size[0] // (2 << k)), -(-size[1] // (2 << k)))
            self.networks.extend(StepNetwork(step, colours, width, spike is not None, grid) for step in STEPS)

    def forward(self, x: Tensor) -> Tensor:
        """Returns the bits (n,) that pictures cost, but for every 32nd pixel of every 32nd row.

        Args:
            x: (n, colours, height, width), whole numbers.
        """
        total = x.new_zeros(len(x))
        for level in range(LEVELS):
            for k, step in enumerate(STEPS):
                known, target, (rows, columns) = seen_and_wanted(x, step, 2 << level)
                if rows and columns:
                    network = self.networks[min(level, self.sets - 1) * len(STEPS) + k]
                    bits = network(known, target, self.spike)
                    total = total + bits[..., :rows, :columns].flatten(1).sum(1)
        return total

    def start(self, x: Tensor) -> None:
        """Sets the linear paths to what is best without hidden units.

        Args:
            x: some pictures, as in `forward`.
        """
        for k, network in enumerate(self.networks):
            known, target, _ = seen_and_wanted(x, STEPS[k % len(STEPS)], 2 << (k // len(STEPS)))
            network.start(known, target)  # type: ignore[operator]


def seen_and_wanted(x: Tensor, step: Step, distance: int) -> tuple[list[Tensor], Tensor, tuple[int, int]]:
    """Returns a step's known phases and pixels on the same grid, and how many of its rows and columns are real.

    Args:
        x: (n, colours, height, width).
        step: of a level.
        distance: that the level halves.
    """
    base = x[(..., *phase_slices((0, 0), distance))]
    target = x[(..., *phase_slices(step.phase, distance))]
    known = [_filled(x[(..., *phase_slices(p, distance))], base) for p in step.known]
    return known, _filled(target, base), (target.shape[-2], target.shape[-1])


def _filled(plane: Tensor, base: Tensor) -> Tensor:
    """A phase's pixels on the whole grid: where a picture ends before them the last ones are repeated."""
    if not plane.numel():
        return base
    rows, columns = base.shape[-2] - plane.shape[-2], base.shape[-1] - plane.shape[-1]
    return F.pad(plane, (0, columns, 0, rows), mode="replicate")


@dataclass
class Bits(Objective, name="lossless_bits"):
    """Bits that pictures cost, per pixel; samples are planes of whole numbers."""

    def __call__(self, module: Any, batch: Batch, progress: Progress) -> Losses:
        bits = module(batch.x)
        pixels = batch.x.shape[-1] * batch.x.shape[-2]
        nothing = torch.zeros_like(bits)
        return Losses(loss=bits / pixels, distortion=nothing, rate=bits * math.log(2), penalty=nothing)
