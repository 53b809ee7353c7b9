"""Do the defaults hold on data that nobody tuned them on? Tables and patches of photographs, against PCA.

    LATENTE_DATA=... python benchmarks/defaults/elsewhere.py              # every row, 10 minutes on one core
    LATENTE_DATA=... python benchmarks/defaults/elsewhere.py --only musk  # rows whose name contains "musk"
    python benchmarks/defaults/elsewhere.py --table                       # only writes its part of the page

Tables: those of $LATENTE_DATA/anomaly (ADBench) as plain data, labels ignored: rows shuffled, at most 10,000, a quarter
held out, k = columns // 4, columns standardised by the training rows. Photographs: patches at random places of
$LATENTE_DATA/photos_train, 10,000 to train on, and 5,000 of Kodak's 24 pictures ($LATENTE_DATA/photos) to test. Each
row is one fit with no setting but the latent size; rows that are in elsewhere.csv already (same name and seed) are
replaced.
"""

from __future__ import annotations

import argparse
import csv
import os
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
from page import replace_part

import latente

RESULTS = Path(__file__).with_name("elsewhere.csv")
FIELDS = [
    "name", "seed", "samples", "values", "latent_dim", "error", "pca_error", "mean_error", "train_error",
    "pca_train_error", "ratio", "epochs", "cpu_seconds",
]  # fmt: skip
PATCHES = {
    "kodak-grey-k16": (16, "L", 16),
    "kodak-grey-k64": (16, "L", 64),
    "kodak-colour-k16": (32, "RGB", 16),
    "kodak-colour-k64": (32, "RGB", 64),
}  # size, colours, latent size
LARGEST, TRAIN, TEST = 10_000, 10_000, 5_000
Array = np.ndarray[Any, Any]


def folder(name: str) -> Path:
    """Returns a folder of the data, or raises FileNotFoundError."""
    found = Path(os.environ.get("LATENTE_DATA", "")) / name
    if "LATENTE_DATA" not in os.environ or not found.is_dir():
        raise FileNotFoundError(f"{found} is no folder; set LATENTE_DATA to the folder that holds {name}/")
    return found


