"""`latent_dim="auto"`: the size that is found, what finding it costs, and that the model is then like any other."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV
from tests.estimators.conftest import auto, subspace

import latente
from latente import Autoencoder, Pretraining, StackedAutoencoder, Trainer
from latente.data import ArraySource, stream
from latente.estimators.found_size import LatentSize
from latente.estimators.latent_size import _bound, choose_size, cut_errors
from latente.networks import MLP
from latente.nn import multiply_adds
from latente.objectives import Wasserstein
from latente.training import CheckpointError
from latente.training.stepper import Stepper

pytestmark = pytest.mark.usefixtures("untouched_generators")
# Fits of one or two epochs, which say little; see test_latent_size_doubts.py for the warning.
hardly_trained = pytest.mark.filterwarnings("ignore:latent_dim='auto' chose .* but no size explains a tenth")


def weights(model):
    return {name: tensor.clone() for name, tensor in model.module_.state_dict().items()}


def equal(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.fixture
def steps(monkeypatch):
    """Every step that is taken: the width of its code and its number of samples."""
    taken, step = [], Stepper.step

    def counted(self, batch, *rest):
        taken.append((self.module.bottleneck.latent_dim, len(batch)))
        return step(self, batch, *rest)

    monkeypatch.setattr(Stepper, "step", counted)
    return taken


# What is found


@pytest.mark.parametrize("dimension", [2, 3, 6])
def test_a_linear_subspace(dimension):
    X = subspace(dimension)
    training = Trainer(epochs=60, verbose=False)
    linear = latente.VanillaAutoencoder("auto", trainer=training, random_state=0).fit(X)
    found = linear.latent_size_
    assert linear.latent_dim_ == dimension
    assert found.errors[dimension - 1] < 0.01 * found.variance < 0.1 * found.errors[dimension - 2]
    assert 0.9 * dimension < found.intrinsic_dimension < dimension + 1.5  # near each other, points see the noise
    deep = auto().fit(X)
    assert dimension <= deep.latent_dim_ <= dimension + 1
    assert deep.latent_size_.widest > 2 * dimension


def test_a_curved_surface():
    """A surface of two dimensions that spans nine: PCA needs more of them than a curved code."""
    draws = np.random.default_rng(0)
    a, b = draws.uniform(-1, 1, size=(2, 1500))
    X = np.column_stack([a**i * b**j for i in range(4) for j in range(4) if 0 < i + j < 4])
    X = (X - X.mean(0)) / X.std(0) @ np.linalg.qr(draws.normal(size=(15, 9)))[0].T
    model = auto(120, data="scale=none").fit(X[:1200])
    assert model.latent_size_.intrinsic_dimension == pytest.approx(2, abs=0.3)
    assert 2 <= model.latent_dim_ < PCA(0.998).fit(X).n_components_
    result = model.evaluate(X[1200:], reference=X[:1200])
    assert result.error < 0.01 * result.mean_error


def test_every_direction_counts_in_noise():
    X = np.random.default_rng(0).normal(size=(600, 8))
    assert auto().fit(X).latent_dim_ == 7  # a code as wide as the data would be a copy


def test_the_widest_code_is_narrower_than_what_varies():
    """Six directions and two columns that never change: seven times six is cut to one less than the eight that vary."""
    X = np.column_stack([subspace(6, columns=8), np.full((600, 2), 7.0)])
    found = auto(2).fit(X).latent_size_
    assert (found.widest, found.bound) == (7, 7)


def sparse(rows=3000, columns=40):
    """Zeros; each column has one other value, the last ones in the last rows."""
    X = np.zeros((rows, columns), np.float32)
    X[np.linspace(0, rows - 1, columns).astype(int), np.arange(columns)] = 1
    return X


@hardly_trained
def test_what_varies_is_counted_in_all_rows(tmp_path, monkeypatch):
    """A few hundred of these rows show a fraction of the columns to vary."""
    X = np.column_stack([sparse(), np.full(3000, 7, np.float32)])
    assert _bound(ArraySource(torch.from_numpy(X))) == 39
    monkeypatch.setattr(stream, "BUFFER_BYTES", 200 * X[0].nbytes)
    monkeypatch.setattr("latente.estimators.latent_size.NEIGHBOURS", 100)
    monkeypatch.setattr("latente.estimators.latent_size.FEWEST", 100)
    np.save(tmp_path / "X.npy", X)
    streamed = auto(1, data="scale=none").fit(latente.open_rows(tmp_path / "X.npy"))
    assert streamed.latent_size_.bound == auto(1, data="scale=none").fit(X).latent_size_.bound == 39


def test_counting_ends_where_more_would_not_matter():
    class Counted(ArraySource):
        read = 0

        def batches(self, *arguments):
            for batch in super().batches(*arguments):
                self.read += len(batch)
                yield batch

    wide = Counted(torch.from_numpy(np.random.default_rng(0).normal(size=(3000, 400))))
    assert (_bound(wide), wide.read) == (257, 250)  # no code of more than 256 is tried; one batch is enough
    narrow = Counted(torch.from_numpy(sparse()))
    assert (_bound(narrow), narrow.read) == (39, 3000)
    few = Counted(torch.eye(5))
    assert (_bound(few), _bound(Counted(torch.ones(5, 3))), _bound(Counted(torch.ones(1, 3)))) == (4, 1, 1)


def test_the_rule():
    """The smallest size within a thousandth of the variance of the lowest error."""
    errors = np.array([5.0, 1.0, 0.24, 0.2, 0.21])
    assert [choose_size(errors, variance) for variance in (0.0, 39.9, 40.1, 5000.0)] == [4, 4, 3, 1]
    assert choose_size(np.array([3.0]), 3.0) == 1


def test_codes_on_fewer_directions():
    """Held against numpy's components of the codes and the model's own decoder."""
    X = subspace(4).astype("f4")
    model = auto(5, 6, data="scale=none").fit(X[:500])
    errors, variance = cut_errors(
        model.module_, model._source(model._read(X[:500])), model._source(model._read(X[500:])), 0
    )
    known, codes = model.transform(X[:500]).astype(float), model.transform(X[500:])
    axes = np.linalg.eigh(np.cov(known.T))[1][:, ::-1]

    def error(z):
        return np.square(model.inverse_transform(z) - X[500:]).sum(1).mean()

    for k in range(1, 7):
        turned = known.mean(0) + (codes - known.mean(0)) @ axes[:, :k] @ axes[:, :k].T
        assert errors[k - 1] == pytest.approx(error(turned), rel=1e-3)
    assert variance == pytest.approx(X.var(0).sum(), rel=1e-4)


SUBSPACE = {  # the largest size that is accepted; 3 are needed
    "DenoisingAutoencoder": (4, {"corruption": "gaussian:0.1"}),
    "StackedAutoencoder": (8, {"hidden_features": (32,), "pretraining": Pretraining(epochs=1)}),
    "VariationalAutoencoder": (3, {}),
}


@pytest.mark.parametrize("name", SUBSPACE)
def test_the_named_autoencoders_find_a_subspace(name):
    largest, settings = SUBSPACE[name]
    training = Trainer(epochs=60, verbose=False)
    model = getattr(latente, name)("auto", trainer=training, random_state=0, **settings).fit(subspace(3))
    assert 3 <= model.latent_dim_ <= largest < 15 <= model.latent_size_.widest


# What it costs


def test_the_cost_is_at_most_three_fits(steps):
    """In multiply-adds of all steps; the search is as long as the fit, its code a little wider."""
    X = subspace(3)
    model = auto(40).fit(X)
    search = [n for width, n in steps if width == model.latent_size_.widest]
    fit = [n for width, n in steps if width == model.latent_dim_]
    assert len(search) + len(fit) == len(steps)
    assert sum(search) == 2 * 20 * 540  # twice half the epochs, without the held-out tenth
    assert sum(fit) == 40 * 600

    def work(size):
        built = model._built(0, torch.device("cpu"), size)
        return multiply_adds(built, lambda: built(torch.zeros(1, 20)))

    both = sum(search) * work(model.latent_size_.widest) + sum(fit) * work(model.latent_dim_)
    assert both < 2.2 * sum(fit) * work(model.latent_dim_)


# A model like any other


def test_the_model_is_that_of_the_number(tmp_path):
    X = subspace(2)
    model = auto(4).fit(X)
    same = auto(4, model.latent_dim_).fit(X)
    assert equal(weights(model), weights(same))
    assert model.history_.column("loss") == same.history_.column("loss")
    assert (model.n_iter_, [len(h) for h in model.latent_size_.histories]) == (4, [2, 2])
    assert not hasattr(same, "latent_size_")
    assert not hasattr(model.set_params(latent_dim=2).fit(X), "latent_size_")


def test_how_the_size_was_found_is_saved(tmp_path):
    model = auto(3).fit(subspace(2))
    found, again = model.latent_size_, latente.load(model.save(tmp_path / "m")).latent_size_
    np.testing.assert_array_equal(again.errors, found.errors)
    assert (again.errors.dtype, again.histories) == (np.float64, found.histories)
    names = ("latent_dim", "widest", "intrinsic_dimension", "variance", "bound", "at_its_limit")
    assert [getattr(again, name) for name in names] == [getattr(found, name) for name in names]
    twice = latente.load(latente.load(tmp_path / "m").save(tmp_path / "again"))
    assert twice.latent_size_.to_dict() == found.to_dict()
    plain = auto(1, 2).fit(subspace(2)).save(tmp_path / "plain")
    assert "latent_size" not in json.loads((plain / "config.json").read_text())
    assert not hasattr(latente.load(plain), "latent_size_")


def test_a_size_that_cannot_be_told_is_saved(tmp_path):
    found = LatentSize(1, 1, math.nan, np.empty(0), math.nan, (), 1)
    description = json.loads(json.dumps(found.to_dict()))
    del description["held_out"]  # as older versions wrote it
    again = LatentSize.from_dict(description)
    assert math.isnan(again.intrinsic_dimension)
    assert (again.errors.shape, again.histories, again.bound, again.held_out) == ((0,), (), 1, 0)


@hardly_trained
def test_every_autoencoder_keeps_its_parameter(estimator_name, quick, table, tmp_path):
    model = quick(estimator_name, "auto", epochs=1).fit(table)
    k = model.latent_dim_
    assert model.latent_dim == model.get_params()["latent_dim"] == "auto"
    assert isinstance(k, int)
    assert model.transform(table).shape == (60, k)
    assert len(model.get_feature_names_out()) == k
    assert not hasattr(clone(model), "latent_dim_")
    again = latente.load(model.save(tmp_path / "m"))
    assert (again.latent_dim, again.latent_dim_) == ("auto", k)
    np.testing.assert_array_equal(again.transform(table), model.transform(table))
    assert equal(weights(again.fit(table)), weights(model))
    fixed = quick(estimator_name, 2, epochs=1).fit(table)
    assert fixed.latent_dim_ == latente.load(fixed.save(tmp_path / "m")).latent_dim_ == 2


def test_the_size_is_in_the_file_only_where_it_is_needed(table, tmp_path):
    for model, wanted in ((auto(1), True), (auto(1, 3), False)):
        config = json.loads((model.fit(table).save(tmp_path / str(wanted)) / "config.json").read_text())
        assert config["latent_dim"] == (model.latent_dim_ if wanted else None)


def test_partial_fit_decides_on_the_first_batch(tmp_path):
    X = subspace(3)
    model = auto(40, training={"checkpoint": tmp_path / "c"}).partial_fit(X)
    first = model.latent_dim_
    assert 3 <= first <= 4
    assert model.partial_fit(subspace(8)).latent_dim_ == model.module_.bottleneck.latent_dim == first
    assert model.n_iter_ == 2
    assert not (tmp_path / "c").exists()


def test_rows_that_are_streamed(tmp_path, monkeypatch):
    X = subspace(3).astype("f4")
    monkeypatch.setattr(stream, "BUFFER_BYTES", 100 * X[0].nbytes)
    np.save(tmp_path / "X.npy", X)
    rows = latente.open_rows(tmp_path / "X.npy")
    model = auto().fit(rows)
    assert 3 <= model.latent_dim_ <= 4
    assert model.transform(rows).shape == (600, model.latent_dim_)


@hardly_trained
def test_pairs(table):
    model = auto(2).fit(table, target=table + 5, validation=(table[:9], table[:9] + 5))
    assert model.latent_size_.variance == pytest.approx(6, rel=0.5)  # of the targets around their mean


def test_a_search_over_sizes(table):
    search = GridSearchCV(auto(40), {"latent_dim": [1, "auto"]}, cv=2).fit(table)
    assert search.best_params_["latent_dim"] == "auto"
    assert search.transform(table).shape == (60, search.best_estimator_.latent_dim_)


@pytest.mark.filterwarnings("ignore::latente.estimators.LatentSizeWarning")
@pytest.mark.parametrize(
    "X",
    [
        np.array([[0.0, 1, 2], [2, 1, 0]]),
        np.array([[0.0, 1], [2, 1], [5, 5]]),
        np.arange(30.0)[:, None],
        np.ones((20, 5)),
        np.repeat(np.eye(4), 10, axis=0),
        np.zeros((12, 4, 4), np.uint8),
    ],
    ids=["two rows", "three rows", "one column", "constant", "few different", "black"],
)
def test_small_and_empty_data(X):
    model = auto(1).fit(X)
    assert 1 <= model.latent_dim_ <= max(1, X[0].size - 1)
    assert np.isfinite(model.transform(X)).all()


def test_modules_of_fixed_size_are_refused(table):
    pair = (torch.nn.Identity(), torch.nn.Identity())
    with pytest.raises(ValueError, match=r"'auto' needs networks that latente builds; the size of your own modules"):
        auto(network=pair).fit(table)


def test_mistakes_are_found_before_the_search(table, steps, tmp_path):
    for bad in ({"objective": Wasserstein(-1)}, {"distortion": "bernoulli"}, {"network": MLP((0,))}):
        with pytest.raises(ValueError, match=r"."):
            auto(1, **bad).fit(table)
    auto(1, 2, training={"checkpoint": tmp_path}).fit(table)
    steps.clear()
    with pytest.raises(CheckpointError, match="holds the checkpoints of an earlier run"):
        auto(1, training={"checkpoint": tmp_path}).fit(table)
    assert steps == []


# Interrupted


class Killed(Exception):
    pass


def interrupted(model, X, monkeypatch, after):
    """Fits until so many steps have been taken."""
    left, step = [after], Stepper.step

    def limited(self, *arguments):
        if not left[0]:
            raise Killed
        left[0] -= 1
        return step(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Stepper, "step", limited)
        with pytest.raises(Killed):
            clone(model).fit(X)


def resumable(name, folder, random_state):
    training = Trainer(epochs=4, batch_size=20, verbose=False, checkpoint=folder, checkpoint_every=2)
    settings = {"trainer": training, "random_state": random_state}
    if name == "stacked":
        return StackedAutoencoder("auto", hidden_features=(8,), pretraining=Pretraining(epochs=1), **settings)
    return Autoencoder("auto", **settings)


@hardly_trained
@pytest.mark.parametrize("random_state", [0, None])
@pytest.mark.parametrize(
    ("name", "after"), [("plain", 4), ("plain", 9), ("plain", 15), ("stacked", 4), ("stacked", 14), ("stacked", 20)]
)
def test_a_fit_goes_on_in_the_search_and_after_it(table, tmp_path, monkeypatch, name, after, random_state):
    """The search takes 6 steps twice, each layer of a stack 3, the fit 12."""
    model = resumable(name, tmp_path, random_state)
    interrupted(model, table, monkeypatch, after)
    model.fit(table, resume=True)
    seed = model.trainer.stored_seed()
    assert random_state is None or seed == random_state
    straight = resumable(name, None, seed).fit(table)
    assert model.latent_dim_ == straight.latent_dim_
    np.testing.assert_array_equal(model.latent_size_.errors, straight.latent_size_.errors)
    assert equal(weights(model), weights(straight))
