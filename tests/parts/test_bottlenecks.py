"""Bottlenecks against torch.distributions and counting; the quantisers have a file of their own."""

from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from latente.bottlenecks import FSQ, VQ, Deterministic, Gaussian, KSparse, NoPriorError, Sparse

EVERY = [Deterministic(), Gaussian(), Gaussian(2.0, 0.5, 0.3), Sparse(0.3), KSparse(2), VQ(16, 2), FSQ(5)]
every = pytest.mark.parametrize("part", EVERY, ids=lambda part: type(part).__name__)


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def features(module, n=9, scale=1.0, seed=0):
    return scale * torch.randn(n, module.features, generator=rng(seed))


@every
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.usefixtures("untouched_generators")
def test_what_every_bottleneck_returns(part, training):
    with torch.random.fork_rng():
        module = part.build(6).train(training)
    latent = module(features(module), rng(1))
    assert module.latent_dim == 6
    assert latent.z.shape == latent.mode.shape == (9, 6)
    assert latent.rate.shape == latent.penalty.shape == module.cost(latent).shape == (9,)
    assert (latent.rate >= 0).all()
    assert (latent.penalty >= 0).all()
    assert latent.codes is None or latent.codes.dtype == torch.int64


@every
def test_evaluation_is_deterministic_and_decodes_the_mode(part):
    module = part.build(6).eval()
    h = features(module, scale=100.0)
    first, second = module(h, rng(1)), module(h, rng(2))
    assert torch.equal(first.z, first.mode), "z is not the mode to the last bit"
    assert torch.equal(first.z, second.z)


@every
def test_evaluation_treats_each_sample_alone(part):
    module = part.build(6).eval()
    h = features(module)
    together = module(h)
    for i in range(len(h)):
        alone = module(h[i : i + 1])
        for name in ("z", "mode", "rate", "penalty"):
            torch.testing.assert_close(getattr(alone, name)[0], getattr(together, name)[i])


@every
def test_a_gradient_reaches_every_feature(part):
    module = part.build(6).train()
    h = features(module, n=64).requires_grad_()
    latent = module(h, rng(1))
    (latent.z.sin().sum() + module.cost(latent).sum()).backward()
    assert torch.isfinite(h.grad).all()
    assert (h.grad != 0).any(0).all()


def test_deterministic_is_the_identity():
    h = torch.randn(4, 3, generator=rng())
    latent = Deterministic().build(3)(h)
    assert torch.equal(latent.z, h)
    assert not latent.rate.any()
    assert not latent.penalty.any()


