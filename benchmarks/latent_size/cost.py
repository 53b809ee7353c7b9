"""What latent_dim="auto" costs in fits, one timed after the other: only so CPU seconds of a crowded machine compare.

    LATENTE_DATA=... OMP_NUM_THREADS=1 python benchmarks/latent_size/cost.py --data mnist --size 94

Both train for a few epochs only. What the search does beside training takes as long as in a full fit, so its share, and
with it the ratio, is larger than there. Rows go to cost.csv.
"""

from __future__ import annotations

import argparse
import csv
import time
from pathlib import Path

from page import timed

import latente
from data import split

COSTS = Path(__file__).parent / "cost.csv"
FIELDS = ["data", "size", "epochs", "fixed_seconds", "auto_seconds", "cost"]


def seconds(size: int | str, name: str, epochs: int) -> float:
    """CPU seconds of a fit."""
    model = latente.Autoencoder(size, trainer=latente.Trainer(epochs=epochs, verbose=False), random_state=0)
    train, _ = split(name)
    started = time.process_time()
    model.fit(train)
    return time.process_time() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--size", type=int, default=94, help="of the fit that it is compared with")
    parser.add_argument("--epochs", type=int, default=4)
    options = parser.parse_args()
    before = seconds(options.size, options.data, options.epochs)
    auto = seconds("auto", options.data, options.epochs)
    fixed = (before + seconds(options.size, options.data, options.epochs)) / 2  # before and after: the load changes
    figures = [f"{fixed:.1f}", f"{auto:.1f}", f"{auto / fixed:.2f}"]
    row = dict(zip(FIELDS, [options.data, str(options.size), str(options.epochs), *figures], strict=True))
    rows = [*(old for old in timed() if old["data"] != options.data), row]
    print(row)
    with COSTS.open("w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
