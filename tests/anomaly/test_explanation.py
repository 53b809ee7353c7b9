"""Explanations name what was changed."""

from __future__ import annotations

import copy
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from scipy import stats
from sklearn.datasets import load_digits
from sklearn.linear_model import LinearRegression, Ridge

from latente import DataSpec
from latente.anomaly import AnomalyDetector, Ensemble
from latente.anomaly.densities import CELLS, EDGE, asinh, densities_of
from latente.anomaly.expectation import Expectation
from latente.anomaly.localisation import Localiser, _first_weights
from latente.anomaly.regression import Regression

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


def test_residuals_are_those_of_regressions_without_the_row():
    known = Regression.of(torch.from_numpy(X[:40]))  # 0.001 of shrinkage, as little as matters
    for j, i in ((0, 3), (4, 17), (5, 39)):
        u = np.delete((X[:40] - known.mean.numpy()) / known.spread.numpy(), i, axis=0)
        row = ((X[i] - known.mean.numpy()) / known.spread.numpy())[None]
        fitted = Ridge(1e-3 * 40, fit_intercept=False).fit(np.delete(u, j, 1), u[:, j])
        left = row[0, j] - fitted.predict(np.delete(row, j, 1))[0]
        assert known.residual[i, j].item() == pytest.approx(left, rel=0.05, abs=0.02)


def test_few_rows_of_many_columns_are_shrunk_more():
    rng = np.random.default_rng(1)
    factors = rng.normal(size=(2060, 4)) @ rng.normal(size=(4, 50)) + rng.normal(size=(2060, 50))
    few, new = torch.from_numpy(factors[:60]), torch.from_numpy(factors[60:])
    known = Regression.of(few)
    left = known.standardised(new) @ known.weights
    plain = np.linalg.inv(np.corrcoef(factors[:60].T) * 0.999 + 0.001 * np.eye(50))
    assert left.square().mean() < 0.5 * np.square(known.standardised(new).numpy() @ (plain / plain.diagonal())).mean()


def test_densities_add_up_to_one_and_are_those_of_the_residuals():
    e = torch.from_numpy(np.random.default_rng(0).standard_t(3, (20_000, 2))).float()
    found = (-densities_of(e)).exp()
    middle = torch.linspace(-EDGE, EDGE, CELLS + 1)[:-1] + EDGE / CELLS
    total = (found * middle.cosh() * 2 * EDGE / CELLS).sum(1)  # cells are as wide as sinh makes them
    assert total.numpy() == pytest.approx([1, 1], abs=0.01)
    points = torch.tensor([0.0, 1.0, 3.0])
    cells = ((points.asinh() + EDGE) * CELLS / (2 * EDGE)).long()
    assert found[0, cells].numpy() == pytest.approx(stats.t(3).pdf(points.numpy()), rel=0.25)


def test_a_quick_asinh_is_asinh():
    x = torch.tensor([-1e6, -3.0, -1e-3, 0.0, 0.2, 5.0, 1e8])
    np.testing.assert_allclose(asinh(x).numpy(), np.arcsinh(x.numpy()), rtol=1e-5, atol=1e-6)


def test_probabilities_are_those_of_bayes_where_the_density_is_known():
    rng = np.random.default_rng(0)
    rows = torch.from_numpy(rng.normal(size=(4000, 3)))  # independent, so P(j) is proportional to the odds of x_j alone
    found = Localiser.of(rows, Regression.of(rows))(rows[:200] * 2).exp().numpy()
    sizes = np.exp(np.linspace(np.log(2), np.log(20), 400))  # 3/4 of the moves, and nearly all of the others
    sizes = np.concatenate([sizes, -sizes])
    x = rows[:200].numpy()[..., None] * 2
    scale = np.sqrt(1 + 0.3**2)  # of a value with the noise of training
    odds = stats.norm(scale=scale).pdf(x - sizes).mean(2) / stats.norm(scale=scale).pdf(x[..., 0])
    bayes = odds / odds.sum(1, keepdims=True)
    assert np.abs(found - bayes).mean() < 0.06
    assert (found.argmax(1) == bayes.argmax(1)).mean() > 0.93


