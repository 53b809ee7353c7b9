"""Writes docs/benchmarks-anomaly.md from tables.csv, calibration.csv, discoveries.csv and those that its parts read.

python benchmarks/anomaly/page.py
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
from methods import ALL
from page_costs import batching, streaming
from page_explanations import explanations
from protocol import CLEAN, CONFIRM, CONTAMINATED, DEVELOP, NAMES
from results import read
from scipy.stats import rankdata, studentized_range
from tabled import spread, table, text

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks-anomaly.md"
SETS = {"contaminated": CONTAMINATED, "clean": CLEAN}
FAILED = {"auroc": 50.0, "ap": 0.0}  # nothing usable came back
Means = dict[tuple[str, str], float]  # (table, method) -> mean over seeds


def means(setting: str, field: str) -> Means:
    """Each method's mean over its seeds on each table; where it failed, what guessing gets."""
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for row in read("tables.csv"):
        if row["setting"] == setting:
            found[row["table"], row["method"]].append(float(row[field] or FAILED[field]))
    return {key: float(np.mean(values)) for key, values in found.items()}


def over(values: Means, method: str, tables: tuple[str, ...]) -> float | None:
    """A method's mean over tables, None where one has not been run."""
    own = [values.get((name, method)) for name in tables]
    return None if None in own or not own else float(np.mean([value for value in own if value is not None]))


def failures(setting: str) -> list[str]:
    """Which methods gave nothing usable, and where."""
    found: dict[str, set[str]] = defaultdict(set)
    for row in read("tables.csv"):
        if row["setting"] == setting and not row["auroc"]:
            found[row["method"]].add(row["table"])
    if not found:
        return []
    named = "; ".join(f"{method} on {', '.join(sorted(tables))}" for method, tables in sorted(found.items()))
    return [
        f"Failed, with scores that are not finite or all the same: {named}. Means and ranks count that as 50 / 0.",
        "",
    ]


def seeds(setting: str) -> str:
    """With how many seeds each method was run on every table; what was run on a part of them is named."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for row in read("tables.csv"):
        if row["setting"] == setting:
            found[row["method"]][row["seed"]].add(row["table"])
    by_count: dict[int, list[str]] = defaultdict(list)
    partial = []
    for method in (name for name in ALL if name in found):
        whole = [seed for seed, tables in found[method].items() if tables >= set(NAMES)]
        by_count[len(whole)].append(method)
        partial += [
            f"{method} seed {seed} on {len(tables)} of {len(NAMES)} tables"
            for seed, tables in sorted(found[method].items())
            if seed not in whole
        ]
    said = [f"{count} seed{'s' * (count != 1)}: {', '.join(own)}" for count, own in sorted(by_count.items())]
    return "; ".join(said) + (f". In part: {', '.join(partial)}" if partial else "")


def summary(setting: str) -> list[str]:
    """A row for each method: AUROC and average precision, means over tables."""
    auroc, ap, fit, use = (means(setting, field) for field in ("auroc", "ap", "fit_seconds", "score_seconds"))
    anchor = SETS[setting]
    places = (anchor, NAMES, DEVELOP, CONFIRM)
    rows = []
    for method in ALL:
        cells = [f"{text(over(auroc, method, p))} / {text(over(ap, method, p))}" for p in places]
        if any(cell != " / " for cell in cells):
            times = [text(over(values, method, NAMES), 2) for values in (fit, use)]
            rows.append([method, *(cell if cell != " / " else "" for cell in cells), *times])
    head = ["method", f"{len(anchor)} tables", f"all {len(NAMES)}", "development half", "confirmation half"]
    return table([*head, "fit, CPU s", "score, CPU s"], rows)


def beside_pyod(setting: str) -> list[str]:
    """Says on which halves of the tables a method of PyOD is ahead of latente, in either figure."""
    auroc, ap = means(setting, "auroc"), means(setting, "ap")
    lines = []
    for half, tables in (("development", DEVELOP), ("confirmation", CONFIRM)):
        own = over(auroc, "latente", tables), over(ap, "latente", tables)
        ahead = []
        for method in ALL:
            other = over(auroc, method, tables), over(ap, method, tables)
            if method.startswith("PyOD") and None not in (*own, *other) and (other[0] > own[0] or other[1] > own[1]):
                ahead.append(f"{method} {text(other[0])} / {text(other[1])}")
        if ahead:
            shown = f"{text(own[0])} / {text(own[1])}"
            lines += [f"Ahead of latente ({shown}) on the {half} half, in one figure or both: {', '.join(ahead)}.", ""]
    return lines


def each(setting: str) -> list[str]:
    """AUROC of each method on each table."""
    auroc = means(setting, "auroc")
    failed = {(r["table"], r["method"]) for r in read("tables.csv") if r["setting"] == setting and not r["auroc"]}
    methods = [method for method in ALL if any((name, method) in auroc for name in NAMES)]
    rows = []
    for name in NAMES:
        own = {method: auroc[name, method] for method in methods if (name, method) in auroc}
        if own:
            best = max(own.values())
            label = name + (" (d)" if name in DEVELOP else "")
            cells = ["failed" if (name, m) in failed else text(own.get(m), best=own.get(m) == best) for m in methods]
            rows.append([label, *cells])
    return table(["table", *methods], rows)


def ranks(setting: str) -> list[str]:
    """Mean ranks by AUROC of methods that were run on every table, with Nemenyi's critical difference."""
    auroc = means(setting, "auroc")
    methods = [m for m in ALL if all((name, m) in auroc for name in NAMES)]
    if len(methods) < 2:
        return []
    values = np.array([[auroc[name, method] for method in methods] for name in NAMES])
    mean = rankdata(-values, axis=1).mean(0)
    k, n = len(methods), len(NAMES)
    critical = studentized_range.ppf(0.95, k, np.inf) / np.sqrt(2) * np.sqrt(k * (k + 1) / (6 * n))
    order = np.argsort(mean)
    rows = [[methods[i], f"{mean[i]:.2f}", "" if mean[i] - mean[order[0]] > critical else "yes"] for i in order]
    return [
        f"Mean ranks over {n} tables by AUROC (1 is best); two methods differ at the 5% level where their ranks differ",
        f"by {critical:.2f} or more (Nemenyi; Demsar 2006).",
        "",
        *table(["method", "mean rank", "not distinguishable from the first"], rows),
    ]


