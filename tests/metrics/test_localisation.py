"""Pixel scores against scikit-learn and the definition written out."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from latente.metrics import per_region_overlap, pixel_auroc


def pictures(seed=0, n=3):
    rng = np.random.default_rng(seed)
    masks = np.zeros((n, 12, 12), int)
    masks[0, 2:4, 2:9] = masks[0, 8:11, 8:11] = masks[1, 5, 5] = 1
    masks[1, 6, 6] = 1  # touches the pixel before at a corner: one region
    maps = np.round(rng.normal(size=masks.shape) + 1.5 * masks, 1)  # with ties
    return masks, maps


def test_pixels_are_ranked_as_by_scikit_learn():
    masks, maps = pictures()
    assert pixel_auroc(masks, maps) == pytest.approx(roc_auc_score(masks.ravel(), maps.ravel()))


def written_out(masks, maps, regions, max_fpr):
    points = [(0.0, 0.0)]
    for threshold in sorted(set(maps.ravel()), reverse=True):
        pred = maps >= threshold
        overlap = np.mean([np.mean([pred[pixel] for pixel in region]) for region in regions])
        points.append((pred[masks == 0].mean(), overlap))
    area = 0.0
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        if x1 > max_fpr and x1 > x0:
            y1, x1 = y0 + (y1 - y0) * (max(max_fpr, x0) - x0) / (x1 - x0), max(max_fpr, x0)
        area += (x1 - x0) * (y0 + y1) / 2
    return area / max_fpr


@pytest.mark.parametrize("max_fpr", [0.05, 0.3, 1.0])
def test_regions_written_out(max_fpr):
    masks, maps = pictures()
    regions = [
        [(0, i, j) for i in (2, 3) for j in range(2, 9)],
        [(0, i, j) for i in range(8, 11) for j in range(8, 11)],
        [(1, 5, 5), (1, 6, 6)],
    ]
    assert per_region_overlap(masks, maps, max_fpr=max_fpr) == pytest.approx(written_out(masks, maps, regions, max_fpr))


def test_perfect_inverted_and_random_maps():
    masks, _ = pictures(n=200)
    noise = np.random.default_rng(0).normal(size=masks.shape)
    assert pixel_auroc(masks, masks) == 1 == pytest.approx(per_region_overlap(masks, masks))
    assert pixel_auroc(masks, -masks) == per_region_overlap(masks, -masks) == 0
    masks = np.broadcast_to(masks[0], masks.shape)
    assert per_region_overlap(masks, noise) == pytest.approx(0.15, abs=0.02)
    assert pixel_auroc(masks, noise) == pytest.approx(0.5, abs=0.02)


def test_small_defects_weigh_as_much_as_large_ones():
    masks = np.zeros((1, 20, 20), int)
    masks[0, :10, :10] = masks[0, 15, 15] = 1
    found = masks.copy()
    found[0, 15, 15] = 0  # misses the small one
    assert pixel_auroc(masks, found) > 0.99
    assert 0.5 < per_region_overlap(masks, found) < 0.7


@pytest.mark.parametrize(
    ("masks", "maps", "settings", "message"),
    [
        (np.zeros((1, 2, 2)), np.zeros((1, 2, 2)), {}, "one kind"),
        (np.ones((1, 2)), np.zeros((1, 2)), {}, "n, h, w"),
        (np.eye(2)[None], np.zeros((1, 2, 3)), {}, "one shape"),
        (np.eye(2)[None] * 2, np.zeros((1, 2, 2)), {}, "only 0"),
        (np.eye(2)[None], np.full((1, 2, 2), np.inf), {}, "finite"),
        (np.eye(2)[None], np.zeros((1, 2, 2)), {"max_fpr": 0}, "max_fpr"),
    ],
)
def test_input_that_makes_no_sense(masks, maps, settings, message):
    with pytest.raises(ValueError, match=message):
        per_region_overlap(masks, maps, **settings)
