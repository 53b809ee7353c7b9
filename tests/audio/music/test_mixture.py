"""The mixture that takes the place of the Gaussian prior: densities against torch, draws against densities."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from latente.audio.music import MusicAutoencoder
from latente.audio.music.mixture import MixturePrior


@pytest.fixture(scope="module")
def mixture():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        found = MixturePrior(5, torch.tensor([1.0, 0.0, 1.0]), components=4)
        with torch.no_grad():
            found.out.weight *= 20
    return found.eval()


def h(n, seed=0):
    return torch.randn((n, 5), generator=torch.Generator().manual_seed(seed))


def test_the_density_is_that_of_a_mixture(mixture):
    states, u = h(7), torch.randn((7, 3), generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        weights, means, widths = mixture(states)
        parts = Independent(Normal(means, widths.exp()), 1)
        expected = MixtureSameFamily(Categorical(logits=weights), parts).log_prob(u)
        torch.testing.assert_close(mixture.log_prob(states, u), expected)
    assert (means[..., 1] == 0).all()
    assert (widths[..., 1] == 0).all()  # what says nothing stays standard


def test_draws_have_the_moments_of_the_density(mixture):
    state = h(1)
    with torch.inference_mode():
        weights, means, widths = mixture(state)
        drawn = mixture.sample(state.expand(40_000, -1), 1.0, torch.Generator().manual_seed(0))
        none = mixture.sample(state.expand(3, -1), 0.0, torch.Generator().manual_seed(0))
    w = weights.exp()[0, :, None]
    mean = (w * means[0]).sum(0)
    variance = (w * (widths[0].exp().square() + means[0].square())).sum(0) - mean.square()
    torch.testing.assert_close(drawn.mean(0), mean, atol=0.03, rtol=0)
    torch.testing.assert_close(drawn.var(0), variance, atol=0.05, rtol=0.05)
    torch.testing.assert_close(none, means[0, weights.argmax()].expand(3, -1))


@pytest.fixture(scope="module")
def fitted(model, chorales, tmp_path_factory):
    path = tmp_path_factory.mktemp("music") / "model"
    copy = MusicAutoencoder.load(model.save(path))
    return copy.set_params(random_state=0).fit_prior(chorales, validation=chorales)


def test_it_expects_codes_better(model, fitted, chorales):
    before, after = (each.bounds(chorales, draws=20) for each in (model, fitted))
    assert after.distortion == pytest.approx(before.distortion)
    assert after.rate < before.rate
    assert after.elbo == pytest.approx(after.distortion + after.rate)
    assert after.importance <= after.elbo + 0.01


def test_without_a_mixture_the_mean_of_the_draws_is_the_divergence(fitted, chorales):
    """A mixture of one standard Gaussian is the Gaussian prior."""
    module = fitted.module_
    kept, none = module.mixture, MixturePrior(module.sizes.hidden, torch.zeros(module.sizes.per_beat), 1)
    try:
        module.mixture = None
        exact = fitted.bounds(chorales[:3], draws=400)
        module.mixture = none.eval()
        drawn = fitted.bounds(chorales[:3], draws=400)
    finally:
        module.mixture = kept
    assert drawn.rate == pytest.approx(exact.rate, abs=0.02)
    assert drawn.importance == pytest.approx(exact.importance, abs=1e-5)


def test_it_is_saved_and_left_by_another_fit(fitted, chorales, tmp_path):
    again = MusicAutoencoder.load(fitted.save(tmp_path / "m"))
    assert again.sample(3, random_state=0) == fitted.sample(3, random_state=0)
    assert again.measures_ == fitted.measures_
    again.set_params(warm_start=True, trainer__epochs=1, trainer__verbose=False).fit(chorales)
    assert again.module_.mixture is None


def test_the_same_seed_fits_the_same_mixture(fitted, chorales, tmp_path):
    other = (
        MusicAutoencoder.load(fitted.save(tmp_path / "m"))
        .set_params(random_state=0)
        .fit_prior(chorales, validation=chorales)
    )
    for a, b in zip(fitted.module_.mixture.parameters(), other.module_.mixture.parameters(), strict=True):
        np.testing.assert_array_equal(a.detach(), b.detach())


def test_a_mixture_that_learned_few_codes_by_heart_is_not_kept(model, chorales, tmp_path):
    copy = MusicAutoencoder.load(model.save(tmp_path / "model")).set_params(random_state=0)
    with pytest.warns(UserWarning, match="the Gaussian prior stays: a mixture needs"):
        copy.fit_prior(chorales[:1], validation=chorales[1:])
    assert copy.module_.mixture is None


def test_the_default_spread_is_that_of_the_prior(model, fitted):
    for each, spread in ((model, 0.3), (fitted, 0.5)):
        usual, given = (each.sample(2, random_state=0, **more)[1] for more in ({}, {"spread": spread}))
        assert (usual.pitches == given.pitches).all()
