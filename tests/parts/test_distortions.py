"""Distortions against scipy.stats and the formulas, one summed number a sample."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import special, stats
from torch.autograd import gradcheck

from latente.distortions import (
    AbsoluteError,
    Bernoulli,
    CustomDistortion,
    GaussianLikelihood,
    Huber,
    SquaredError,
)

SHAPES = [(7,), (1,), (2, 37), (1, 5, 9), (3, 4, 4)]
EVERY = [
    SquaredError(),
    AbsoluteError(),
    Huber(0.7),
    Bernoulli(),
    GaussianLikelihood(),
    GaussianLikelihood(per_feature=True),
    CustomDistortion(lambda x_hat, x: (x_hat - x).abs().flatten(1).sum(1)),
]
every = pytest.mark.parametrize("part", EVERY, ids=lambda part: f"{type(part).__name__}{part.get_params()}"[:40])


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def pair(shape, n=6):
    """x_hat of any size (also a logit), x in [0, 1]."""
    return 3 * torch.randn(n, *shape, generator=rng(0)), torch.rand(n, *shape, generator=rng(1))


def flat(tensor):
    return tensor.detach().double().flatten(1).numpy()


def check(module, expected, shape, x_hat=None, x=None):
    """The module's costs are the expected elementwise costs (numpy, numpy) -> numpy, summed over each sample."""
    given = pair(shape)
    x_hat, x = given[0] if x_hat is None else x_hat, given[1] if x is None else x
    cost = module(x_hat, x)
    assert cost.shape == (len(x),)
    assert cost.dtype == torch.float32
    np.testing.assert_allclose(cost.detach().numpy(), expected(flat(x_hat), flat(x)).sum(1), rtol=2e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_squared_and_absolute_error(shape):
    check(SquaredError().build(shape), lambda a, b: (a - b) ** 2, shape)
    check(AbsoluteError().build(shape), lambda a, b: np.abs(a - b), shape)


@pytest.mark.parametrize("delta", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("shape", SHAPES)
def test_huber(shape, delta):
    check(Huber(delta).build(shape), lambda a, b: special.huber(delta, a - b), shape)


@pytest.mark.parametrize("shape", SHAPES)
def test_bernoulli_of_binary_data_is_minus_its_log_probability(shape):
    bits = torch.rand(6, *shape, generator=rng(2)).round()
    check(Bernoulli().build(shape), lambda a, b: -stats.binom.logpmf(b, 1, special.expit(a)), shape, x=bits)


@pytest.mark.parametrize("size", [1, 112, 113, 300])
def test_bernoulli_without_a_gradient_is_the_same_number(size):
    """Another way to compute it: of products of 1 + e^-|a|, checked in float64, at huge logits too."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(50, size, generator=generator) * torch.logspace(-2, 4, 50).unsqueeze(1)
    x = torch.rand(50, size, generator=generator).round()
    expected = torch.nn.functional.binary_cross_entropy_with_logits(logits.double(), x.double(), reduction="none").sum(
        1
    )
    module = Bernoulli().build((size,))
    with torch.no_grad():
        torch.testing.assert_close(module(logits, x).double(), expected, rtol=1e-5, atol=1e-5)
        known = torch.ones_like(x, dtype=torch.bool)
        torch.testing.assert_close(module(logits, x, known).double(), expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(module(logits, x).double(), expected, rtol=1e-5, atol=1e-5)


def test_bernoulli_of_a_large_picture_rebuilt_well_keeps_its_digits():
    """Sums of large logits cancel; 12,288 of them, each right by 15, cost 0.0038 nats together."""
    x = torch.rand(4, 12288, generator=torch.Generator().manual_seed(0)).round()
    expected = torch.full((4,), 12288 * float(np.log1p(np.exp(-15))))
    with torch.no_grad():
        found = Bernoulli().build((12288,))(30 * (x - 0.5), x)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-3)


def test_bernoulli_of_grey_values_is_the_cross_entropy():
    def expected(logits, x):
        p = special.expit(logits)
        return -(special.xlogy(x, p) + special.xlog1py(1 - x, -p))

    check(Bernoulli().build((9,)), expected, (9,))


def set_variance(module, variance):
    """Sets the learned variance through the inverse of its parametrisation."""
    with torch.no_grad():
        wanted = torch.as_tensor(variance, dtype=torch.float64).log()
        scaled = module.largest / module.gain * torch.atanh(wanted / module.largest)
        module.scaled_logvar.copy_(scaled.expand(module.scaled_logvar.shape))


@pytest.mark.parametrize("variance", [1e-4, 0.25, 1.0, 50.0])
@pytest.mark.parametrize("shape", SHAPES)
def test_gaussian_likelihood_is_scipys(shape, variance):
    module = GaussianLikelihood().build(shape)
    set_variance(module, variance)
    check(module, lambda a, b: -stats.norm.logpdf(b, a, math.sqrt(variance)), shape)


@pytest.mark.parametrize("shape", SHAPES)
def test_gaussian_likelihood_per_feature(shape):
    module = GaussianLikelihood(per_feature=True).build(shape)
    assert module.scaled_logvar.shape == shape
    variance = torch.rand(shape, generator=rng(3)) + 0.1
    set_variance(module, variance)
    check(module, lambda a, b: -stats.norm.logpdf(b, a, variance.double().sqrt().numpy().ravel()), shape)


@pytest.mark.parametrize("std", [1e-3, 0.05, 2.0])
def test_the_smallest_deviation_is_added_to_what_is_learned(std):
    """sigma^2 = smallest^2 + learned, so the floor is reached smoothly and always leaves a gradient."""
    for learned in (1e-4, 0.25, 9.0):
        module = GaussianLikelihood(smallest_std=std).build((5,))
        set_variance(module, learned)
        check(module, lambda a, b, v=learned: -stats.norm.logpdf(b, a, math.sqrt(std**2 + v)), (5,))
        module(*pair((5,))).sum().backward()
        assert module.scaled_logvar.grad.any()


@pytest.mark.parametrize("per_feature", [False, True])
def test_the_learned_variance_goes_to_the_mean_squared_error(per_feature):
    module = GaussianLikelihood(per_feature).build((4,))
    error = torch.randn(2_000, 4, generator=rng(4)) * torch.tensor([0.01, 0.1, 1.0, 10.0])
    optimizer = torch.optim.Adam(module.parameters(), lr=0.02)
    for _ in range(300):
        optimizer.zero_grad()
        module(error, torch.zeros_like(error)).mean().backward()
        optimizer.step()
    optimum = error.square().mean(0) if per_feature else error.square().mean()
    torch.testing.assert_close(module.logvar.exp().detach(), optimum, rtol=0.05, atol=0)


@pytest.mark.parametrize("start", [-50.0, -2.0, 2.0, 50.0])
def test_the_learned_variance_is_bounded_and_finds_its_way_back(start):
    """From any start a gradient leads back to the right variance, as it could not from beyond a hard limit."""
    module = GaussianLikelihood().build((3,))
    with torch.no_grad():
        module.scaled_logvar.fill_(start / 10)
    assert module.logvar.abs() <= 14
    cost = module(torch.zeros(5, 3), torch.ones(5, 3)).mean()
    cost.backward()
    assert module.scaled_logvar.grad * start > 0


@every
def test_the_cost_is_a_sum_over_elements(part):
    x_hat, x = pair((10,))
    cost = part.build((10,))(x_hat, x)
    twice = part.build((20,))(x_hat.repeat(1, 2), x.repeat(1, 2))
    torch.testing.assert_close(twice, 2 * cost)


@every
def test_samples_do_not_mix(part):
    x_hat, x = pair((3, 4, 4))
    module = part.build((3, 4, 4))
    alone = torch.cat([module(x_hat[i : i + 1], x[i : i + 1]) for i in range(len(x))])
    torch.testing.assert_close(module(x_hat, x), alone)


@every
def test_a_mask_leaves_out_unknown_cells(part):
    x_hat, x = pair((10,))
    mask = torch.rand(x.shape, generator=rng(5)) < 0.6
    module = part.build((10,))
    if not isinstance(part, CustomDistortion):
        expected = [
            sum(module.elementwise(x_hat, x)[i, j] for j in range(10) if mask[i, j]).item() for i in range(len(x))
        ]
        np.testing.assert_allclose(module(x_hat, x, mask).detach(), expected, rtol=1e-5)
    other = torch.where(mask, x, torch.nan)  # what stands in an unknown cell does not matter
    torch.testing.assert_close(module(x_hat, other, mask), module(x_hat, x, mask))
    everything = torch.ones_like(mask)
    torch.testing.assert_close(module(x_hat, x, everything), module(x_hat, x))


@every
def test_no_gradient_comes_from_unknown_cells(part):
    x_hat, x = pair((10,))
    mask = torch.rand(x.shape, generator=rng(5)) < 0.6
    x_hat.requires_grad_()
    part.build((10,))(x_hat, torch.where(mask, x, torch.nan), mask).sum().backward()
    assert (x_hat.grad[~mask] == 0).all()
    assert (x_hat.grad[mask] != 0).all()


@every
def test_extremes_stay_finite(part):
    module = part.build((4,))
    for value in (-100.0, 0.0, 100.0):
        for target in (0.0, 1.0):
            x_hat = torch.full((2, 4), value, requires_grad=True)
            cost = module(x_hat, torch.full((2, 4), target))
            cost.sum().backward()
            assert torch.isfinite(cost).all()
            assert torch.isfinite(x_hat.grad).all()


def test_certain_and_wrong_costs_the_logit():
    torch.testing.assert_close(
        Bernoulli().build((4,))(torch.full((2, 4), 100.0), torch.zeros(2, 4)), torch.full((2,), 400.0)
    )


def test_half_precision_is_computed_in_float32():
    x_hat, x = torch.full((2, 1000), 3.0, dtype=torch.bfloat16), torch.full((2, 1000), 0.9)
    cost = SquaredError().build((1000,))(x_hat, x)
    assert cost.dtype == torch.float32
    torch.testing.assert_close(cost, torch.full((2,), 1000 * 2.1**2))


@pytest.mark.parametrize("part", EVERY[:-1], ids=lambda part: type(part).__name__)
def test_gradients_are_those_of_finite_differences(part):
    module = part.build((5,)).double()
    x_hat, x = (t.double() for t in pair((5,), n=3))
    assert gradcheck(module.elementwise, (x_hat.requires_grad_(), x))


@pytest.mark.parametrize("part", [SquaredError(), AbsoluteError(), Huber(2.0), GaussianLikelihood()])
def test_a_perfect_reconstruction_costs_least(part):
    _, x = pair((6,))
    module = part.build((6,))
    best = module(x, x)
    assert (module(x + 0.1, x) > best).all()
    assert (module(x - 0.1, x) > best).all()
    if not part.is_likelihood:
        assert (best == 0).all()


def test_only_likelihoods_call_themselves_so():
    assert [type(part).__name__ for part in EVERY if part.is_likelihood] == ["Bernoulli", *["GaussianLikelihood"] * 2]


@pytest.mark.parametrize(
    ("function", "got"),
    [
        (lambda x_hat, x: (x_hat - x).square(), r"got \(6, 4\)"),
        (lambda x_hat, x: (x_hat - x).square().mean(), r"got \(\)"),
        (lambda x_hat, x: 0.0, "got float"),
    ],
)
def test_a_function_of_the_users_has_to_cost_each_sample(function, got):
    with pytest.raises(ValueError, match=rf"one cost a sample, shape \(6,\); {got}"):
        CustomDistortion(function).build((4,))(*pair((4,)))


def test_sigma_is_the_deviation_of_the_likelihood():
    for part in EVERY:
        sigma = part.build((2, 3)).sigma
        assert (sigma is None) is not isinstance(part, GaussianLikelihood)
    part = GaussianLikelihood(per_feature=True, smallest_std=0.2)
    module, x = part.build((4,)), torch.zeros(1, 4)
    with torch.no_grad():
        module.scaled_logvar.copy_(torch.tensor([-2.0, -0.1, 0.0, 0.1]))
    assert not module.sigma.requires_grad
    assert module.sigma.shape == (4,)
    assert module.sigma.min() == pytest.approx(0.2, rel=1e-4)  # the floor
    expected = -stats.norm(0, module.sigma.numpy()).logpdf(0.0)
    np.testing.assert_allclose(module.elementwise(x, x).detach().numpy()[0], expected, rtol=1e-5)


@pytest.mark.parametrize("std", [0.01, 0.3, 5.0])
def test_what_the_deviation_begins_as(std):
    assert float(GaussianLikelihood(initial_std=std).build((3,)).sigma) == pytest.approx(std)
    both = GaussianLikelihood(smallest_std=0.1, initial_std=std).build((3,))
    assert float(both.sigma) == pytest.approx(math.hypot(0.1, std))
