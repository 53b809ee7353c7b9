"""The page about anomalies, for every kind of data."""

from __future__ import annotations

import numpy as np
import pytest

from latente import Autoencoder, DataSpec, Trainer
from latente.anomaly import AnomalyDetector, Ensemble
from latente.report import write_anomaly_report
from latente.report.anomaly_plots import _count_ticks

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
    assert ("the surroundings predict" in text) == (kind in ("image", "colour"))
    assert all(f'id="{part}"' in text for part in ("summary", "top", "scores"))


def test_pictures_of_an_autoencoder_are_rebuilt(tmp_path):
    X, model = DATA["image"][0], Autoencoder(4, trainer=Trainer(epochs=1, verbose=False))
    detector = AnomalyDetector(model, calibration="quantile", random_state=0).fit(X)
    text = write_anomaly_report(detector, tmp_path / "page.html", X, count=2).read_text()
    assert "reconstruction of" in text
    assert "residual of" in text
    assert "surroundings" not in text


def test_ids_must_be_as_many():
    detector = AnomalyDetector(SMALL, random_state=0).fit(DATA["table"][0])
    with pytest.raises(ValueError, match="as many as samples; got 3 for 150"):
        write_anomaly_report(detector, "page.html", DATA["table"][0], ids=[1, 2, 3])


# What the page says


@pytest.fixture(scope="module")
def judged():
    """A detector of concentrations, which are above 0, and a batch whose rows 5 to 12 are broken."""
    rng = np.random.default_rng(0)
    X = np.exp(rng.normal(size=(600, 1)) * [1.0, 1.2, -1.0]) * np.exp(0.1 * rng.normal(size=(600, 3)))
    detector = AnomalyDetector(SMALL, false_alarm_rate=0.05, random_state=0).fit(X[:400])
    batch = X[400:].copy()
    batch[5:13, 0] = 30.0
    return detector, batch


def test_ticks_are_plain_numbers(judged, tmp_path):
    text = write_anomaly_report(judged[0], tmp_path / "page.html", judged[1]).read_text()
    assert "$" not in text
    assert "mathdefault" not in text
    assert ">0.1</text>" in text


def test_the_page_counts_what_is_selected_at_a_false_discovery_rate(judged, tmp_path):
    detector, batch = judged
    for fdr in (0.01, 0.4):
        chosen = int(detector.select(batch, fdr).sum())
        text = write_anomaly_report(detector, tmp_path / "page.html", batch, fdr=fdr).read_text()
        assert f"<dt>flagged</dt><dd><strong>{chosen}</strong>" in text
        assert "<dt>false alarms</dt>" not in text
        assert "<dt>false discoveries</dt>" in text
        assert text.count(" (flagged)") == min(10, chosen)
        assert ("None of these samples is flagged" in text) == (chosen == 0)
    assert chosen > 0


def test_flagged_rows_are_marked(judged, tmp_path):
    detector, batch = judged
    flagged = np.flatnonzero(detector.predict(batch) == -1)
    text = write_anomaly_report(detector, tmp_path / "page.html", batch, count=200).read_text()
    assert 5 in flagged
    assert 0 < len(flagged) < 60
    for i in range(200):
        assert (f">{i} (flagged)<" in text) == (i in flagged)


@pytest.mark.parametrize(
    ("calibration", "contamination", "words"),
    [
        ("auto", None, "each scored by members that did not see it"),
        ("cross:2", "auto", "each scored by members that did not see it"),
        ("split", None, "samples kept aside"),
        ("quantile", None, "from the training samples themselves"),
        ("auto", 0.1, "from the training samples themselves"),
    ],
)
def test_where_the_threshold_comes_from(calibration, contamination, words, tmp_path):
    X = DATA["table"][0]
    detector = AnomalyDetector(SMALL, calibration=calibration, contamination=contamination, random_state=0).fit(X)
    text = write_anomaly_report(detector, tmp_path / "page.html", X).read_text()
    assert words in text
    assert ("kept aside" in text) == (calibration == "split")


def test_fresh_normal_samples_are_said_to_set_the_threshold(tmp_path):
    X = DATA["table"][0]
    detector = AnomalyDetector(SMALL, random_state=0).fit(X[:100]).calibrate(X[100:])
    restored = AnomalyDetector.load(detector.save(tmp_path / "detector"))
    for known in (detector, restored):
        text = write_anomaly_report(known, tmp_path / "page.html", X).read_text()
        assert "from 50 normal samples that the detector had not seen" in text
        assert "each scored by members that did not see it" not in text
    text = write_anomaly_report(detector.fit(X), tmp_path / "page.html", X).read_text()
    assert "each scored by members that did not see it" in text


def test_a_value_that_is_hardly_ever_the_wrong_one_is_no_reason(judged, tmp_path):
    import re

    detector, batch = judged
    text = write_anomaly_report(detector, tmp_path / "page.html", batch, count=200).read_text()
    shown = [int(percent) for percent in re.findall(r"expected [\d.,e-]+ \((\d+)%\)</li>", text)]
    assert len(shown) > 50
    assert min(shown) >= 5
    contributions = np.sort(detector.explain(batch).contributions, axis=1)[:, -3:]
    assert len(shown) == (contributions > 0.05).sum()


def test_ticks_of_counts_are_numbers_that_the_axis_holds():
    assert _count_ticks(7.0) == [0, 5]
    assert _count_ticks(450.0) == [0, 5, 10, 30, 100, 300]


def test_what_is_expected_lies_within_the_columns_range(judged, tmp_path):
    import re

    detector, batch = judged
    low = batch.min(0)
    assert (detector.explain(batch).expected < low).any()  # a linear prediction of a concentration
    text = write_anomaly_report(detector, tmp_path / "page.html", batch, count=200).read_text()
    found = re.findall(r"x?(\d) = [\d.,e-]+, expected (-?[\d.,e-]+)", text)
    assert len(found) > 50
    assert all(float(value.replace(",", "")) >= 0.9 * low[int(column)] for column, value in found)
