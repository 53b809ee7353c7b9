"""The logistic distribution of what a prediction leaves, in bits."""

from __future__ import annotations

__all__ = ["logistic_bits"]

import torch
from torch import Tensor

LEAST = 2.0**-20  # probability, so that a gradient remains


def logistic_bits(rest: Tensor, scale: Tensor) -> Tensor:
    """Returns -log2 of the probability that a logistic variable rounds to `rest`, elementwise.

    Args:
        rest: what a mean leaves, in steps; any real number: the density is smoothed by the width of a step.
        scale: of the logistic distribution, in steps.

    Example:
        >>> round(float(logistic_bits(torch.tensor(0.0), torch.tensor(1.0))), 3)  # -log2(2 sigmoid(1/2) - 1)
        2.03
    """
    at = rest.abs()
    high, low = torch.sigmoid((0.5 - at) / scale), torch.sigmoid((-0.5 - at) / scale)
    return -torch.log2((high - low).clamp(min=LEAST))
