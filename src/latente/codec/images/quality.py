"""One model for all qualities: tables over the quality, from which everything that depends on it is read."""

from __future__ import annotations

__all__ = ["ANCHORS", "LARGEST_LAMBDA", "SMALLEST_LAMBDA", "QualityTable", "lambda_of", "step_of"]

import math

import torch
from torch import Tensor, nn

ANCHORS = 7  # rows of a table, from quality 0 to 1
SMALLEST_LAMBDA, LARGEST_LAMBDA = 0.001, 0.15  # weight of the squared error (pixels from 0 to 255) against bits a pixel


def lambda_of(quality: Tensor) -> Tensor:
    """Returns lambda, by which a squared error a value is weighed against bits a pixel.

    Args:
        quality: in [0, 1].

    Example:
        >>> lambda_of(torch.tensor([0.0, 0.5, 1.0]))
        tensor([0.0010, 0.0122, 0.1500])
    """
    return SMALLEST_LAMBDA * (LARGEST_LAMBDA / SMALLEST_LAMBDA) ** quality


def step_of(weight: float) -> float:
    """Returns the best step of orthonormal coefficients of three colours at high rates: sqrt(18 / (lambda ln 2)).

    Args:
        weight: lambda.
    """
    return math.sqrt(18 / (weight * math.log(2)))


class QualityTable(nn.Module):
    """A vector for each quality, linear between anchors.

    Args:
        width: of the vectors.
        start: (ANCHORS,) numbers with which each row begins; None is 0.
    """

    def __init__(self, width: int, start: Tensor | None = None) -> None:
        super().__init__()
        rows = torch.zeros(ANCHORS) if start is None else start
        self.rows = nn.Parameter(rows[:, None].repeat(1, width))

    def forward(self, quality: Tensor) -> Tensor:
        """Returns (n, width, 1, 1).

        Args:
            quality: (n,) in [0, 1].
        """
        at = quality.clamp(0, 1) * (ANCHORS - 1)
        below = at.floor().clamp(max=ANCHORS - 2).long()
        share = (at - below)[:, None]
        vector = self.rows[below] * (1 - share) + self.rows[below + 1] * share
        return vector[:, :, None, None]
