"""Fitting: what decides the weights, pairs, held-out samples, one pass at a time."""

from __future__ import annotations

import functools
import pickle
import warnings

import numpy as np
import pytest
import torch

from latente import Autoencoder, DenoisingAutoencoder, Gaussian, Trainer, TrainingDiverged
from latente.estimators import LatentSizeWarning
from latente.training.stepper import Stepper


def weights(model):
    return np.concatenate([tensor.numpy().ravel() for tensor in model.module_.state_dict().values()])


def make(latent_dim=2, epochs=2, **kwargs):
    return Autoencoder(latent_dim, **{"trainer": Trainer(epochs=epochs, batch_size=16), "random_state": 0, **kwargs})


@pytest.mark.usefixtures("untouched_generators")
def test_the_seed_decides_the_weights(estimator_name, quick, table):
    first, again, other = (quick(estimator_name, random_state=seed).fit(table) for seed in (3, 3, 4))
    np.testing.assert_array_equal(weights(first), weights(again))
    assert not np.array_equal(weights(first), weights(other))
    refitted = weights(first.fit(table))
    np.testing.assert_array_equal(refitted, weights(again))


@pytest.mark.usefixtures("untouched_generators")
@pytest.mark.parametrize("bottleneck", ["gaussian", "vq:4,2", "fsq:4", "k_sparse:1", "sparse"])
def test_the_seed_decides_with_every_bottleneck(bottleneck, table):
    np.testing.assert_array_equal(*(weights(make(bottleneck=bottleneck, corruption="swap").fit(table)) for _ in "ab"))


def test_what_a_random_state_may_be(table):
    for kind in (np.random.RandomState, np.random.default_rng):
        np.testing.assert_array_equal(*(weights(make(random_state=kind(5)).fit(table)) for _ in "ab"))
        state = kind(5)  # a generator moves on, so a second fit differs
        assert not np.array_equal(*(weights(make(random_state=state).fit(table)) for _ in "ab"))
    np.testing.assert_array_equal(*(weights(make(random_state=seed).fit(table)) for seed in (7, np.int64(7))))
    assert not np.array_equal(*(weights(make(random_state=None).fit(table)) for _ in "ab"))


def test_the_containers_of_the_same_numbers_train_the_same_model(table):
    table = table.astype(np.float32)
    wanted = weights(make().fit(table))
    for same in (
        table.tolist(),
        torch.tensor(table),
        np.asfortranarray(table),
        table.astype(">f4"),
        table.astype(float),
    ):
        np.testing.assert_array_equal(weights(make().fit(same)), wanted)


def test_a_path_is_read(tmp_path, table):
    np.save(tmp_path / "x.npy", table)
    model = make().fit(tmp_path / "x.npy")
    np.testing.assert_array_equal(weights(model), weights(make().fit(table)))
    np.testing.assert_array_equal(model.transform(str(tmp_path / "x.npy")), model.transform(table))
    np.save(tmp_path / "z.npy", model.transform(table))
    np.testing.assert_array_equal(model.inverse_transform(tmp_path / "z.npy"), model.reconstruct(table))
    paired = make().fit(tmp_path / "x.npy", target=tmp_path / "x.npy")
    np.testing.assert_array_equal(weights(paired), weights(model))


def test_learning_beats_the_mean_and_reaches_pca(table):
    result = make(epochs=300).fit(table).evaluate(table)
    assert result.error < 1.2 * result.pca_error < 0.1 * result.mean_error


def test_pairs_of_noisy_and_clean_samples():
    generator = np.random.default_rng(0)
    clean = generator.normal(size=(600, 2)) @ generator.normal(size=(2, 12))
    noise = generator.normal(size=clean.shape)
    model = DenoisingAutoencoder(2, corruption=None, trainer=Trainer(epochs=20), random_state=0)
    model.fit((clean + noise)[:500], target=clean[:500])
    restored = model.reconstruct((clean + noise)[500:])
    assert np.square(restored - clean[500:]).mean() < 0.4 * np.square(noise[500:]).mean()  # 2 of 12 directions are left


def test_pairs_of_bytes(pictures):
    noisy = 255 - pictures
    model = make(network="mlp:64", epochs=60).fit(noisy, target=pictures)
    assert np.abs(model.reconstruct(noisy).astype(float) - pictures).mean() < 12
    floats = make(network="mlp:64", epochs=60).fit(noisy, target=pictures.astype(float))  # the same numbers
    np.testing.assert_allclose(floats.reconstruct(noisy), model.reconstruct(noisy), atol=2)