def calibration() -> list[str]:
    """False alarms on held-out normal rows at three nominal rates, means over splits."""
    found: dict[tuple[str, str], list[list[float]]] = defaultdict(list)
    for row in read("calibration.csv"):
        found[row["calibration"], row["table"]].append([float(row[f"at_{rate}"]) for rate in ("0.01", "0.05", "0.1")])
    rows, missed = [], 0
    for (how, name), values in sorted(found.items()):
        mean = np.mean(values, axis=0)
        error = np.std(values, axis=0, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.zeros(3)
        held = np.abs(mean - [1, 5, 10]) <= np.maximum(1, 3 * error)
        missed += int((~held).sum()) if how != "quantile" else 0
        cells = [f"{m:.1f}{'' if good else ' (out)'}" for m, good in zip(mean, held, strict=True)]
        rows.append([how, name, str(len(values)), *cells])
    if not rows:
        return []
    total = 3 * sum(how != "quantile" for how, _ in found)
    return [
        "Per cent of held-out normal rows that are flagged; trained on half of the normal rows of each table with at",
        'least 300. "(out)": further from the nominal rate than one point and three standard errors of the mean over',
        "splits.",
        "",
        *table(["calibration", "table", "splits", "at 1%", "at 5%", "at 10%"], rows),
        f"Of {total} rates of the conformal calibrations {missed} are out.",
        "",
    ]  # fmt: skip


def discoveries() -> list[str]:
    """Mean fractions over fits, each with its standard error; batches of one fit share its calibration."""
    found: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    for row in read("discoveries.csv"):
        found[row["how"], row["fdr"]].append(row)
    if not found:
        return []
    names = {"scores": "simulated scores alone"} | {how: f'`calibration="{how}"`' for how in ("split", "cross")}
    rows = []
    for (how, fdr), own in sorted(found.items(), key=lambda item: (list(names).index(item[0][0]), item[0][1])):
        cells = [spread([float(row[field]) for row in own]) for field in ("false", "found")]
        fits = "" if how == "scores" else str(len(own))
        rows.append([names[how], f"{100 * float(fdr):g}%", fits, own[0]["batches"], *cells])
    return [
        "False discoveries. Scores: 1,000 for calibration, batches of 190 normal ones and 10 anomalies. Detector: the",
        "default one, fitted on 2,000 simulated normal rows of 6 columns, batches of 90 normal rows and 10 anomalies;",
        "the standard error is over fits:",
        "",
        *table(["through", "stated rate", "fits", "batches each", "false discoveries, %", "anomalies found, %"], rows),
        exceeded(found),
        "",
    ]  # fmt: skip


def exceeded(found: dict[tuple[str, str], list[dict[str, str]]]) -> str:
    """Says which stated rates of false discoveries are exceeded on the mean."""
    over = [f"{how} at {100 * float(fdr):g}%" for (how, fdr), own in sorted(found.items())
            if np.mean([float(row["false"]) for row in own]) > 100 * float(fdr)]  # fmt: skip
    return "The bar, at most the stated rate: " + (f"exceeded by {', '.join(over)}." if over else "met by all means.")


def page() -> str:
    """The whole page."""
    lines = [
        "# Anomalies in tables: latente beside PyOD",
        "",
        "Made by the scripts in `benchmarks/anomaly`; its README has the protocol, NOTES.md what was tried. 22 tables",
        "of ADBench (Han et al. 2022), PyOD 3.6.7 with its defaults, one thread of a shared two-core machine. Figures",
        "are AUROC / average precision x 100. Empty cells have not been run. latente: `AnomalyDetector()` on clean",
        'training data, `AnomalyDetector(contamination="auto")` on contaminated data, nothing else set.',
        "",
        "The default was chosen on the development half of the tables, marked (d) below. The weight of",
        "residuals was changed twice after a look at the confirmation half, where the development half did not decide",
        "(NOTES.md, 7, 8 and 13), and the fraction of compressed members once, where it contradicted the development",
        "half (24 to 26), so that column is not untouched.",
        "",
    ]  # fmt: skip
    titles = {"contaminated": "Training data that holds the anomalies", "clean": "Clean training data"}
    for setting, title in titles.items():
        lines += [f"## {title}", "", seeds(setting) + ".", "", *summary(setting), *beside_pyod(setting)]
        lines += [*failures(setting), *ranks(setting), *each(setting)]
    lines += ["## False alarms", "", *calibration(), *discoveries()]
    lines += [
        "## Explanations",
        "",
        "One value of a held-out normal row is moved by 5 robust standard deviations of what a linear fit on the other",
        "columns leaves of its column. How often `explain` ranks it first; how often its networks do when they are",
        "trained on exactly that amount; and how often `explain` does where the value is moved on to the nearest one",
        "that occurs in its column, since columns of whole numbers betray others (rows in which it then has moved",
        "at all; moves beyond the column's range become smaller, so this is a lower bound):",
        "",
        *explanations(),
    ]
    lines += ["## What members cost", "", *batching(), *streaming()]
    return "\n".join(lines).rstrip() + "\n"


def main() -> None:
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE}")


if __name__ == "__main__":
    main()
