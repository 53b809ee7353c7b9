"""Codes as features: what classifiers make of autoencoders' codes, of raw pixels and of PCA, on two sets of images.

    LATENTE_DATA=... OMP_NUM_THREADS=1 python benchmarks/features/run.py               # every row
    python benchmarks/features/run.py --only mnist-denoising    # rows whose name starts with this; others stay
    python benchmarks/features/run.py --missing                 # leaves out the rows that are in the CSV
    python benchmarks/features/run.py --table                   # only writes docs/benchmarks-features.md

The protocol is in README.md; maps.py makes the maps. Each row is a process of its own. Codes are kept in the folder for
temporary files; --reuse classifies those again instead of fitting.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
from kinds import KINDS, Representation, represent
from probes import accuracies, centred
from results import read_rows, replace_row
from tables import write_page

from latente.datasets import load

RESULTS = Path(__file__).with_name("results.csv")
CODES = Path(tempfile.gettempdir()) / "latente-benchmark-features"
SETS, SIZES = ("mnist", "fashion-mnist"), (32, 16, 8)
COSTS = ("fit_cpu_s", "fit_mib", "transform_ms", "parameters")


def names() -> list[str]:
    """The rows: data-kind-k."""
    return [f"{data}-pixels-k784" for data in SETS] + [
        f"{data}-{kind}-k{k}" for k in SIZES for kind in ("pca", *KINDS) for data in SETS
    ]


def parts(name: str) -> tuple[str, str, int]:
    """Returns data, kind and k of a row's name."""
    data, rest = next((data, name[len(data) + 1 :]) for data in SETS if name.startswith(data + "-"))
    kind, k = rest.rsplit("-k", 1)
    return data, kind, int(k)


def representation(name: str, seed: int, reuse: bool) -> Representation:
    """Fits and keeps a representation, or returns the one that was kept."""
    file = CODES / f"{name}-{seed}.npz"
    if reuse and file.exists():
        kept = np.load(file)
        costs = {key: kept[key].item() for key in COSTS}
        return Representation(kept["train"], kept["test"], **costs)
    data, kind, k = parts(name)
    images = load(data)
    found = represent(kind, k, seed, images.x_train, images.x_test)
    if kind != "pixels":
        CODES.mkdir(exist_ok=True)
        np.savez(file, **asdict(found))
    return found


def measure_one(name: str, seed: int, reuse: bool) -> dict[str, object]:
    """Returns the results of one row: accuracies of the features as they are, then (std_...) with each standardised."""
    found, images = representation(name, seed, reuse), load(parts(name)[0])
    row: dict[str, object] = dict(zip(("data", "kind", "k"), parts(name), strict=True))
    row |= {"name": name, "seed": seed, **{key: getattr(found, key) for key in COSTS}}
    row |= accuracies(*labelled(found, images, each=False))
    standardised = accuracies(*labelled(found, images, each=True), names=("linear", "knn"))
    return row | {f"std_{key}": value for key, value in standardised.items() if "cpu" not in key}


def labelled(found: Representation, images, each: bool) -> tuple[np.ndarray, ...]:
    """Returns features and labels to train on, and to test on."""
    train, test = centred(found.train, found.test, each)
    return train, images.y_train, test, images.y_test


def main() -> None:
    """Runs the rows that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="run the rows whose name starts with one of these, comma-separated")
    parser.add_argument("--missing", action="store_true", help="leave out the rows that are in the CSV")
    parser.add_argument("--reuse", action="store_true", help="classify kept codes again instead of fitting")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--table", action="store_true", help="only write the page from the CSV")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(measure_one(arguments.child, arguments.seed, arguments.reuse)))
        return
    done = (
        {row["name"] for row in read_rows(RESULTS) if int(row["seed"]) == arguments.seed} if arguments.missing else ()
    )
    wanted = [name for name in names() if name.startswith(tuple(arguments.only.split(","))) and name not in done]
    for name in [] if arguments.table else wanted:
        command = [sys.executable, __file__, "--child", name, "--seed", str(arguments.seed)]
        command += ["--reuse"] if arguments.reuse else []
        child = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        row = json.loads(child.stdout.splitlines()[-1])
        replace_row(RESULTS, row, ("name", "seed"), names())
        shown = ", ".join(f"{key} {row[key]:.2f}" for key in row if key.endswith(("_all", "_100")))
        print(f"{name} seed {arguments.seed}: {shown}, fit {row['fit_cpu_s']:.0f} CPU s", flush=True)
    write_page()


if __name__ == "__main__":
    main()
