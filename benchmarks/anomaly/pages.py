"""Writes docs/benchmarks-anomaly-images.md and docs/benchmarks-anomaly-series.md.

python benchmarks/anomaly/pages.py
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from results import read
from tabled import table, verdict

DOCS = Path(__file__).parents[2] / "docs"
Line = dict[str, str]
CLASS_NAMES = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot")
ONE_CLASS = {
    "latente": "`AnomalyDetector()`", "joint": "one denoising autoencoder, code and residual",
    "knn": "5 nearest training pictures", "pca": "residual of 32 components", "to-mean": "distance to the mean picture",
    "pyod-ae": "PyOD AutoEncoder",
}  # fmt: skip
MAPS = {
    "segmenter": "`DefectSegmenter()`", "oracle": "no method: the same, trained on these very defects",
    "erasing": "autoencoder that restores erased pieces",
    "noise": "autoencoder that removes noise", "detector": "`AnomalyDetector()`", "pca": "residual of 32 components",
    "to-mean": "distance to the mean picture",
}  # fmt: skip
SERIES = {
    "latente": "`SeriesDetector(...)`", "pca": "PCA of windows", "pca-power": "PCA, power mean",
    "pyod-ae": "PyOD AutoEncoder", "to-mean": "distance to the mean window", "random": "random",
}  # fmt: skip
STUDIES = {
    "nab": "NAB: 52 labelled series, trained on the whole series without labels",
    "telemetry": "SMAP and MSL: 81 channels, the telemetry value alone",
    "spacecraft": "SMAP and MSL: 81 channels, all columns",
}
BAR_CLASS, BAR_PIXEL = 93.0, 0.95


def mean(lines: Sequence[Line], figure: str) -> float | None:
    values = [float(line[figure]) for line in lines if line.get(figure)]
    return float(np.mean(values)) if values else None


def shown(value: float | None, digits: int, factor: float = 1) -> str:
    return "" if value is None else f"{factor * value:.{digits}f}"


def by_method(lines: Sequence[Line], names: Sequence[str]) -> dict[str, list[Line]]:
    found: dict[str, list[Line]] = {name: [line for line in lines if line["method"] == name] for name in names}
    return {name: own for name, own in found.items() if own}


# Pictures


def images() -> list[str]:
    lines: dict[str, list[Line]] = defaultdict(list)
    for line in read("images.csv"):
        lines[line["study"]].append(line)
    return [
        "# Anomalies in pictures",
        "",
        "Made by `benchmarks/anomaly/images.py` and `pages.py`; README-images.md there has the protocol. One thread of",
        "a shared two-core machine, one seed. Figures are means over the classes that have been run.",
        "",
        "## One class of Fashion-MNIST against the nine others",
        "",
        *one_class(lines["classes"]),
        "## Planted defects: which pictures, and where",
        "",
        "300 test pictures of each class, each with one scratch, blot or missing patch; means over the three kinds.",
        "AUROC and average precision (x 100) are those of damaged pictures against the same ones undamaged, by the",
        "largest value of the map, or by the detector's own score; pixel AUROC and PRO say how well the map points",
        "at the damage.",
        "",
        *located(lines["defects"]),
        "## Planted defects in photographs",
        "",
        "The Kodak photographs at half their size, trained on other photographs. The segmenter learns from tiles of",
        "128 x 128 pixels and looks at a photograph at once; the others learn from tiles of 32 x 32, and look at such.",
        "The segmenter has been run on Kodak five times in all, each time after choices on other photographs; before",
        "the fifth the kinds of defect there were known, so its choices were not blind to them.",
        "",
        *located(lines["photos"]),
        *beside_oracle(lines["photos"]),
        "## Stated rates of false alarms",
        "",
        *alarms(),
    ]  # fmt: skip


def alarms() -> list[str]:
    """Per cent of normal pictures flagged by the default detector."""
    lines = read("picture_rates.csv")
    if not lines:
        return ["Not run.", ""]
    rates = sorted({line["rate"] for line in lines}, key=float)
    rows = []
    for label in sorted({int(line["data"]) for line in lines}):
        own = [[line for line in lines if (int(line["data"]), line["rate"]) == (label, rate)] for rate in rates]
        rows.append([CLASS_NAMES[label], str(len(own[0])), *(shown(mean(part, "flagged"), 1) for part in own)])
    each = [[line for line in lines if line["rate"] == rate] for rate in rates]
    rows.append(["mean", "", *(shown(mean(part, "flagged"), 1) for part in each)])
    return [
        "`AnomalyDetector()` trained on 3,000 pictures of a class of Fashion-MNIST. Per cent of the 4,000 others of",
        "the same class that are flagged:",
        "",
        *table(["class", "splits", *(f"stated {100 * float(rate):g}%" for rate in rates)], rows),
    ]  # fmt: skip


def one_class(lines: Sequence[Line]) -> list[str]:
    found = by_method(lines, tuple(ONE_CLASS))
    if not found:
        return ["Not run.", ""]
    rows, each = [], []
    for name, own in found.items():
        auroc = {int(line["data"]): float(line["auroc"]) for line in own}
        seconds = [shown(mean(own, field), 1) for field in ("fit_seconds", "score_seconds")]
        rows.append([name, ONE_CLASS[name], str(len(auroc)), shown(mean(own, "auroc"), 1, 100),
                     shown(mean(own, "ap"), 1, 100), *seconds])  # fmt: skip
        each.append([name, *(shown(auroc.get(label), 1, 100) for label in range(10))])
    best = [name for name in ("latente", "joint") if name in found]
    said = [verdict(f"mean AUROC of {name}", mean(found[name], "auroc"), BAR_CLASS / 100, 1, 100, len(found[name]), 10)
            for name in best]  # fmt: skip
    return [
        *table(["method", "what it is", "classes", "AUROC", "AP", "fit, CPU s", "score, CPU s"], rows),
        *said,
        "AUROC, class by class:",
        "",
        *table(["method", *CLASS_NAMES], each),
    ]


def located(lines: Sequence[Line]) -> list[str]:
    found = by_method(lines, tuple(MAPS))
    if not found:
        return ["Not run.", ""]
    rows = [
        [name, MAPS[name], str(len(own)), shown(mean(own, "auroc"), 1, 100), shown(mean(own, "ap"), 1, 100),
         shown(mean(own, "pixel_auroc"), 3), shown(mean(own, "pro"), 3), shown(mean(own, "fit_seconds"), 1)]
        for name, own in found.items()
    ]  # fmt: skip
    total = 10 if lines[0]["study"] == "defects" else 1
    names = [name for name in ("segmenter", "erasing", "noise", "detector") if name in found]
    said = []
    for name in names:
        value, done = mean(found[name], "pixel_auroc"), len(found[name])
        said.append(verdict(f"pixel AUROC of {name}", value, BAR_PIXEL, 3, 1, done, total))
    head = ["map", "what it is", "runs", "pictures AUROC", "AP", "pixel AUROC", "PRO", "fit, CPU s"]
    return [*table(head, rows), *said]


def beside_oracle(lines: Sequence[Line]) -> list[str]:
    """Says what knowing the defects beforehand is worth on photographs."""
    own, known = ([line for line in lines if line["method"] == name] for name in ("segmenter", "oracle"))
    if not own or not known:
        return []
    gap = (mean(known, "pixel_auroc") or 0.0) - (mean(own, "pixel_auroc") or 0.0)
    return [
        "The oracle is trained like the segmenter, but on defects from the very maker of these. It is",
        f"{gap:+.3f} from the segmenter, which has seen none of them; it is a diagnosis, and no product could be so",
        "trained.",
        "",
    ]


# Series


def halves(found: Mapping[str, Mapping[str, Any]]) -> tuple[list[str], list[str], list[str]]:
    """The series that all methods have, those of them that choices were made on, and the others."""
    every = sorted(set().union(*found.values()))
    common = [name for name in every if all(name in own for own in found.values())]
    return common, *([name for name in common if every.index(name) % 2 == odd] for odd in (0, 1))


def series() -> list[str]:
    lines = read("series.csv")
    out = [
        "# Anomalous steps of series",
        "",
        "Made by `benchmarks/anomaly/series.py`, `series_rates.py` and `pages.py`; README-series.md there has the",
        "protocol, NOTES-series.md what was tried. All methods judge the same windows, and a step gets the mean of the",
        "windows that contain it; latente's, and PCA for comparison, also their power mean. Choices were made with the",
        "first half of the series in view (every second one by name). latente is `SeriesDetector(window=100,",
        "contamination=0.05)`, on all columns `window=20`, and at most a quarter of the training steps; its detector",
        "of windows is the default.",
        "",
    ]  # fmt: skip
    for study, title in STUDIES.items():
        out += [f"## {title}", "", *compared([line for line in lines if line["study"] == study])]
    return [*out, "## A stated rate of 1% on spacecraft telemetry", "", *rates()]


def compared(lines: Sequence[Line]) -> list[str]:
    """A row for each method: means over all series that it was run on, and over those that all methods were."""
    found = {name: {line["series"]: line for line in own} for name, own in by_method(lines, tuple(SERIES)).items()}
    if not found:
        return ["Not run.", ""]
    names, first, second = halves(found)
    rows = []
    for name, own in found.items():
        parts = [[own[series] for series in part] for part in (names, first, second)]
        cells = [shown(mean(part, "vus_pr"), 3) for part in (list(own.values()), *parts)]
        f1, seconds = shown(mean(parts[0], "range_f1"), 3), shown(mean(parts[0], "fit_seconds"), 2)
        rows.append([SERIES[name], str(len(own)), *cells, f1, seconds])
    common = f"{len(names)} in common"
    head = ["method", "series", "VUS-PR, all of them", f"VUS-PR, {common}", "first half", "second half",
            "range F1", "fit, CPU s"]  # fmt: skip
    return [*table(head, rows), *ahead(found, names, second)]


def ahead(found: dict[str, dict[str, Line]], names: Sequence[str], second: Sequence[str]) -> list[str]:
    """Says whether latente is better than both PCA and PyOD's AutoEncoder on the mean."""
    missing = [SERIES[name] for name in ("latente", "pca", "pyod-ae") if name not in found]
    if missing:
        return [f"The bar, better than PCA of windows and PyOD's AutoEncoder on the mean: open, {', '.join(missing)} "
                "not run.", ""]  # fmt: skip
    leads = {name: [_lead(found, name, part) for part in (names, second)] for name in ("pca", "pyod-ae")}
    said = ", ".join(f"{own[0]:+.3f} against {SERIES[name]} (second half {own[1]:+.3f})" for name, own in leads.items())
    met = "met" if min(own[0] for own in leads.values()) > 0 else "missed"
    total = len(set().union(*found.values()))
    return [
        f"The bar, better than both on the mean, on {len(names)} of {total} series: {met}: {said}.",
        "",
        *behind_in_f1(found, names),
    ]


