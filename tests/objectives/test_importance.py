"""The importance-weighted bound against the exact likelihood of a model whose integral is known.

The model is factor analysis: z ~ N(0, I), x | z ~ N(W z + b, s^2 I), so x ~ N(b, W W^T + s^2 I), and with orthogonal
columns of W the posterior of z is Gaussian with a diagonal covariance, which our encoder can express exactly.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy import stats

from latente.bottlenecks import Gaussian
from latente.distortions import Bernoulli, GaussianLikelihood
from latente.networks import MLP
from latente.objectives import Batch, ImportanceWeighted, Plain, Progress
from latente.objectives.importance import _chosen

S2 = 0.3  # variance of the noise
W = torch.linalg.qr(torch.randn(6, 3, generator=torch.Generator().manual_seed(2)))[0] * torch.tensor([2.0, 1.0, 0.5])
B = torch.linspace(-1, 1, 6)


@pytest.fixture
def factor_analysis(make):
    """A function (shift, stretch) -> module with the exact posterior, its mean moved and its deviation stretched."""

    def build(shift=0.0, stretch=1.0):
        module = make(Gaussian(warmup=0.0), network=MLP(()), distortion=GaussianLikelihood())
        encoder, decoder = module.encoder[0][1][0], module.decoder[0][0][0]
        likelihood = module.distortion
        precision = 1 + W.square().sum(0) / S2  # of the posterior, diagonal
        with torch.no_grad():
            decoder.weight.copy_(W)
            decoder.bias.copy_(B)
            encoder.weight.zero_()[:3] = W.T / S2 / precision.unsqueeze(1)
            encoder.bias[:3] = -(W.T @ B) / S2 / precision + shift
            encoder.bias[3:] = -precision.log() + 2 * math.log(stretch)
            likelihood.scaled_logvar.fill_(
                likelihood.largest / likelihood.gain * math.atanh(math.log(S2) / likelihood.largest)
            )
        return module

    return build


def draws(n):
    """n samples of the model, and their exact -log p(x)."""
    cov = (W @ W.T).double().numpy() + S2 * np.eye(6)
    x = np.random.default_rng(0).multivariate_normal(B.numpy(), cov, size=n)
    exact = -stats.multivariate_normal(B.double().numpy(), cov).logpdf(x)
    x = torch.from_numpy(x).float()
    return Batch(x, x), torch.from_numpy(exact).float()


@pytest.mark.parametrize("k", [1, 2, 50])
def test_with_the_exact_posterior_the_bound_is_tight_for_every_k(factor_analysis, k):
    batch, exact = draws(50)
    losses = ImportanceWeighted(k)(factor_analysis(), batch, Progress())
    torch.testing.assert_close(losses.loss, exact, rtol=1e-4, atol=1e-4)


def test_the_elbo_is_tight_on_average_too(factor_analysis):
    """Plain's rate is analytic, its distortion one sample's: 20,000 of them average to the exact value."""
    batch, exact = draws(20_000)
    losses = Plain()(factor_analysis(), batch, Progress())
    difference = losses.loss - exact
    assert difference.mean().abs() < 5 * difference.std() / math.sqrt(20_000)


def test_many_samples_close_the_gap_of_a_poor_posterior(factor_analysis):
    """The gap falls like the relative variance of a weight over 2 k; 5,000 draws leave a few thousandths of a nat."""
    batch, exact = draws(40)
    module = factor_analysis(shift=0.2, stretch=1.3)
    gap = ImportanceWeighted(5_000)(module, batch, Progress()).loss - exact
    assert gap.mean().abs() < 0.01
    assert ImportanceWeighted(1)(module, batch, Progress()).loss.mean() - exact.mean() > 0.2


def test_the_bound_tightens_with_k_and_never_passes_the_likelihood(factor_analysis):
    """Means over 4,000 samples; every step down is larger than five standard errors of its difference."""
    batch, exact = draws(4_000)
    module = factor_analysis(shift=0.3, stretch=1.5)
    losses = [ImportanceWeighted(k)(module, batch, Progress()).loss - exact for k in (1, 2, 5, 20)]
    for looser, tighter in pairwise(losses):
        error = (looser - tighter).std() / math.sqrt(4_000)
        assert looser.mean() - tighter.mean() > 5 * error
    assert losses[-1].mean() > -5 * losses[-1].std() / math.sqrt(4_000)


@pytest.mark.parametrize("distortion", [Bernoulli(), GaussianLikelihood()], ids=lambda d: d.short_name)
def test_one_sample_is_the_elbo_by_one_sample(make, batch, distortion):
    module, given = make(Gaussian(), distortion=distortion), batch()
    mu, logvar = module.bottleneck.moments(module.features(given.x))
    z = mu + (logvar / 2).exp() * torch.randn(mu.shape, generator=torch.Generator().manual_seed(5))
    q, p = torch.distributions.Normal(mu, (logvar / 2).exp()), torch.distributions.Normal(0.0, 1.0)
    distortion = module.distort(z, given.x)
    rate = (q.log_prob(z) - p.log_prob(z)).sum(1)
    module.generator.manual_seed(5)
    losses = ImportanceWeighted(1)(module, given, Progress())
    torch.testing.assert_close(losses.loss, distortion + rate, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(losses.distortion, distortion)
    torch.testing.assert_close(losses.rate, rate, rtol=1e-4, atol=1e-5)


def test_it_is_the_log_mean_of_its_weights(make, batch):
    """Each sample meets its own target, k times over."""
    module, given = make(Gaussian(), shape=(2, 3)), batch(5, 2, 3)
    mu, logvar = module.bottleneck.moments(module.features(given.x))
    noise = torch.randn((4, *mu.shape), generator=torch.Generator().manual_seed(5))
    weights = []
    for one in noise:
        z = mu + (logvar / 2).exp() * one
        q, p = torch.distributions.Normal(mu, (logvar / 2).exp()), torch.distributions.Normal(0.0, 1.0)
        weights.append((p.log_prob(z) - q.log_prob(z)).sum(1) - (module.decode(z) - given.x).square().sum((1, 2)))
    module.generator.manual_seed(5)
    expected = -(torch.stack(weights).exp().mean(0)).log()
    torch.testing.assert_close(ImportanceWeighted(4)(module, given, Progress()).loss, expected, rtol=1e-4, atol=1e-4)


def test_terrible_weights_do_not_underflow(make, batch):
    given = batch()
    far = Batch(given.x, given.x + 1e3)  # exp(-6e6) is 0 in any precision
    losses = ImportanceWeighted(5)(make(Gaussian()), far, Progress())
    assert torch.isfinite(losses.loss).all()
    losses.loss.mean().backward()


def gradients(module, objective, batch, seed):
    module.generator.manual_seed(seed)
    losses = objective(module, batch, Progress())
    parameters = [p for p in module.parameters() if p.requires_grad]
    found = torch.autograd.grad(losses.loss.mean(), parameters, allow_unused=True)
    return losses.loss.detach(), torch.cat([g.flatten() for g in found if g is not None])


@pytest.mark.parametrize("doubly", [True, False])
def test_the_gradient_through_chosen_draws_is_that_of_all_on_average(factor_analysis, doubly):
    """Means over 300 seeds, in every parameter within six standard errors of their difference; the loss is the same."""
    batch, _ = draws(30)
    module = factor_analysis(shift=0.3, stretch=1.5)
    pairs = [
        [gradients(module, ImportanceWeighted(8, 0.0, b, doubly), batch, seed) for b in (None, 2)]
        for seed in range(300)
    ]
    for (every, _), (few, _) in pairs:
        torch.testing.assert_close(few, every)
    difference = torch.stack([few - every for (_, every), (_, few) in pairs])
    assert (difference.mean(0).abs() <= 6 * difference.std(0) / math.sqrt(300) + 1e-6).all()
    assert difference.std(0).max() > 0.005  # few draws do vary


def test_a_gradient_through_more_draws_than_there_are_is_that_of_all(factor_analysis):
    batch, _ = draws(10)
    module = factor_analysis(shift=0.3)
    _, every = gradients(module, ImportanceWeighted(4), batch, 0)
    _, more = gradients(module, ImportanceWeighted(4, backward=9), batch, 0)
    torch.testing.assert_close(more, every)


def test_the_doubly_reparameterized_gradient_is_the_plain_one_on_average(factor_analysis):
    """Means over 300 seeds within six standard errors; the decoder's is the same in every draw, the encoder's varies
    less: by how much, Tucker et al. say only that it does."""
    batch, _ = draws(30)
    module = factor_analysis(shift=0.3, stretch=1.5)
    pairs = [
        [gradients(module, ImportanceWeighted(8, doubly_reparameterized=d), batch, seed) for d in (False, True)]
        for seed in range(300)
    ]
    for (plain, _), (doubly, _) in pairs:
        torch.testing.assert_close(doubly, plain)
    plain, doubly = (torch.stack([pair[which][1] for pair in pairs]) for which in (0, 1))
    difference = doubly - plain
    assert (difference.mean(0).abs() <= 6 * difference.std(0) / math.sqrt(300) + 1e-6).all()
    encoder = sum(p.numel() for p in module.encoder.parameters())
    torch.testing.assert_close(doubly[:, encoder:], plain[:, encoder:])
    assert doubly[:, :encoder].var(0).mean() < 0.5 * plain[:, :encoder].var(0).mean()


def test_the_doubly_reparameterized_gradient_by_its_formula(factor_analysis):
    """sum_i w_i^2 d log w(z_i) / dz, q fixed, times dz_i / d(mu, sigma), with torch's own distributions."""
    batch, _ = draws(10)
    module = factor_analysis(shift=0.3, stretch=1.5)
    moments = module.bottleneck.moments(module.features(batch.x))
    mu, sd = moments[0], (moments[1] / 2).exp()
    noise = torch.randn((4, *mu.shape), generator=torch.Generator().manual_seed(5))
    z = (mu + sd * noise).detach().requires_grad_()
    q, prior = torch.distributions.Normal(mu.detach(), sd.detach()), torch.distributions.Normal(0.0, 1.0)
    likelihood = torch.distributions.Normal(z @ W.T + B, math.sqrt(S2)).log_prob(batch.x).sum(2)
    weights = likelihood + (prior.log_prob(z) - q.log_prob(z)).sum(2)
    slopes = torch.autograd.grad(weights.sum(), z)[0] * weights.detach().softmax(0).square().unsqueeze(2)
    encoder = list(module.encoder.parameters())
    expected = torch.autograd.grad(mu + sd * noise, encoder, -slopes / len(batch))
    _, found = gradients(module, ImportanceWeighted(4), batch, 5)
    expected = torch.cat([g.flatten() for g in expected])
    torch.testing.assert_close(found[: len(expected)], expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("k", "backward"), [(1, None), (8, None), (8, 2)])