def table(path: Path, seed: int) -> tuple[Array, Array, int]:
    """Returns training rows, test rows and the latent size of a table."""
    x = np.load(path)["X"].astype(np.float64)
    x = x[np.random.default_rng(seed).permutation(len(x))[:LARGEST]]
    held_out = len(x) // 4
    return x[held_out:], x[:held_out], max(1, x.shape[1] // 4)


def patches(photos: Path, size: int, mode: str, count: int, seed: int) -> Array:
    """Returns (count, size, size) or (count, size, size, 3) uint8: patches at random places, as many of each photo."""
    from PIL import Image

    rng, found = np.random.default_rng(seed), []
    paths = sorted(p for p in photos.iterdir() if p.suffix in (".png", ".webp"))
    for i, path in enumerate(paths):
        with Image.open(path) as image:
            pixels = np.asarray(image.convert(mode))
        for _ in range(count // len(paths) + (i < count % len(paths))):
            y, x = (rng.integers(0, side - size + 1) for side in pixels.shape[:2])
            found.append(pixels[y : y + size, x : x + size])
    return np.stack(found)


def rows() -> dict[str, Path | None]:
    """Returns the names of the rows; a table's with its file."""
    tables = sorted(folder("anomaly").glob("*.npz"), key=lambda p: int(p.stem.split("_")[0]))
    return {p.stem.split("_", 1)[1]: p for p in tables} | dict.fromkeys(PATCHES)


def data_of(name: str, path: Path | None, seed: int) -> tuple[Array, Array, int]:
    """Returns training samples, test samples and the latent size of a row."""
    if path is not None:
        return table(path, seed)
    size, mode, k = PATCHES[name]
    train = patches(folder("photos_train"), size, mode, TRAIN, seed)
    return train, patches(folder("photos"), size, mode, TEST, seed), k


def fit_one(name: str, path: Path | None, seed: int) -> dict[str, object]:
    """Fits one row and returns its results."""
    x_train, x_test, k = data_of(name, path, seed)
    model = latente.Autoencoder(k, random_state=seed)
    cpu = time.process_time()
    model.fit(x_train)
    cpu = time.process_time() - cpu
    test, train = (model.evaluate(x, reference=x_train) for x in (x_test, x_train))
    return {
        "name": name,
        "seed": seed,
        "samples": len(x_train),
        "values": x_train[0].size,
        "latent_dim": k,
        "error": f"{test.error:.4g}",
        "pca_error": f"{test.pca_error:.4g}",
        "mean_error": f"{test.mean_error:.4g}",
        "train_error": f"{train.error:.4g}",
        "pca_train_error": f"{train.pca_error:.4g}",
        "ratio": f"{test.error / test.pca_error:.3f}",
        "epochs": model.n_iter_,
        "cpu_seconds": round(cpu, 1),
    }


def read_results() -> list[dict[str, str]]:
    """Returns the rows of the CSV."""
    if not RESULTS.exists():
        return []
    with RESULTS.open(newline="") as file:
        return list(csv.DictReader(file))


def write_results(found: list[dict[str, Any]]) -> None:
    """Writes the CSV at once or not at all."""
    fresh = RESULTS.with_suffix(".tmp")
    with fresh.open("w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(found)
    fresh.replace(RESULTS)


def write_part(found: list[dict[str, str]]) -> None:
    """Writes this script's part of the page: one line for each name, means over the seeds."""
    lines = [
        "## On data that nobody tuned on",
        "",
        "`Autoencoder(k)` as it comes, against PCA at the same latent size, on tables of ADBench taken as plain data",
        "and on patches of photographs. Tables: at most 10,000 rows, shuffled, a quarter held out, k = columns // 4,",
        "columns standardised. Patches: trained on 10,000 of other photographs, tested on 5,000 of Kodak's; pixels in",
        "[0, 1]. Errors are squared errors a sample, summed over its values, mean over the held-out samples and the",
        "seeds; ratio: of the autoencoder's to PCA's, below 1 the autoencoder is better. Made by",
        "`benchmarks/defaults/elsewhere.py`.",
        "",
        "| data | training samples | values | k | error | PCA | ratio | (lowest to highest) | mean sample "
        "| ratio on training data | CPU s | seeds |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    names, ratios = list(dict.fromkeys(row["name"] for row in found)), {}
    for name in names:
        line, ratios[name] = line_of([row for row in found if row["name"] == name])
        lines.append(line)
    tables = [ratio for name, ratio in ratios.items() if name not in PATCHES]
    if tables:
        better = sum(ratio < 1 for ratio in tables)
        lines += ["", f"Mean ratio over the {len(tables)} tables: {statistics.mean(tables):.3f}, geometric "
                  f"{statistics.geometric_mean(tables):.3f}; better than PCA on {better}."]  # fmt: skip
    replace_part("benchmarks/defaults/elsewhere.py", lines)


def line_of(same: list[dict[str, str]]) -> tuple[str, float]:
    """Returns the line of a name and its ratio of mean errors."""
    mean = {key: statistics.mean(float(row[key]) for row in same) for key in FIELDS[2:]}
    ratio, seen = mean["error"] / mean["pca_error"], [float(row["ratio"]) for row in same]
    on_train = mean["train_error"] / mean["pca_train_error"]
    return (
        f"| {same[0]['name']} | {mean['samples']:.0f} | {mean['values']:.0f} | {mean['latent_dim']:.0f} | "
        f"{mean['error']:.3g} | {mean['pca_error']:.3g} | **{ratio:.2f}** | {min(seen):.2f} to {max(seen):.2f} | "
        f"{mean['mean_error']:.3g} | {on_train:.2f} | {mean['cpu_seconds']:.1f} | {len(same)} |"
    ), ratio


def main() -> None:
    """Runs the rows that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="run the rows whose name contains this")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--missing", action="store_true", help="leave out the rows that are in the CSV")
    parser.add_argument("--table", action="store_true", help="only write the part of the page from the CSV")
    arguments = parser.parse_args()
    everything = {} if arguments.table else rows()
    order = {name: i for i, name in enumerate(everything)}
    for seed in range(arguments.seeds):
        for name in (name for name in everything if arguments.only in name):
            kept = [row for row in read_results() if (row["name"], row["seed"]) != (name, str(seed))]
            if arguments.missing and len(kept) < len(read_results()):
                continue
            row = fit_one(name, everything[name], seed)
            write_results(sorted([*kept, row], key=lambda r: (order.get(str(r["name"]), 0), int(str(r["seed"])))))
            print(
                f"{name} seed {seed}: {row['error']} / {row['pca_error']} = {row['ratio']}, {row['cpu_seconds']} s",
                flush=True,
            )
    write_part(read_results())


if __name__ == "__main__":
    main()
