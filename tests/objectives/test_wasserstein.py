"""The maximum mean discrepancy against a double loop, and what it does to codes."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from latente.bottlenecks import Gaussian
from latente.objectives import Plain, Progress, Wasserstein, mmd
from latente.objectives.wasserstein import SCALES

normal = torch.distributions.Normal(0.0, 1.0)


def rng(seed):
    return torch.Generator().manual_seed(seed)


def draw(n, d, seed):
    return torch.randn(n, d, generator=rng(seed))


def by_double_loop(a, b):
    """Gretton et al. (2012), equation 3, with Tolstikhin et al.'s kernel, one pair at a time."""
    d = a.shape[1]

    def kernel(x, y):
        return sum(2 * d * s / (2 * d * s + ((x - y) ** 2).sum()) for s in SCALES)

    def mean(u, v, same):
        values = [kernel(u[i], v[j]) for i in range(len(u)) for j in range(len(v)) if not (same and i == j)]
        return np.mean(values)

    return mean(a, a, True) + mean(b, b, True) - 2 * mean(a, b, False)


@pytest.mark.parametrize(("n", "m", "d"), [(12, 15, 3), (2, 2, 1), (9, 4, 20)])
@pytest.mark.parametrize("shift", [0.0, 3.0])
def test_mmd_is_the_double_loop(n, m, d, shift):
    a, b = draw(n, d, 0) + shift, draw(m, d, 1)
    expected = by_double_loop(a.double().numpy(), b.double().numpy())
    assert mmd(a, b).item() == pytest.approx(expected, abs=2e-5)
    assert mmd(b, a).item() == pytest.approx(expected, abs=2e-5)


def test_equal_distributions_have_none_on_average():
    """It is unbiased: 300 repetitions average to zero within five standard errors, with values of both signs."""
    values = torch.stack([mmd(draw(32, 4, 2 * i), draw(32, 4, 2 * i + 1)) for i in range(300)])
    assert values.mean().abs() < 5 * values.std() / math.sqrt(300)
    assert values.min() < 0 < values.max()


@pytest.mark.parametrize("change", [lambda z: z + 0.5, lambda z: 2 * z, lambda z: 0.3 * z, lambda z: z.abs()])
def test_other_distributions_have_some(change):
    a, b = draw(500, 2, 0), draw(500, 2, 1)
    assert mmd(change(a), b) > 10 * mmd(a, b).abs()


def test_it_grows_with_the_distance():
    a, b = draw(200, 3, 0), draw(200, 3, 1)
    values = [mmd(a + shift, b).item() for shift in (0, 0.5, 1, 2, 4)]
    assert values == sorted(values)


def test_autocast_does_not_reach_it():
    """Squared distances are differences of large numbers; bfloat16's three digits would leave none of them."""
    a, b = draw(64, 8, 0), draw(64, 8, 1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = mmd(a, b)
    torch.testing.assert_close(inside, mmd(a, b))


def test_the_loss_is_plain_and_the_discrepancy(make, batch):
    module, given = make(), batch(20)
    module.generator.manual_seed(4)
    losses = Wasserstein(3.0)(module, given, Progress())
    codes = module.encoder(given.x)
    discrepancy = mmd(codes, torch.randn(codes.shape, generator=rng(4)))
    plain = Plain()(module, given, Progress())
    torch.testing.assert_close(losses.loss, plain.loss + 3.0 * discrepancy)
    torch.testing.assert_close(losses.penalty, (3.0 * discrepancy).expand(20))
    torch.testing.assert_close(losses.extra["mmd"], discrepancy.detach())


def test_with_a_gaussian_bottleneck_the_rate_still_counts(make, batch):
    module, given = make(Gaussian(beta=0.5, warmup=0.0)).eval(), batch()
    losses = Wasserstein()(module, given, Progress())
    torch.testing.assert_close(losses.loss, losses.distortion + 0.5 * losses.rate + losses.penalty)


def test_a_single_sample_has_no_discrepancy(make, batch):
    module, given = make(), batch(1)
    torch.testing.assert_close(Wasserstein()(module, given, Progress()).loss, Plain()(module, given, Progress()).loss)


def test_training_with_it_draws_codes_to_the_prior(make, batch):
    spread = {}
    for weight in (0.0, 20.0):
        module, given = make(latent_dim=2), batch(128)
        optimizer = torch.optim.Adam(module.parameters(), lr=0.01)
        for _ in range(150):
            optimizer.zero_grad()
            Wasserstein(weight)(module, given, Progress()).loss.mean().backward()
            optimizer.step()
        codes = module.encoder(given.x).detach()
        spread[weight] = mmd(codes, draw(2_000, 2, 9)).item()
    assert spread[20.0] < 0.2 * spread[0.0]


def test_only_wasserstein_calls_its_codes_normal():
    assert Wasserstein().normal_codes
    assert not Plain().normal_codes
