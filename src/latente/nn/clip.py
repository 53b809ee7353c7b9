"""An output that keeps to the data's range."""

from __future__ import annotations

__all__ = ["Clip"]

import torch
from torch import Tensor, nn


class Clip(nn.Module):
    """min(max(x, low), high), of any shape; while training, its gradient is that of x itself.

    So no output gets stuck at a bound: with a target inside the range the gradient at a clipped value is 0, or leads
    back inside. Against a sigmoid: black and white are reached exactly, and between them the output is linear.

    Args:
        low: the smallest output.
        high: the largest output.

    Example:
        >>> Clip()(torch.tensor([-1.0, 0.25, 3.0]))
        tensor([0.0000, 0.2500, 1.0000])
    """

    def __init__(self, low: float = 0.0, high: float = 1.0) -> None:
        super().__init__()
        self.low, self.high = low, high

    def forward(self, x: Tensor) -> Tensor:
        clipped = x.clamp(self.low, self.high)
        if not (self.training and torch.is_grad_enabled()):
            return clipped
        return x + (clipped - x).detach()

    def extra_repr(self) -> str:
        return f"{self.low:g}, {self.high:g}"
