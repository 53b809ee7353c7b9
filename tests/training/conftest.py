"""A small module and a small table to train it on."""

from __future__ import annotations

import pytest
import torch

from latente.autoencoder import AutoencoderModule
from latente.bottlenecks import Deterministic
from latente.data import ArraySource
from latente.distortions import SquaredError
from latente.networks import MLP
from latente.training import seeded


@pytest.fixture
def make():
    """A function (bottleneck=..., ...) -> AutoencoderModule of ten columns and three latent units."""

    def build(bottleneck=None, *, network=None, distortion=None, seed=0, **options):
        with seeded(seed):
            bottleneck = (bottleneck or Deterministic()).build(3)
            encoder, decoder = (network or MLP((8,))).build((10,), 3, bottleneck.features)
        built = (distortion or SquaredError()).build((10,))
        return AutoencoderModule(encoder, bottleneck, decoder, distortion=built, **options)

    return build


@pytest.fixture
def table():
    """A function n -> ArraySource of n rows that three hidden numbers explain, up to a tenth of noise."""

    def draw(n=80, seed=0):
        generator = torch.Generator().manual_seed(seed)
        mixing = torch.randn(3, 10, generator=torch.Generator().manual_seed(99))
        x = torch.randn(n, 3, generator=generator) @ mixing + 0.1 * torch.randn(n, 10, generator=generator)
        return ArraySource(x)

    return draw


@pytest.fixture
def weights():
    """A function module -> a copy of all its tensors by name."""
    return lambda module: {name: tensor.clone() for name, tensor in module.state_dict().items()}


@pytest.fixture
def same():
    """A function of two such dictionaries: whether all tensors are equal to the last bit."""
    return lambda a, b: a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)
