"""The examples of the page on the latent space run, and its tables are those of the results."""

from __future__ import annotations

import csv
import re
import statistics
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "latent-space.md"
RESULTS = ROOT / "benchmarks" / "latent" / "results.csv"


def test_the_examples_run(capsys):
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(blocks) == 2
    space: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), space)
    assert "hole fraction" in capsys.readouterr().out


@pytest.mark.parametrize(("measure", "title"), [("jump", "jump"), ("mixture_coverage", "coverage, mixture")])
def test_the_tables_are_those_of_the_csv(measure, title):
    with RESULTS.open(newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["kind"] == "plain" and r["latent_dim"] == "8"]
    assert [r["seed"] for r in rows] == ["0", "1", "2"]
    mean = statistics.mean(float(r[measure]) for r in rows)
    page = PAGE.read_text(encoding="utf-8")
    line = [line for line in page.splitlines() if line.startswith(f"| {title} |")][-1]  # k = 8 is the last
    assert float(line.split("|")[3].split()[0]) == pytest.approx(mean, abs=0.006)


def test_the_references_are_those_of_the_csv():
    from latente.diagnostics.latent.measures import REFERENCES

    with RESULTS.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for k, measures in REFERENCES.items():
        for name, pair in measures.items():
            for kind, value in zip(("variational", "overfitted"), pair, strict=True):
                found = [r[name] for r in rows if r["kind"] == kind and r["latent_dim"] == str(k) and r[name]]
                if value is not None:
                    assert value == pytest.approx(statistics.mean(map(float, found)), rel=0.01), (k, name, kind)