def test_a_moved_value_is_found_where_its_column_depends_on_another_one_squared():
    rng = np.random.default_rng(0)
    a = rng.uniform(-2, 2, (1200, 3))
    rows = np.column_stack([a, np.square(a[:, 0]) + 0.1 * rng.normal(size=1200)])
    moved = rows[1000:].copy()
    moved[:, 3] += rng.choice([-1, 1], 200) * 2.5  # two standard deviations of what a linear regression leaves
    known = Expectation.of(torch.from_numpy(rows[:1000]))
    found = known.localiser(torch.from_numpy(moved)).exp().numpy()
    residual = np.abs((known.regression.standardised(torch.from_numpy(moved)) @ known.regression.weights).numpy())
    by_residual = ((residual / known.regression.scale.numpy()).argmax(1) == 3).mean()
    assert by_residual < 0.8
    assert (found.argmax(1) == 3).mean() > 0.85


def test_contributions_are_probabilities(detector):
    frame = pd.DataFrame(X[500:600], columns=list("abcdef"))
    sample = frame[:1].assign(c=frame["c"][0] + 6)
    explanation = detector.explain(sample)
    first = explanation.ranked()[0]
    assert (first.feature, first.direction, first.value) == ("c", "down", sample["c"][0])
    assert first.contribution > 0.9
    assert len(explanation.ranked(0, 2)) == 2
    assert explanation.p_values[0] == detector.p_values(sample)[0]
    np.testing.assert_allclose(detector.explain(frame).contributions.sum(1), 1)
    assert (explanation.scores == detector.score_samples(sample)).all()


def test_probabilities_learned_from_few_rows_are_as_often_right_as_they_say():
    rng = np.random.default_rng(3)
    mix = rng.normal(size=(3, 8))
    rows = torch.from_numpy(rng.normal(size=(1060, 3)) @ mix + 0.3 * rng.normal(size=(1060, 8)))
    known = Expectation.of(rows[:60])
    column, moved = rng.integers(0, 8, 1000), rows[60:].clone()
    size = (known.regression.scale * known.regression.spread).numpy()[column]
    moved[np.arange(1000), column] += torch.from_numpy(size * rng.choice([-4.0, 4.0], 1000))
    found = known.localiser(moved).softmax(1).numpy()
    said, right = found.max(1), found.argmax(1) == column
    assert right.mean() > 0.8
    assert abs(said.mean() - right.mean()) < 0.05
    sure = said > 0.95
    assert sure.mean() > 0.3
    assert right[sure].mean() > 0.93


def test_networks_are_judged_by_rows_that_they_did_without():
    known, generator = Expectation.of(torch.from_numpy(X[:100])), torch.Generator().manual_seed(0)
    localiser = Localiser(known.regression, torch.zeros(6, CELLS), _first_weights(4, 6, generator))
    learned, held = (localiser._rows(100, (50, 4, 200), apart, generator) for apart in (False, True))
    for k in range(4):
        seen, unseen = set(learned[:, k].flatten().tolist()), set(held[:, k].flatten().tolist())
        assert not seen & unseen
        assert len(seen | unseen) == 96  # whole blocks of eight
    assert (held[:, 0] % 8 == held[:, 1] % 8).all()


def test_what_is_expected_of_other_values_stays_right_beside_one_that_is_far_out(detector):
    known = detector._expectation
    clean = torch.from_numpy((X[500:700] - detector.schema_.shift) * detector.schema_.factor)
    moved, column = clean.clone(), np.arange(200) % 6
    moved[np.arange(200), column] += 20 * (known.regression.scale * known.regression.spread)[column]
    other = np.ones((200, 6), dtype=bool)
    other[np.arange(200), column] = False

    def miss(x, repaired):
        found = known.repaired(x, known.localiser(x).softmax(1)) if repaired else known(x)
        return np.abs(found.numpy() - clean.numpy())[other].mean()

    assert miss(moved, repaired=False) > 2 * miss(clean, repaired=False)
    assert miss(moved, repaired=True) < 1.1 * miss(clean, repaired=False)
    assert miss(clean, repaired=True) < 1.1 * miss(clean, repaired=False)


def test_the_only_column_is_the_wrong_one_whatever_the_row():
    one = RNG.normal(5, 1, (100, 1))
    explanation = AnomalyDetector(SMALL, random_state=0).fit(one).explain(np.array([[5.0], [50.0]]))
    assert (explanation.contributions == 1).all()
    assert explanation.expected == pytest.approx(np.full((2, 1), one.mean()), abs=1e-3)
    assert explanation.ranked(1)[0].direction == "down"


