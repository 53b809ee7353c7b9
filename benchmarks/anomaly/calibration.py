"""Whether the stated rates hold: false alarms on held-out normal rows, false discoveries in simulation; see README.md.

LATENTE_DATA=... python benchmarks/anomaly/calibration.py --splits 50
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
import torch
from protocol import NAMES, load
from results import keep, read

from latente.anomaly import AnomalyDetector, conformal_p_values, select

RATES = (0.01, 0.05, 0.10)
FEWEST = 300  # normal rows
FILE, KEY = "calibration.csv", ("table", "calibration", "split")


def false_alarms(table: str, calibration: str, split: int) -> dict[str, object]:
    """The fraction of held-out normal rows whose p-value is at most each rate; trained on half of the normal rows."""
    X, y = load(table)
    normal = X[y == 0]
    order = np.random.default_rng(split).permutation(len(normal))
    half = len(normal) // 2
    detector = AnomalyDetector(calibration=calibration, random_state=split).fit(normal[order[:half]])
    scores = detector.score_samples(normal[order[half:]])
    if calibration == "quantile":
        training = detector.score_samples(normal[order[:half]])
        found = {rate: float((scores < np.quantile(training, rate)).mean()) for rate in RATES}
    else:
        p = detector.p_values_of(scores)
        found = {rate: float((p <= rate).mean()) for rate in RATES}
    row: dict[str, object] = {"table": table, "calibration": calibration, "split": split, "normal": len(normal)}
    return row | {f"at_{rate:g}": 100 * value for rate, value in found.items()}


def discoveries(fdr: float, batches: int = 2000, calibration: int = 1000, seed: int = 0) -> tuple[float, float]:
    """The mean fraction of false discoveries and of anomalies found, in batches of 190 normal and 10 shifted scores."""
    rng = np.random.default_rng(seed)
    false, found = [], []
    for _ in range(batches):
        known = rng.normal(size=calibration)
        scores = np.concatenate([rng.normal(size=190), rng.normal(-4.0, 1.0, size=10)])
        chosen = select(conformal_p_values(scores, known), fdr)
        false.append(chosen[:190].sum() / max(1, chosen.sum()))
        found.append(chosen[190:].mean())
    return float(np.mean(false)), float(np.mean(found))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--splits", type=int, default=50)
    parser.add_argument("--tables", default=",".join(NAMES))
    parser.add_argument("--calibrations", default="cross,split,quantile")
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    there = {tuple(row[field] for field in KEY) for row in read(FILE)}
    for split in range(options.splits):
        for table in options.tables.split(","):
            if (load(table)[1] == 0).sum() < FEWEST:
                continue
            for calibration in options.calibrations.split(","):
                if (table, calibration, str(split)) not in there:
                    keep(FILE, KEY, [false_alarms(table, calibration, split)])
    rows = []
    for fdr in (0.05, 0.1, 0.2):
        false, found = discoveries(fdr)
        rows.append({"fdr": fdr, "false": 100 * false, "found": 100 * found})
    keep("discoveries.csv", ("fdr",), rows)


if __name__ == "__main__":
    main()
