"""How many normal pictures the default detector flags at a stated rate; see README-images.md.

LATENTE_DATA=... OMP_NUM_THREADS=1 python benchmarks/anomaly/picture_rates.py --classes 0,4,8
"""

from __future__ import annotations

import argparse

import numpy as np
from results import has, keep

from latente.anomaly import AnomalyDetector
from latente.datasets import load

FILE, KEY, RATES = "picture_rates.csv", ("data", "seed", "rate"), (0.01, 0.05, 0.1)
TRAIN = 3000  # pictures of the class; its 4,000 others are judged


def measure(label: int, seed: int) -> list[dict[str, object]]:
    """A row for each rate: per cent of held-out pictures of the class that are flagged, by one fit."""
    data = load("fashion-mnist")
    both = ((data.x_train, data.y_train), (data.x_test, data.y_test))
    pictures = np.concatenate([x[y == label] for x, y in both]).astype(np.float32) / 255
    order = np.random.default_rng(seed).permutation(len(pictures))
    detector = AnomalyDetector(random_state=seed).fit(pictures[order[:TRAIN]])
    scores, rows = detector.score_samples(pictures[order[TRAIN:]]), []
    for rate in RATES:
        flagged = scores < detector.set_rate(rate).offset_
        row = {"data": label, "seed": seed, "rate": rate, "normals": len(scores)}
        rows.append(row | {"flagged": float(100 * flagged.mean())})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--classes", default="0,4,8", help="numbers with commas")
    parser.add_argument("--seeds", type=int, default=1, help="splits of each")
    options = parser.parse_args()
    for seed in range(options.seeds):
        for label in map(int, options.classes.split(",")):
            if not has(FILE, {"data": label, "seed": seed, "rate": RATES[-1]}):
                keep(FILE, KEY, measure(label, seed))


if __name__ == "__main__":
    main()
