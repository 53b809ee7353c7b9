"""The benchmark of anomalies keeps its rows, and what gives nothing usable has failed."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks" / "anomaly"


@pytest.fixture
def scripts(monkeypatch):
    """Imports a script of the benchmark, which stand beside each other in their folder."""
    import importlib

    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(FOLDER))
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if str(FOLDER) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.mark.parametrize("scores", [[1, np.nan, 3, 4], [1, 2, np.inf, 4], [np.inf] * 4, [0, 0, 0, 0]])
def test_scores_that_are_not_usable_are_a_failure_and_no_fifty(scripts, scores):
    assert scripts("tables").judged(np.array([0, 0, 1, 1]), np.array(scores, float)) == {"auroc": None, "ap": None}


def test_usable_scores_are_judged(scripts):
    assert scripts("tables").judged(np.array([0, 0, 1, 1]), np.arange(4.0)) == {"auroc": 100, "ap": 100}


def test_rows_are_replaced_by_key(scripts, tmp_path, monkeypatch):
    results = scripts("results")
    monkeypatch.setattr(results, "HERE", tmp_path)
    key = ("table", "seed")
    results.keep("a.csv", key, [{"table": "x", "seed": 0, "auroc": 91.25}, {"table": "x", "seed": 1, "auroc": None}])
    results.keep("a.csv", key, [{"table": "x", "seed": 0, "auroc": 92.0, "ap": 1.0}], ("auroc", "ap"))
    assert results.read("a.csv") == [
        {"table": "x", "seed": "0", "auroc": "92", "ap": "1"},
        {"table": "x", "seed": "1", "auroc": "", "ap": ""},
    ]
    assert results.has("a.csv", {"table": "x", "seed": 1})
    assert not results.has("a.csv", {"table": "x", "seed": 2})


def test_the_page_names_failures(scripts, monkeypatch):
    page = scripts("page")
    rows = [
        {"setting": "clean", "table": "wine", "method": "PyOD PCA", "auroc": "", "ap": "", "seed": "0"},
        {"setting": "clean", "table": "wine", "method": "latente", "auroc": "90", "ap": "60", "seed": "0"},
    ]
    monkeypatch.setattr(page, "read", lambda name: rows)
    assert "PyOD PCA on wine" in page.failures("clean")[0]
    assert page.means("clean", "auroc") == {("wine", "PyOD PCA"): 50.0, ("wine", "latente"): 90.0}


def test_seeds_that_not_all_tables_have_are_said_to_be_a_part(scripts, monkeypatch):
    page = scripts("page")
    rows = [
        {"setting": "clean", "table": table, "method": method, "seed": seed}
        for table in page.NAMES
        for method, seeds in {"latente": "012", "PyOD VAE": "01", "PyOD KNN": "0"}.items()
        for seed in seeds
        if (table, method, seed) != ("wine", "PyOD VAE", "1")
    ]
    monkeypatch.setattr(page, "read", lambda name: rows)
    assert page.seeds("clean") == (
        "1 seed: PyOD VAE, PyOD KNN; 3 seeds: latente. In part: PyOD VAE seed 1 on 21 of 22 tables"
    )


def test_fits_are_judged_on_rows_that_none_was_trained_on(scripts, monkeypatch):
    streaming = scripts("streaming")
    monkeypatch.setattr(streaming, "TRAINING", 60)
    X, y = np.arange(200.0).reshape(100, 2), (np.arange(100) % 10 == 0).astype(int)
    train, test, labels = streaming.held_out(X, y)
    assert (len(train), len(test), labels.sum()) == (60, 40, 10)
    np.testing.assert_array_equal(np.sort(np.concatenate([train, test]), axis=0), X)
    np.testing.assert_array_equal(labels, y[(test[:, 0] / 2).astype(int)])
    assert not y[(train[:, 0] / 2).astype(int)].any()


def test_the_page_says_where_range_f1_is_not_the_best(scripts):
    pages = scripts("pages")
    found = {
        name: {"a": {"range_f1": value}} for name, value in {"latente": "0.2", "pca": "0.3", "random": "0"}.items()
    }
    text = pages.behind_in_f1(found, ["a"])[0]
    assert "latente's 0.200 is not the best: PCA of windows has 0.300." in text
    assert pages.behind_in_f1({"latente": found["latente"], "random": found["random"]}, ["a"]) == []


def test_damaged_pictures_are_told_from_clean_ones(scripts):
    images = scripts("images")
    clean, damaged = np.zeros((6, 8, 8), np.float32), np.zeros((6, 8, 8), np.float32)
    damaged[:3, 4, 4] = 1.0

    def find(x):
        return np.square(x)

    assert images.told_apart(find, clean, [damaged], [find(damaged)]) == {"auroc": 0.75, "ap": 0.75}

    class Scored:
        def __call__(self, x):
            return find(x)

        def score(self, x):
            return -x.max((1, 2))

    assert images.told_apart(Scored(), clean, [damaged, damaged], [])["auroc"] == 0.25


def test_verdicts_say_by_how_much_and_on_what(scripts):
    verdict = scripts("tabled").verdict
    assert (
        verdict("mean AUROC", 0.912, 0.93, 1, 100, 10, 10)
        == "The bar for the mean AUROC, 93.0: missed by 1.8 (91.2).\n"
    )
    assert "met (95.0, on 3 of 10 only)" in verdict("mean AUROC", 0.95, 0.93, 1, 100, 3, 10)
    assert "not measured" in verdict("pixel AUROC", None, 0.95, 3, 1, 0, 10)


def test_series_are_compared_on_those_that_all_methods_have(scripts):
    pages = scripts("pages")
    vus = {"latente": {"a": 0.6, "b": 0.2}, "pca": {"a": 0.5, "b": 0.1, "c": 0.9}, "pyod-ae": {"a": 0.5, "b": 0.2}}
    lines = [
        {"method": method, "series": series, "vus_pr": str(value), "range_f1": "0.1", "fit_seconds": "1"}
        for method, own in vus.items()
        for series, value in own.items()
    ]
    text = "\n".join(pages.compared(lines))
    assert "| PCA of windows | 3 | 0.500 | 0.300 | 0.500 | 0.100 | 0.100 | 1.00 |" in text
    assert "on 2 of 3 series: met: +0.100 against PCA of windows (second half +0.100), +0.050 against" in text
    assert "PyOD AutoEncoder not run" in "\n".join(
        pages.compared([line for line in lines if line["method"] != "pyod-ae"])
    )


def test_false_discoveries_are_counted_through_the_detector(scripts):
    rows = scripts("calibration").of_detector("split", 0)
    assert [row["fdr"] for row in rows] == [0.05, 0.1, 0.2]
    assert all(0 <= row["false"] <= 60 and row["found"] > 20 for row in rows)
    assert rows[0]["found"] <= rows[2]["found"]


def test_discoveries_have_a_standard_error_over_fits(scripts, monkeypatch):
    page = scripts("page")
    rows = [{"how": "split", "fdr": "0.05", "batches": "20", "false": f, "found": "50"} for f in ("3", "5")]
    monkeypatch.setattr(page, "read", lambda name: rows)
    assert "| 5% | 2 | 20 | 4.0 ± 1.0 | 50.0 ± 0.0 |" in "\n".join(page.discoveries())


def test_rows_are_drawn_into_a_file_piece_by_piece(scripts, tmp_path):
    streaming = scripts("streaming")
    X = np.random.default_rng(0).normal(size=(50, 3))
    streaming.write_rows(tmp_path / "rows.npy", X, 60_001)
    rows = np.load(tmp_path / "rows.npy", mmap_mode="r")
    assert rows.shape == (60_001, 3)
    np.testing.assert_allclose(rows.mean(0), X.mean(0), atol=0.05)
    with streaming.Resident() as memory:
        held = np.ones(16 << 20)  # more than what freed memory can hold
    assert held.nbytes / 2**20 - 1 <= memory.mib < 400
