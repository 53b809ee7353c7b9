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
