"""A network chosen by the kind and size of the data."""

from __future__ import annotations

__all__ = ["Auto"]

import math
from dataclasses import dataclass

from torch import nn

from latente.networks.base import Network
from latente.networks.conv import Conv
from latente.networks.linear_path import LinearPath
from latente.networks.mlp import MLP


@dataclass
class Auto(Network, name="auto"):
    """MLP for tables and for samples of up to 4,096 values, Conv for larger images and signals.

    The MLP of pictures is the one of Hinton & Salakhutdinov (2006), 1000-500-250; that of a table has two layers whose
    widths follow the number of columns. Both have normalised layers and a linear path around them that starts as PCA,
    so that what PCA does well need not be learned.

    Args:
        largest_flat: values of a sample up to which images and signals go through the MLP.

    Example:
        >>> Auto().choose((1, 28, 28))
        LinearPath(inner=MLP(hidden_features=(1000, 500, 250), activation='silu', normalization='layer', ...))
        >>> Auto().choose((3, 256, 256))
        Conv(channels=(32, 64, 128, 128), hidden_features=(256,), kernel_size=3, ...)
    """

    largest_flat: int = 4096

    def choose(self, sample_shape: tuple[int, ...]) -> Network:
        """Returns the network description for samples of that shape.

        Args:
            sample_shape: (features,), (channels, time) or (channels, height, width).
        """
        size = math.prod(sample_shape)
        if len(sample_shape) > 1 and size > self.largest_flat:
            depth = max(2, min(5, round(math.log2(max(sample_shape[1:]) / 16))))
            return Conv(tuple(min(128, 32 * 2**i) for i in range(depth)))
        if size >= 256:
            return LinearPath(MLP((1000, 500, 250), normalization="layer"))
        width = 2 ** math.ceil(math.log2(max(32, min(512, 4 * size))))
        return LinearPath(MLP((width, width // 2), normalization="layer"))

    def output(self, wanted: str, sample_shape: tuple[int, ...]) -> str:
        return self.choose(sample_shape).output(wanted, sample_shape)

    def build(self, sample_shape: tuple[int, ...], latent_dim: int, features: int) -> tuple[nn.Module, nn.Module]:
        return self.choose(sample_shape).build(sample_shape, latent_dim, features)
