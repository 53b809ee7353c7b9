"""What the defaults give: reconstruction errors of untuned estimators on MNIST, Fashion-MNIST and digits.

    python benchmarks/defaults/run.py               # every row, about an hour on two cores
    python benchmarks/defaults/run.py --only ae30   # rows whose name contains "ae30"
    python benchmarks/defaults/run.py --table       # only writes docs/benchmarks-defaults.md from the CSV

Each row is one fit in a process of its own, on all threads that OMP_NUM_THREADS allows. The error is the squared error
summed over the pixels in [0, 1], mean over the test images; models and PCA are fitted on the training images only. Rows
that are in the CSV already (same name and seed) are replaced.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import time
from pathlib import Path

from page import replace_part

HERE = Path(__file__).parent
RESULTS = HERE / "results.csv"
# name: (data set, estimator, latent size, bar, reference)
ROWS = {
    "ae30-mnist": ("mnist", "Autoencoder", 30, 4.0, "3.00 (Hinton & Salakhutdinov 2006, 784-1000-500-250-30)"),
    "ae30-fashion": ("fashion-mnist", "Autoencoder", 30, 8.0, ""),
    "conv30-mnist": ("mnist", "ConvolutionalAutoencoder", 30, 4.0, ""),
    "ae2-mnist": ("mnist", "Autoencoder", 2, 30.0, ""),
    "vae16-mnist": ("mnist", "VariationalAutoencoder", 16, None, ""),
    "vae16-fashion": ("fashion-mnist", "VariationalAutoencoder", 16, None, ""),
    "vae16-digits": ("digits", "VariationalAutoencoder", 16, None, ""),
    "vanilla32-mnist": ("mnist", "VanillaAutoencoder", 32, None, ""),
    "denoising64-mnist": ("mnist", "DenoisingAutoencoder", 64, None, ""),
    "stacked30-mnist": ("mnist", "StackedAutoencoder", 30, None, ""),
}
FIELDS = [
    "name", "data", "estimator", "latent_dim", "seed", "error", "pca_error", "mean_error", "bar", "rate",
    "active_units", "epochs", "batch_size", "precision", "threads", "cpu_seconds", "wall_seconds",
]  # fmt: skip


def fit_one(name: str, seed: int) -> dict[str, object]:
    """Fits one row in this process and returns its results."""
    import torch

    import latente
    from latente.datasets import load

    data_name, estimator, latent_dim, bar, _ = ROWS[name]
    data = load(data_name)
    model = getattr(latente, estimator)(latent_dim, random_state=seed)
    cpu, wall = time.process_time(), time.perf_counter()
    model.fit(data.x_train)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    result = model.evaluate(data.x_test, reference=data.x_train)
    return {
        "name": name,
        "data": data_name,
        "estimator": estimator,
        "latent_dim": latent_dim,
        "seed": seed,
        "error": round(result.error, 3),
        "pca_error": round(result.pca_error, 3),
        "mean_error": round(result.mean_error, 3),
        "bar": bar if bar is not None else round(result.pca_error, 3),
        "rate": round(result.rate, 2),
        "active_units": result.active_units,  # None, an empty cell, without a prior
        "epochs": model.n_iter_,
        "batch_size": model.history_.batch_size,
        "precision": model.history_.precision,
        "threads": torch.get_num_threads(),
        "cpu_seconds": round(cpu),
        "wall_seconds": round(wall),
    }


def read_results() -> dict[tuple[str, str], dict[str, str]]:
    """Returns the rows of the CSV by name and seed."""
    if not RESULTS.exists():
        return {}
    with RESULTS.open(newline="") as file:
        return {(row["name"], row["seed"]): row for row in csv.DictReader(file)}


def write_results(rows: dict[tuple[str, str], dict[str, str]]) -> None:
    """Writes the CSV, rows in the order of ROWS."""
    order = {name: i for i, name in enumerate(ROWS)}
    with RESULTS.open("w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(sorted(rows.values(), key=lambda row: (order[row["name"]], row["seed"])))


def write_table(rows: dict[tuple[str, str], dict[str, str]]) -> None:
    """Writes this script's part of the page; `elsewhere.py` writes its own."""
    lines = [
        "# What the defaults give",
        "",
        "Estimators as they come, no setting but the latent size. Errors are squared errors an image, summed over the",
        "pixels in [0, 1], mean over the test images; every model and PCA saw only the training images. Two cores,",
        "one thread a fit, no GPU, other work on the machine: CPU seconds say more than wall seconds. Made by",
        "`benchmarks/defaults/run.py`, seed in the table.",
        "",
        "| data | estimator | k | error | PCA | mean image | active units | rate (nats) | epochs | CPU s "
        "| wall s | seed | reference |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name in ROWS:
        for row in (row for key, row in sorted(rows.items()) if key[0] == name):
            lines.append(
                f"| {row['data']} | {row['estimator']} | {row['latent_dim']} | **{float(row['error']):.2f}** | "
                f"{float(row['pca_error']):.2f} | {float(row['mean_error']):.2f} | {row['active_units'] or '–'} | "
                f"{row['rate']} | {row['epochs']} | {row['cpu_seconds']} | {row['wall_seconds']} | {row['seed']} | "
                f"{ROWS[name][4]} |"
            )
    replace_part("benchmarks/defaults/run.py", lines)


def main() -> None:
    """Runs the rows that were asked for, one process each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="run the rows whose name contains this")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--table", action="store_true", help="only write the table from the CSV")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(fit_one(arguments.child, arguments.seed)))
        return
    for name in [] if arguments.table else [name for name in ROWS if arguments.only in name]:
        command = [sys.executable, __file__, "--child", name, "--seed", str(arguments.seed)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        row = json.loads(done.stdout.splitlines()[-1])
        rows = read_results()
        rows[name, str(row["seed"])] = row
        write_results(rows)
        print(
            f"{name}: error {row['error']}, PCA {row['pca_error']}, bar {row['bar']}, {row['cpu_seconds']} CPU s",
            flush=True,
        )
    write_table(read_results())


if __name__ == "__main__":
    main()
