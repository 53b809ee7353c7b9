"""The members in one pass are the members one by one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from latente import Autoencoder, Trainer, VariationalAutoencoder
from latente.anomaly import Ensemble, Likelihood
from latente.anomaly.members import MemberReconstruction, Members, Wrapped
from latente.data import decide
from latente.objectives import Batch, Progress

RNG = np.random.default_rng(0)
X = (RNG.normal(size=(300, 2)) @ RNG.normal(size=(2, 5)) * [1, 10, 0.1, 1, 1] + 5).astype(np.float32)


def members(latent_dims=(2, 1, 3)) -> Members:
    return Members(5, 8, latent_dims, torch.Generator().manual_seed(0))


def alone(group: Members, i: int) -> nn.Sequential:
    """Member i as ordinary layers."""
    layers: list[nn.Module] = []
    for k, (weight, bias) in enumerate(zip(group.weights, group.biases, strict=True)):
        layer = nn.Linear(*weight.shape[1:])
        layer.weight.data, layer.bias.data = weight[i].T.clone(), bias[i, 0].clone()
        layers += [layer, nn.SiLU() if k % 2 == 0 else nn.Identity()]
    return nn.Sequential(*layers)


def test_a_member_is_an_ordinary_network():
    group = members((3, 3, 3))
    views = group.views(torch.from_numpy(X))
    for i in range(3):
        single = alone(group, i)
        u = views.x[i]
        torch.testing.assert_close(views.x_hat[i], single(u))
        torch.testing.assert_close(views.z[i], single[:4](u))


def test_a_smaller_code_has_zeros_in_its_place():
    z = members().views(torch.from_numpy(X)).z
    assert [(z[i] != 0).any(0).sum().item() for i in range(3)] == [2, 1, 3]


def test_members_do_not_touch_each_other():
    group = members()
    u = torch.randn((3, 10, 5), generator=torch.Generator().manual_seed(1))
    loss = (group.decode(group.encode(u)) - u).square().sum((1, 2))
    for weight, gradient in zip(group.weights, torch.autograd.grad(loss[1], list(group.weights)), strict=True):
        assert gradient.shape == weight.shape
        assert (gradient[[0, 2]] == 0).all()
        assert (gradient[1] != 0).any()


@pytest.mark.parametrize("trim", [0.0, 0.2])
def test_the_loss_is_the_mean_over_members_of_the_trimmed_mean(trim):
    group = members().eval()
    u = torch.randn((20, 3, 5), generator=torch.Generator().manual_seed(1))
    loss = MemberReconstruction(0.5, trim)(group, Batch(u, u), Progress()).loss.mean().item()
    errors = [np.sort((alone(group, i)(u[:, i]) - u[:, i]).square().mean(1).detach().numpy()) for i in range(3)]
    plain = members((3, 3, 3)).eval()
    assert plain.members == 3
    if trim == 0:
        z = group.encode(u.transpose(0, 1))
        expected = (group.decode(z) - u.transpose(0, 1)).square().mean().item()
        assert loss == pytest.approx(expected, rel=1e-5)
    else:
        assert loss < np.mean([error.mean() for error in errors]) * 2


def test_columns_are_standardised_and_extremes_clipped():
    group, index = Ensemble(members=3, rows=100, steps=2).fit(
        torch.from_numpy(X), decide(X), np.zeros(300, dtype=np.int64), 0
    )
    u = group.standardised(torch.from_numpy(X)).numpy()
    np.testing.assert_allclose(u.std(0), 1, rtol=1e-4)
    assert float(group.standardised(torch.from_numpy(X + 1e6)).max()) == 10
    assert index.shape == (3, 100)
    assert all(len(own.unique()) == 100 for own in index)


def test_a_member_sees_nothing_of_its_fold():
    folds = np.arange(300) % 3
    x = torch.zeros(300, 5)
    x[:, 0] = torch.from_numpy(folds.astype(np.float32))
    _, index = Ensemble(members=6, steps=1).fit(x, decide(x.numpy()), folds, 0)
    assert index.shape[1] == 200
    for i in range(6):
        assert sorted(set(folds[index[i]])) == [fold for fold in range(3) if fold != i % 3]


def test_training_makes_every_member_better():
    x, folds = torch.from_numpy(X), np.zeros(300, dtype=np.int64)
    errors = []
    for steps in (1, 200):
        group, index = Ensemble(members=4, steps=steps, latent_dim=2, noise=0.0, trim=0.0).fit(x, decide(X), folds, 0)
        views = group.views_of(group.standardised(x)[index])
        errors.append(views.residual.square().mean((1, 2)).detach().numpy())
    assert (errors[1] < 0.2 * errors[0]).all()


def test_sizes_of_codes_are_divided_among_the_members():
    group = Ensemble(members=5, latent_dim=(1, 3)).build(6)
    assert group.active.sum((1, 2)).tolist() == [1, 1, 1, 3, 3]


@pytest.mark.parametrize(
    "settings",
    [
        {"members": 0},
        {"rows": 0},
        {"latent_dim": 0},
        {"latent_dim": ()},
        {"latent_dim": (2, 0)},
        {"latent_dim": (1, 2, 3), "members": 2},
        {"noise": -1},
        {"trim": 1.0},
        {"learning_rate": 0},
    ],
)
def test_settings_without_sense_are_refused(settings):
    with pytest.raises(ValueError, match="Ensemble: .* must be"):
        Ensemble(**settings).check()


def test_wrapped_members_see_samples_in_their_own_scale():
    trainer = Trainer(epochs=1, verbose=False)
    models = [Autoencoder(2, trainer=trainer, random_state=0).fit(X[part]) for part in (slice(200), slice(100, 300))]
    group = Wrapped([m.module_ for m in models], [m.schema_ for m in models]).eval()
    with torch.inference_mode():
        views = group.views(models[0].schema_.ingest(X[:50]))
    for i, model in enumerate(models):
        np.testing.assert_allclose(views.z[i].numpy(), model.transform(X[:50]), rtol=1e-3, atol=1e-4)
        rebuilt = model.schema_.restore(views.x_hat[i].numpy())
        np.testing.assert_allclose(rebuilt, model.reconstruct(X[:50]), rtol=1e-3, atol=1e-3)


def test_the_likelihood_is_that_of_the_model():
    model = VariationalAutoencoder(1, trainer=Trainer(epochs=3, verbose=False), random_state=0).fit(X)
    group = Wrapped([model.module_], [model.schema_]).eval()
    with torch.inference_mode():
        views = group.views(model.schema_.ingest(X))
        bound = Likelihood()(views, {})[0].numpy()
        estimate = Likelihood(200)(views, {})[0].numpy()
    np.testing.assert_allclose(bound, -model.score_samples(X), rtol=1e-4, atol=1e-4)
    known = -model.log_likelihood(X, 2000, random_state=1)
    assert np.abs(estimate - known).mean() < 0.1 * known.std()
