"""What ten members cost beside one; see README.md.

OMP_NUM_THREADS=1 python benchmarks/anomaly/batching.py
"""

from __future__ import annotations

import time

import numpy as np
import torch
from results import keep

from latente.anomaly import Ensemble
from latente.data import decide

ROWS, COLUMNS, REPEATS = 10_000, 9, 3


def main() -> None:
    torch.set_num_threads(1)
    X = np.random.default_rng(0).normal(size=(ROWS, COLUMNS))
    schema, folds = decide(X), np.zeros(ROWS, dtype=np.int64)
    x, rows = schema.ingest(X), []
    Ensemble(members=1, steps=10).fit(x, schema, folds, 0)  # what is loaded once
    for members in (1, 2, 5, 10, 20, 40):
        seconds = []
        for seed in range(REPEATS):
            begin = time.process_time()
            Ensemble(members=members).fit(x, schema, folds, seed)
            seconds.append(time.process_time() - begin)
        rows.append({"members": members, "seconds": float(np.median(seconds))})
    keep("batching.csv", ("members",), rows)


if __name__ == "__main__":
    main()
