"""Reports of tiny models, as a browser shows them."""

from __future__ import annotations

from itertools import pairwise

import pytest

from latente.report import write_report

pytestmark = pytest.mark.browser
KINDS = ("image", "table", "signal")


@pytest.fixture(scope="module")
def reports(tmp_path_factory, image_model, images, table_model, table, signal_model, signals):
    folder = tmp_path_factory.mktemp("reports")
    made = {
        "image": (image_model, images, [i % 8 for i in range(len(images))]),
        "table": (table_model, table, None),
        "signal": (signal_model, signals, ["low", "high"] * 25),
    }
    return {kind: write_report(m, folder / f"{kind}.html", X, labels=labels) for kind, (m, X, labels) in made.items()}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark")])
def test_a_report_opens_cleanly(reports, browser, kind, width, scheme):
    seen = browser.open(reports[kind], width, scheme)
    assert seen.problems == []
    assert seen.requests == []
    assert seen.overflow == 0
    assert (seen.without_alt, seen.unscoped, seen.repeated) == (0, 0, [])
    assert seen.smallest >= 8


@pytest.mark.parametrize("kind", KINDS)
def test_headings_are_in_order(reports, browser, kind):
    levels = browser.open(reports[kind]).headings
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))


def test_chapters_that_apply_are_there(reports, browser):
    text = {kind: browser.open(reports[kind]).text for kind in KINDS}
    for kind in KINDS:
        for chapter in ("Summary", "Findings", "Architecture", "Learning", "Errors", "Latent map", "Interpolation"):
            assert chapter in text[kind]
    assert "Removing noise" in text["image"]
    assert "Removing noise" in text["signal"]
    assert "Removing noise" not in text["table"]
    assert "no prior" in text["image"]
    assert "no prior" not in text["table"]
    assert "Column by column" in text["table"]


def test_colours_follow_the_scheme(reports, browser):
    """Drawings have no colours of their own: what is drawn is drawn in the page's variables."""
    for kind in KINDS:
        page = reports[kind].read_text(encoding="utf-8")
        drawn = page[page.index("<main>") :]
        assert "#0102" not in drawn
        assert "var(--ink)" in drawn
