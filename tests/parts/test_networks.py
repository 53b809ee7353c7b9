"""Networks on odd shapes, their options, and the choice that is made for the user."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from latente.networks import MLP, Auto, Conv, LinearPath
from latente.nn import ACTIVATIONS, ConvBlock, Residual, activation, dense_block, normalisation
from latente.nn.conv import down_size, links

SHAPES = [(1, 27, 31), (3, 27, 31), (5, 9, 4), (1, 1, 7), (1, 1, 1), (2, 37), (1, 37), (3, 1), (1,), (7,)]
NETWORKS = [
    MLP((16, 8)),
    MLP(()),
    MLP(12, "relu", "layer", skip=True, code_activation="tanh"),
    MLP((8, 8), "gelu", "batch"),
    LinearPath(MLP((8, 8))),
    Auto(),
    Conv((4, 8)),
    Conv((4, 6, 8, 8, 8), (10, 9), activation="leaky_relu", normalization="layer"),
    Conv(5, kernel_size=5, upsample="nearest", normalization="batch"),
    Conv((4, 8), kernel_size=1),
    Conv((4, 8), kernel_size=7, upsample="nearest"),
]
FITTING = [(n, s) for n, s in itertools.product(NETWORKS, SHAPES) if len(s) > 1 or not isinstance(n, Conv)]
fitting = pytest.mark.parametrize(
    ("network", "shape"), FITTING, ids=lambda v: v if isinstance(v, tuple) else repr(v)[:35]
)


def built(network, shape, latent_dim=3, features=6, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return network.build(shape, latent_dim, features)


def normal(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@fitting
def test_shapes_come_back_exactly(network, shape):
    encoder, decoder = built(network, shape)
    assert encoder(normal(5, *shape)).shape == (5, 6)
    assert decoder(normal(5, 3)).shape == (5, *shape)


@fitting
def test_encoder_and_decoder_are_mirrored_stacks(network, shape):
    encoder, decoder = built(network, shape, latent_dim=6)
    assert isinstance(encoder, nn.Sequential)
    assert isinstance(decoder, nn.Sequential)
    assert len(encoder) == len(decoder)
    h = normal(5, *shape)
    for i, block in enumerate(encoder):
        code = block(h)
        assert decoder[len(decoder) - 1 - i](code).shape == h.shape, f"block {i} is not undone by its mirror"
        h = code


@fitting
def test_samples_do_not_mix_in_evaluation(network, shape):
    for module, given in zip(built(network, shape), (shape, (3,)), strict=True):
        module.eval()
        x = normal(6, *given)
        together = module(x)
        torch.testing.assert_close(torch.cat([module(x[i : i + 1]) for i in range(6)]), together, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 27, 31), (5, 9, 4)])
@pytest.mark.parametrize("upsample", ["transposed", "nearest"])
def test_images_are_computed_channels_last(shape, upsample):
    encoder, decoder = built(Conv((4, 8), upsample=upsample), shape)
    h = encoder[0](normal(5, *shape))
    assert h.is_contiguous(memory_format=torch.channels_last)
    assert encoder[1](h).is_contiguous(memory_format=torch.channels_last)
    weights = [
        m.weight for m in (*encoder.modules(), *decoder.modules()) if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d))
    ]
    assert len(weights) == 4
    assert all(w.is_contiguous(memory_format=torch.channels_last) for w in weights)
    x = normal(5, *shape)
    torch.testing.assert_close(encoder(x), encoder(x.contiguous(memory_format=torch.channels_last)))


def test_the_mlp_computes_what_its_weights_say():
    encoder, decoder = built(MLP((4,), "tanh"), (2, 3), latent_dim=2, features=2)
    x, z = normal(5, 2, 3), normal(5, 2)
    one, two, three, four = (m for m in (*encoder.modules(), *decoder.modules()) if isinstance(m, nn.Linear))
    torch.testing.assert_close(encoder(x), torch.tanh(x.flatten(1) @ one.weight.T) @ two.weight.T)
    torch.testing.assert_close(decoder(z), (torch.tanh(z @ three.weight.T) @ four.weight.T).unflatten(1, (2, 3)))
    assert not any(layer.bias.any() for layer in (one, two, three, four))


@pytest.mark.parametrize("code_activation", ["sigmoid", "relu", "identity"])
def test_the_code_has_its_own_activation(code_activation):
    encoder, decoder = built(MLP((), code_activation=code_activation), (7,), 3, 3)
    linear, x = encoder[0][1][0], normal(5, 7)
    torch.testing.assert_close(encoder(x), activation(code_activation)(linear(x)))
    assert [type(m) for m in decoder.modules() if not list(m.children())] == [nn.Linear, nn.Unflatten]


def test_widths_shrink_and_grow_in_mirror_order():
    encoder, decoder = built(MLP((9, 5)), (2, 6), latent_dim=3, features=6)
    widths = [
        (m.in_features, m.out_features) for m in (*encoder.modules(), *decoder.modules()) if isinstance(m, nn.Linear)
    ]
    assert widths == [(12, 9), (9, 5), (5, 6), (3, 5), (5, 9), (9, 12)]


def test_channels_and_sizes_of_convolutions():
    encoder, _ = built(Conv((4, 8, 8), (20,)), (3, 27, 31))
    sizes, x = [], normal(1, 3, 27, 31)
    for block in encoder:
        x = block(x)
        sizes.append(tuple(x.shape[1:]))
    # ceil(27 / 2) = 14, ceil(31 / 2) = 16, ...
    assert sizes == [(4, 14, 16), (8, 7, 8), (8, 4, 4), (20,), (6,)]


def test_small_sides_are_not_halved():
    encoder, _ = built(Conv((4, 4)), (1, 3, 9))
    x = encoder[0](normal(1, 1, 3, 9))
    assert x.shape == (1, 4, 3, 5)
    assert encoder[1](x).shape == (1, 4, 3, 3)


def test_normalisation_sits_in_hidden_blocks_only():
    for name, kind in (("batch", nn.BatchNorm2d), ("layer", nn.GroupNorm)):
        encoder, decoder = built(Conv((4, 8), (), normalization=name), (1, 8, 8))
        assert [sum(isinstance(m, kind) for m in block.modules()) for block in encoder] == [1, 1, 0]
        assert [sum(isinstance(m, kind) for m in block.modules()) for block in decoder] == [0, 1, 0]
    for name, kind in (("batch", nn.BatchNorm1d), ("layer", nn.LayerNorm)):
        encoder, decoder = built(MLP((4, 8), normalization=name), (5,))
        assert [sum(isinstance(m, kind) for m in block.modules()) for block in encoder] == [1, 1, 0]
        assert [sum(isinstance(m, kind) for m in block.modules()) for block in decoder] == [1, 1, 0]


@pytest.mark.parametrize(("features", "groups"), [(1, 1), (4, 1), (8, 2), (12, 2), (24, 4), (31, 1), (32, 8), (64, 8)])
def test_layer_normalisation_of_channels_is_in_groups(features, groups):
    norm = normalisation("layer", features, dimensions=2)
    x = normal(3, features, 5, 5)
    torch.testing.assert_close(norm(x), F.group_norm(x, groups))
    assert normalisation(None, features) is None


@pytest.mark.parametrize("features", [2, 4, 8, 31, 32])
def test_layer_normalisation_leaves_something_of_a_single_pixel(features):
    pixel = normalisation("layer", features, dimensions=2)(normal(1, features, 1, 1))
    assert pixel.var() > 0.5


def test_skip_adds_the_input():
    x = normal(5, 6)
    same, other = Residual(nn.Tanh(), 6, 6), Residual(nn.Linear(6, 3), 6, 3)
    torch.testing.assert_close(same(x), (x + x.tanh()) / math.sqrt(2))
    torch.testing.assert_close(other(x), (other.block(x) + x @ other.projection.weight.T) / math.sqrt(2))
    encoder, decoder = built(MLP((8, 8), skip=True), (5,))
    assert [sum(isinstance(m, Residual) for m in part.modules()) for part in (encoder, decoder)] == [2, 2]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_by_name(name):
    x = normal(100)
    expected = {"identity": x, "silu": x * torch.sigmoid(x), "tanh": x.tanh(), "sigmoid": torch.sigmoid(x)}
    torch.testing.assert_close(activation(name)(x), expected.get(name, getattr(F, name, lambda t: t)(x)))
    assert dense_block(3, 2, name)(normal(4, 3)).shape == (4, 2)
    for network in (MLP((4,), name), Conv((2,), activation=name)):
        encoder, _ = built(network, (1, 6, 6))
        assert torch.isfinite(encoder(normal(2, 1, 6, 6))).all()


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((1,), LinearPath(MLP((32, 16), normalization="layer"))),
        ((8,), LinearPath(MLP((32, 16), normalization="layer"))),
        ((30,), LinearPath(MLP((128, 64), normalization="layer"))),
        ((200,), LinearPath(MLP((512, 256), normalization="layer"))),
        ((256,), LinearPath(MLP((1000, 500, 250), normalization="layer"))),
        ((1, 28, 28), LinearPath(MLP((1000, 500, 250), normalization="layer"))),
        ((1, 64, 64), LinearPath(MLP((1000, 500, 250), normalization="layer"))),
        ((3, 64, 64), Conv((32, 64))),
        ((3, 256, 256), Conv((32, 64, 128, 128))),
        ((1, 16_000), Conv((32, 64, 128, 128, 128))),
        ((10_000,), LinearPath(MLP((1000, 500, 250), normalization="layer"))),
    ],
)
def test_auto_chooses_by_kind_and_size(shape, expected):
    assert Auto().choose(shape) == expected


@pytest.mark.parametrize("kernel_size", [1, 3, 5])
@pytest.mark.parametrize("size", [(1,), (2,), (7,), (8,), (1, 7), (9, 4)])
def test_links_are_counted_as_by_a_convolution_of_ones(size, kernel_size):
    """A convolution of ones with ones counts, at each output, the inputs that reach it."""
    stride = tuple(2 if length >= 4 else 1 for length in size)
    conv = {1: F.conv1d, 2: F.conv2d}[len(size)]
    kernel = torch.ones(1, 1, *(kernel_size,) * len(size))
    counts = conv(torch.ones(1, 1, *size), kernel, stride=stride, padding=kernel_size // 2)
    assert tuple(counts.shape[2:]) == down_size(size, stride)
    assert links(down_size(size, stride), size, stride, kernel_size) == counts.sum()


@pytest.mark.parametrize("upsample", ["transposed", "nearest"])
@pytest.mark.parametrize("small", [1, 2, 3, 4, 7])
def test_blocks_go_up_to_every_size_that_comes_down_to_theirs(small, upsample):
    for large in range(max(small, 2 * small - 1), 2 * small + 1):
        block = ConvBlock(2, 3, in_size=(small,), out_size=(large,), up=True, upsample=upsample)
        assert block(normal(4, 2, small)).shape == (4, 3, large)
