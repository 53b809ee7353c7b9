"""The parts of docs/benchmarks-anomaly.md that say what time and memory things take."""

from __future__ import annotations

__all__ = ["batching", "streaming"]

from collections import defaultdict

import numpy as np
from results import read
from tabled import table


def batching() -> list[str]:
    """What members cost."""
    rows = sorted(read("batching.csv"), key=lambda row: int(row["members"]))
    if not rows:
        return []
    return [
        "CPU seconds to train an ensemble on 10,000 x 9 random values, median of three fits:",
        "",
        *table(["members", *(row["members"] for row in rows)], [["CPU s", *(row["seconds"] for row in rows)]]),
    ]


def streaming() -> list[str]:
    """A file of 1,000,000 rows scored, and a fit beside PyOD's AutoEncoder in the same process."""
    found = {(row["what"], row["method"]): row for row in read("streaming.csv")}
    lines, own = [], found.get(("score", "latente"))
    if own is not None:
        seconds, speed, memory = (float(own[field]) for field in ("seconds", "rows_per_second", "memory_mib"))
        size = f"{int(own['rows']):,} x {own['columns']}"
        lines += [
            "## A large file",
            "",
            f"{size} rows of a .npy file scored into another: {seconds:.0f} CPU s, {speed:,.0f} rows a second; memory",
            f"in use rose by {memory:.0f} MiB.",
            "",
        ]
    return [*lines, *beside_autoencoder([found.get(("fit", name)) for name in ("latente", "PyOD AutoEncoder")])]


def beside_autoencoder(pair: list[dict[str, str] | None]) -> list[str]:
    """A fit of latente's default beside one of PyOD's AutoEncoder."""
    rows = [row for row in pair if row is not None]
    if len(rows) < 2:
        return []
    ratio = float(rows[1]["seconds"]) / float(rows[0]["seconds"])
    cells = [
        [row["method"], f"{float(row['seconds']):.2f} ({float(row['least']):.2f} to {float(row['most']):.2f})",
         f"{float(row['auroc']):.2f} / {float(row['ap']):.2f}"] for row in rows
    ]  # fmt: skip
    said = "met" if ratio >= 5 else f"missed by {5 - ratio:.1f}"
    return [
        "## A fit beside PyOD's AutoEncoder",
        "",
        f"{int(rows[0]['rows']):,} of the 45,586 normal rows of the whole table shuttle, {rows[0]['columns']} columns,",
        f"none twice; in turns in one process, medians of {rows[0]['fits']} fits (least to most), on a machine busy",
        "with other work. AUROC / AP of the 35,586 normal rows that were not trained on and all 3,511 anomalies:",
        "",
        *table(["method", "CPU s", "AUROC / AP"], cells),
        f"The bar, five times faster: {said} ({ratio:.1f} times).",
        "",
        *small_tables(),
    ]


def small_tables() -> list[str]:
    """Why the times of fits on clean data above are not as far apart as those of this comparison."""
    seconds: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    rows: dict[str, int] = {}
    for row in read("tables.csv"):
        if row["setting"] == "clean":
            seconds[row["method"]][row["table"]].append(float(row["fit_seconds"]))
            rows[row["table"]] = int(row["train"])
    own, other = (
        {name: float(np.mean(values)) for name, values in seconds[method].items()}
        for method in ("latente", "PyOD AutoEncoder")
    )
    common = sorted(own.keys() & other.keys())
    if "shuttle" not in common:
        return []
    sizes = [rows[name] for name in common]
    slower = sum(own[name] > other[name] for name in common)
    return [
        "Times of fits on clean data, further up, are closer, since most tables are much smaller. PyOD's time grows",
        f"with the rows ({min(sizes):,} to {max(sizes):,}, median {np.median(sizes):,.0f}); latente's is",
        f"{min(own.values()):.1f} s or more however few there are, and longer than PyOD's AutoEncoder's on {slower} of",
        f"{len(common)} tables. On shuttle, {rows['shuttle']:,} rows, they took {own['shuttle']:.2f} and",
        f"{other['shuttle']:.2f} s ({other['shuttle'] / own['shuttle']:.1f} times). Those of latente were timed on a",
        "busier machine than the others (NOTES.md, 27).",
        "",
    ]
