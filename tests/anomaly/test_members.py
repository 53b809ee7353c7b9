"""The members in one pass are the members one by one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from latente import Autoencoder, Trainer, VariationalAutoencoder
from latente.anomaly import Ensemble, Likelihood
from latente.anomaly.members import MemberReconstruction, Members, Wrapped
from latente.data import DataSpec, decide
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
    loss = MemberReconstruction(0.5, trim, trim)(group, Batch(u, u), Progress()).loss.mean().item()
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


@pytest.fixture
def histories(monkeypatch):
    """The history, module and held-out samples of each training in a test."""
    found, fit = [], Trainer.fit

    def kept(self, module, source, objective, *, validation=None, **settings):
        history = fit(self, module, source, objective, validation=validation, **settings)
        found.append((history, module, validation))
        return history

    monkeypatch.setattr(Trainer, "fit", kept)
    return found


def test_training_stops_early_and_the_best_weights_return(histories):
    x, folds = torch.from_numpy(X[:120]), np.zeros(120, dtype=np.int64)
    part = Ensemble(members=3, steps=3000, hidden_features=64, latent_dim=4, noise=0.0, patience=40)
    _, index = part.fit(x, decide(X[:120]), folds, 0)
    history, module, validation = histories[0]
    assert history.stopped == "early stopping"
    assert len(history.records) < history.planned / 2
    assert index.shape == (3, 108)
    held = next(iter(validation.batches(1000))).x
    errors = (module.decode(module.encode(held.transpose(0, 1))) - held.transpose(0, 1)).square().mean(2)
    half = np.sort(errors.detach().numpy(), 1)[:, : held.shape[0] - held.shape[0] // 2].mean()
    lowest = min(record.validation_loss for record in history.records)
    assert half == pytest.approx(lowest, rel=1e-4)


def test_held_out_rows_are_outside_a_members_fold_and_not_trained_on():
    folds = np.arange(300) % 3
    index, held = Ensemble(members=6, patience=10)._rows(folds, 5, torch.Generator().manual_seed(0))
    assert (index.shape, held.shape) == ((6, 180), (6, 20))
    for i in range(6):
        assert not set(index[i].tolist()) & set(held[i].tolist())
        assert i % 3 not in set(folds[held[i]])
    plain, none = Ensemble(members=6)._rows(folds, 5, torch.Generator().manual_seed(0))
    assert (plain.shape, none.shape) == ((6, 200), (6, 0))
    few, own = Ensemble(members=2, patience=10)._rows(np.zeros(3, dtype=np.int64), 5, torch.Generator())
    assert (few.shape[1], own.shape[1]) == (2, 1)


def test_with_too_few_rows_to_hold_any_out_training_goes_to_the_end(histories):
    x = torch.from_numpy(X[:2])
    Ensemble(members=2, steps=5, patience=1).fit(x, decide(X[:2]), np.array([0, 1]), 0)
    assert (histories[0][0].stopped, len(histories[0][0].records)) == ("finished", 5)


def test_up_to_a_half_of_anomalies_does_not_move_what_training_stops_by():
    group = members((3, 3, 3)).eval()
    u = torch.randn((40, 3, 5), generator=torch.Generator().manual_seed(1))
    broken = torch.cat([u, 1e4 * torch.ones((38, 3, 5))])
    objective = MemberReconstruction(0.2, 0.1)
    clean = objective(group, Batch(u, u), Progress()).loss.mean().item()
    with_half = objective(group, Batch(broken, broken), Progress()).loss.mean().item()
    worst = (group.decode(group.encode(u.transpose(0, 1))) - u.transpose(0, 1)).square().mean(2).max().item()
    assert clean < with_half < worst


def test_sizes_of_codes_are_divided_among_the_members():
    group = Ensemble(members=5, latent_dim=(1, 3)).build(decide(X))
    assert group.active.sum((1, 2)).tolist() == [1, 1, 1, 3, 3]


def test_compressed_members_are_those_in_the_middle_and_see_the_inverse_hyperbolic_sine():
    part, x = Ensemble(members=5, compressed=0.4, steps=20), torch.from_numpy(X)
    group, _ = part.fit(x, decide(X), np.zeros(300, dtype=np.int64), 0)
    u = group.standardised(x)
    with torch.no_grad():
        views = group.views(x)
        torch.testing.assert_close(group.spread(views.x), u.expand(5, -1, -1), atol=1e-5, rtol=1e-5)
    for i in range(5):
        expected = np.arcsinh(u.numpy()) if i in (1, 2) else u.numpy()
        np.testing.assert_allclose(views.x[i].numpy(), expected, atol=1e-6)
        torch.testing.assert_close(views.x_hat[i], alone(group, i)(views.x[i]), atol=1e-5, rtol=1e-4)


def test_the_other_members_learn_the_same_beside_compressed_ones():
    x, folds = torch.from_numpy(X), np.zeros(300, dtype=np.int64)
    parts = (Ensemble(members=3, steps=30, noise=0.0, compressed=part) for part in (0.0, 0.4))
    none, one = (part.fit(x, decide(X), folds, 0)[0] for part in parts)
    for a, b in zip(none.weights, one.weights, strict=True):
        torch.testing.assert_close(a[[0, 2]], b[[0, 2]], atol=1e-5, rtol=1e-4)
        assert (a[1] - b[1]).abs().max() > 1e-3


def test_only_tables_are_compressed():
    assert Ensemble().build(decide(X)).compressed == slice(10, 10)  # the detector knows whether the data is clean
    with pytest.raises(ValueError, match="compressed=0.5 takes tables; this is a signal"):
        Ensemble(compressed=0.5).build(decide(np.zeros((20, 2, 30)), DataSpec(kind="signal")))


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
        {"patience": 0},
        {"patience": 2.5},
        {"gradients": None},
        {"gradients": 1},
        {"compressed": 1.5},
        {"compressed": "half"},
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
