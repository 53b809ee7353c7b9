"""Training rows that calibrate are scored in the scale of the others."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import latente.anomaly.detector
from latente.anomaly import AnomalyDetector, Ensemble
from latente.anomaly.fold_scale import FoldScale

ROWS = np.exp(np.random.default_rng(0).normal(size=(60, 4)))
SMALL = Ensemble(members=4, rows=256, steps=100)

pytestmark = pytest.mark.filterwarnings("ignore::latente.anomaly.moments.DominatedColumnWarning")  # that is the point


@pytest.fixture(scope="module", params=[0.0, 0.5])
def fitted(request):
    detector = AnomalyDetector(Ensemble(members=4, steps=100, compressed=request.param), random_state=0).fit(ROWS)
    return detector, detector.schema_.prepare(detector.schema_.ingest(ROWS))


def test_the_scale_of_all_rows_changes_nothing(fitted):
    detector, x = fitted
    members = detector._fitted.backbone
    own, moved = members.views(x), FoldScale(members, x, detector.schema_).views(x)
    torch.testing.assert_close(moved.x, own.x)
    torch.testing.assert_close(moved.x_hat, own.x_hat, rtol=1e-4, atol=1e-5)
    assert (moved.z == own.z).all()


@torch.inference_mode()
def test_views_come_in_the_scale_of_the_others(fitted):
    """What members see is (row - mean) / deviation of the others, by numpy; what they make of it moves alike."""
    detector, x = fitted
    members, others = detector._fitted.backbone, np.arange(60) >= 15
    scale = FoldScale(members, x[torch.from_numpy(others)], detector.schema_)
    views, own = scale.views(x), members.views(x)
    expected = ((ROWS - ROWS[others].mean(0)) / ROWS[others].std(0)).clip(-10, 10)
    np.testing.assert_allclose(members.spread(views.x)[0], expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(members.spread(views.x)[2], expected, rtol=1e-4, atol=1e-5)
    rebuilt = members.spread(own.x_hat).numpy() * ROWS.std(0) + ROWS.mean(0)
    np.testing.assert_allclose(
        members.spread(views.x_hat), (rebuilt - ROWS[others].mean(0)) / ROWS[others].std(0), rtol=1e-3, atol=1e-4
    )


def test_rates_hold_on_small_skewed_tables(monkeypatch):
    """Forty lognormal rows, 12 tables: fewer false alarms than with one scale for all rows, which were too many."""
    rates = {}
    for limit in (0, 1000):
        monkeypatch.setattr(latente.anomaly.detector, "SMALL", limit)
        found = []
        for seed in range(12):
            rng = np.random.default_rng(seed)
            detector = AnomalyDetector(SMALL, random_state=seed).fit(np.exp(1.5 * rng.normal(size=(40, 10))))
            found.append((detector.p_values(np.exp(1.5 * rng.normal(size=(1000, 10)))) <= 0.1).mean())
        rates[limit] = np.mean(found)
    assert rates[1000] < rates[0]
    assert rates[1000] < 0.15
