"""Which way of ordering and cutting the units of a wide code says best how many are needed.

    LATENTE_DATA=... OMP_NUM_THREADS=1 python benchmarks/latent_size/orders.py --data letter,pendigits,digits

Each training is that of the search of `latent_dim="auto"` (same width, same half of the epochs), with another
objective: nested dropout where no, a quarter or half of the samples keep all units; the plain objective; a Gaussian
bottleneck with a learned variance. Each code is then projected on its first principal components; an ordered one is cut
to its first units as well, and the active units are counted. Written to orders.csv: how many dimensions each says are
needed, by the rule of `choose_size`, and the error of the whole code. Rows that are there already are replaced.
"""

from __future__ import annotations

import argparse
import csv
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

import latente
from data import split
from latente.estimators import latent_size
from latente.estimators.latent_size import choose_size, cut_errors
from latente.metrics import active_units, intrinsic_dimension
from latente.objectives import NestedDropout, Plain

RESULTS = Path(__file__).parent / "orders.csv"
WAYS: dict[str, tuple[Any, Any]] = {
    "nested dropout": (NestedDropout(0.0), None),
    "nested dropout, a quarter whole": (NestedDropout(0.25), None),
    "nested dropout, half whole": (NestedDropout(0.5), None),
    "plain": (Plain(), None),
    "gaussian": (Plain(), "gaussian"),
}


def measure(name: str, way: str, seed: int) -> dict[str, object]:
    """Trains one wide code and returns what it says."""
    objective, bottleneck = WAYS[way]
    x = split(name)[0]
    trainer = latente.Trainer(weight_decay=0, verbose=False)
    model = latente.Autoencoder("auto", bottleneck=bottleneck, trainer=trainer, random_state=seed)
    source = model._source(model._start(x))
    kept, held = source.split(latent_size.HELD_OUT, seed)
    dimension = intrinsic_dimension(latent_size._some(source, seed))
    widest = latent_size._widest(dimension, latent_size._bound(source))
    module = model._built(seed, trainer.resolve_device(), widest)
    started = time.process_time()
    latent_size._trainer(trainer, len(kept), "").fit(module, kept, objective, seed=seed)
    seconds = time.process_time() - started
    errors, variance = cut_errors(module, kept, held, seed)
    batches = list(latent_size._encoded(module, held, seed))
    codes, target = (torch.cat(parts) for parts in zip(*batches, strict=True))
    with torch.no_grad():
        cut = [module.decode(codes * (torch.arange(widest) < k)) - target for k in range(1, widest + 1)]
    by_units = np.array([float(gap.square().sum()) / len(codes) for gap in cut])
    return {
        "data": name,
        "way": way,
        "seed": seed,
        "widest": widest,
        "units": choose_size(by_units, variance) if way.startswith("nested") else "",
        "components": choose_size(errors, variance),
        "active": int(active_units(codes.numpy()).sum()),
        "error": round(float(errors[-1]), 4),
        "cpu_seconds": round(seconds, 1),
    }


def add(row: dict[str, object]) -> None:
    """Puts a row into the CSV in the place of an older one with its key."""
    old: list[dict[str, Any]] = []
    if RESULTS.exists():
        with RESULTS.open(newline="") as file:
            old = list(csv.DictReader(file))
    keys = ("data", "way", "seed")
    rows = [*(r for r in old if any(str(r[k]) != str(row[k]) for k in keys)), row]
    part = RESULTS.with_suffix(".part")
    with part.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(row), lineterminator="\n")
        writer.writeheader()
        writer.writerows(sorted(rows, key=lambda r: (str(r["data"]), list(WAYS).index(str(r["way"])), int(r["seed"]))))
    os.replace(part, RESULTS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="letter,pendigits,digits", help="names, with commas")
    parser.add_argument("--ways", default=";".join(WAYS), help="with semicolons")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    for name in arguments.data.split(","):
        for way in arguments.ways.split(";"):
            row = measure(name, way, arguments.seed)
            print(row, flush=True)
            add(row)


if __name__ == "__main__":
    main()