def test_with_the_exact_posterior_the_encoders_gradient_is_zero_in_every_draw(factor_analysis, k, backward):
    batch, _ = draws(30)
    module = factor_analysis()
    encoder = sum(p.numel() for p in module.encoder.parameters())
    _, doubly = gradients(module, ImportanceWeighted(k, 0.0, backward), batch, 0)
    assert doubly[:encoder].abs().max() < 1e-4
    _, plain = gradients(module, ImportanceWeighted(k, 0.0, backward, False), batch, 0)
    assert plain[:encoder].abs().max() > 0.01


def test_chosen_draws_differ_and_stand_for_all():
    """Over 4,000 choices the weighted sums of random values are unbiased within five standard errors."""
    generator = torch.Generator().manual_seed(0)
    share = (3 * torch.randn(20, 1, generator=generator)).softmax(0).expand(-1, 4_000)
    values = torch.randn(20, 4_000, generator=generator)[:, :1].expand(-1, 4_000)
    for count in (1, 2, 5, 19):
        index, weight = _chosen(share, count, generator)
        assert all(len(set(column)) == count for column in index.T.tolist())
        torch.testing.assert_close(weight.sum(0), torch.ones(4_000))
        error = ((values.gather(0, index) * weight).sum(0) - (share * values).sum(0)).double()
        assert error.mean().abs() <= 5 * error.std() / math.sqrt(4_000) + 1e-7
        certain = share[:, 0] >= weight.min() + 1e-6  # larger than the weight of those that were drawn by lot
        assert all((index == i).any(0).all() for i in certain.nonzero().flatten().tolist())


