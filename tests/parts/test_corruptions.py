"""Corruptions against the numbers they promise.

Fractions are means of n independent coins, so their standard deviation is at most 0.5 / sqrt(n); a tolerance of five of
them fails by chance less than once in a million. The generators are seeded, so a test that passes keeps passing.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats

from latente.corruptions import (
    Compose,
    Custom,
    GaussianNoise,
    Masking,
    SaltAndPepper,
    Speckle,
    SwapNoise,
    resolve_corruption,
)

N, D = 500, 200
TOLERANCE = 5 * 0.5 / math.sqrt(N * D)
pytestmark = pytest.mark.usefixtures("untouched_generators")
EVERY = [
    GaussianNoise(0.3),
    Speckle(0.3),
    SaltAndPepper(0.3),
    Masking(0.3),
    SwapNoise(0.3),
    Compose((Masking(0.2), GaussianNoise((0.1, 0.2)))),
    Custom(torch.sin),
]
every = pytest.mark.parametrize("part", EVERY, ids=lambda part: type(part).__name__)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def batch(*shape, seed=1):
    return torch.rand(shape or (N, D), generator=generator(seed)) + 1  # in [1, 2]: no zeros, no threes


def fraction(condition):
    return condition.float().mean().item()


def test_gaussian_noise_is_normal_with_its_sigma():
    noise = (GaussianNoise(0.3)(x := batch(), generator()) - x).numpy().ravel()
    # The standard deviation of n normals is known to sigma / sqrt(2 n).
    assert noise.std() == pytest.approx(0.3, abs=5 * 0.3 / math.sqrt(2 * N * D))
    assert stats.kstest(noise[:5000] / 0.3, "norm").pvalue > 1e-3


def test_speckle_scales_with_the_value():
    x = torch.cat([torch.zeros(N, D), torch.full((N, D), 5.0)])
    noise = (Speckle(0.2)(x, generator()) - x).numpy()
    assert (noise[:N] == 0).all()
    assert noise[N:].std() == pytest.approx(5 * 0.2, abs=5 * 1.0 / math.sqrt(2 * N * D))


@pytest.mark.parametrize("amount", [0.0, 0.1, 0.25, 1.0])
def test_salt_and_pepper_come_in_equal_parts(amount):
    x_noisy = SaltAndPepper(amount)(x := batch(), generator(), (0.0, 3.0))
    assert fraction(x_noisy == 0) == pytest.approx(amount / 2, abs=TOLERANCE)
    assert fraction(x_noisy == 3) == pytest.approx(amount / 2, abs=TOLERANCE)
    assert fraction(x_noisy == x) == pytest.approx(1 - amount, abs=TOLERANCE)
    assert ((x_noisy == x) | (x_noisy == 0) | (x_noisy == 3)).all()


@pytest.mark.parametrize(
    ("part", "bounds", "expected"),
    [
        (SaltAndPepper(1.0), (0.0, 1.0), {0.0, 1.0}),
        (SaltAndPepper(1.0), (-1.0, 1.0), {-1.0, 1.0}),
        (SaltAndPepper(1.0), None, {-3.0, 3.0}),
        (SaltAndPepper(1.0, low=-7), (0.0, 1.0), {-7.0, 1.0}),
        (SaltAndPepper(1.0, low=0, high=0), None, {0.0}),
    ],
)
def test_what_salt_and_pepper_are(part, bounds, expected):
    assert set(part(batch(50, 20), generator(), bounds).unique().tolist()) == expected


@pytest.mark.parametrize(("amount", "value"), [(0.0, 0.0), (0.25, 0.0), (0.7, -1.0), (1.0, 0.5)])
def test_masking(amount, value):
    x_noisy = Masking(amount, value)(x := batch(), generator())
    assert fraction(x_noisy == value) == pytest.approx(amount, abs=TOLERANCE)
    assert ((x_noisy == x) | (x_noisy == value)).all()


def test_swap_noise_keeps_the_marginal_of_every_column():
    columns = torch.arange(D) * 100.0  # ranges that do not touch: a value tells its column
    x = batch() + columns
    x_noisy = SwapNoise(0.4)(x, generator())
    assert ((x_noisy >= columns + 1) & (x_noisy <= columns + 2)).all()
    assert all(np.isin(x_noisy[:, j], x[:, j]).all() for j in range(0, D, 20))
    # A donor is the sample itself once in N times.
    assert fraction(x_noisy != x) == pytest.approx(0.4 * (1 - 1 / N), abs=TOLERANCE)
    # Two samples of one distribution: the Kolmogorov-Smirnov test sees no difference in any of ten columns.
    assert min(stats.ks_2samp(x[:, j], SwapNoise(1.0)(x, generator(j))[:, j]).pvalue for j in range(10)) > 1e-3


def test_swap_noise_takes_donors_element_by_element():
    x = torch.arange(N).float().unsqueeze(1).expand(N, D)  # a value tells its sample
    donors = SwapNoise(1.0)(x, generator())
    # 200 draws of 500 donors repeat about 35 of them; a whole donor row would leave a single one.
    assert all(len(row.unique()) > 100 for row in donors[:20])


@pytest.mark.parametrize("shape", [(400, 2_000), (400, 2, 1_000), (400, 2, 20, 50)])
def test_a_range_draws_one_level_for_each_sample(shape):
    x = batch(*shape)
    levels = (Masking((0.2, 0.6))(x, generator()) == 0).float().flatten(1).mean(1).numpy()
    spread = 5 * 0.5 / math.sqrt(2_000)
    assert levels.min() > 0.2 - spread
    assert levels.max() < 0.6 + spread
    # Levels are uniform: mean 0.4, standard deviation 0.4 / sqrt(12) = 0.1155, measured with a noise of 0.011.
    assert levels.mean() == pytest.approx(0.4, abs=5 * 0.1155 / math.sqrt(400))
    assert levels.std() == pytest.approx(math.hypot(0.1155, 0.011), abs=0.015)
    sigmas = (GaussianNoise((0.1, 0.5))(x, generator()) - x).flatten(1).std(1)
    assert sigmas.std().item() == pytest.approx(0.4 / math.sqrt(12), abs=0.015)


@pytest.mark.parametrize("part", [GaussianNoise, Speckle])
def test_clip_keeps_the_bounds(part):
    x = batch(50, 20) - 1
    assert part(2.0, clip=True)(x, generator(), (0.0, 1.0)).aminmax() == (0.0, 1.0)
    assert part(2.0, clip=False)(x, generator(), (0.0, 1.0)).max() > 1
    unbounded = part(2.0, clip=True)(x, generator(), None)
    assert torch.equal(unbounded, part(2.0)(x, generator(), None))


@every
def test_shape_dtype_and_input_are_kept(part):
    for shape in ((4, 7), (4, 1), (1, 7), (4, 2, 9), (4, 3, 5, 6)):
        x = batch(*shape)
        before = x.clone()
        x_noisy = part(x, generator(), (0.0, 1.0))
        assert x_noisy.shape == x.shape
        assert x_noisy.dtype == torch.float32
        assert torch.isfinite(x_noisy).all()
        assert torch.equal(x, before), "the input was changed in place"


@every
def test_the_generator_decides(part):
    x = batch(20, 30)
    assert torch.equal(part(x, generator(3)), part(x, generator(3)))
    if not isinstance(part, Custom):
        assert not torch.equal(part(x, generator(3)), part(x, generator(4)))
        state = generator(3)
        assert not torch.equal(part(x, state), part(x, state))


def test_compose_acts_in_order():
    x = batch(6, 8)
    double, more = Custom(lambda t: 2 * t), Custom(lambda t: t + 1)
    assert torch.equal(Compose((double, more))(x), 2 * x + 1)
    assert torch.equal(Compose((more, double))(x), 2 * x + 2)
    assert torch.equal(Compose(())(x), x)
    assert torch.equal(Compose((None, double, None))(x), 2 * x)
    assert torch.equal(Compose((torch.neg, "masking:1"))(x, generator()), 0 * x)
    masked_last = resolve_corruption("gaussian:1+masking:0.5")(x, generator())
    assert 0.2 < fraction(masked_last == 0) < 0.8
    assert fraction(resolve_corruption("masking:0.5+gaussian:1")(x, generator()) == 0) == 0


def test_compose_draws_anew_for_each_part():
    x = torch.ones(N, D)
    masked_twice = Compose((Masking(0.5), Masking(0.5)))(x, generator())
    assert fraction(masked_twice == 0) == pytest.approx(0.75, abs=TOLERANCE)


@pytest.mark.parametrize(
    ("function", "got"),
    [
        (lambda x: x[:, :1], r"\(4, 7\); got \(4, 1\)"),
        (lambda x: x.numpy(), "got ndarray"),
        (lambda x: None, "got NoneType"),
    ],
)
def test_a_function_of_the_users_has_to_keep_the_shape(function, got):
    with pytest.raises(ValueError, match=rf"must return a tensor of its input's shape .*{got}"):
        Custom(function)(batch(4, 7))


def test_a_custom_part_without_its_function_says_so():
    with pytest.raises(ValueError, match="a saved model does not keep it"):
        Custom()(batch(4, 7))
