"""The user's own modules: taken as they are, and a clear word where shapes do not fit."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from latente.networks import CustomNetwork, resolve_network


class Broken(nn.Module):
    """Raises what user code raises."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def forward(self, x):
        raise self.error


class Returns(nn.Module):
    def __init__(self, value):
        super().__init__()
        self.value = value

    def forward(self, x):
        return self.value


def test_a_pair_is_taken_as_it_is_and_copied():
    encoder, decoder = (
        nn.Sequential(nn.Flatten(), nn.Linear(6, 4)),
        nn.Sequential(nn.Linear(2, 6), nn.Unflatten(1, (2, 3))),
    )
    network = resolve_network((encoder, decoder))
    assert network == CustomNetwork(encoder, decoder)
    built_encoder, built_decoder = network.build((2, 3), latent_dim=2, features=4)
    assert built_encoder is not encoder
    assert torch.equal(built_encoder[1].weight, encoder[1].weight)
    assert torch.equal(built_decoder[0].weight, decoder[0].weight)
    with torch.no_grad():
        built_encoder[1].weight.zero_()
    assert encoder[1].weight.any()


def test_the_check_leaves_no_trace():
    norm = nn.BatchNorm1d(4)
    pair = CustomNetwork(nn.Sequential(norm, nn.Linear(4, 2), nn.Dropout(0.5)), nn.Linear(2, 4))
    state = torch.get_rng_state()
    encoder, _ = pair.build((4,), 2, 2)
    assert torch.equal(torch.get_rng_state(), state)
    assert encoder.training
    assert encoder[0].num_batches_tracked == 0
    assert all(p.grad is None for p in encoder.parameters())


def test_lazy_layers_learn_their_shape():
    encoder, decoder = CustomNetwork(nn.LazyLinear(2), nn.LazyLinear(5)).build((5,), 2, 2)
    assert encoder.weight.shape == (2, 5)
    assert decoder.weight.shape == (5, 2)


@pytest.mark.parametrize(
    ("encoder", "decoder", "message"),
    [
        (nn.Linear(5, 3), nn.Linear(2, 5), r"the encoder must map \(batch, 5\) to \(batch, 2\); .*shape \(batch, 3\)"),
        (nn.Linear(5, 2), nn.Linear(2, 4), r"the decoder must map \(batch, 2\) to \(batch, 5\); .*shape \(batch, 4\)"),
        (
            nn.Linear(4, 2),
            nn.Linear(2, 5),
            r"the encoder does not accept a batch of shape \(batch, 5\): .*mat1 and mat2",
        ),
        (nn.Linear(5, 2), nn.Linear(3, 5), r"the decoder does not accept a batch of shape \(batch, 2\)"),
        (nn.BatchNorm2d(5), nn.Linear(2, 5), "the encoder does not accept .*expected 4D input"),
        (Broken(TypeError("no")), nn.Linear(2, 5), "the encoder does not accept .*no"),
        (Broken(IndexError("out of range")), nn.Linear(2, 5), "the encoder does not accept .*out of range"),
        (nn.Linear(5, 2).double(), nn.Linear(2, 5), r"the encoder does not accept .*(dtype|Double|double)"),
        (Returns((1, 2)), nn.Linear(2, 5), "it returned tuple"),
        (Returns(torch.zeros(1, 2)), nn.Linear(2, 5), r"it returned shape \(1, 2\) for a batch of 2"),
        (Returns(torch.zeros(())), nn.Linear(2, 5), r"it returned shape \(\) for a batch of 2"),
    ],
)
def test_shapes_that_do_not_fit(encoder, decoder, message):
    with pytest.raises(ValueError, match=message):
        CustomNetwork(encoder, decoder).build((5,), latent_dim=2, features=2)


def test_a_gaussian_bottleneck_wants_twice_the_features():
    with pytest.raises(ValueError, match=r"to \(batch, 4\); it returned shape \(batch, 2\)"):
        CustomNetwork(nn.Linear(5, 2), nn.Linear(2, 5)).build((5,), latent_dim=2, features=4)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (nn.Linear(2, 2), r"a pair \(encoder, decoder\) of nn.Modules; got a single one"),
        ((nn.Linear(2, 2),), "network must be one of"),
        ((nn.Linear(2, 2), "mlp"), "network must be one of"),
        ((nn.Linear, nn.Linear), "network must be one of"),
    ],
)
def test_what_is_no_pair(value, message):
    with pytest.raises(TypeError, match=message):
        resolve_network(value)