def test_one_draw_that_has_all_the_weight_is_chosen_with_all_of_it():
    share = torch.zeros(6, 3)
    share[2] = 1.0
    index, weight = _chosen(share, 3, torch.Generator().manual_seed(0))
    assert ((weight * (index == 2)).sum(0) == 1).all()
    assert (weight.sum(0) == 1).all()


def test_the_number_of_draws_grows_by_a_constant_factor(factor_analysis):
    growing = ImportanceWeighted(64, growth=0.5)
    assert [growing.draws(f) for f in (0.0, 0.125, 0.25, 0.375, 0.5, 1.0)] == [1, 3, 8, 23, 64, 64]
    assert ImportanceWeighted(64).draws(0.0) == 64
    assert [ImportanceWeighted(64, 0.5, power=2).draws(f) for f in (0.0, 0.25, 0.375, 0.5)] == [1, 3, 10, 64]
    batch, _ = draws(20)
    module = factor_analysis(shift=0.3)
    for training, k in ((True, 8), (False, 64)):
        module.train(training).generator.manual_seed(0)
        loss = growing(module, batch, Progress(25, 100)).loss
        module.generator.manual_seed(0)
        torch.testing.assert_close(loss, ImportanceWeighted(k)(module, batch, Progress()).loss)


def test_a_decoder_that_mixes_draws_gets_the_plain_gradient_of_all(make, batch):
    module = make(Gaussian(warmup=0.0), network=MLP((8,), normalization="batch")).train()
    some = batch(12)
    own = gradients(module, ImportanceWeighted(8, backward=2), some, 0)
    plain = gradients(module, ImportanceWeighted(8, doubly_reparameterized=False), some, 0)
    torch.testing.assert_close(own, plain)


def test_what_it_refuses(make):
    module = make(Gaussian())
    with pytest.raises(ValueError, match="doubly_reparameterized must be True or False; got 'no'"):
        ImportanceWeighted(doubly_reparameterized="no").check(module)
    with pytest.raises(ValueError, match="growth is a share of training in \\[0, 1\\]; got 2"):
        ImportanceWeighted(growth=2).check(module)
    with pytest.raises(ValueError, match="power must be a finite number above 0; got 0"):
        ImportanceWeighted(power=0).check(module)
    with pytest.raises(ValueError, match="backward must be None or an integer of at least 1; got 0"):
        ImportanceWeighted(backward=0).check(module)
