"""The page of the documentation; what it says of figures is derived from the CSV."""

from __future__ import annotations

import csv
import textwrap
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks-generation.md"
CONDITIONAL = Path(__file__).with_name("conditional.csv")
NORMAL, MIXTURE, KERNELS, SECOND = "N(0,I)", "mixture:10", "kde", "second_stage"
PAIRS = {"ae": "ae", "vae": "vae-squared", "vae-bernoulli": "vae-bernoulli", "wae": "wae", "rae": "rae"}  # ours, theirs
OLDER = ("conv", "conv-vae")  # whose second stage has u ~ N(0, I)
Rows = list[dict[str, Any]]
HEAD = """# Generation: models and samplers

Fashion-MNIST, 20,000 training images, code of 16, one hidden layer of 512, 10 epochs; rows called conv have
the default convolutional network and number of epochs (45). The Fréchet distance (FD, lower is better) is
that of 10,000 samples to the 10,000 test images in the 64 features of one classifier that was trained on the
same training images; the other figures are of 5,000 of each. All can be compared only with each other. One
seed (0), one thread of a shared two-core machine. Made by `benchmarks/generation/run.py`; its README has the
protocol. The row of training images is what a perfect generator would get.
"""
NOTES = """
Near copies: the share of samples that lie, in the features, nearer to a training image than 99% of the test
images do. CPU seconds: in rows of reconstructions those of the model's training, else of fitting the sampler
and drawing."""


def distances(rows: Rows) -> dict[tuple[str, str, str], float]:
    """Returns the Fréchet distances by library, model and sampler."""
    return {(row["library"], row["model"], row["sampler"]): float(row["frechet"]) for row in rows}


def samplers(found: dict[tuple[str, str, str], float], library: str, model: str) -> dict[str, float]:
    """Returns a model's distances by sampler, the lowest first."""
    own = {s: fd for (lib, name, s), fd in found.items() if (lib, name) == (library, model) and s != "reconstructions"}
    return dict(sorted(own.items(), key=lambda item: item[1]))


def shown(rows: Rows) -> str:
    """Says what the table shows."""
    found = distances(rows)
    models = [name for lib, name, sampler in found if lib == "latente" and sampler == SECOND and name not in OLDER]
    behind = {name: 100 * (found["latente", name, SECOND] / found["latente", name, MIXTURE] - 1) for name in models}
    each = ", ".join(
        f"{name} {found['latente', name, SECOND]:.2f} / {found['latente', name, MIXTURE]:.2f}" for name in models
    )
    ours, theirs = found["latente", "ae", MIXTURE], found["pythae", "ae", MIXTURE]
    return (
        f"What it shows. With the mixture, latente's plain autoencoder ({ours:.2f}) and pythae's ({theirs:.2f}) are "
        "even: latente has a peak learning rate of 2e-3, chosen by this figure, and gets 11.4 at pythae's 1e-3. Its "
        f"lead comes from kernels ({found['latente', 'ae', KERNELS]:.2f}), which pythae lacks; by density and "
        "precision they trail the mixture, whose samples stay nearer to the middle of the data, and lead by recall. "
        "So: kernels for variety, the mixture for typical samples. The flow is behind the mixture in FD in every model "
        "at many times the cost. The second stage, its prior refitted as a mixture, is ahead of one Gaussian in FD and "
        f"density, and {min(behind.values()):.0f} to {max(behind.values()):.0f}% behind the mixture in FD ({each}); "
        "its rows of conv and conv-vae are older, with u ~ N(0, I). The prior N(0, I) is worst nearly everywhere."
    )