@pytest.mark.parametrize("scale", [0.01, 1.0, 4.0])
def test_kl_is_that_of_torch_distributions(scale):
    module = Gaussian().build(5)
    latent = module(h := features(module, n=50, scale=scale), rng())
    mu, logvar = h[:, :5].double(), h[:, 5:].double().clamp(-20, 10)
    expected = kl_divergence(Normal(mu, (logvar / 2).exp()), Normal(0.0, torch.ones_like(mu)))
    torch.testing.assert_close(latent.rate_per_unit.double(), expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(latent.rate.double(), expected.sum(1), rtol=1e-4, atol=1e-5)
    posterior = module.posterior(h)
    torch.testing.assert_close(posterior.mean, h[:, :5])
    torch.testing.assert_close(posterior.variance.double(), logvar.exp(), rtol=1e-4, atol=0)


def test_training_samples_have_the_moments_of_the_posterior():
    """Means of n = 40,000 draws are known to sigma / 200, their variance to sqrt(2 / n) = 0.7% of itself."""
    module = Gaussian().build(3).train()
    mu, logvar = torch.tensor([-2.0, 0.0, 5.0]), torch.tensor([-4.0, 0.0, 2.0])
    z = module(torch.cat([mu, logvar]).expand(40_000, 6), rng()).z
    sigma = (logvar / 2).exp()
    assert ((z.mean(0) - mu).abs() < 5 * sigma / 200).all()
    torch.testing.assert_close(z.var(0), sigma**2, rtol=0.035, atol=0)
    correlations = torch.corrcoef(z.T).fill_diagonal_(0.0)
    assert correlations.abs().max() < 5 / 200
    assert not torch.equal(module(torch.zeros(1, 6), rng(1)).z, module(torch.zeros(1, 6), rng(2)).z)


def test_reparametrised_gradients_are_those_of_the_moments():
    h = torch.tensor([[1.0, -2.0, 0.5, -1.0]], requires_grad=True)
    latent = Gaussian().build(2).train()(h, rng(5))
    noise = torch.randn(1, 2, generator=rng(5))
    latent.z.sum().backward()
    torch.testing.assert_close(h.grad[:, :2], torch.ones(1, 2))
    torch.testing.assert_close(h.grad[:, 2:], 0.5 * (h[:, 2:].detach() / 2).exp() * noise)


@pytest.mark.parametrize(
    ("beta", "warmup", "progress", "weight"),
    [
        (1.0, 0.1, 0.0, 0.0),
        (1.0, 0.1, 0.05, 0.5),
        (4.0, 0.1, 0.025, 1.0),
        (4.0, 0.1, 0.1, 4.0),
        (4.0, 0.1, 1.0, 4.0),
        (2.0, 0.0, 0.0, 2.0),
        (2.0, 1.0, 0.75, 1.5),
        (0.0, 0.5, 0.25, 0.0),
    ],
)
def test_beta_grows_over_the_warm_up(beta, warmup, progress, weight):
    module = Gaussian(beta, warmup=warmup).build(3)
    latent = module(features(module), rng())
    assert module.weight(progress) == pytest.approx(weight)
    torch.testing.assert_close(module.cost(latent, progress), weight * latent.rate)


def test_the_rate_itself_is_never_weighted():
    h = torch.randn(5, 6, generator=rng())
    rates = [Gaussian(beta, free_bits, 0.5).build(3)(h).rate for beta in (0.0, 1.0, 9.0) for free_bits in (0.0, 2.0)]
    assert all(torch.equal(rate, rates[0]) for rate in rates)


def test_free_bits_cost_the_same_until_they_are_spent():
    module = Gaussian(beta=2.0, free_bits=0.5, warmup=0.0).build(3)
    mu = torch.tensor([[0.0, 0.5, 3.0], [0.0, -0.5, 0.5]], requires_grad=True)
    latent = module(torch.cat([mu, torch.zeros(2, 3)], 1), rng())
    # Mean nats of the units: 0, 1/8 and (9/2 + 1/8) / 2 = 37/16. The first two cost their free 1/2.
    cost = module.cost(latent)
    torch.testing.assert_close(cost, torch.full((2,), 2.0 * (0.5 + 0.5 + 37 / 16)))
    cost.mean().backward()
    torch.testing.assert_close(mu.grad, torch.tensor([[0.0, 0.0, 3.0], [0.0, 0.0, 0.5]]))


def test_extreme_features_stay_finite():
    module = Gaussian().build(2).train()
    latent = module(torch.tensor([[1e3, -1e3, 1e4, -1e4]]), rng())
    assert torch.isfinite(latent.z).all()
    assert torch.isfinite(latent.rate).all()


def test_the_prior_of_gaussian_codes_is_standard_normal():
    """Tolerances: five standard errors of 20,000 draws."""
    module = Gaussian().build(4)
    z = module.sample(20_000, rng())
    assert z.shape == (20_000, 4)
    assert z.mean(0).abs().max() < 5 / math.sqrt(20_000)
    assert (z.var(0) - 1).abs().max() < 5 * math.sqrt(2 / 20_000)
    assert torch.equal(module.sample(3, rng(1)), module.sample(3, rng(1)))


@pytest.mark.parametrize("part", [Deterministic(), Sparse(), KSparse(1)], ids=lambda part: type(part).__name__)
def test_no_prior_says_how_to_get_one(part):
    with pytest.raises(NoPriorError, match=r"no prior .*latente\.generation.*bottleneck='gaussian'"):
        part.build(3).sample(2)


@pytest.mark.parametrize("k", [1, 3, 7])
def test_k_sparse_keeps_exactly_the_k_largest(k):
    h = torch.randn(40, 7, generator=rng())
    latent = KSparse(k).build(7)(h)
    assert (latent.z != 0).sum(1).tolist() == [k] * 40
    for row, kept in zip(h, latent.z, strict=True):
        largest = sorted(row.tolist(), key=abs)[-k:]
        assert sorted(kept[kept != 0].tolist()) == sorted(largest)


def test_k_sparse_keeps_k_of_equals_and_sends_gradients_through_them_only():
    h = torch.ones(1, 5, requires_grad=True)
    z = KSparse(2).build(5)(h).z
    assert int((z != 0).sum()) == 2
    z.sum().backward()
    assert torch.equal(h.grad, z.detach())


def test_sparse_costs_its_absolute_values():
    h = torch.tensor([[1.0, -2.0, 0.0], [0.5, 0.0, -0.25]], requires_grad=True)
    module = Sparse(0.2).build(3)
    latent = module(h)
    torch.testing.assert_close(module.cost(latent), torch.tensor([0.6, 0.15]))
    assert torch.equal(latent.z, h)
    assert not latent.rate.any()
    latent.penalty.sum().backward()
    torch.testing.assert_close(h.grad, 0.2 * h.detach().sign())


def test_sparse_drives_codes_to_zero():
    h = torch.nn.Parameter(torch.tensor([[2.0, 0.3, -0.2, 1.0]]))
    target, module = h.detach().clone(), Sparse(1.0).build(4)
    optimizer = torch.optim.SGD([h], lr=0.01)
    for _ in range(500):
        optimizer.zero_grad()
        latent = module(h)
        ((latent.z - target).square().sum(1) + module.cost(latent)).sum().backward()
        optimizer.step()
    # The minimum of (z - t)^2 + |z| is the soft threshold sign(t) max(|t| - 1/2, 0);
    # around the kink at 0 the steps of at most 0.01 (1 + 2 * 0.3) never end.
    torch.testing.assert_close(h.detach(), torch.tensor([[1.5, 0.0, 0.0, 0.5]]), atol=0.016, rtol=0)
