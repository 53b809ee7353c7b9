"""latent_dim="auto" against a sweep over fixed sizes.

    LATENTE_DATA=... OMP_NUM_THREADS=1 python benchmarks/latent_size/run.py --data mnist
    python benchmarks/latent_size/run.py --data letter --seeds 0,1,2
    python benchmarks/latent_size/run.py --only auto,64 # not the other sizes of the sweep
    python benchmarks/latent_size/run.py --table        # only writes docs/benchmarks-latent-size.md from the CSV

The protocol is in README.md. Rows that are in the CSV already (same data, size and seed) are replaced.
"""

from __future__ import annotations

import argparse
import csv
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from page import write_page

import latente
import latente.estimators.autoencoder as estimator
from data import SIZES, split
from latente.estimators import LatentSize

RESULTS = Path(__file__).parent / "results.csv"
FIELDS = [
    "data", "size", "seed", "latent_dim", "error", "pca_error", "mean_error", "epochs", "search_epochs", "widest",
    "intrinsic_dimension", "cpu_seconds", "search_seconds", "machine",
]  # fmt: skip


@contextmanager
def timed_search() -> Iterator[list[float]]:
    """Yields a list that gets the CPU seconds of each search."""
    seconds, search = [], estimator.find_latent_size

    def timed(*arguments: Any) -> LatentSize:
        started = time.process_time()
        found = search(*arguments)
        seconds.append(time.process_time() - started)
        return found

    estimator.find_latent_size = timed
    try:
        yield seconds
    finally:
        estimator.find_latent_size = search


def fit_one(name: str, size: int | str, seed: int) -> dict[str, object]:
    """Fits the default estimator with one size and returns its row."""
    train, test = split(name)
    model = latente.Autoencoder(size, trainer=latente.Trainer(verbose=False), random_state=seed)
    with timed_search() as searched:
        started = time.process_time()
        model.fit(train)
        seconds = time.process_time() - started
    result = model.evaluate(test, reference=train)
    search = getattr(model, "latent_size_", None)
    return {
        "data": name,
        "size": size,
        "seed": seed,
        "latent_dim": model.latent_dim_,
        "error": round(result.error, 6),
        "pca_error": round(result.pca_error, 4),
        "mean_error": round(result.mean_error, 4),
        "epochs": model.n_iter_,
        "search_epochs": sum(map(len, search.histories)) if search else 0,
        "widest": search.widest if search else "",
        "intrinsic_dimension": round(search.intrinsic_dimension, 2) if search else "",
        "cpu_seconds": round(seconds, 1),
        "search_seconds": round(sum(searched), 1) if search else "",
        "machine": f"{torch.backends.cpu.get_cpu_capability()} {model.history_.precision}",
    }


def read() -> list[dict[str, str]]:
    """Returns the rows of the CSV."""
    if not RESULTS.exists():
        return []
    with RESULTS.open(newline="") as file:
        return list(csv.DictReader(file))


def add(row: dict[str, object]) -> None:
    """Puts a row into the CSV in the place of an older one with its key; the file is never half written."""

    def key(row: dict[str, object] | dict[str, str]) -> tuple[str, ...]:
        return tuple(str(row[name]) for name in ("data", "size", "seed"))

    def order(row: dict[str, object] | dict[str, str]) -> tuple[int, int, int]:
        size = 0 if row["size"] == "auto" else int(row["size"])  # type: ignore[call-overload]
        return list(SIZES).index(str(row["data"])), int(row["seed"]), size  # type: ignore[call-overload]

    rows = [*(old for old in read() if key(old) != key(row)), row]
    part = RESULTS.with_suffix(".part")
    with part.open("w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(sorted(rows, key=order))
    os.replace(part, RESULTS)


def sizes(name: str, only: str) -> Iterable[int | str]:
    """Returns what is fitted, "auto" in the middle of the sweep: the load of a shared machine changes."""
    middle = len(SIZES[name]) - len(SIZES[name]) // 3
    wanted = only.split(",")
    return [
        size
        for size in (*SIZES[name][:middle], "auto", *SIZES[name][middle:])
        if "all" in wanted or str(size) in wanted or ("sweep" in wanted and size != "auto")
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=",".join(SIZES), help="names, with commas")
    parser.add_argument("--seeds", default="0", help="with commas")
    parser.add_argument("--only", default="all", help="all, auto, sweep or sizes, with commas")
    parser.add_argument("--table", action="store_true", help="only write the page")
    arguments = parser.parse_args()
    for name in [] if arguments.table else arguments.data.split(","):
        for seed in map(int, arguments.seeds.split(",")):
            for size in sizes(name, arguments.only):
                row = fit_one(name, size, seed)
                print(row, flush=True)
                add(row)
    write_page(read())


if __name__ == "__main__":
    main()
