"""Whether the stated rates hold: false alarms on held-out normal rows, false discoveries in simulation; see README.md.

    LATENTE_DATA=... python benchmarks/anomaly/calibration.py rates --splits 50
    LATENTE_DATA=... python benchmarks/anomaly/calibration.py discoveries --fits 60

Lines that are in the CSV files already are left out, so either can be cut off and run again; remove a file to begin
anew.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from protocol import NAMES, load
from results import has, keep, read

from latente.anomaly import AnomalyDetector, conformal_p_values, select

RATES = (0.01, 0.05, 0.10)
FDRS = (0.05, 0.1, 0.2)
FEWEST = 300  # normal rows
TRAIN, BATCHES, NORMAL, ANOMALIES = 2000, 20, 90, 10  # rows to fit on; batches of each fit, and what is in them
COLUMNS, HIDDEN, NOISE, BROKEN = 6, 2, 0.3, 1.0  # of the simulated rows, and what is added to anomalies
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


def of_scores(fdr: float, batches: int = 2000, calibration: int = 1000, seed: int = 0) -> dict[str, object]:
    """Discoveries in batches of 190 normal and 10 shifted scores, each with its own calibration: no detector."""
    rng = np.random.default_rng(seed)
    false, found = [], []
    for _ in range(batches):
        known = rng.normal(size=calibration)
        scores = np.concatenate([rng.normal(size=190), rng.normal(-4.0, 1.0, size=10)])
        chosen = select(conformal_p_values(scores, known), fdr)
        false.append(chosen[:190].sum() / max(1, chosen.sum()))
        found.append(chosen[190:].mean())
    return {"how": "scores", "fdr": fdr, "fit": 0, "batches": batches} | summary(false, found)


def of_detector(how: str, fit: int) -> list[dict[str, object]]:
    """Discoveries by the default detector: one fit on simulated normal rows, many batches of rows.

    Normal rows are two hidden values, mixed into six columns, and noise of 0.3; anomalies are such rows with noise of 1
    added. All batches of a fit share its calibration, so fits, not batches, are independent.
    """
    rng = np.random.default_rng(fit)
    mix = np.random.default_rng(0).normal(size=(HIDDEN, COLUMNS))
    detector = AnomalyDetector(calibration=how, random_state=fit).fit(normal_rows(rng, TRAIN, mix))
    each = NORMAL + ANOMALIES
    X = normal_rows(rng, BATCHES * each, mix).reshape(BATCHES, each, COLUMNS)
    X[:, NORMAL:] += BROKEN * rng.normal(size=(BATCHES, ANOMALIES, COLUMNS))
    p = detector.p_values(X.reshape(-1, COLUMNS)).reshape(BATCHES, each)
    rows = []
    for fdr in FDRS:
        chosen = np.stack([select(batch, fdr) for batch in p])  # as AnomalyDetector.select does
        false = chosen[:, :NORMAL].sum(1) / np.maximum(1, chosen.sum(1))
        rows.append({"how": how, "fdr": fdr, "fit": fit, "batches": BATCHES})
        rows[-1] |= summary(false.tolist(), chosen[:, NORMAL:].mean(1).tolist())
    return rows


def normal_rows(rng: np.random.Generator, rows: int, mix: NDArray[np.float64]) -> NDArray[np.float64]:
    return rng.normal(size=(rows, HIDDEN)) @ mix + NOISE * rng.normal(size=(rows, COLUMNS))


def summary(false: Sequence[float], found: Sequence[float]) -> dict[str, object]:
    """The mean fractions of false discoveries and of anomalies found over batches, in per cent."""
    return {"false": 100 * float(np.mean(false)), "found": 100 * float(np.mean(found))}


def rates(splits: int, tables: Sequence[str], calibrations: Sequence[str]) -> None:
    there = {tuple(row[field] for field in KEY) for row in read(FILE)}
    for split in range(splits):
        for table in tables:
            if (load(table)[1] == 0).sum() < FEWEST:
                continue
            for calibration in calibrations:
                if (table, calibration, str(split)) not in there:
                    keep(FILE, KEY, [false_alarms(table, calibration, split)])


def discoveries(fits: int, calibrations: Sequence[str]) -> None:
    name, key = "discoveries.csv", ("how", "fdr", "fit")
    keep(name, key, [of_scores(fdr) for fdr in FDRS])
    for fit in range(fits):
        for how in calibrations:
            if not has(name, {"how": how, "fdr": FDRS[-1], "fit": fit}):
                keep(name, key, of_detector(how, fit))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", choices=["rates", "discoveries"])
    parser.add_argument("--splits", type=int, default=50)
    parser.add_argument("--fits", type=int, default=60)
    parser.add_argument("--tables", default=",".join(NAMES))
    parser.add_argument("--calibrations", default="cross,split", help="for rates also 'quantile', which holds nothing")
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    calibrations = options.calibrations.split(",")
    if options.study == "rates":
        rates(options.splits, options.tables.split(","), calibrations)
    else:
        discoveries(options.fits, [how for how in calibrations if how != "quantile"])


if __name__ == "__main__":
    main()
