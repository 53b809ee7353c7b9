"""Samples stand beside their nearest training pictures, with the figure that tells copies."""

from __future__ import annotations

import html
import re

import numpy as np
import pytest

import latente
from latente import Trainer
from latente.metrics import memorization
from latente.report import write_report
from latente.report.sections.samples import memorized_figure
from latente.report.study import DRAWS, SHOWN, Study
from latente.report.words import percent

QUICK = Trainer(epochs=3, batch_size=16, verbose=False)


@pytest.fixture(scope="module")
def model(images):
    return latente.VariationalAutoencoder(2, network="mlp:16", trainer=QUICK, random_state=0).fit(images[:40])


def chapter(path) -> str:
    page = path.read_text(encoding="utf-8")
    body = page[page.index('id="samples"') :]
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body[: body.index("</section>")])))


def test_the_figure_is_that_of_the_metric(model, images, tmp_path):
    text = chapter(write_report(model, tmp_path / "r.html", images[40:], reference=images[:40], random_state=5))
    drawn = model.sample(DRAWS, random_state=5)
    found = memorization(*(np.asarray(x, float) / 255 for x in (drawn, images[:40], images[40:])))
    assert f"The median sample is {found.median_ratio:.2f} times as far" in text
    assert f"{percent(found.near_copies)} of the samples are nearer than 99% of the unseen images" in text
    shown = [f"{ratio:.2f} ×" for ratio in np.sort(found.ratio)[:SHOWN]]
    assert re.findall(r"\d\.\d\d ×", text) == shown
    assert "Looked through were 40 training images." in text


def test_copies_are_named(model, images, monkeypatch):
    copies = np.tile(images[:40], (13, 1, 1))[:DRAWS]
    monkeypatch.setattr(type(model), "sample", lambda self, n, random_state: copies[:n])
    study = Study.of(model, images[40:], reference=images[:40])
    assert study.memorized.near_copies == 1
    text = re.sub(r"\s+", " ", str(memorized_figure(study)))
    assert "100% of the samples are nearer" in text
    assert "so many may be copies" in text
    assert text.count("0.00 ×") == SHOWN


def test_where_nothing_can_be_said(model, images, image_model, table_model, table):
    without = Study.of(model, images[40:])
    seen = Study.of(model, images[:40], reference=images[:40])
    no_prior = Study.of(image_model, images[40:], reference=images[:40])
    assert [study.memorized for study in (without, seen, no_prior)] == [None] * 3
    rows = Study.of(table_model, table[40:], reference=table[:40])
    assert [str(memorized_figure(study)) for study in (without, seen, no_prior, rows)] == [""] * 4
