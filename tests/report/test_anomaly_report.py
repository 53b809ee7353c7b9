"""The page about anomalies, for every kind of data."""

from __future__ import annotations

import numpy as np
import pytest

from latente import DataSpec
from latente.anomaly import AnomalyDetector, Ensemble
from latente.report import write_anomaly_report

RNG = np.random.default_rng(0)
SMALL = Ensemble(members=4, rows=128, steps=50)
DATA = {
    "table": (RNG.normal(size=(150, 4)), "auto"),
    "image": (RNG.integers(0, 255, (150, 8, 8)).astype(np.uint8), "auto"),
    "colour": (RNG.integers(0, 255, (150, 8, 8, 3)).astype(np.uint8), "auto"),
    "signal": (RNG.normal(size=(150, 2, 30)), DataSpec(kind="signal")),
}


@pytest.mark.parametrize("kind", DATA)
@pytest.mark.parametrize("calibration", ["cross", "quantile"])
def test_the_page_has_its_chapters(kind, calibration, tmp_path):
    X, spec = DATA[kind]
    detector = AnomalyDetector(SMALL, data=spec, calibration=calibration, random_state=0).fit(X)
    names = [f"<{i}>" for i in range(len(X))]
    text = write_anomaly_report(detector, tmp_path / "page.html", X, ids=names, count=4).read_text()
    assert ("Calibration" in text) == (calibration == "cross")
    first = int(detector.score_samples(X).argmin())
    assert f"&lt;{first}&gt;" in text
    assert "<150>" not in text
    assert all(f'id="{part}"' in text for part in ("summary", "top", "scores"))


def test_ids_must_be_as_many():
    detector = AnomalyDetector(SMALL, random_state=0).fit(DATA["table"][0])
    with pytest.raises(ValueError, match="as many as samples; got 3 for 150"):
        write_anomaly_report(detector, "page.html", DATA["table"][0], ids=[1, 2, 3])
