"""Both regularisers of the decoder against closed forms and autograd's Jacobian."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.func import jacrev, vmap

from latente.autoencoder import AutoencoderModule
from latente.bottlenecks import Deterministic
from latente.distortions import Bernoulli, SquaredError
from latente.networks import MLP
from latente.objectives import RAE, Batch, Plain, Progress


def parts_of(module, batch, objective):
    """Plain loss, 1/2 ||z||^2 and what the objective adds beyond both."""
    losses, plain = objective(module, batch, Progress()), Plain()(module, batch, Progress())
    z = module.encoder(batch.x)
    codes = objective.code_weight * 0.5 * z.square().sum(1)
    return losses, losses.loss - plain.loss - codes, codes


def test_weights_of_the_decoder(make, batch):
    module = make()
    losses, rest, codes = parts_of(module, batch(), RAE(0.3, 0.2, "l2"))
    squares = sum(p.square().sum().item() for p in module.decoder.parameters())
    torch.testing.assert_close(rest, torch.full((12,), 0.2 * squares), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(losses.penalty, codes + 0.2 * squares, rtol=1e-4, atol=1e-4)


def test_only_codes_count_when_the_decoder_is_free(make, batch):
    _, rest, codes = parts_of(make(), batch(), RAE(0.3, 0.0))
    torch.testing.assert_close(rest, torch.zeros(12), atol=1e-5, rtol=0)
    assert (codes > 0).all()


@pytest.mark.parametrize("output", ["identity", "sigmoid"])
def test_the_jacobian_of_the_decoder_is_estimated_without_bias(make, batch, output):
    """The mean of k projections of one sample is ||J||_F^2 within five standard errors sqrt(2 ||J^T J||_F^2 / k)."""
    module = make(output=output)
    one = batch(1)
    many = Batch(one.x.expand(2_000, -1), one.x.expand(2_000, -1))
    _, rest, _ = parts_of(module, many, RAE(0.0, 1.0, "gradient"))
    z = module.encoder(one.x)
    jacobian = vmap(jacrev(lambda code: module.decode(code.unsqueeze(0)).squeeze(0)))(z)[0]
    error = math.sqrt(2 * (jacobian.T @ jacobian).square().sum().item() / 2_000)
    assert abs(rest.mean().item() - jacobian.square().sum().item()) < 5 * error


def test_a_linear_decoder_has_the_norm_of_its_weights(make, batch):
    module = make(network=MLP(()))
    weight = module.decoder[0][0][0].weight
    many = batch(4_000)
    _, rest, _ = parts_of(module, many, RAE(0.0, 1.0, "gradient"))
    error = math.sqrt(2 * (weight.T @ weight).square().sum().item() / 4_000)
    assert abs(rest.mean().item() - weight.square().sum().item()) < 5 * error


@pytest.mark.parametrize("regularizer", ["l2", "gradient"])
def test_its_gradient_reaches_the_decoder(make, batch, regularizer):
    module = make()
    RAE(0.0, 1.0, regularizer)(module, batch(), Progress()).penalty.mean().backward()
    assert all(p.grad is not None for name, p in module.decoder.named_parameters() if name.endswith("weight"))
    weight = module.decoder[0][0].weight
    if regularizer == "l2":
        torch.testing.assert_close(weight.grad, 2 * weight.detach())


@pytest.mark.parametrize("regularizer", ["l2", "gradient"])
def test_validation_counts_it_too(make, batch, regularizer):
    module, given = make(distortion=Bernoulli(), output="sigmoid").eval(), batch()
    objective = RAE(0.1, 0.5, regularizer)
    module.generator.manual_seed(1)
    expected = objective(module, given, Progress()).loss
    module.generator.manual_seed(1)
    with torch.no_grad():
        torch.testing.assert_close(objective(module, given, Progress()).loss, expected)


def test_decoders_without_weights_have_no_weights_to_decay(batch):
    module = AutoencoderModule(
        nn.Linear(6, 6), Deterministic().build(6), nn.Tanh(), distortion=SquaredError().build((6,))
    )
    for regularizer in ("l2", "gradient"):
        losses = RAE(0.0, 1.0, regularizer)(module, batch(), Progress())
        assert torch.isfinite(losses.loss).all()
    torch.testing.assert_close(
        RAE(0.0, 1.0, "l2")(module, batch(), Progress()).loss, Plain()(module, batch(), Progress()).loss
    )


def test_frozen_encoders_can_be_decoded_smoothly(make, batch):
    module = make()
    module.encoder.requires_grad_(False)
    losses = RAE(0.0, 1.0, "gradient")(module, batch(), Progress())
    losses.loss.mean().backward()
    assert module.decoder[0][0].weight.grad.any()


def test_training_with_it_keeps_codes_small(make, batch):
    sizes = {}
    for weight in (0.0, 5.0):
        module, given = make(), batch(64)
        optimizer = torch.optim.Adam(module.parameters(), lr=0.01)
        for _ in range(100):
            optimizer.zero_grad()
            RAE(weight, 0.0)(module, given, Progress()).loss.mean().backward()
            optimizer.step()
        sizes[weight] = module.encoder(given.x).square().sum(1).mean().item()
    assert sizes[5.0] < 0.2 * sizes[0.0]
