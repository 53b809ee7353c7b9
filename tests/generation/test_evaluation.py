"""Scores of samples beside the floor, and the features they are taken in."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError

from latente.metrics import density_coverage, frechet_distance, precision_recall


def features_class():
    from latente.generation import ClassifierFeatures  # not on top: see test_samplers.py

    return ClassifierFeatures


def evaluate(*arguments, **settings):
    from latente.generation import evaluate_generation

    return evaluate_generation(*arguments, **settings)


def test_scores_are_those_of_the_metrics(untouched_generators):
    samples, train, test = np.random.default_rng(0).normal(size=(3, 200, 4))
    result = evaluate(samples * 0.5, train, test)
    near, support = density_coverage(test, samples * 0.5), precision_recall(test, samples * 0.5)
    assert result.samples.frechet == frechet_distance(samples * 0.5, test)
    assert (result.samples.density, result.samples.coverage) == (near.density, near.coverage)
    assert (result.samples.precision, result.samples.recall) == (support.precision, support.recall)
    assert result.floor.frechet == frechet_distance(train, test)
    assert result.samples.frechet > result.floor.frechet
    assert (result.n_samples, result.n_floor, result.n_test) == (200, 200, 200)
    assert "the floor" in str(result)


def test_the_floor_takes_as_many_training_samples_as_there_are_samples():
    rng = np.random.default_rng(0)
    result = evaluate(rng.normal(size=(50, 3)), rng.normal(size=(400, 3)), rng.normal(size=(60, 3)))
    assert (result.n_samples, result.n_floor, result.n_test) == (50, 50, 60)
    with pytest.raises(ValueError, match=r"one shape; got \(50, 3\)"):
        evaluate(np.zeros((50, 3)), np.zeros((9, 4)), np.zeros((9, 3)))


@pytest.mark.parametrize("flat", [False, True], ids=["images", "table"])
def test_classifier_features(flat, untouched_generators):
    data = load_digits()
    x = data.data if flat else data.images
    train, test, y = x[:1200], x[1200:], data.target
    features = features_class()(32, epochs=15, random_state=0).fit(train, y[:1200])
    assert features(test).shape == (597, 32)
    assert features.score(test, y[1200:]) > 0.85
    again = features_class()(32, epochs=15, random_state=0).fit(train, y[:1200])
    assert (again(test) == features(test)).all()
    noise = np.random.default_rng(0).permutation(test.ravel()).reshape(test.shape)
    result = evaluate(noise, train, test, features=features)
    assert result.samples.frechet > 5 * result.floor.frechet
    assert result.samples.coverage < result.floor.coverage


def test_mistakes_of_features():
    x = np.random.default_rng(0).normal(size=(20, 4))
    with pytest.raises(ValueError, match="features must be an integer"):
        features_class()(0).fit(x, np.arange(20) % 2)
    with pytest.raises(ValueError, match="at least 2 labels; got only 0"):
        features_class()(4).fit(x, np.zeros(20, int))
    with pytest.raises(ValueError, match="one label for each of the 20"):
        features_class()(4).fit(x, [1, 2])
    with pytest.raises(NotFittedError, match="call fit"):
        features_class()()(x)
