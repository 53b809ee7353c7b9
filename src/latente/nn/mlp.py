"""Fully connected blocks."""

from __future__ import annotations

__all__ = ["Residual", "dense_block"]

import math

from torch import Tensor, nn

from latente.nn.activations import activation as make_activation
from latente.nn.initialisation import initialise
from latente.nn.normalisation import normalisation as make_normalisation


def dense_block(
    in_features: int, out_features: int, activation: str = "identity", normalization: str | None = None
) -> nn.Sequential:
    """Makes linear -> normalisation -> activation, initialised to match the activation.

    Maps (batch, in_features) to (batch, out_features).

    Args:
        in_features: of the input.
        out_features: of the output.
        activation: by name.
        normalization: "batch", "layer" or None.

    Raises:
        ValueError: for an unknown activation or normalization.

    Example:
        >>> dense_block(4, 2, "relu")
        Sequential(
          (0): Linear(in_features=4, out_features=2, bias=True)
          (1): ReLU()
        )
    """
    linear = nn.Linear(in_features, out_features)
    initialise(linear, activation, in_features, out_features)
    norm = make_normalisation(normalization, out_features)
    layers = [linear, norm, None if activation == "identity" else make_activation(activation)]
    return nn.Sequential(*(layer for layer in layers if layer is not None))


class Residual(nn.Module):
    """Adds a block's input to its output: (f(x) + P x) / sqrt(2), where P is a learned projection if the widths differ.

    The factor keeps the variance as it is; without it a stack's output would grow twofold with every block.

    Args:
        block: (batch, in_features) -> (batch, out_features).
        in_features: of x.
        out_features: of the block's output.

    Example:
        >>> import torch
        >>> Residual(nn.Identity(), 2, 2)(torch.ones(1, 2))
        tensor([[1.4142, 1.4142]])
    """

    def __init__(self, block: nn.Module, in_features: int, out_features: int) -> None:
        super().__init__()
        self.block = block
        self.projection = (
            nn.Identity() if in_features == out_features else nn.Linear(in_features, out_features, bias=False)
        )
        if isinstance(self.projection, nn.Linear):
            initialise(self.projection, "identity", in_features, out_features)

    def forward(self, x: Tensor) -> Tensor:
        return math.sqrt(0.5) * (self.block(x) + self.projection(x))
