"""How many steps of spacecraft telemetry the default SeriesDetector flags at a stated rate; see README-series.md.

LATENTE_DATA=... OMP_NUM_THREADS=1 python benchmarks/anomaly/series_rates.py --every 9
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
from results import has, keep
from series_data import spacecraft

from latente.anomaly import CalibrationWarning, SeriesDetector

FILE, KEY = "series_rates.csv", ("series", "rate", "seed")


def measure(name: str, train: np.ndarray, test: np.ndarray, labels: np.ndarray, rate: float, seed: int) -> dict:
    """One row: flagged of the last quarter of the training part, which is not trained on, and of the test part."""
    cut = 3 * len(train) // 4
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        detector = SeriesDetector(random_state=seed, false_alarm_rate=rate).fit(train[:cut])
        warned = any(issubclass(warning.category, CalibrationWarning) for warning in caught)
        caught.clear()
        stream = detector.stream()
        for piece in np.array_split(test, 50):
            stream.push(piece)
        later = detector.predict(train[cut:]) == -1
        flags = detector.predict(test) == -1
    drift = any("drifted" in str(warning.message) for warning in caught)
    return {
        "series": name, "rate": rate, "seed": seed, "window": detector.window_, "blocks": detector.calibration_blocks_,
        "warned": int(warned), "later_flagged": float(100 * later.mean()),
        "test_normal_flagged": float(100 * flags[labels == 0].mean()),
        "test_anomalous_flagged": float(100 * flags[labels == 1].mean()), "drift": int(drift),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=9, help="channel, by name")
    parser.add_argument("--rate", type=float, default=0.01)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for i, item in enumerate(spacecraft("telemetry")):
        key = {"series": item.name, "rate": options.rate, "seed": options.seed}
        if i % options.every == 0 and item.train is not None and not has(FILE, key):
            keep(FILE, KEY, [measure(item.name, item.train, item.test, item.labels, options.rate, options.seed)])


if __name__ == "__main__":
    main()
