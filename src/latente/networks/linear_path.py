"""A network with a linear path around it."""

from __future__ import annotations

__all__ = ["LinearPath", "WithLinearPath"]

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from latente.networks.base import Network
from latente.networks.mlp import MLP
from latente.nn import StartedLinear
from latente.parts import resolve


@dataclass
class LinearPath(Network, name="linear_path"):
    """Another network, and a linear path around it: e(x) = W x + b + f(x), d(z) = W' z + b' + g(z).

    Estimators start W and W' at the principal components of the training data, codes of variance 1 on average, and f
    and g at 0: training begins where PCA ends, and what PCA does well need not be learned. Weight decay pulls W and W'
    back to that start, not to 0. In code that has no data (`build` alone) W and W' are random like other weights.

    Args:
        inner: the network of f and g, a part or its short string; None is an MLP.

    Raises:
        TypeError, ValueError: from `build`, for an inner network that cannot be had.

    Example:
        >>> encoder, decoder = LinearPath(MLP((8,))).build((1, 4, 4), latent_dim=2, features=2)
        >>> decoder(encoder(torch.zeros(3, 1, 4, 4))).shape
        torch.Size([3, 1, 4, 4])
    """

    inner: Any = None

    def build(self, sample_shape: tuple[int, ...], latent_dim: int, features: int) -> tuple[nn.Module, nn.Module]:
        inner = resolve(self.inner, Network, MLP()) or MLP()  # type: ignore[type-abstract]
        encoder, decoder = inner.build(sample_shape, latent_dim, features)
        size = math.prod(sample_shape)
        down = nn.Sequential(nn.Flatten(), StartedLinear(size, features))
        up = nn.Sequential(StartedLinear(latent_dim, size), nn.Unflatten(1, sample_shape))
        return nn.Sequential(WithLinearPath(encoder, down)), nn.Sequential(WithLinearPath(decoder, up))

    def output(self, wanted: str, sample_shape: tuple[int, ...]) -> str:
        return "identity" if wanted == "identity" else "clip"  # between the bounds the way stays linear


class WithLinearPath(nn.Module):
    """The sum of a network and a linear layer of the same input.

    Args:
        network: any module.
        path: a Sequential that holds one StartedLinear.

    Example:
        >>> both = WithLinearPath(nn.Linear(3, 2), nn.Sequential(StartedLinear(3, 2)))
        >>> both.start(torch.tensor([[1.0, 0.0, 0.0]]), torch.zeros(1))
        >>> both(torch.tensor([[5.0, 6.0, 7.0]])).tolist()
        [[5.0, 0.0]]
    """

    def __init__(self, network: nn.Module, path: nn.Sequential) -> None:
        super().__init__()
        self.network, self.path = network, path

    def forward(self, x: Tensor) -> Tensor:
        return self.path(x) + self.network(x)

    @torch.no_grad()
    def start(self, weight: Tensor, bias: Tensor) -> None:
        """Makes the module linear, x -> weight x + bias; outputs that weight and bias lack are 0.

        Args:
            weight: (outputs, inputs), at most as many of each as there are.
            bias: (outputs,), likewise.
        """
        (layer,) = (layer for layer in self.path if isinstance(layer, StartedLinear))
        layer.start(weight, bias)
        last = [layer for layer in self.network.modules() if getattr(layer, "weight", None) is not None][-1]
        last.weight.zero_()  # type: ignore[operator]
        if getattr(last, "bias", None) is not None:
            last.bias.zero_()  # type: ignore[operator]