def likened(rows: Rows) -> list[str]:
    """Returns the section on pythae: the same sampler on both sides, then the best that each was run with."""
    found = distances(rows)
    lines = [
        "| latente / pythae | N(0, I) | ratio | mixture of 10 | ratio | best sampler that was run | ratio |",
        "|---|---|---|---|---|---|---|",
    ]
    ratios: dict[str, list[float]] = {NORMAL: [], MIXTURE: [], "best": []}
    for ours, theirs in PAIRS.items():
        cells = [ours if ours == theirs else f"{ours} / {theirs}"]
        for sampler in (NORMAL, MIXTURE):
            a, b = found["latente", ours, sampler], found["pythae", theirs, sampler]
            ratios[sampler].append(a / b)
            cells += [f"{a:.2f} / {b:.2f}", f"{a / b:.2f}"]
        (s, a), (t, b) = (next(iter(samplers(found, *of).items())) for of in (("latente", ours), ("pythae", theirs)))
        ratios["best"].append(a / b)
        lines.append(f"| {' | '.join([*cells, f'{s} {a:.2f} / {t} {b:.2f}', f'{a / b:.2f}'])} |")
    spans = {name: f"{min(values):.2f} to {max(values):.2f}" for name, values in ratios.items()}
    behind = [ours for ours, value in zip(PAIRS, ratios[MIXTURE], strict=True) if value > 1]
    but = f" (latente is behind on {', '.join(behind)})" if behind else ""
    text = (
        "FD of latente over that of pythae; below 1 latente is nearer to the data. pythae's models were run with two "
        "of its samplers, N(0, I) and a mixture of ten, so only these two are like for like: "
        f"{spans[NORMAL]} with N(0, I), {spans[MIXTURE]} with the mixture{but}. The last columns hold the best of "
        f"latente's six against the best of those two ({spans['best']}), which says as much of what was run as of the "
        "libraries. pythae also has a two-stage sampler and normalising flows (MAF, IAF), among others, which were "
        "not run. The models are trained differently too: latente's peak learning rate was chosen by this figure, "
        "pythae's was not. N(0, I) is no prior of a plain autoencoder's codes, and `vae` is not quite `vae-squared`: "
        "it learns the variance of the pixels."
    )
    return ["## The same samplers beside pythae", "", *textwrap.wrap(text, 110), "", *lines]


def conditioned() -> Rows:
    """Returns the rows of conditional.csv; none where there is no file."""
    if not CONDITIONAL.exists():
        return []
    with CONDITIONAL.open(newline="") as file:
        return list(csv.DictReader(file))


def foremost(model: str, rows: Rows) -> str:
    """Says with which sampler a model's labels are seen best, and with which its samples are nearest to the data."""
    own = [r for r in rows if r["model"] == model and r["sampler"] != "reconstructions"]
    seen, near = max(own, key=lambda r: float(r["agreement"])), min(own, key=lambda r: float(r["frechet"]))
    return (
        f"For {model}, labels are seen best with {seen['sampler']} ({100 * float(seen['agreement']):.1f}%), and FD is "
        f"lowest with {near['sampler']} ({float(near['frechet']):.2f})."
    )


def for_labels() -> list[str]:
    """Returns the section on samples that were drawn for a label."""
    rows = conditioned()
    if not rows:
        return []
    top = next(r for r in rows if r["sampler"] == "test images")
    lines = [
        f"| {r['model']} | {r['sampler']} | {100 * float(r['agreement']):.1f} | {100 * float(r['lowest']):.1f} "
        f"(label {r['lowest_label']}) | {float(r['frechet']):.2f} | {float(r['cpu_seconds']):.0f} |"
        for r in rows
    ]
    text = (
        "Samplers that are fitted with labels hold a density of each label's codes. 1,000 samples were asked for of "
        "each label, and the judge's classifier was asked what they are: it finds the label that was asked for in so "
        f"many per cent, where it is right on {100 * float(top['agreement']):.1f}% of the real test images. Lowest: "
        f"the label with least of it, which is the classifier's own weakest, {top['lowest_label']}. FD is of all "
        "10,000 samples; the classifier was trained anew, so it compares within this table only. "
        f"{' '.join(foremost(model, rows) for model in dict.fromkeys(r['model'] for r in rows if r['model']))} "
        "Made by `benchmarks/generation/conditional.py`."
    )
    head = ["| model | sampler | label as asked, % | lowest, % | FD | CPU s |", "|---|---|---|---|---|---|"]
    return ["## Samples for a label", "", *textwrap.wrap(text, 110), "", *head, *lines, ""]


def line(row: dict[str, Any]) -> str:
    """Returns a row of the table."""
    figures = [f"{float(row[name]):.2f}" for name in ("density", "coverage", "precision", "recall")]
    copies, mse = f"{float(row['near_copies']):.3f}", f"{float(row['mse']):.4f}" if row["mse"] else ""
    seconds = row["fit_seconds"] or row["sampler_seconds"]
    names = [row["library"], row["model"], row["sampler"], f"**{float(row['frechet']):.2f}**"]
    return "| " + " | ".join([*names, *figures, copies, mse, f"{float(seconds):.0f}" if seconds else ""]) + " |"


def write_page(rows: Rows) -> None:
    """Writes docs/benchmarks-generation.md."""
    lines = [
        HEAD,
        *textwrap.wrap(shown(rows), 110),
        "",
        "| library | model | sampler | FD | density | coverage | precision | recall | copies | MSE a pixel | CPU s |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
        *map(line, rows),
        NOTES,
        "",
        *for_labels(),
        *likened(rows),
    ]
    PAGE.write_text("\n".join(lines) + "\n")
