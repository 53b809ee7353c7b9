"""What the rest of a picture says of each of its squares."""

from __future__ import annotations

__all__ = ["Surroundings"]

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

SIDE, STRIDE = 5, 2  # of the squares, in pixels
RIDGE = 0.03  # added to the variances, relative to their mean
MOST = 10_000  # pictures that the covariance is of
AT_ONCE = 1 << 23  # values


@dataclass(frozen=True)
class Surroundings:
    """The normal distribution of pictures, in which each square of 5 x 5 pixels is predicted from all that is outside.

    With P the inverse covariance, d = x - mean and B the pixels of a square, what its surroundings leave unexplained is
    e_B = (P_BB)^-1 (P d)_B: the square is taken out and filled in as the conditional mean, x_B - e_B. Squares begin
    every two pixels; a pixel gets the mean over those that contain it. A pixel alone would be predicted from its
    neighbours, which a defect changes like itself. Source: Anderson (2003), "An introduction to multivariate
    statistical analysis", section 2.5, for conditional normal distributions.

    Attributes:
        mean: (channels, h, w).
        precision: (values, values), P.
    """

    mean: Tensor
    precision: Tensor

    @staticmethod
    def of(x: Tensor) -> Surroundings:
        """Returns the distribution of pictures.

        0.03 times the mean variance is added to the variances, so that few pictures do and constant pixels can vary.

        Args:
            x: (n, channels, h, w), scaled; at most 10,000 are looked at.
        """
        flat = x[:MOST].flatten(1).double()
        mean = flat.mean(0)
        covariance = (flat - mean).T @ (flat - mean) / len(flat)
        level = covariance.diagonal().mean()
        covariance.diagonal().add_(RIDGE * level if level > 0 else 1.0)
        return Surroundings(mean.float().view(x.shape[1:]), torch.linalg.inv(covariance).float().contiguous())

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the mean squared e and the mean of the filled-in pictures, (n, channels, h, w) each, in float64.

        Args:
            x: (n, channels, h, w), scaled.
        """
        pieces = x.split(max(1, AT_ONCE // len(self.precision)))
        found = [self._of_some(piece) for piece in pieces]
        squared, left = (torch.cat(parts).view(x.shape) for parts in zip(*found, strict=True))
        return squared, x.double() - left

    def _of_some(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Returns e^2 and e of pictures, means over squares, (n, values) each."""
        precision = self.precision.double()
        pulled = (x.double() - self.mean.double()).flatten(1) @ precision
        squared, left, count = torch.zeros_like(pulled), torch.zeros_like(pulled), torch.zeros(pulled.shape[1])
        for own in self._squares():
            e = torch.linalg.solve(precision[own[:, None], own], pulled[:, own].T).T
            squared[:, own] += e.square()
            left[:, own] += e
            count[own] += 1
        return squared / count, left / count

    def _squares(self) -> Iterator[Tensor]:
        """Yields the indices of each square's values, all channels of its pixels."""
        places = torch.arange(self.mean.numel()).view(self.mean.shape)
        starts = (sorted({*range(0, max(1, n - SIDE + 1), STRIDE), max(0, n - SIDE)}) for n in self.mean.shape[1:])
        for i, j in itertools.product(*starts):
            yield places[:, i : i + SIDE, j : j + SIDE].flatten()
