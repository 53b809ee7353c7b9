"""The chapter on the latent space says what `latent_report` measures."""

from __future__ import annotations

import csv
import html
import re
import statistics
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

import latente
from latente import Trainer
from latente.diagnostics import latent_report
from latente.diagnostics.latent.measures import halfway
from latente.report import write_report
from latente.report.words import number

QUICK = Trainer(epochs=2, verbose=False)


def chapter(path, name: str = "latent-health") -> str:
    """The text of a chapter without its markup."""
    page = path.read_text(encoding="utf-8")
    body = page[page.index(f'id="{name}"') :]
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body[: body.index("</section>")])))


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    return load_digits().images


@pytest.mark.parametrize("k", [2, 8])
def test_the_numbers_are_those_of_the_report(digits, tmp_path, k):
    train, test = digits[:1400], digits[1400:]
    model = latente.VariationalAutoencoder(k, trainer=QUICK, random_state=0).fit(train)
    text = chapter(write_report(model, tmp_path / "r.html", test, reference=train, random_state=3))
    report = latent_report(model, train, held_out=test, random_state=3)
    for row in report.rows:
        values = (row.value, row.ideal, row.healthy)
        cells = ["—" if v is None else str(v) if isinstance(v, int) else number(v) for v in values]
        assert f"{row.measure.title} {' '.join(cells)}" in text
        for words in (row.measure.meaning, row.measure.formula, row.measure.source):
            assert words in text
    assert "Healthy and sick are of 3,000 codes each, this model's values of 1,400" in text
    assert "The codes of 1,400 training images" in text
    assert "those of 397 others serve as control" in text
    for finding in report.findings:
        assert f"({finding.severity}). {finding.message}" in text


def test_what_does_not_apply_is_said(digits, tmp_path):
    model = latente.Autoencoder(4, bottleneck="vq:8,code_dim=2", trainer=QUICK, random_state=0).fit(digits)
    text = chapter(write_report(model, tmp_path / "r.html", digits))
    assert "Does not apply: places of the codes and straight lines (the codes are quantised" in text
    assert "trustworthiness" in text


def test_few_samples(digits, tmp_path):
    model = latente.Autoencoder(2, trainer=QUICK, random_state=0).fit(digits)
    text = chapter(write_report(model, tmp_path / "r.html", digits[:3]))
    assert "3 codes are too few; 40 are needed" in text


def test_interpolation_gives_the_figure_and_the_references_but_no_verdict(digits, tmp_path):
    trainer = Trainer(epochs=15, verbose=False)
    model = latente.VariationalAutoencoder(8, trainer=trainer, random_state=0).fit(digits[:1400])
    path = write_report(model, tmp_path / "r.html", digits[1400:], reference=digits[:1400])
    text = chapter(path, "interpolation")
    healthy, sick = halfway(8)
    assert f"{healthy:g} times for the healthy reference model and {sick:g} times for the overfitted one" in text
    assert "gaps" not in text
    squared = re.search(r"decoded halfway lies ([\d.]+) .* of the ends lie ([\d.]+) .* halfway is ([\d.]+) times", text)
    code, ends, ratio = map(float, squared.groups())
    assert ratio == pytest.approx((code / ends) ** 0.5, abs=0.02)


@pytest.mark.parametrize("k", [2, 8])
def test_halfway_of_the_reference_models_is_that_of_the_benchmark(k):
    results = Path(__file__).parents[2] / "benchmarks" / "latent" / "results.csv"
    with results.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["latent_dim"] == str(k)]
    for kind, value in zip(("variational", "overfitted"), halfway(k), strict=True):
        found = [float(row["halfway_1_7"]) for row in rows if row["kind"] == kind]
        assert value == pytest.approx(statistics.mean(found), abs=0.006)
