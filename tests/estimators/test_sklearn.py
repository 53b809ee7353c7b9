"""scikit-learn's own checks, and its tools around latente's estimators."""

from __future__ import annotations

import io
import pickle

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import latente
from latente import Autoencoder, Trainer

QUICK = {"trainer": Trainer(epochs=1), "random_state": 0}
ESTIMATORS = [
    Autoencoder(1, **QUICK),
    Autoencoder("auto", **QUICK),
    latente.VanillaAutoencoder(1, **QUICK),
    latente.ConvolutionalAutoencoder(1, channels=(4,), **QUICK),
    latente.DenoisingAutoencoder(1, **QUICK),
    latente.StackedAutoencoder(1, hidden_features=(8,), pretraining=latente.Pretraining(epochs=1), **QUICK),
    latente.VariationalAutoencoder(1, **QUICK),
    latente.AutoencoderClassifier(Autoencoder(4, **QUICK), trainer=Trainer(epochs=25), random_state=0),
]
# Checks fit tables of one or two columns, where a code of one number is as wide as the data; latente warns of that.
WIDE = "ignore::latente.estimators.LatentSizeWarning"


@pytest.mark.filterwarnings(WIDE)
@parametrize_with_checks(ESTIMATORS)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def test_no_estimator_is_left_out():
    public = {name for name in dir(latente) if isinstance(getattr(latente, name), type)}
    estimators = {name for name in public if hasattr(getattr(latente, name), "fit")}
    estimators -= {"Trainer", "Generator"}  # the first fits modules, the second holds a model that is fitted already
    estimators = {name for name in estimators if not issubclass(getattr(latente, name), latente.parts.Part)}
    assert estimators == {type(estimator).__name__ for estimator in ESTIMATORS}


def test_clone_is_equal_and_apart(estimator_name, quick):
    model = quick(estimator_name).set_params(trainer__epochs=1)
    copy = clone(model)
    assert copy.get_params(deep=False).keys() == model.get_params(deep=False).keys()
    assert copy.trainer == model.trainer
    assert copy.trainer is not model.trainer
    assert repr(copy) == repr(model)


def test_repr_and_html_show_what_was_set():
    model = Autoencoder(3, bottleneck=latente.Gaussian(beta=4), trainer=Trainer(epochs=7))
    assert "bottleneck=Gaussian(beta=4" in repr(model)
    assert "epochs=7" in repr(model)
    assert "Autoencoder" in model._repr_html_()
    assert repr(Autoencoder(3)) == "Autoencoder(latent_dim=3)"


def test_grid_search_reaches_into_parts(table):
    grid = {
        "trainer__learning_rate": [1e-3, 1e-2],
        "latent_dim": np.arange(1, 3),
        "bottleneck": ["gaussian"],
        "bottleneck__beta": [0.5, 2.0],
    }
    search = GridSearchCV(Autoencoder(random_state=0), {**grid, "trainer__epochs": [1]}, cv=2).fit(table)
    assert len(search.cv_results_["params"]) == 8
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_estimator_.bottleneck.beta == search.best_params_["bottleneck__beta"]
    assert search.transform(table).shape == (60, search.best_params_["latent_dim"])


def test_cross_validation_prefers_the_model_that_learned(table):
    untrained, trained = (Autoencoder(2, network="mlp:32", trainer=Trainer(epochs=n), random_state=0) for n in (1, 60))
    assert cross_val_score(trained, table, cv=2).mean() > cross_val_score(untrained, table, cv=2).mean()


def test_pipelines(table):
    y = (table[:, 0] > 0).astype(int)
    pipeline = make_pipeline(StandardScaler(), Autoencoder(2, trainer=Trainer(epochs=60), random_state=0))
    codes = pipeline.fit_transform(table)
    np.testing.assert_array_equal(codes, pipeline.transform(table))
    back = pipeline.inverse_transform(codes)
    assert np.square(back - table).sum() < 0.5 * np.square(table - table.mean(0)).sum()
    classifier = make_pipeline(Autoencoder(2, trainer=Trainer(epochs=30), random_state=0), LogisticRegression())
    assert classifier.fit(table, y).score(table, y) > 0.8


@pytest.mark.parametrize(("output", "frame"), [("pandas", pd.DataFrame), ("polars", pl.DataFrame)])
def test_set_output_gives_frames(estimator_name, quick, table, output, frame):
    model = quick(estimator_name)
    plain = model.fit_transform(table)
    model.set_output(transform=output)
    for codes in (model.transform(table), model.fit_transform(table)):
        assert isinstance(codes, frame)
        assert list(codes.columns) == list(model.get_feature_names_out())
        np.testing.assert_array_equal(codes.to_numpy(), plain)
    assert list(codes.columns) == [f"{estimator_name.lower()}{i}" for i in range(2)]
    assert model.inverse_transform(codes).shape == table.shape
    assert model.interpolate(table[0], table[1], 3).shape == (3, 6)
    assert model.evaluate(table).samples == 60


def test_set_output_keeps_the_index(quick, table):
    frame = pd.DataFrame(table, index=np.arange(60) + 100, columns=list("abcdef"))
    codes = quick("Autoencoder").set_output(transform="pandas").fit_transform(frame)
    assert list(codes.index) == list(frame.index)


@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
def test_names_of_columns_are_kept_and_held_against_later_frames(library, quick, table):
    frame = library.DataFrame({name: table[:, i] for i, name in enumerate("abcdef")})
    model = quick("Autoencoder").fit(frame)
    assert list(model.feature_names_in_) == list("abcdef")
    assert model.schema_.columns == tuple("abcdef")
    np.testing.assert_array_equal(model.transform(frame), quick("Autoencoder").fit_transform(table))
    with pytest.raises(ValueError, match="[Ff]eature names must be in the same order"):
        model.transform(frame[list("bacdef")])
    with pytest.raises(ValueError, match="(?s)Feature names unseen.*- z"):
        model.transform(frame.rename(columns={"a": "z"}) if library is pd else frame.rename({"a": "z"}))
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        model.transform(table)


def dump_joblib(model):
    buffer = io.BytesIO()
    joblib.dump(model, buffer)
    buffer.seek(0)
    return joblib.load(buffer)


@pytest.mark.parametrize(
    "through", [lambda model: pickle.loads(pickle.dumps(model)), dump_joblib], ids=["pickle", "joblib"]
)
def test_pickle_and_joblib(estimator_name, quick, table, through):
    model = quick(estimator_name).fit(table)
    again = through(model)
    np.testing.assert_array_equal(again.transform(table), model.transform(table))
    assert again.history_.records == model.history_.records
    np.testing.assert_array_equal(again.fit(table).transform(table), model.transform(table))


def test_pickles_do_not_hold_the_training_data(quick):
    X = np.random.default_rng(0).normal(size=(20_000, 6))
    model = quick("Autoencoder", epochs=1).fit(X)
    assert len(pickle.dumps(model)) < 0.5 * X.nbytes


def test_frozen_estimators_are_not_trained_again(quick, table):
    model = quick("Autoencoder").fit(table)
    frozen = make_pipeline(FrozenEstimator(model), PCA(1)).fit(table + 1)
    assert frozen[0].estimator is model
    np.testing.assert_array_equal(frozen[0].transform(table), model.transform(table))


def test_metadata_routing_leaves_extra_arguments_alone(quick, table):
    pipeline = make_pipeline(quick("DenoisingAutoencoder"))
    pipeline.fit(table, denoisingautoencoder__target=table, denoisingautoencoder__validation=(table, table))
    assert pipeline[-1].history_.records[-1].validation_loss is not None
