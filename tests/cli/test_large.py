"""The commands on data that is streamed: as with data in memory, and what was measured is said."""

from __future__ import annotations

import json

import numpy as np
import pytest

import latente
from latente.data import open
from latente.estimators import evaluation


@pytest.fixture
def small_memory(monkeypatch):
    """As if 1 GiB were 10 KB, and 20,000 samples were 150."""
    monkeypatch.setattr(open, "IN_MEMORY", 10_000)
    monkeypatch.setattr(open, "SMALL_PARQUET", 0)
    monkeypatch.setattr(evaluation, "MEASURED", 150)


@pytest.mark.parametrize("name", ["images.npy", "rows.npy", "table.parquet"])
def test_fit_and_evaluate(small_memory, call, work, tmp_path, name):
    fit = ["fit", work / name, "-o", tmp_path / "model", "--latent-dim", 4, "--epochs", 2, "--network", "mlp:16"]
    fitted = call(*fit, "--json")
    assert fitted.code == 0, fitted.err
    measured = json.loads(fitted.out)["evaluation"]
    streamed = latente.open_rows(work / name)
    small = streamed.row_size * (1 if streamed.dtype == np.uint8 else 4) * len(streamed) <= 10_000
    assert (measured["samples"], measured["out_of"]) == ((200, None) if small else (150, 200))
    done = call("evaluate", tmp_path / "model", work / name)
    assert done.code == 0, done.err
    assert small or "150 random samples of 200" in done.out


def test_results_are_those_of_memory(small_memory, call, work, image_model, tmp_path):
    model, images = latente.load(image_model), np.load(work / "images.npy")
    done = call("transform", image_model, work / "images.npy", "-o", tmp_path / "new" / "codes.npy")
    assert done.code == 0, done.err
    np.testing.assert_array_equal(np.load(tmp_path / "new" / "codes.npy"), model.transform(images))
    assert call("inverse", image_model, tmp_path / "new" / "codes.npy", "-o", tmp_path / "back.npy").code == 0
    assert call("reconstruct", image_model, work / "images.npy", "-o", tmp_path / "again.npy").code == 0
    for name in ("back.npy", "again.npy"):
        np.testing.assert_array_equal(np.load(tmp_path / name), model.reconstruct(images))
    assert call("reconstruct", image_model, work / "images.npy", "-o", tmp_path / "some.png").code == 0
    way = ["--from", 3, "--to", 150, "--steps", 4]
    assert call("interpolate", image_model, work / "images.npy", *way, "-o", tmp_path / "way.npy").code == 0
    np.testing.assert_array_equal(np.load(tmp_path / "way.npy"), model.interpolate(images[3], images[150], 4))


def test_a_report_says_what_it_measured(small_memory, call, work, image_model, tmp_path):
    done = call("report", image_model, work / "images.npy", "-o", tmp_path / "report.html")
    assert done.code == 0, done.err
    assert "150 images, drawn at random from 200" in (tmp_path / "report.html").read_text(encoding="utf-8")
