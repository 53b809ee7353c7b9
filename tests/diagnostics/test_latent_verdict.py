"""What the measures of a latent space are judged by, and what the verdict says."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest

from latente.diagnostics import LatentReport
from latente.diagnostics.latent.measures import MEASURES, NOTATION, REFERENCES, counted
from latente.diagnostics.latent.verdict import UNLIKE, find
from latente.metrics import rbf_mmd

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "latent" / "results.csv"


@pytest.mark.parametrize("k", [2, 8])
def test_the_references_are_healthy_and_sick(k):
    values = REFERENCES[k]
    assert set(values) == {measure.name for measure in MEASURES}
    for name in ("hole_fraction", "mmd", "jump"):
        healthy, sick = values[name]
        assert healthy < sick, name
    for name in ("coverage_normal", "trustworthiness", "continuity"):
        healthy, sick = values[name]
        assert healthy > sick, name


def judged(values: dict[str, float | None], k: int, *, prior: bool, corrupted: bool = False) -> list[tuple[str, str]]:
    report = LatentReport(k, 3000, 3000, **values)
    return [(finding.severity, finding.name) for finding in find(report, prior, corrupted)]


@pytest.mark.parametrize("k", [2, 8])
def test_the_verdict_on_the_references_says_what_they_are(k):
    healthy, sick = ({name: pair[i] for name, pair in REFERENCES[k].items()} for i in (0, 1))
    assert judged(healthy, k, prior=True) == [("good", "codes follow the prior"), ("good", "healthy")]
    assert judged(sick, k, prior=False)[0][0] == "warning"


def test_the_verdict_on_every_run_of_the_benchmark():
    """Seed by seed: variational models are healthy, overfitted ones get a warning, plain ones no more than notes."""
    with RESULTS.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        kind, k = row["kind"], int(row["latent_dim"])
        values = {m.name: float(row[m.name]) if row[m.name] not in ("", "None") else None for m in MEASURES}
        found = judged(values, k, prior=kind in ("variational", "bernoulli"), corrupted=kind == "denoising")
        if kind in ("variational", "bernoulli"):
            assert found[-1] == ("good", "healthy"), row["name"]
        if kind == "overfitted":
            assert found[0][0] == "warning", row["name"]
        if kind == "plain":
            assert "warning" not in [severity for severity, _ in found], row["name"]


@pytest.mark.parametrize("k", [1, 2, 8, 32])
def test_what_unlike_means(k):
    """Every mean of N(0, I) moved by two thirds of a standard deviation."""
    a, b = np.random.default_rng(k).normal(size=(2, 1000, k))
    assert rbf_mmd(a, b + 2 / 3) == pytest.approx(UNLIKE, rel=0.3)


PRIOR = {
    "both good": (0.8, 0.01, 0.0004, ("good", "codes follow the prior"), "a little off|by chance"),
    "told apart, a little": (0.8, 0.01, 0.05, ("good", "codes follow the prior"), "a little off"),
    "coverage good, MMD far": (0.8, 0.01, 0.2, ("note", "coverage and MMD disagree"), "disagree.*other proportions"),
    "coverage low, MMD by chance": (0.4, 0.2, 0.0004, ("note", "coverage and MMD disagree"), "beta need not be raised"),
    "coverage low, MMD a little off": (0.4, 0.1, 0.02, ("note", "codes do not follow the prior"), "raise beta"),
    "coverage low, MMD far": (0.4, 0.1, 0.2, ("warning", "codes do not follow the prior"), "raise beta"),
    "hardly covered": (0.1, 0.1, 0.02, ("warning", "codes do not follow the prior"), "raise beta"),
}


@pytest.mark.parametrize(("covered", "holes", "mmd", "expected", "words"), PRIOR.values(), ids=PRIOR)
@pytest.mark.parametrize("random", [False, True])
def test_the_prior_is_judged_by_places_and_as_a_whole(covered, holes, mmd, expected, words, random):
    names = ("posterior_coverage", "posterior_hole_fraction", "posterior_mmd")
    names = names if random else ("coverage_normal", "hole_fraction", "mmd")
    report = LatentReport(8, 3000, 0, mmd_null=0.0006, **dict(zip(names, (covered, holes, mmd), strict=True)))
    finding = find(report, prior=True, corrupted=False)[0]
    assert (finding.severity, finding.name) == expected
    assert re.search(words, str(finding))
    assert f"MMD² {mmd:.2g}, by chance up to 0.0006" in finding.message
    assert ("raise beta" in finding.advice) == (expected[1] != "codes follow the prior" and mmd > 0.0006)


def test_few_units_are_no_fault_where_neighbours_agree():
    values = {"data_dimension": 12.0, "trustworthiness": 0.95, "continuity": 0.95}
    assert "fewer units than the data's dimension" not in dict(map(reversed, judged(values, 2, prior=False)))
    values["continuity"] = 0.85
    assert [name for _, name in judged(values, 2, prior=False)] == [
        "false neighbours", "fewer units than the data's dimension",
    ]  # fmt: skip


@pytest.mark.parametrize(("holes", "words"), [(0.001, "hardly any holes (0%"), (0.14, "some holes (14%")])
@pytest.mark.parametrize("names", [("posterior_coverage", "posterior_hole_fraction", "posterior_mmd"),
                                   ("coverage_normal", "hole_fraction", "mmd")])  # fmt: skip
def test_healthy_says_how_many_holes_there_are(holes, words, names):
    values = dict(zip(names, (0.8, holes, 0.0004), strict=True))
    report = LatentReport(8, 3000, 0, mmd_null=0.0006, jump=0.02, path_ratio=1.5, trustworthiness=0.97,
                          continuity=0.95, **values)  # fmt: skip
    follow, healthy = find(report, prior=True, corrupted=False)
    assert (follow.name, healthy.name, healthy.severity) == ("codes follow the prior", "healthy", "good")
    assert words in healthy.message
    assert "no holes" not in healthy.message
    assert (
        f"{holes:.0%} of draws of {'N(0, I)' if names[0].startswith('posterior') else 'a Gaussian'}" in healthy.message
    )
    assert "the longest of 20 steps is 7.0% of the way" in healthy.message
    assert "0.95 or more" in healthy.message


def test_what_was_not_measured_is_not_called_healthy():
    found = find(LatentReport(8, 3000, 0, jump=0.02, path_ratio=1.5), prior=False, corrupted=False)[0].message
    assert "no jumps" in found
    assert "holes" not in found
    assert "neighbours" not in found


@pytest.mark.parametrize(
    ("codes", "held_out", "apart", "told"),
    [
        (3000, 10, 1, False),  # a tenth of ten: one in ten tries by chance
        (3000, 20, 2, False),  # 0.017
        (3000, 20, 3, True),  # 0.001
        (3000, 1000, 49, False),  # less than a twentieth
        (3000, 1000, 50, True),
        (40, 100, 8, False),  # of 40 codes the 99% quantile is the largest: 3.4% of others are beyond it
        (40, 100, 10, True),
    ],
)
def test_held_out_codes_lie_apart_only_where_that_is_no_chance(codes, held_out, apart, told):
    report = LatentReport(8, codes, held_out, hole_fraction_control=apart / held_out)
    assert ("held-out codes lie apart" in [f.name for f in find(report, prior=False, corrupted=False)]) is told


@pytest.mark.parametrize("codes", [2, 39, 40])
def test_too_few_samples_are_no_verdict(codes):
    report = LatentReport(8, codes, 20, active_units=0, hole_fraction_control=1.0)
    names = [finding.name for finding in find(report, prior=True, corrupted=False)]
    assert names == (["too few samples"] if codes < 40 else ["collapsed posterior", "held-out codes lie apart"])


@pytest.mark.parametrize(("codes", "told"), [(3000, False), (2000, False), (4500, False), (1999, True), (9000, True)])
def test_another_number_of_codes_than_the_references_have_is_said(codes, told):
    assert counted(codes).startswith("Healthy and sick are of 3,000 codes each")
    assert (f"this model's values of {codes:,}" in counted(codes)) == told
    assert counted(codes) in str(LatentReport(2, codes, 0))


def test_every_measure_has_formula_and_source():
    page = (ROOT / "docs" / "latent-space.md").read_text(encoding="utf-8")
    for measure in MEASURES:
        assert measure.source == "ours" or re.search(r"\(\d{4}\)", measure.source), measure.name
        assert f"| {measure.title} | {measure.formula} | {measure.source} |".replace("q(z|x)", r"q(z\|x)") in page
    assert NOTATION in page.replace("\n", " ")
