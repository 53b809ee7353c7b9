"""The volume under the surface against the authors' program, scikit-learn and the definition written out."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from latente.metrics import volume_under_surface, vus_pr


def example():
    y = np.zeros(300, int)
    y[40:60] = y[70:75] = y[200] = y[290:] = 1
    t = np.arange(300)
    return y, np.round(np.sin(0.7 * t) + 2 * np.convolve(y, np.ones(9) / 9, "same") + np.cos(0.01 * t * t), 6)


@pytest.mark.parametrize(
    ("window", "roc", "pr"),
    [
        (0, 0.7938499579124579, 0.41049680401651867),
        (1, 0.7938499579124579, 0.41049680401651867),
        (7, 0.8673074404526132, 0.5806458696195204),
        (20, 0.9049512293135633, 0.669143936663936),
        (40, 0.9270467965304388, 0.725194013415754),
    ],
)
def test_the_authors_program_gives_the_same(window, roc, pr):
    """The figures are those of RangeAUC_volume_opt in the package TSB-AD 1.5."""
    found = volume_under_surface(*example(), max_window=window)
    assert (found.roc, found.pr) == pytest.approx((roc, pr), abs=1e-12)


def written_out(y, scores, w, thresholds):
    """The definition, step by step."""
    n, p = len(y), y.sum()
    edges = np.diff(y, prepend=0, append=0)
    ranges = list(zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1, strict=True))
    label = y.astype(float)
    for start, end in ranges:
        for d in range(1, w // 2 + 1):
            for t in (start - d, end + d):
                if 0 <= t < n:
                    label[t] += np.sqrt(1 - d / w)
    label = np.minimum(label, 1)
    wide = np.zeros(n, int)
    for start, end in ranges:
        wide[max(0, start - w // 2) : end + w // 2 + 1] = 1
    edges = np.diff(wide, prepend=0, append=0)
    pieces = list(zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True))
    area, last = 0.0, 0.0
    for rank in np.linspace(0, n - 1, thresholds).astype(int):
        pred = scores >= np.sort(scores)[::-1][rank]
        true = (label * pred).sum()
        hit = np.mean([pred[a:b].any() for a, b in pieces])
        recall = min(1, true / ((2 * p + (label * pred * (1 - y)).sum()) / 2)) * hit
        area, last = area + (recall - last) * true / pred.sum(), recall
    return area


@pytest.mark.parametrize("seed", range(5))
def test_the_definition(seed):
    rng = np.random.default_rng(seed)
    y = np.zeros(120, int)
    for start in rng.integers(0, 120, 3):
        y[start : start + rng.integers(1, 12)] = 1
    scores = np.round(rng.normal(size=120) + y, 1)  # with ties
    found = volume_under_surface(y, scores, max_window=9, thresholds=40)
    assert found.pr_areas == pytest.approx([written_out(y, scores, w, 40) for w in range(10)])
    assert found.pr == pytest.approx(found.pr_areas.mean())


def test_without_slopes_and_with_one_range_of_one_step_roc_is_the_usual_one():
    y, scores = np.zeros(200, int), np.random.default_rng(0).normal(size=200)
    y[50] = 1
    found = volume_under_surface(y, scores, max_window=0, thresholds=200)
    assert found.roc == pytest.approx(roc_auc_score(y, scores), abs=0.003)  # the curve turns the corner obliquely


def test_scores_in_the_right_place_win_and_their_scale_is_nothing():
    y, _ = example()
    near, far = np.roll(y, 2).astype(float), np.roll(y, 100).astype(float)
    assert vus_pr(y, y, max_window=0) == 1
    assert vus_pr(y, near, max_window=20) > 0.7 > 0.3 > vus_pr(y, far, max_window=20)
    scores = np.random.default_rng(0).normal(size=300) + y
    assert vus_pr(y, scores) == vus_pr(y, np.exp(scores)) != vus_pr(y, -scores)


@pytest.mark.parametrize(
    ("y", "scores", "settings", "message"),
    [
        ([0, 0, 0], [1, 2, 3], {}, "no anomalous step"),
        ([0, 1, 2], [1, 2, 3], {}, "only 0"),
        ([0, 1, 0], [1, 2], {}, "shape"),
        ([0, 1, 0], [1, np.nan, 3], {}, "step 1"),
        ([[0, 1]], [1, 2], {}, "one flag a step"),
        ([0, 1, 0], [1, 2, 3], {"max_window": -1}, "max_window"),
        ([0, 1, 0], [1, 2, 3], {"max_window": 2, "thresholds": 1}, "thresholds"),
    ],
)
def test_input_that_makes_no_sense(y, scores, settings, message):
    with pytest.raises(ValueError, match=message):
        volume_under_surface(y, scores, **({"max_window": 2} | settings))
