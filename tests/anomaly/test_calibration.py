"""Conformal p-values, thresholds and selection against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import false_discovery_control, spearmanr

from latente.anomaly import (
    AnomalyDetector,
    CrossConformal,
    Ensemble,
    SplitConformal,
    conformal_p_values,
    select,
)
from latente.anomaly.calibration import conformal_threshold, cross_scores
from latente.anomaly.fitting import folds_of


def test_p_values_count():
    rng = np.random.default_rng(0)
    known, new = rng.integers(0, 10, 50).astype(float), rng.integers(-2, 12, 30).astype(float)
    expected = [(1 + (known <= score).sum()) / 51 for score in new]
    np.testing.assert_allclose(conformal_p_values(new, known), expected)


@pytest.mark.parametrize("rate", [0.01, 0.05, 0.1, 0.3, 1 / 51, 2 / 51])
def test_below_the_threshold_the_p_value_is_at_most_the_rate(rate):
    rng = np.random.default_rng(1)
    for known in (rng.normal(size=50), rng.integers(0, 5, 50).astype(float)):
        new = np.concatenate([rng.normal(size=500) * 3, known])
        below = new < conformal_threshold(known, rate)
        assert (below == (conformal_p_values(new, known) <= rate + 1e-12)).all()


def test_the_rate_holds_for_exchangeable_scores():
    rng = np.random.default_rng(2)
    rates = [(conformal_p_values(rng.normal(size=500), rng.normal(size=99)) <= 0.05).mean() for _ in range(400)]
    assert np.mean(rates) == pytest.approx(0.05, abs=3 * np.std(rates) / 20)


@pytest.mark.parametrize("fdr", [0.01, 0.1, 0.4])
def test_selection_is_that_of_scipy(fdr):
    p = np.random.default_rng(3).beta(0.3, 2, 200)
    assert (select(p, fdr) == (false_discovery_control(p) <= fdr)).all()


def test_few_discoveries_are_false():
    rng, false = np.random.default_rng(4), []
    for _ in range(300):
        known, scores = rng.normal(size=500), np.concatenate([rng.normal(size=90), rng.normal(-5, 1, 10)])
        chosen = select(conformal_p_values(scores, known), 0.1)
        false.append(chosen[:90].sum() / max(1, chosen.sum()))
    assert np.mean(false) <= 0.1 * 0.9 + 3 * np.std(false) / np.sqrt(300)


def test_nothing_to_select():
    assert select([], 0.1).shape == (0,)
    assert not select([0.5, 0.9], 0.1).any()


def test_what_could_not_be_scored_is_no_test():
    p = np.array([0.001, np.nan, 0.9, 0.02, np.nan, 0.04])
    known = ~np.isnan(p)
    assert (select(p, 0.05)[known] == select(p[known], 0.05)).all()
    assert not select(p, 0.05)[~known].any()


@pytest.mark.parametrize(("p", "fdr", "message"), [([0.1], 0.0, "fdr"), ([0.1], 1.5, "fdr"), ([2.0], 0.1, "p-values")])
def test_values_outside_are_refused(p, fdr, message):
    with pytest.raises(ValueError, match=message):
        select(p, fdr)


@pytest.mark.parametrize("part", [CrossConformal(1), SplitConformal(0.0), SplitConformal(1.0)])
def test_settings_without_sense_are_refused(part):
    with pytest.raises(ValueError, match="must be"):
        part.check()


@pytest.mark.parametrize(("samples", "folds"), [(10, 4), (3, 4), (2, 2), (7, 1)])
def test_folds_are_nearly_equal(samples, folds):
    found = np.bincount(folds_of(samples, folds, np.random.default_rng(0)))
    assert found.sum() == samples
    assert len(found) == min(samples, folds)
    assert np.ptp(found) <= 1


def test_cross_scores_have_the_spread_of_the_mean_of_all_members():
    rng = np.random.default_rng(5)
    truth, folds = np.exp(0.3 * rng.normal(size=4000)), rng.integers(0, 4, 4000)
    of_members = truth[:, None] * np.exp(0.5 * rng.normal(size=(4000, 20)))
    own = np.array([of_members[i, folds[i] :: 4].mean() for i in range(4000)])
    corrected = cross_scores(of_members.astype(np.float32), folds)
    whole = of_members.mean(1)
    for level in (0.9, 0.95, 0.99):
        target = np.quantile(whole, level)
        assert abs(np.quantile(corrected, level) - target) < 0.5 * abs(np.quantile(own, level) - target)
    assert spearmanr(corrected, own).statistic > 0.999


def test_cross_scores_of_two_folds_are_as_they_are():
    of_members = np.random.default_rng(6).uniform(1, 2, (10, 2)).astype(np.float32)
    folds = np.arange(10) % 2
    np.testing.assert_allclose(cross_scores(of_members, folds), of_members[np.arange(10), folds], rtol=1e-6)


def test_ties_at_zero_do_not_hide_scores_a_little_above_it():
    of_members = np.tile(np.array([0.0, 0.0, 0.0, 3.0], np.float32), (100, 1))
    folds = np.arange(100) % 4
    expected = np.where(folds == 3, 0.0, 1.0)  # the mean of the three that saw it: 1 for all but those of the last fold
    np.testing.assert_allclose(np.sort(cross_scores(of_members, folds)), np.sort(expected))


def test_the_rate_holds_on_a_table_of_few_values():
    """Most new rows equal a training row, and many equal one that only some of the members know."""
    rates = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        train, new = rng.integers(0, 3, (200, 4)).astype(float), rng.integers(0, 3, (2000, 4)).astype(float)
        detector = AnomalyDetector(Ensemble(members=8, steps=10), false_alarm_rate=0.2, random_state=seed).fit(train)
        rates.append((detector.predict(new) == -1).mean())
    assert np.mean(rates) <= 0.2 + 3 * np.std(rates) / np.sqrt(12)
