"""The demo from end to end, with one epoch for each model."""

from __future__ import annotations

import json
import re
from itertools import pairwise

import pytest
import torch

import latente
from latente.datasets import load
from latente.report import run_demo
from latente.report.demo import one_thread
from latente.report.kinds import KINDS
from latente.report.words import number

NAMES = [kind.name for kind in KINDS]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The gallery's path, its numbers, and the lines of progress."""
    out, lines = tmp_path_factory.mktemp("demo") / "out", []
    index = run_demo(out, epochs=1, progress=lines.append)
    return index, json.loads((out / "results.json").read_text()), lines


@pytest.mark.slow
def test_everything_is_written(demo):
    index, _, lines = demo
    out = index.parent
    assert index == out / "index.html"
    assert sorted(path.name for path in out.iterdir()) == ["index.html", "models", "results.json"]
    assert sorted(path.name for path in (out / "models").iterdir()) == sorted(NAMES)
    for name in NAMES:
        files = sorted(path.name for path in (out / "models" / name).iterdir())
        assert files == ["config.json", "model.safetensors", "report.html"]
    assert len([line for line in lines if "/6" in line]) == 6
    assert not any(str(out) in line for line in lines)  # the folder may be a temporary one


@pytest.mark.slow
def test_the_numbers_are_those_of_the_saved_models(demo):
    index, results, _ = demo
    data = load("fashion-mnist-10k")
    page = index.read_text(encoding="utf-8")
    for name in NAMES:
        model = latente.load(index.parent / "models" / name)
        e = model.evaluate(data.x_test, reference=data.x_train)
        assert results["models"][name]["evaluation"]["error"] == pytest.approx(e.error, rel=1e-5)
        assert f">{number(e.error)}</td>" in page
    assert results["pca_error"] == pytest.approx(e.pca_error, rel=1e-6)
    before = results["models"]["stacked"]["error_before_finetuning"]
    assert number(before) in page


@pytest.mark.slow
def test_links_lead_somewhere(demo):
    index, _, _ = demo
    page = index.read_text(encoding="utf-8")
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    for address in re.findall(r'href="([^"]+)"', page):
        if address.startswith("#"):
            assert address[1:] in ids
        else:
            assert (index.parent / address).is_file()
    back = (index.parent / "models" / "vanilla" / "report.html").read_text(encoding="utf-8")
    assert 'href="../../index.html"' in back


@pytest.mark.slow
def test_it_says_what_a_newcomer_asks(demo):
    text = re.sub(r"<[^>]+>", " ", demo[0].read_text(encoding="utf-8"))
    for word in ("encoder", "bottleneck", "decoder", "‖x − d(e(x))‖²", "latent space", "hole", "PCA", "pretraining"):
        assert word in text
    for pair in ("From sneaker to ankle boot", "From shirt to dress"):
        assert pair in text
    assert "does not beat PCA" in text  # no model does after one epoch


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_the_gallery_opens_cleanly(demo, browser, width, scheme):
    seen = browser.open(demo[0], width, scheme)
    assert (seen.problems, seen.requests, seen.overflow) == ([], [], 0)
    assert (seen.without_alt, seen.unscoped, seen.repeated) == (0, 0, [])
    assert all(b <= a + 1 for a, b in pairwise(seen.headings))


def test_it_computes_with_one_thread_and_gives_the_others_back():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        with one_thread():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("epochs", [0, -1, 1.5, True, "2"])
def test_epochs_must_be_a_number(tmp_path, epochs):
    with pytest.raises(ValueError, match="epochs must be an integer of at least 1"):
        run_demo(tmp_path / "out", epochs=epochs)
    assert list(tmp_path.iterdir()) == []


def test_out_must_be_a_folder(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ValueError, match="out must be a folder"):
        run_demo(tmp_path / "file", epochs=1)
    assert (tmp_path / "file").read_text() == "mine"


def test_every_kind_makes_a_model():
    for kind in KINDS:
        model = kind.make(2, 7)
        assert model.latent_dim == 32
        assert model.random_state == 7
        assert model.trainer.epochs == 2
        assert kind.idea or kind.chapter in {other.chapter for other in KINDS if other.idea}
    assert len(set(NAMES)) == len(NAMES)
