"""A prediction from the neighbours and the noisy value itself, weighted by their variances."""

from __future__ import annotations

__all__ = ["Spread"]

import math
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
    def of(cls, predicted: Tensor, noisy: Tensor, repeats: float = 1.0) -> Spread:
        """Returns the table of pairs.

        Bins are drawn towards the mean of all: as if each had 32 values of it more, or, where bins differ no more than
        chance has it, so many that they differ by what is left (one-way analysis of variance).

        Args:
            predicted: (n,) predictions, each made without its noisy value.
            noisy: (n,) those values.
            repeats: how often each different value is among them, at least 1.
        """
        values, tail = predicted.double().sort().values, int(TAIL * len(predicted))
        edges = torch.linspace(float(values[tail]), float(values[-1 - tail]), BINS - 1, dtype=torch.float64)
        index = torch.bucketize(predicted.double(), edges)
        squares = (noisy.double() - predicted.double()).square()
        counts = torch.bincount(index, minlength=BINS).double() / repeats
        sums = torch.bincount(index, squares, minlength=BINS) / repeats
        prior = max(PRIOR, _values_of_the_whole(counts, sums, float(squares.square().sum() / repeats)))
        found = (sums / prior + squares.mean()) / (counts / prior + 1)  # prior may be infinite
        return cls(tuple(edges.tolist()), tuple(found.tolist()))

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


def _values_of_the_whole(counts: Tensor, sums: Tensor, squares: float) -> float:
    """Returns the variance of values within bins over that of the bins' own means; infinite where there is none.

    Args:
        counts: (bins,) how many values each has.
        sums: (bins,) of its values.
        squares: the sum of all values' squares.
    """
    full = counts > 0
    counts, sums = counts[full], sums[full]
    total, bins = float(counts.sum()), len(counts)
    between = float((sums.square() / counts).sum())
    within = max(0.0, squares - between) / max(1.0, total - bins)
    own = between - float(sums.sum()) ** 2 / total - (bins - 1) * within
    weight = total - float(counts.square().sum()) / total
    return within * weight / own if own > 0 else math.inf
