"""Anomalous steps of series: latente against PCA of windows and PyOD's AutoEncoder on the same windows.

    LATENTE_DATA=... OMP_NUM_THREADS=1 python benchmarks/anomaly/series.py nab            # 52 labelled series
    LATENTE_DATA=... OMP_NUM_THREADS=1 python benchmarks/anomaly/series.py telemetry      # SMAP and MSL, first column
    LATENTE_DATA=... OMP_NUM_THREADS=1 python benchmarks/anomaly/series.py spacecraft     # SMAP and MSL, all columns
    python benchmarks/anomaly/series.py table                                             # means of the CSV

`--methods pca,random` runs only those, `--every 4` every fourth series, `--missing` what has no row yet. PyOD is needed
for "pyod-ae" alone. The protocol is in README-series.md.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from results import has, keep, read
from series_data import Labelled, nab, spacecraft
from sklearn.base import BaseEstimator
from sklearn.decomposition import PCA

from latente.anomaly import SeriesDetector
from latente.metrics import range_precision_recall, vus_pr

FILE, KEY = "series.csv", ("study", "series", "method", "seed")
FIELDS = (
    "window", "steps", "vus_pr", "range_f1", "range_precision", "range_recall", "fit_seconds", "score_seconds",
)  # fmt: skip
POWERS = {"pca-power": 4}  # of the mean over windows; SeriesDetector's default where there is none
WINDOWS = {"nab": 100, "telemetry": 100, "spacecraft": 20}
Rows = NDArray[np.float32]


class Residual(BaseEstimator):
    """Squared distance of windows from their principal subspace of 90 % of the variance."""

    def fit(self, X: Rows, y: Any = None) -> Residual:
        self.pca_ = PCA(0.9, svd_solver="full").fit(X) if X.std() > 0 else None
        self.mean_ = X.mean(0)
        return self

    def score_samples(self, X: Rows) -> NDArray[Any]:
        rebuilt = self.pca_.inverse_transform(self.pca_.transform(X)) if self.pca_ is not None else self.mean_
        return -np.square(X - rebuilt).sum(1)


class ToMean(BaseEstimator):
    """Squared distance of windows from the mean window."""

    def fit(self, X: Rows, y: Any = None) -> ToMean:
        self.mean_ = X.mean(0)
        return self

    def score_samples(self, X: Rows) -> NDArray[Any]:
        return -np.square(X - self.mean_).sum(1)


class Random(BaseEstimator):
    """Random scores."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def fit(self, X: Rows, y: Any = None) -> Random:
        self.rng_ = np.random.default_rng(self.seed)
        return self

    def score_samples(self, X: Rows) -> NDArray[Any]:
        return self.rng_.random(len(X))


class PyOD(BaseEstimator):
    """PyOD's AutoEncoder with its defaults."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def fit(self, X: Rows, y: Any = None) -> PyOD:
        from pyod.models.auto_encoder import AutoEncoder

        self.model_ = AutoEncoder(random_state=self.seed, verbose=0).fit(np.ascontiguousarray(X))
        return self

    def score_samples(self, X: Rows) -> NDArray[Any]:
        return -self.model_.decision_function(np.ascontiguousarray(X))


class ResidualLength(Residual):
    """Distance of windows from their principal subspace, for the power mean that the default detector has."""

    def score_samples(self, X: Rows) -> NDArray[Any]:
        return -np.sqrt(-super().score_samples(X))


METHODS: dict[str, Callable[[int], Any]] = {
    "latente": lambda seed: None,
    "pca": lambda seed: Residual(),
    "pca-power": lambda seed: ResidualLength(),
    "pyod-ae": PyOD,
    "to-mean": lambda seed: ToMean(),
    "random": Random,
}


def data(study: str) -> Iterator[Labelled]:
    return nab() if study == "nab" else spacecraft("telemetry" if study == "telemetry" else "all")


def measured(study: str, item: Labelled, method: str, seed: int) -> dict[str, Any]:
    """Trains on what there is to train on, scores the labelled part, and flags by the rule fixed in advance."""
    train = item.test if item.train is None else item.train
    window = min(WINDOWS[study], len(train) // 4)
    inner, power = METHODS[method](seed), POWERS.get(method)
    detector = SeriesDetector(inner, window=window, power=power, contamination=0.05, random_state=seed)
    start = time.process_time()
    detector.fit(train)
    fitted = time.process_time()
    scores = -detector.score_samples(item.test)
    scored = time.process_time()
    known = scores if item.train is None else -detector.score_samples(train)
    found = range_precision_recall(item.labels, scores > known.mean() + 3 * known.std())
    return {
        "study": study, "series": item.name, "method": method, "seed": seed, "window": window, "steps": len(scores),
        "vus_pr": vus_pr(item.labels, scores, max_window=100), "range_f1": found.f1,
        "range_precision": found.precision, "range_recall": found.recall,
        "fit_seconds": fitted - start, "score_seconds": scored - fitted,
    }  # fmt: skip


def table() -> None:
    """Prints means over the series that all methods have, and over every second one: the first half decided."""
    lines = read(FILE)
    for study in WINDOWS:
        own: dict[str, dict[str, dict[str, str]]] = {}
        for line in lines:
            if line["study"] == study:
                own.setdefault(line["method"], {})[line["series"]] = line
        every = sorted(set().union(*own.values()))  # every second of all was decided on
        names = [name for name in every if all(name in found for found in own.values())]
        parts = [names, *([name for name in names if every.index(name) % 2 == odd] for odd in (0, 1))]
        for method, found in own.items():
            halves = [[found[name] for name in part] for part in parts]
            vus = " / ".join(f"{_mean(half, 'vus_pr'):.3f}" for half in halves)
            f1, seconds = _mean(halves[0], "range_f1"), _mean(halves[0], "fit_seconds") * len(names)
            count = f"{len(names)} of {len(found)}"
            print(f"{study:10} {method:10} {count:9} VUS-PR {vus}, range F1 {f1:.3f}, fit {seconds:.0f} s")


def _mean(lines: list[dict[str, str]], figure: str) -> float:
    return float(np.mean([float(line[figure]) for line in lines])) if lines else float("nan")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", choices=[*WINDOWS, "table"])
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--only", default="", help="series whose name contains this")
    parser.add_argument("--every", type=int, default=1, help="series, in alphabetical order")
    parser.add_argument("--first", type=int, default=0, help="place of the first of them; odd ones confirm")
    parser.add_argument("--missing", action="store_true", help="leave out what has a row")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.study == "table":
        table()
        return
    for item in islice(data(arguments.study), arguments.first, None, arguments.every):
        for method in arguments.methods.split(","):
            key = {"study": arguments.study, "series": item.name, "method": method, "seed": arguments.seed}
            if arguments.only in item.name and not (arguments.missing and has(FILE, key)):
                keep(FILE, KEY, [measured(arguments.study, item, method, arguments.seed)], FIELDS)


if __name__ == "__main__":
    main()
