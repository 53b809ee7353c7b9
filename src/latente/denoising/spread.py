"""A prediction from the neighbours and the noisy value itself, weighted by their variances."""

from __future__ import annotations

__all__ = ["Spread"]

from dataclasses import dataclass

import torch
from torch import Tensor

BINS = 64
PRIOR = 32.0  # values that a bin has of the whole's mean, so that a few do not decide
TAIL = 0.001  # of the predictions, on each side, share the outer bins


@dataclass(frozen=True)
class Spread:
    """How far noisy values x lie from predictions f that did not see them: E[(x - f)^2 | f], a table over f.

    Where noise has variance s^2 and is independent of f, this is s^2 + v(f), v what the prediction misses of the clean
    value. So v is known without anything clean, and with it the weights of the prediction and of the noisy value: large
    where a prediction is unsure, as between the black and the white of a stroke, and 0 where it is as sure as can be.

    Attributes:
        edges: (bins - 1,), rising: where one bin of predictions ends and the next begins.
        squares: (bins,) the mean square in each.

    Example:
        >>> spread = Spread((0.5,), (1.0, 4.0))  # v = 0 below 0.5, 3 above, where the noise has variance 1
        >>> spread.combined(torch.tensor([0.0, 1.0]), torch.tensor([2.0, 3.0]), 1.0)
        tensor([0.0000, 2.5000])
    """

    edges: tuple[float, ...]
    squares: tuple[float, ...]

    def __post_init__(self) -> None:
        rising = all(a <= b for a, b in zip(self.edges, self.edges[1:], strict=False))
        if len(self.squares) != len(self.edges) + 1 or not rising or not all(s >= 0 for s in self.squares):
            raise ValueError("a Spread needs rising edges and, of one more bin, mean squares of at least 0")

    @classmethod
    def of(cls, predicted: Tensor, noisy: Tensor) -> Spread:
        """Returns the table of pairs.

        Args:
            predicted: (n,) predictions, each made without its noisy value.
            noisy: (n,) those values.
        """
        values, tail = predicted.double().sort().values, int(TAIL * len(predicted))
        edges = torch.linspace(float(values[tail]), float(values[-1 - tail]), BINS - 1, dtype=torch.float64)
        index = torch.bucketize(predicted.double(), edges)
        squares = (noisy.double() - predicted.double()).square()
        counts = torch.bincount(index, minlength=BINS)
        sums = torch.bincount(index, squares, minlength=BINS)
        return cls(tuple(edges.tolist()), tuple(((sums + PRIOR * squares.mean()) / (counts + PRIOR)).tolist()))

    def combined(self, predicted: Tensor, noisy: Tensor, variance: float | Tensor) -> Tensor:
        """Returns f + v / (v + s^2) (x - f): the mean of the clean value, given both, were all of it Gaussian.

        Source: Laine, Karras, Lehtinen, Aila (2019), "High-quality self-supervised deep image denoising".

        Args:
            predicted: f, any shape.
            noisy: x, the same shape.
            variance: s^2 of the noise, above 0; one number, or a tensor that fits the shape.
        """
        edges = torch.tensor(self.edges, device=predicted.device)
        squares = torch.tensor(self.squares, device=predicted.device)[torch.bucketize(predicted, edges)]
        missed = (squares - variance).clamp(min=0)
        return predicted + missed / (missed + variance) * (noisy - predicted)