def test_held_out_samples_of_the_users_own(table):
    model = make(trainer=Trainer(epochs=3, patience=2)).fit(table[:40], validation=table[40:])
    losses = model.history_.column("validation_loss")
    assert len(losses) == 3
    assert losses[-1] == pytest.approx(-model.score(table[40:]), rel=1e-5)  # plain squared error


def test_held_out_pairs(table):
    model = make(epochs=20).fit(table[:40], target=table[:40] + 5, validation=(table[40:], table[40:] + 5))
    far = make(epochs=20).fit(table[:40], target=table[:40] + 5, validation=(table[40:], table[40:] - 5))
    np.testing.assert_array_equal(weights(model), weights(far))
    assert far.history_.records[-1].validation_loss > 2 * model.history_.records[-1].validation_loss


def test_two_samples_are_enough():
    X = np.array([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]])
    for fraction in (None, 0.5, 0.9):
        model = make(1, trainer=Trainer(epochs=1, validation_fraction=fraction)).fit(X)
        assert model.transform(X).shape == (2, 1)


@pytest.mark.usefixtures("untouched_generators")
def test_partial_fit_learns_and_is_reproducible(table):
    first, again = (make(network="mlp:32", random_state=3) for _ in range(2))
    errors = []
    for _ in range(60):
        for batch in (table[:30], table[30:]):
            first.partial_fit(batch)
            again.partial_fit(batch)
        errors.append(-first.score(table))
    assert first.n_iter_ == 120
    assert errors[-1] < 0.3 * errors[0]
    np.testing.assert_array_equal(weights(first), weights(again))
    assert not first.module_.training


def test_partial_fit_survives_a_pickle_in_the_middle(table):
    straight, stopped = make(), make()
    for i in range(6):
        if i == 3:
            stopped = pickle.loads(pickle.dumps(stopped))
        straight.partial_fit(table)
        stopped.partial_fit(table)
    np.testing.assert_array_equal(weights(straight), weights(stopped))


def test_partial_fit_goes_on_after_fit_and_fit_starts_anew(table):
    model = make(epochs=5).fit(table)
    before, wanted = weights(model), -model.score(table)
    model.partial_fit(table)
    assert model.n_iter_ == 6
    assert not np.array_equal(weights(model), before)
    for _ in range(20):
        model.partial_fit(table)
    assert -model.score(table) < wanted
    np.testing.assert_array_equal(weights(model.fit(table)), before)
    assert model.n_iter_ == 5


def test_partial_fit_keeps_the_first_batchs_decisions(table):
    model = make().partial_fit(table)
    shift = model.schema_.shift.copy()
    model.partial_fit(table[:1] * 100)  # one sample is enough from now on
    np.testing.assert_array_equal(model.schema_.shift, shift)
    with pytest.raises(ValueError, match="5 features"):
        model.partial_fit(table[:, :5])


@pytest.mark.parametrize("looks", [True, False])  # False: a GPU, where nobody looks at single steps
def test_a_diverging_pass_leaves_a_usable_model(table, monkeypatch, looks):
    def bad(x_hat, x):
        return (x_hat - x).flatten(1).sum(1) / 0

    monkeypatch.setattr("latente.estimators.autoencoder.Stepper", functools.partial(Stepper, looks=looks))
    model = make(distortion=bad)
    with pytest.raises(TrainingDiverged):
        model.partial_fit(table)
    assert model.module_.generator is None
    assert not model.module_.training
    assert np.isfinite(model.transform(table)).all()


@pytest.mark.parametrize("latent_dim", [6, 7])
def test_a_code_as_wide_as_the_data_is_warned_of(latent_dim, table):
    with pytest.warns(LatentSizeWarning, match=rf"latent_dim={latent_dim} is not below the 6 values") as caught:
        make(latent_dim).fit(table)
    assert caught[0].filename == __file__


@pytest.mark.parametrize("limit", [{"bottleneck": Gaussian()}, {"corruption": "masking"}, {"objective": "contractive"}])
def test_no_warning_where_something_else_limits_the_code(limit, table):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make(7, **limit).fit(table)


def test_the_history_belongs_to_the_last_fit(table):
    model = make(epochs=3).fit(table)
    assert (len(model.history_), model.n_iter_) == (3, 3)
    assert model.history_.column("loss")[-1] < model.history_.column("loss")[0]
    assert len(model.set_params(trainer__epochs=1).fit(table).history_) == 1
