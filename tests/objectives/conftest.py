"""A small module of chosen parts, and batches for it."""

from __future__ import annotations

import pytest
import torch

from latente.autoencoder import AutoencoderModule
from latente.bottlenecks import Deterministic
from latente.distortions import SquaredError
from latente.networks import MLP
from latente.objectives import Batch


@pytest.fixture
def make():
    """A function (bottleneck=..., ...) -> AutoencoderModule with a generator of its own; weights depend on the seed."""

    def build(bottleneck=None, *, shape=(6,), latent_dim=3, network=None, distortion=None, seed=0, **options):
        bottleneck = (bottleneck or Deterministic()).build(latent_dim)
        network = network or MLP((8,), "tanh")
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            encoder, decoder = network.build(shape, latent_dim, bottleneck.features)
        built = (distortion or SquaredError()).build(shape)
        module = AutoencoderModule(encoder, bottleneck, decoder, distortion=built, **options)
        module.generator = torch.Generator().manual_seed(seed)
        return module

    return build


@pytest.fixture
def batch():
    """A function (n, *shape) -> Batch of values in [0, 1]."""

    def draw(n=12, *shape, seed=1, **fields):
        x = torch.rand((n, *(shape or (6,))), generator=torch.Generator().manual_seed(seed))
        return Batch(**{"x": x, "target": x, **fields})

    return draw
