"""Explanations name what was changed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.linear_model import LinearRegression

from latente import DataSpec
from latente.anomaly import AnomalyDetector, Ensemble
from latente.anomaly.explanation import Expectation, _attentive

RNG = np.random.default_rng(0)
MIX = RNG.normal(size=(3, 6))
X = RNG.normal(size=(700, 3)) @ MIX + 0.2 * RNG.normal(size=(700, 6))
SMALL = Ensemble(members=4, rows=256, steps=150)


def test_expected_values_are_those_of_a_regression_on_the_others():
    expected = Expectation.of(torch.from_numpy(X))(torch.from_numpy(X)).numpy()
    for j in range(6):
        others = np.delete(X, j, axis=1)
        predicted = LinearRegression().fit(others, X[:, j]).predict(others)
        np.testing.assert_allclose(expected[:, j], predicted.clip(X[:, j].min(), X[:, j].max()), atol=0.15)


def test_expected_values_stay_inside_the_range_of_their_column():
    positive = np.exp(X)  # as concentrations are; a straight line leads below 0
    detector = AnomalyDetector(SMALL, random_state=0).fit(positive)
    expected = detector.explain(np.concatenate([positive[:50], 100 * positive[:50]])).expected
    assert (expected >= positive.min(0) * 0.99).all()
    assert (expected <= positive.max(0) * 1.01).all()


@pytest.fixture(scope="module")
def detector():
    return AnomalyDetector(SMALL, random_state=0).fit(pd.DataFrame(X[:500], columns=list("abcdef")))


def test_the_moved_value_ranks_first_and_should_move_back(detector):
    moved, column = X[500:600].copy(), RNG.integers(0, 6, 100)
    sign = RNG.choice([-1, 1], 100)
    moved[np.arange(100), column] += 3.0 * sign
    explanation = detector.explain(pd.DataFrame(moved, columns=list("abcdef")))
    assert (explanation.contributions.argmax(1) == column).mean() > 0.9
    assert (explanation.direction[np.arange(100), column] == -sign).mean() > 0.95


def test_a_contribution_is_the_fall_of_the_score():
    frame = pd.DataFrame(X[:600], columns=list("abcdef"))
    detector = AnomalyDetector(SMALL, scoring="nearest", random_state=0).fit(frame)
    sample = pd.DataFrame(X[600:601] + 3 * np.eye(6)[2], columns=list("abcdef"))
    explanation = detector.explain(sample)
    first = explanation.ranked()[0]
    assert (first.feature, first.direction) == ("c", "down")
    repaired = sample.assign(c=first.expected)
    fall = detector.score_samples(repaired) - detector.score_samples(sample)
    assert first.contribution == pytest.approx(fall[0], rel=1e-3)
    assert first.value == sample["c"][0]
    assert len(explanation.ranked(0, 2)) == 2
    assert explanation.p_values[0] == detector.p_values(sample)[0]


def test_residuals_count_in_an_explanation_as_they_usually_do():
    default, usual = (AnomalyDetector(SMALL, scoring=s, random_state=0).fit(X[:600]) for s in ("auto", "nearest"))
    attentive = _attentive(default)
    assert default.score_.smallest > usual.score_.smallest
    for name in ("weight", "references"):
        torch.testing.assert_close(attentive._state[name], usual._state[name], atol=1e-5, rtol=1e-5)
    assert _attentive(usual) is usual
    assert (default.explain(X[600:610]).scores == default.score_samples(X[600:610])).all()


def test_a_blot_is_found_in_an_image():
    images = load_digits().images
    detector = AnomalyDetector(Ensemble(members=4, steps=150), random_state=0).fit(images[:1000])
    broken = images[1000:1100].copy()
    broken[:, 3:5, 0:2] = 16.0  # always empty there
    explanation = detector.explain(broken)
    assert explanation.contributions.shape == explanation.expected.shape == (100, 8, 8)
    inside = explanation.contributions[:, 3:5, 0:2].mean((1, 2))
    outside = (explanation.contributions.sum((1, 2)) - 4 * inside) / 60
    assert (inside > 3 * outside).mean() > 0.95
    assert np.abs(explanation.expected[:, 3:5, 0:2]).mean() < 8
    with pytest.raises(ValueError, match="have no names to rank"):
        explanation.ranked()
    shown = explanation.figure(0).axes[2].images[0].get_array()
    np.testing.assert_allclose(np.square(shown), explanation.contributions[0])


@pytest.mark.parametrize("layout", ["nt", "nct", "ntc"])
def test_a_spike_is_found_in_a_signal(layout):
    time = np.arange(40)
    phase = RNG.uniform(0, 2 * np.pi, (300, 1, 1))
    signals = np.sin(2 * np.pi * time / 20 + phase + np.array([[[0.0], [1.0]]])) + 0.05 * RNG.normal(size=(300, 2, 40))
    arranged = {"nt": signals[:, 0], "nct": signals, "ntc": signals.transpose(0, 2, 1)}[layout]
    spec = DataSpec(kind="signal", layout=layout)
    detector = AnomalyDetector(Ensemble(members=4, steps=300), data=spec, random_state=0).fit(arranged[:200])
    broken = arranged[200:].copy()
    broken[(slice(None), 17) if layout in ("nt", "ntc") else (slice(None), slice(None), 17)] += 2.0
    explanation = detector.explain(broken)
    assert explanation.per_step().shape == (100, 40)
    assert (explanation.per_step().argmax(1) == 17).mean() > 0.9
    upper, lower = explanation.figure(0).axes
    legend = upper.get_legend()
    assert (
        [text.get_text() for text in legend.get_texts()] == ["channel 0", "channel 1"] if layout != "nt" else not legend
    )
    np.testing.assert_array_equal(lower.lines[0].get_ydata(), explanation.per_step()[0])


def test_bars_have_the_names_and_values(detector):
    explanation = detector.explain(pd.DataFrame(X[:1], columns=list("abcdef")))
    figure = explanation.figure(0, count=3)
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert len(labels) == 3
    assert f"{-explanation.scores[0]:.3g}" in figure.axes[0].get_xlabel()
    assert all(" = " in label and "expected" in label for label in labels)
