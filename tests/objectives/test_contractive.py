"""The Jacobian's norm against closed forms, autograd's Jacobian and its own exact value."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.func import jacrev, vmap

from latente.bottlenecks import Gaussian
from latente.corruptions import Masking
from latente.networks import MLP, Conv
from latente.objectives import Contractive, Plain, Progress
from latente.objectives.contractive import jacobian_norm


def exact_by_autograd(module, x):
    """||dh/dx||_F^2 for each sample, from torch.func's full Jacobian."""
    jacobian = vmap(jacrev(lambda one: module.encoder(one.unsqueeze(0)).squeeze(0)))(x)
    return jacobian.flatten(1).square().sum(1)


def test_a_linear_encoder_has_the_norm_of_its_weights(make, batch):
    module, given = make(network=MLP(())), batch()
    weight = module.encoder[0][1][0].weight
    losses = Contractive(0.7, probes=None)(module, given, Progress())
    torch.testing.assert_close(losses.penalty, (0.7 * weight.square().sum()).expand(12))


@pytest.mark.parametrize(
    ("activation", "derivative"), [("tanh", lambda h: 1 - h**2), ("sigmoid", lambda h: h * (1 - h))]
)
def test_one_layer_has_rifais_closed_form(make, batch, activation, derivative):
    """sum_j f'(a_j)^2 sum_i W_ji^2 (Rifai et al., 2011, equation 3)."""
    module, given = make(network=MLP((), code_activation=activation)), batch()
    weight, h = module.encoder[0][1][0].weight, module.encoder(given.x)
    expected = (derivative(h) ** 2 * weight.square().sum(1)).sum(1)
    torch.testing.assert_close(Contractive(1.0, probes=None)(module, given, Progress()).penalty, expected)


@pytest.mark.parametrize(
    "network", [MLP((8, 5), "tanh"), MLP((8,), skip=True), Conv((4, 4))], ids=["mlp", "skip", "conv"]
)
def test_exact_is_autograds_jacobian(make, batch, network):
    module, given = make(shape=(1, 6, 5), network=network), batch(4, 1, 6, 5)
    losses = Contractive(0.3, probes=None)(module, given, Progress())
    torch.testing.assert_close(losses.penalty, 0.3 * exact_by_autograd(module, given.x), rtol=1e-4, atol=1e-6)
    plain = Plain()(module, given, Progress())
    torch.testing.assert_close(losses.loss, plain.loss + losses.penalty)
    torch.testing.assert_close(losses.distortion, plain.distortion)


def test_projections_are_unbiased(make, batch):
    """The variance of one projection v^T J is 2 ||J J^T||_F^2, so that of the mean of k is known."""
    module, given = make(), batch(4)
    x = given.x.clone().requires_grad_()
    exact = jacobian_norm(module.encoder(x), x)
    jacobian = vmap(jacrev(lambda one: module.encoder(one.unsqueeze(0)).squeeze(0)))(given.x)
    k = 2_000
    error = (2 * (jacobian @ jacobian.mT).flatten(1).square().sum(1) / k).sqrt()
    estimate = jacobian_norm(module.encoder(x), x, probes=k, generator=torch.Generator().manual_seed(0))
    assert ((estimate - exact).abs() < 4 * error).all()
    one = jacobian_norm(module.encoder(x), x, probes=1, generator=torch.Generator().manual_seed(0))
    assert (one - exact).abs().max() > error.max()


def test_probes_come_from_the_modules_generator(make, batch, untouched_generators):
    module, given = make(), batch()
    losses = []
    for seed in (3, 3, 4):
        module.generator.manual_seed(seed)
        losses.append(Contractive()(module, given, Progress()).loss)
    assert torch.equal(losses[0], losses[1])
    assert not torch.equal(losses[0], losses[2])


def test_the_gradient_of_the_penalty_reaches_the_encoder(make, batch):
    module, given = make(network=MLP(())), batch()
    linear = module.encoder[0][1][0]
    Contractive(1.0, probes=None)(module, given, Progress()).penalty.mean().backward()
    torch.testing.assert_close(linear.weight.grad, 2 * linear.weight.detach())
    assert given.x.grad is None


def test_training_with_it_shrinks_the_jacobian(make, batch):
    norms = {}
    for weight in (0.0, 0.5):
        module, given = make(), batch(64)
        optimizer = torch.optim.Adam(module.parameters(), lr=0.01)
        for _ in range(100):
            optimizer.zero_grad()
            Contractive(weight)(module, given, Progress()).loss.mean().backward()
            optimizer.step()
        norms[weight] = exact_by_autograd(module, given.x).mean().item()
    assert norms[0.5] < 0.3 * norms[0.0]


def test_validation_counts_the_contraction_too(make, batch):
    """Early stopping compares what is trained, although validation runs without gradients."""
    module, given = make().eval(), batch()
    objective = Contractive(probes=None)
    expected = objective(module, given, Progress()).loss
    with torch.no_grad():
        torch.testing.assert_close(objective(module, given, Progress()).loss, expected)
    assert not given.x.requires_grad
    assert all(p.grad is None for p in module.parameters())


def test_it_is_taken_at_the_corrupted_input(make, batch):
    module, given = make(corruption=Masking(1.0)), batch()
    penalty = Contractive(1.0, probes=None)(module, given, Progress()).penalty
    torch.testing.assert_close(penalty, exact_by_autograd(module, torch.zeros_like(given.x)))


def test_a_gaussian_bottleneck_contracts_both_moments(make, batch):
    module, given = make(Gaussian()).eval(), batch()
    penalty = Contractive(1.0, probes=None)(module, given, Progress(1, 1)).penalty
    torch.testing.assert_close(penalty, exact_by_autograd(module, given.x))


def test_an_orthogonal_encoder_has_norm_one_a_unit():
    layer = nn.Linear(9, 4)
    nn.init.orthogonal_(layer.weight)
    x = torch.zeros(3, 9, requires_grad=True)
    torch.testing.assert_close(jacobian_norm(layer(x), x), torch.full((3,), 4.0))
    assert math.isclose(jacobian_norm(2 * layer(x), x)[0].item(), 16.0, rel_tol=1e-5)
