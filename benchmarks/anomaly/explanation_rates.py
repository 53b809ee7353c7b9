"""How often the value that an explanation is most sure of is the wrong one, by the number of training rows.

LATENTE_DATA=... python benchmarks/anomaly/explanation_rates.py
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
import torch
from explanations import draw
from protocol import NAMES
from results import has, keep

from latente.anomaly import AnomalyDetector, Ensemble

FILE, KEY = "explanation_rates.csv", ("training_rows", "table", "seed", "from")
SIZES, BINS, ROWS, SEED = (30, 100, 300), 10, 200, 3
CHEAP = Ensemble(members=2, steps=1)  # contributions of tables do not depend on the members


def measure(table: str, size: int, seed: int) -> list[dict[str, object]]:
    """Counts rows by the probability of the first column, in tenths: how many, that probability, how often right."""
    train, test, moved, _, _ = draw(table, seed, ROWS)
    if len(train) < size:
        return []
    detector = AnomalyDetector(CHEAP, calibration="quantile", random_state=seed).fit(train[:size])
    contributions = detector.explain(test).contributions
    said, right = contributions.max(1), contributions.argmax(1) == moved
    place = np.minimum((BINS * said).astype(int), BINS - 1)
    return [
        {
            "training_rows": size, "table": table, "seed": seed, "from": own / BINS, "rows": int((place == own).sum()),
            "said": float(said[place == own].mean()), "right": float(right[place == own].mean()),
        }
        for own in np.unique(place).tolist()
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", default=",".join(NAMES))
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    for size in map(int, options.sizes.split(",")):
        for table in options.tables.split(","):
            if not has(FILE, {"training_rows": size, "table": table, "seed": SEED}):
                rows = measure(table, size, SEED)
                if rows:
                    keep(FILE, KEY, rows)


if __name__ == "__main__":
    main()
