"""A linear layer that remembers where it started."""

from __future__ import annotations

__all__ = ["StartedLinear"]

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from latente.nn.initialisation import initialise


class StartedLinear(nn.Linear):
    """A linear layer whose weights are a start and what was learned since: y = (W_0 + W) x + b.

    Weight decay shrinks parameters, so it pulls this layer's weights to their start; Li, Grandvalet & Davoine (2018),
    "Explicit inductive bias for transfer learning with convolutional networks".

    Args:
        in_features: of x.
        out_features: of y.

    Attributes:
        weight_0: (out_features, in_features), the start, no parameter; 0 before `start`.
        weight: (out_features, in_features), what is learned; random before `start`, 0 after it.
        bias: (out_features,), learned.

    Example:
        >>> layer = StartedLinear(2, 1)
        >>> layer.start(torch.tensor([[3.0, 0.0]]), torch.ones(1))
        >>> layer(torch.tensor([[2.0, 5.0]])).tolist(), layer.weight.tolist()
        ([[7.0]], [[0.0, 0.0]])
    """

    weight_0: Tensor

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__(in_features, out_features)
        initialise(self, "identity", in_features, out_features)
        self.register_buffer("weight_0", torch.zeros_like(self.weight))

    @property
    def started(self) -> bool:
        """Whether there is a start other than 0."""
        return bool(self.weight_0.any())

    def forward(self, x: Tensor) -> Tensor:
        return linear(x, self.weight_0 + self.weight, self.bias)

    @torch.no_grad()
    def start(self, weight: Tensor, bias: Tensor) -> None:
        """Takes a start; rows, columns and elements that weight and bias lack are 0.

        Args:
            weight: at most (out_features, in_features).
            bias: at most (out_features,).
        """
        self.weight.zero_()
        self.weight_0.zero_()[: weight.shape[0], : weight.shape[1]] = weight.to(self.weight_0)
        self.bias.zero_()[: len(bias)] = bias.to(self.bias)
