"""Range-based precision and recall against another implementation and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score

from latente.metrics import point_adjust, range_precision_recall


def example():
    y = np.zeros(300, int)
    y[40:60] = y[70:75] = y[200] = y[290:] = 1
    t = np.arange(300)
    scores = np.round(np.sin(0.7 * t) + 2 * np.convolve(y, np.ones(9) / 9, "same") + np.cos(0.01 * t * t), 6)
    return y, scores > 1.2


@pytest.mark.parametrize(
    ("bias", "recall", "precision"),
    [
        ("flat", 0.37812500000000004, 0.14215686274509806),
        ("front", 0.3676893939393939, 0.1411764705882353),
        ("middle", 0.37799242424242424, 0.13970588235294118),
        ("back", 0.38856060606060605, 0.14313725490196078),
    ],
)
def test_another_implementation_gives_the_same(bias, recall, precision):
    """The figures are those of the package prts 1.0.0.3 with cardinality="reciprocal" and alpha 0.3."""
    found = range_precision_recall(*example(), alpha=0.3, recall_bias=bias, precision_bias=bias)
    assert (found.recall, found.precision) == pytest.approx((recall, precision), abs=1e-12)


def test_by_hand():
    y = [0, 1, 1, 1, 1, 0, 0, 1, 0, 0]
    predicted = [0, 1, 0, 0, 1, 0, 0, 0, 1, 1]  # the first range in two pieces, the second missed, one false range
    found = range_precision_recall(y, predicted)
    assert found.recall == pytest.approx((2 / 4 / 2 + 0) / 2)
    assert found.precision == pytest.approx((1 + 1 + 0) / 3)
    assert found.f1 == pytest.approx(2 * found.recall * found.precision / (found.recall + found.precision))
    assert range_precision_recall(y, predicted, alpha=1).recall == 0.5  # of two ranges one is hit


def test_ranges_of_single_steps_are_points():
    rng = np.random.default_rng(0)
    y, predicted = np.zeros(200, int), np.zeros(200, int)
    y[rng.choice(100, 20, replace=False) * 2] = 1
    predicted[rng.choice(100, 40, replace=False) * 2] = 1
    found = range_precision_recall(y, predicted)
    expected = precision_score(y, predicted), recall_score(y, predicted), f1_score(y, predicted)
    assert (found.precision, found.recall, found.f1) == pytest.approx(expected)


def test_nothing_true_or_nothing_found():
    assert range_precision_recall([0, 1], [0, 0]).f1 == 0
    assert range_precision_recall([0, 0], [0, 1]).f1 == 0
    assert range_precision_recall([0, 1], [0, 1]).f1 == 1


def test_why_point_adjustment_misleads():
    """Two random steps of a hundred look like a fair detector once points are adjusted."""
    rng = np.random.default_rng(0)
    y = np.zeros(5000, int)
    for start in range(500, 5000, 1000):
        y[start : start + 150] = 1
    predicted = rng.random(5000) < 0.02
    assert f1_score(y, predicted) < 0.1
    assert f1_score(y, point_adjust(y, predicted)) > 0.8


@pytest.mark.parametrize(
    ("arguments", "settings", "message"),
    [
        (([0, 1], [0, 1, 1]), {}, "equally long"),
        (([0, 3], [0, 1]), {}, "only 0"),
        (([0, 1], [0, 1]), {"alpha": 2}, "alpha"),
        (([0, 1], [0, 1]), {"recall_bias": "frnt"}, "Did you mean 'front'"),
    ],
)
def test_input_that_makes_no_sense(arguments, settings, message):
    with pytest.raises(ValueError, match=message):
        range_precision_recall(*arguments, **settings)
