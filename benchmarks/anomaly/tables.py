"""AUROC, average precision and CPU seconds of detectors on tables with known anomalies; see README.md.

LATENTE_DATA=... python benchmarks/anomaly/tables.py --methods latente,Mahalanobis --seeds 0,1,2
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np
import torch
from methods import ALL, CHEAP, make
from numpy.typing import NDArray
from protocol import NAMES, load, split
from results import keep, read
from sklearn.metrics import average_precision_score, roc_auc_score

FILE, KEY = "tables.csv", ("setting", "table", "method", "seed")


def measure(table: str, setting: str, method: str, seed: int) -> dict[str, object]:
    """One row of the results; inputs are standardised by the training rows."""
    X, y = load(table)
    train, test, labels = split(X, y, setting, seed)
    mean, std = train.mean(0), train.std(0)
    std[std < 1e-9] = 1.0
    train, test = (train - mean) / std, (test - mean) / std
    begin = time.process_time()
    score = make(method, setting, seed)(train)
    fitted = time.process_time()
    scores = np.asarray(score(test), dtype=np.float64)
    done = time.process_time()
    return {
        "setting": setting,
        "table": table,
        "method": method,
        "seed": seed,
        **judged(labels, scores),
        "fit_seconds": fitted - begin,
        "score_seconds": done - fitted,
        "train": len(train),
        "test": len(test),
        "columns": train.shape[1],
        "anomalies": int(labels.sum()),
    }


def judged(labels: NDArray[np.int64], scores: NDArray[np.float64]) -> dict[str, float | None]:
    """AUROC and average precision; none for a method that has failed: a score is not finite, or all are the same."""
    if not np.isfinite(scores).all() or np.ptp(scores) == 0:
        return {"auroc": None, "ap": None}
    return {
        "auroc": 100 * float(roc_auc_score(labels, scores)),
        "ap": 100 * float(average_precision_score(labels, scores)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--methods", default=",".join(ALL), help="'cheap' leaves out PyOD's networks")
    parser.add_argument("--tables", default=",".join(NAMES))
    parser.add_argument("--settings", default="contaminated,clean")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--again", action="store_true", help="also rows that are there already")
    options = parser.parse_args()
    torch.set_num_threads(1)
    methods = CHEAP if options.methods == "cheap" else options.methods.split(",")
    there = {tuple(row[field] for field in KEY) for row in read(FILE)}
    for seed in map(int, options.seeds.split(",")):
        for method in methods:
            for setting in options.settings.split(","):
                for table in options.tables.split(","):
                    if options.again or (setting, table, method, str(seed)) not in there:
                        with warnings.catch_warnings():
                            warnings.simplefilter("ignore")
                            keep(FILE, KEY, [measure(table, setting, method, seed)])


if __name__ == "__main__":
    main()
