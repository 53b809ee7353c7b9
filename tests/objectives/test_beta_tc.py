"""The decomposition of the rate against sums over the whole data set in numpy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import special, stats

from latente.bottlenecks import Gaussian
from latente.distortions import Bernoulli
from latente.objectives import BetaTC, ImportanceWeighted, Progress
from latente.objectives.beta_tc import decompose


def posterior(n=30, d=4, seed=0):
    """Draws, means and log-variances, each (n, d)."""
    generator = torch.Generator().manual_seed(seed)
    mu = torch.randn(n, d, generator=generator) * torch.tensor([2.0, 1.0, 0.5, 0.1])[:d]
    logvar = torch.randn(n, d, generator=generator) - 1
    return mu + (logvar / 2).exp() * torch.randn(n, d, generator=generator), mu, logvar


def by_brute_force(z, mu, logvar):
    """The three parts with q(z) = 1/n sum_i q(z|x_i) over all samples, by scipy, one z at a time."""
    z, mu, sigma = z.double().numpy(), mu.double().numpy(), (logvar.double() / 2).exp().numpy()
    parts = []
    for i in range(len(z)):
        logs = np.stack([stats.norm.logpdf(z[i], mu[j], sigma[j]) for j in range(len(z))])  # (n, d)
        log_joint = special.logsumexp(logs.sum(1)) - math.log(len(z))
        log_product = (special.logsumexp(logs, axis=0) - math.log(len(z))).sum()
        log_prior = stats.norm.logpdf(z[i]).sum()
        parts.append((logs[i].sum() - log_joint, log_joint - log_product, log_product - log_prior))
    return np.array(parts).T


@pytest.mark.parametrize(("n", "d"), [(30, 4), (2, 1), (1, 3)])
def test_a_batch_that_is_the_data_set_gives_the_exact_parts(n, d):
    given = posterior(n, d)
    parts = np.stack([part.numpy() for part in decompose(*given, samples=n)])
    np.testing.assert_allclose(parts, by_brute_force(*given), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("samples", [1, 30, 1_000, 60_000])
def test_the_parts_sum_to_the_log_ratio(samples):
    z, mu, logvar = posterior()
    q, p = torch.distributions.Normal(mu, (logvar / 2).exp()), torch.distributions.Normal(0.0, 1.0)
    expected = (q.log_prob(z) - p.log_prob(z)).sum(1)
    torch.testing.assert_close(sum(decompose(z, mu, logvar, samples)), expected, rtol=1e-4, atol=1e-4)


def test_the_estimate_of_the_aggregate_is_unbiased():
    """Over random batches around a draw, the estimated q(z) averages to the mean over the whole data set."""
    z, mu, logvar = posterior(40)
    q = torch.distributions.Normal(mu, (logvar / 2).exp())
    rng = np.random.default_rng(0)
    for i in range(5):
        exact = q.log_prob(z[i]).sum(1).exp().mean()
        estimates = []
        for _ in range(3_000):
            others = rng.choice([j for j in range(40) if j != i], 7, replace=False)
            rows = torch.tensor([i, *others])
            information, _, _ = decompose(z[rows], mu[rows], logvar[rows], samples=40)
            estimates.append((q.log_prob(z)[i].sum() - information[0]).exp().item())
        error = np.std(estimates) / math.sqrt(3_000)
        assert abs(np.mean(estimates) - exact) < 5 * error


def test_independent_units_have_no_total_correlation():
    """A factorial aggregate: z is N(0, I) whatever x, so all three parts vanish."""
    z = torch.randn(50, 3, generator=torch.Generator().manual_seed(0))
    zero = torch.zeros(50, 3)
    for part in decompose(z, zero, zero, samples=50):
        torch.testing.assert_close(part, torch.zeros(50), atol=1e-4, rtol=0)


def test_copies_of_a_unit_have_total_correlation():
    z, mu, logvar = posterior(200, 1)
    twice = [t.repeat(1, 2) for t in (z, mu, logvar)]
    _, correlation, _ = decompose(*twice, samples=200)
    assert correlation.mean() > 0.5


@pytest.mark.parametrize("distortion", [None, Bernoulli()])
def test_with_equal_weights_it_is_the_elbo_by_one_sample(make, batch, distortion):
    module, given = make(Gaussian(), distortion=distortion), batch()
    module.generator.manual_seed(3)
    losses = BetaTC(1.0, 1.0, 1.0)(module, given, Progress(1, 1, 500))
    module.generator.manual_seed(3)
    elbo = ImportanceWeighted(1)(module, given, Progress())
    torch.testing.assert_close(losses.loss, elbo.loss, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(losses.distortion, elbo.distortion)


def test_weights_act_on_their_parts(make, batch):
    module, given = make(Gaussian()), batch()
    values = {}
    for name in ("alpha", "beta", "gamma"):
        module.generator.manual_seed(3)
        weights = {"alpha": 0.0, "beta": 0.0, "gamma": 0.0, name: 2.0}
        losses = BetaTC(**weights)(module, given, Progress(1, 1, 12))
        values[name] = (losses.loss - losses.distortion) / 2
    mu, logvar = module.bottleneck.moments(module.features(given.x))
    module.generator.manual_seed(3)
    z = module.bottleneck(module.features(given.x), module.generator).z
    for value, expected in zip(values.values(), decompose(z, mu, logvar, 12), strict=True):
        torch.testing.assert_close(value, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(losses.extra["mutual_information"], values["alpha"].mean().detach())
    torch.testing.assert_close(losses.extra["total_correlation"], values["beta"].mean().detach())


def test_the_rate_that_is_reported_is_the_analytic_one(make, batch):
    module, given = make(Gaussian(beta=7.0)), batch()
    mu, logvar = module.bottleneck.moments(module.features(given.x))
    expected = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(1)
    torch.testing.assert_close(BetaTC()(module, given, Progress()).rate, expected)