def behind_in_f1(found: dict[str, dict[str, Line]], names: Sequence[str]) -> list[str]:
    """Says which methods have a larger range F1 than latente, which the bar does not look at."""
    f1 = {name: mean([own[series] for series in names], "range_f1") or 0.0 for name, own in found.items()}
    larger = [f"{SERIES[name]} has {value:.3f}" for name, value in f1.items() if value > f1["latente"]]
    if not larger:
        return []
    return [
        f"The bar is one of VUS-PR. In range F1 latente's {f1['latente']:.3f} is not the best: {', '.join(larger)}.",
        "",
    ]


def _lead(found: dict[str, dict[str, Line]], name: str, series: Sequence[str]) -> float:
    """The mean VUS-PR of latente less that of another method."""
    own, other = (mean([found[method][item] for item in series], "vus_pr") or 0.0 for method in ("latente", name))
    return own - other


def rates() -> list[str]:
    lines = [line for line in read("series_rates.csv") if line["rate"] == "0.01"]
    if not lines:
        return ["Not run.", ""]
    fields = ("later_flagged", "test_normal_flagged", "test_anomalous_flagged")
    rows = [[line["series"], line["window"], line["blocks"], *(shown(float(line[field]), 1) for field in fields),
             "yes" if line["drift"] == "1" else "no"] for line in lines]  # fmt: skip
    rows.append(["mean", "", "", *(shown(mean(lines, field), 1) for field in fields), ""])
    return [
        "Every ninth channel, trained on three quarters of the training part. Per cent of steps that are flagged:",
        "",
        *table(["channel", "window", "blocks held out", "later quarter of the training part", "test part, not labelled",
                "test part, labelled anomalous", "drift warned of"], rows),
    ]  # fmt: skip


def pages() -> dict[str, str]:
    """The text of each page by its name in docs."""
    found = {"images": images(), "series": series()}
    return {f"benchmarks-anomaly-{name}.md": "\n".join(lines).rstrip() + "\n" for name, lines in found.items()}


def main() -> None:
    for name, text in pages().items():
        (DOCS / name).write_text(text, encoding="utf-8")
        print(f"wrote {DOCS / name}")


if __name__ == "__main__":
    main()
