"""Fully connected encoder and decoder."""

from __future__ import annotations

__all__ = ["MLP"]

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from torch import nn

from latente.networks.base import Network, positive_integers
from latente.nn import Residual, dense_block


@dataclass
class MLP(Network, name="mlp"):
    """Fully connected layers; samples of any shape are flattened first.

    Args:
        hidden_features: widths from the data to the code, e.g. (1000, 500, 250); () makes a single layer each way.
        activation: the name of the hidden units' activation.
        normalization: "batch", "layer" or None.
        skip: whether each hidden layer's input is added to its output.
        code_activation: the activation of the code itself; "identity" leaves it unbounded.

    Example:
        >>> MLP.from_string("mlp:512,64")
        MLP(hidden_features=(512, 64), activation='silu', normalization=None, skip=False, code_activation='identity')
        >>> encoder, decoder = MLP((8,)).build((1, 4, 4), latent_dim=2, features=2)
        >>> len(encoder), len(decoder)
        (2, 2)
    """

    variadic = True
    hidden_features: Sequence[int] = (512, 256)
    activation: str = "silu"
    normalization: str | None = None
    skip: bool = False
    code_activation: str = "identity"

    def build(self, sample_shape: tuple[int, ...], latent_dim: int, features: int) -> tuple[nn.Module, nn.Module]:
        hidden = positive_integers("MLP: hidden_features", self.hidden_features)
        size = math.prod(sample_shape)
        encoder = [self._hidden_block(a, b) for a, b in pairwise((size, *hidden))]
        encoder.append(dense_block((size, *hidden)[-1], features, self.code_activation))
        decoder = [self._hidden_block(a, b) for a, b in pairwise((latent_dim, *reversed(hidden)))]
        decoder.append(dense_block((latent_dim, *reversed(hidden))[-1], size))
        encoder[0] = nn.Sequential(nn.Flatten(), encoder[0])
        decoder[-1] = nn.Sequential(decoder[-1], nn.Unflatten(1, sample_shape))
        return nn.Sequential(*encoder), nn.Sequential(*decoder)

    def _hidden_block(self, in_features: int, out_features: int) -> nn.Module:
        block = dense_block(in_features, out_features, self.activation, self.normalization)
        return Residual(block, in_features, out_features) if self.skip else block
