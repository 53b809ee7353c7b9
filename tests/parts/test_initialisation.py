"""Weights start such that signals neither die nor explode: the same order through stacks of any depth.

PyTorch's own start shrinks the variance of a rectifier network sixfold with every layer; ten layers would leave 1e-8 of
it. These tests pin ours, so that nobody returns to it unnoticed.
"""

from __future__ import annotations

import pytest
import torch
from torch import nn

from latente.networks import MLP, Conv
from latente.nn import ConvBlock, dense_block, initialise


def seeded(make, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return make()


def normal(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    ("activation", "variance"),
    [
        ("relu", 2 / 300),
        ("leaky_relu", 2 / 300),
        ("silu", 2 / 300),
        ("gelu", 2 / 300),
        ("elu", 2 / 300),
        ("softplus", 2 / 300),
        ("selu", 1 / 300),
        ("tanh", 2 / (300 + 400)),
        ("sigmoid", 2 / (300 + 400)),
        ("identity", 2 / (300 + 400)),
    ],
)
def test_weights_have_he_glorot_or_lecun_variance(activation, variance):
    """120,000 normal weights know their variance to sqrt(2 / 120,000) = 0.4%."""
    linear = seeded(lambda: dense_block(300, 400, activation))[0]
    assert linear.weight.var().item() == pytest.approx(variance, rel=0.02)
    assert linear.weight.mean().abs() < 5 * (variance / 120_000) ** 0.5
    assert not linear.bias.any()


def test_layers_without_bias():
    linear = nn.Linear(4, 4, bias=False)
    seeded(lambda: initialise(linear, "relu", 4, 4))
    assert linear.bias is None


def strength(blocks, x):
    """Root mean square after each block."""
    strengths = []
    with torch.no_grad():
        for block in blocks:
            x = block(x)
            strengths.append(x.square().mean().sqrt().item())
    return strengths


@pytest.mark.parametrize(
    ("activation", "low", "high"),
    [
        # Exact: 2 E[relu(n)^2] = 1, SELU's fixed point, and linear layers of equal widths.
        ("relu", 0.5, 2.0),
        ("leaky_relu", 0.5, 2.0),
        ("selu", 0.8, 1.3),
        ("identity", 0.5, 1.5),
        # 2 E[f(n)^2] is 0.71 for SiLU and 0.85 for GELU, 1.3 and 1.8 for ELU and softplus; tanh saturates.
        ("silu", 0.05, 1.0),
        ("gelu", 0.2, 1.0),
        ("elu", 0.9, 3.0),
        ("softplus", 0.9, 4.0),
        ("tanh", 0.1, 1.0),
        ("sigmoid", 0.4, 0.8),
    ],
)
def test_ten_dense_layers_keep_their_strength(activation, low, high):
    encoder, decoder = seeded(lambda: MLP((256,) * 10, activation).build((256,), 256, 256))
    for stack in (encoder, decoder):
        strengths = strength(stack[:-1], normal(100, 256))
        assert min(strengths) > low
        assert max(strengths) < high


@pytest.mark.parametrize("activation", ["silu", "relu", "tanh"])
def test_ten_skip_connections_do_not_explode(activation):
    """A plain sum of input and output would grow by sqrt(2) a block: 32-fold after ten, 100-fold and more with SiLU."""
    encoder, _ = seeded(lambda: MLP((256,) * 10, activation, skip=True).build((256,), 256, 256))
    strengths = strength(encoder[:-1], normal(100, 256))
    assert min(strengths) > 0.3
    assert max(strengths) < 6


@pytest.mark.parametrize("upsample", ["transposed", "nearest"])
@pytest.mark.parametrize("kernel_size", [1, 3, 5])
@pytest.mark.parametrize("shape", [(3, 64, 64), (3, 27, 31), (5, 9, 4), (1, 1, 7), (2, 64), (2, 37)])
def test_four_convolutions_each_way_keep_their_strength(shape, kernel_size, upsample):
    """Borders and the overlap of transposed convolutions are counted, so small maps are no exception."""
    conv = Conv((64,) * 4, (), kernel_size=kernel_size, activation="relu", upsample=upsample)
    encoder, decoder = seeded(lambda: conv.build(shape, 64, 64))
    for strengths in (strength(encoder, normal(100, *shape)), strength(decoder, normal(100, 64))):
        assert min(strengths) > 0.4
        assert max(strengths) < 2.5


@pytest.mark.parametrize(("in_size", "out_size"), [((8,), (4,)), ((9, 4), (5, 2)), ((1, 7), (1, 4))])
def test_a_convolution_and_its_mirror_have_the_variance_of_their_links(in_size, out_size):
    """The variance of an output, averaged over positions, is that of the input for a He start with identity after it.

    With n weights of variance 2 / fan_in and inputs of variance 1, outputs have variance 2 on average.
    """
    down = seeded(lambda: ConvBlock(64, 64, in_size=in_size, out_size=out_size, activation="relu"))
    up = seeded(lambda: ConvBlock(64, 64, in_size=out_size, out_size=in_size, up=True, activation="relu"))
    with torch.no_grad():
        for block, size in ((down, in_size), (up, out_size)):
            assert block.conv(normal(300, 64, *size)).var().item() == pytest.approx(2.0, rel=0.1)