def test_rows_can_be_forgotten(detector, tmp_path):
    own = copy.copy(detector)
    frame = pd.DataFrame(X[500:520], columns=list("abcdef")).assign(c=9.0)
    with_rows = detector.save(tmp_path / "with")
    scores = own.score_samples(frame)
    without = own.forget_rows().save(tmp_path / "without")
    sizes = [sum(file.stat().st_size for file in folder.rglob("*")) for folder in (with_rows, without)]
    assert sizes[0] - sizes[1] >= 4 * 500 * 6
    loaded = AnomalyDetector.load(without)
    assert (loaded.score_samples(frame) == scores).all()
    assert not any(name.startswith("expectation") for name in load_file(without / "model.safetensors"))
    np.testing.assert_allclose(loaded.explain(frame).contributions.sum(1), 1)
    assert detector._expectation is not None


def test_explanations_are_learned_again_alike(detector):
    again = copy.copy(detector)
    again._expectation = Expectation(detector._expectation.rows)
    frame = pd.DataFrame(X[500:520], columns=list("abcdef"))
    np.testing.assert_array_equal(again.explain(frame).contributions, detector.explain(frame).contributions)


def test_of_very_many_columns_each_is_judged_by_its_own_residual():
    rng = np.random.default_rng(0)
    wide = rng.normal(size=(60, 2001))
    detector = AnomalyDetector(Ensemble(members=2, steps=5), calibration="quantile", random_state=0).fit(wide[:50])
    moved = wide[50:].copy()
    moved[np.arange(10), np.arange(10)] += 8
    contributions = detector.explain(moved).contributions
    assert (contributions.argmax(1) == np.arange(10)).all()
    np.testing.assert_allclose(contributions.sum(1), 1)


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
    axes = explanation.figure(0).axes
    np.testing.assert_allclose(np.square(axes[2].images[0].get_array()), explanation.contributions[0])
    titles = ["image", "as surroundings predict", "difference, absolute"]
    assert [ax.get_title() for ax in axes] == titles
    rebuilt = replace(explanation, surroundings=False).figure(0).axes
    assert [ax.get_title() for ax in rebuilt] == ["image", "reconstruction", "residual, in its usual scales"]


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
    assert f"{-explanation.scores[0]:.3g}" in figure.axes[0].get_title()
    assert all("\n" in label and "expected" in label for label in labels)


@pytest.mark.parametrize("count", [1, 6])
def test_bars_have_room_beside_long_names(detector, count):
    """Nothing leaves the figure, and half of its width is left for the bars."""
    rows = X[:1] * np.array([-1.23456e-4, 1e5, 1, -1e5, 1, 1])
    names = [f"a column of a long name {i}" for i in range(6)]
    explanation = detector.explain(pd.DataFrame(X[:1], columns=list("abcdef")))
    figure = replace(explanation, values=rows, expected=-rows, columns=names).figure(0, count=count)
    figure.draw_without_rendering()
    ax = figure.axes[0]
    whole = ax.get_tightbbox()
    assert min(whole.x0, whole.y0) >= 0
    assert whole.x1 <= figure.bbox.width
    assert whole.y1 <= figure.bbox.height
    assert ax.get_position().width > 0.55
    lines = sorted((box.y0, box.y1) for box in (label.get_window_extent() for label in ax.get_yticklabels()))
    assert all(below[1] <= above[0] for below, above in pairwise(lines))


def test_values_far_out_are_explained_without_the_training_rows_too():
    """Members see values only as far as they reach; what lies beyond must neither hide nor distort what is expected."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 3)) @ rng.normal(size=(3, 4))
    detector = AnomalyDetector(Ensemble(members=4, steps=30), scoring="joint", random_state=0).fit(X)
    rows = np.array([[1000.0, 0, 0, 0], [30.0, 0, 1e9, 0], [30.0, 0, 0, 1e9]])
    detector.forget_rows()
    found = detector.explain(rows)
    assert found.contributions.argmax(1).tolist() == [0, 2, 3]
    assert np.abs(found.expected).max() < 100


def test_explaining_in_inference_mode():
    X = np.random.default_rng(0).normal(size=(80, 4))
    detector = AnomalyDetector(Ensemble(members=4, steps=30), random_state=0).fit(X)
    with torch.inference_mode():
        inside = detector.explain(X[:3]).contributions
    np.testing.assert_array_equal(inside, detector.explain(X[:3]).contributions)
