"""Scores of a file of 1,000,000 rows in bounded memory, and how long a fit takes beside PyOD's; see README.md.

    LATENTE_DATA=... OMP_NUM_THREADS=1 python benchmarks/anomaly/streaming.py score
    LATENTE_DATA=... OMP_NUM_THREADS=1 peers/bin/python benchmarks/anomaly/streaming.py fit     # needs PyOD

`score` writes rows of the table shuttle, drawn again with a jitter of a hundredth of each column's spread, to a .npy
file in a temporary folder, fits the default detector on the table, and scores the file by its path into another file.
Memory is what the process holds at most meanwhile, above what it held before (imports and the fitted detector). `fit`
trains both on the same 10,000 of the whole table's 45,586 normal rows, in turns, in one process and one thread, and
scores the other normal rows and all anomalies.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from protocol import load
from results import keep
from sklearn.metrics import average_precision_score, roc_auc_score

from latente.anomaly import AnomalyDetector

FILE, KEY = "streaming.csv", ("what", "method")
FIELDS = ("rows", "columns", "seconds", "rows_per_second", "memory_mib", "auroc", "ap", "fits", "least", "most")
TABLE, ROWS, PIECE, JITTER, REPEATS, TRAINING = "shuttle", 1_000_000, 50_000, 0.01, 9, 10_000


class Resident:
    """The most memory that the process holds between enter and exit, above what it held at enter, in MiB.

    The kernel's own high-water mark covers the whole life of a process, the imports included; so the present size is
    read every 5 ms.
    """

    def __enter__(self) -> Resident:
        self.before = self.most = self._now()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()
        self.most = max(self.most, self._now())
        self.mib = (self.most - self.before) / 2**20

    def _watch(self) -> None:
        while not self._stop.wait(0.005):
            self.most = max(self.most, self._now())

    @staticmethod
    def _now() -> int:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("RssAnon:"):  # pages of mapped files, which the kernel may drop, are not held
                return 1024 * int(line.split()[1])
        return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def write_rows(path: Path, X: NDArray[np.float64], rows: int) -> None:
    """Rows drawn from X with a jitter, piece by piece."""
    rng, spread = np.random.default_rng(0), X.std(0)
    out = np.lib.format.open_memmap(path, mode="w+", dtype=np.float64, shape=(rows, X.shape[1]))
    for start in range(0, rows, PIECE):
        size = min(PIECE, rows - start)
        out[start : start + size] = X[rng.integers(0, len(X), size)] + JITTER * spread * rng.normal(
            size=(size, len(spread))
        )
    out.flush()


def score(rows: int) -> dict[str, object]:
    X, y = load(TABLE)
    detector = AnomalyDetector(random_state=0).fit(X[y == 0])
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "rows.npy", Path(folder) / "scores.npy"
        write_rows(source, X, rows)
        detector.score_samples(X[:2000])  # what is loaded once
        begin = time.process_time()
        with Resident() as memory:
            found = detector.score_samples(str(source), out=target)
        seconds = time.process_time() - begin
        held = np.asarray(detector.score_samples(np.load(source, mmap_mode="r")[-1000:]))
        np.testing.assert_array_equal(np.asarray(found[-1000:]), held)
    return {"what": "score", "method": "latente", "rows": rows, "columns": X.shape[1], "seconds": seconds,
            "rows_per_second": rows / seconds, "memory_mib": memory.mib}  # fmt: skip


def held_out(X: NDArray[np.float64], y: NDArray[np.int64]) -> tuple[Any, Any, Any]:
    """Returns normal rows to train on, none twice, and all the others, normal and not, with their labels."""
    normal = np.random.default_rng(0).permutation(np.flatnonzero(y == 0))
    test = np.concatenate([normal[TRAINING:], np.flatnonzero(y == 1)])
    return X[normal[:TRAINING]], X[test], y[test]


def fit() -> list[dict[str, object]]:
    """Medians of nine fits of each on the same standardised normal rows, in turns; means of AUROC and AP of others."""
    train, X, y = held_out(*load(TABLE, whole=True))
    mean, spread = train.mean(0), np.where(train.std(0) > 1e-9, train.std(0), 1.0)
    train, test = (train - mean) / spread, (X - mean) / spread
    methods: dict[str, Callable[[int], Callable[..., NDArray[np.float64]]]] = {
        "latente": lambda seed: _latente(train, seed), "PyOD AutoEncoder": lambda seed: _pyod(train, seed),
    }  # fmt: skip
    seconds: dict[str, list[float]] = {name: [] for name in methods}
    quality: dict[str, list[tuple[float, float]]] = {name: [] for name in methods}
    for seed in range(REPEATS):
        for name, make in methods.items():
            begin = time.process_time()
            found = make(seed)
            seconds[name].append(time.process_time() - begin)
            scores = found(test)
            quality[name].append((100 * roc_auc_score(y, scores), 100 * average_precision_score(y, scores)))
    return [
        {"what": "fit", "method": name, "rows": len(train), "columns": train.shape[1],
         "seconds": float(np.median(seconds[name])), "fits": REPEATS, "least": min(seconds[name]),
         "most": max(seconds[name]),
         **dict(zip(("auroc", "ap"), map(float, np.mean(quality[name], 0)), strict=True))}
        for name in methods
    ]  # fmt: skip


def _latente(train: NDArray[np.float64], seed: int) -> Callable[..., NDArray[np.float64]]:
    detector = AnomalyDetector(random_state=seed).fit(train)
    return lambda X: -detector.score_samples(X)


def _pyod(train: NDArray[np.float64], seed: int) -> Callable[..., NDArray[np.float64]]:
    from pyod.models.auto_encoder import AutoEncoder

    return AutoEncoder(random_state=seed, verbose=0).fit(train).decision_function


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", choices=["score", "fit"])
    parser.add_argument("--rows", type=int, default=ROWS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    keep(FILE, KEY, [score(options.rows)] if options.study == "score" else fit(), FIELDS)


if __name__ == "__main__":
    main()
