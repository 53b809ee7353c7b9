"""Whether explanations name the value that was changed; see README.md.

LATENTE_DATA=... python benchmarks/anomaly/explanations.py
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
import torch
from numpy.typing import NDArray
from protocol import NAMES, load
from results import keep, read

from latente.anomaly import AnomalyDetector
from latente.anomaly.fitting import prepared
from latente.anomaly.localisation import Localiser

FILE, KEY = "explanations.csv", ("table", "method", "seed")
MOVED = 5.0  # robust standard deviations
TOLD = 0  # the seed for which networks are also told the amount, which takes as long again, and rows are forgotten
SMALLEST = 1e-3  # of a residual, in standard deviations of the column: less is a column that follows from the others
Array = NDArray[np.float64]


def residual_scale(X: Array) -> tuple[Array, Array]:
    """Returns (columns,): the robust scale of each column's residual from a linear fit on the others, and its std."""
    std = X.std(0)
    varies = np.flatnonzero(std > 1e-9)
    u = (X[:, varies] - X[:, varies].mean(0)) / std[varies]
    scale = np.zeros(len(std))
    for j, column in enumerate(varies):
        others = np.delete(u, j, axis=1)
        residual = u[:, j] - others @ np.linalg.lstsq(others, u[:, j], rcond=None)[0]
        scale[column] = 1.4826 * np.median(np.abs(residual - np.median(residual)))
    return scale * std, scale


def draw(table: str, seed: int, rows: int) -> tuple[Array, Array, NDArray[np.int64], Array, int]:
    """Returns training rows, test rows with one value moved each, which, what it was, and how many columns can be."""
    X, y = load(table)
    rng = np.random.default_rng(seed)
    normal = X[y == 0][rng.permutation(int((y == 0).sum()))]
    half = len(normal) // 2
    train, test = normal[:half], normal[half:][:rows].copy()
    step, relative = residual_scale(train)
    usable = np.flatnonzero(relative > SMALLEST)
    moved = rng.choice(usable, len(test))
    before = test[np.arange(len(test)), moved]
    test[np.arange(len(test)), moved] += rng.choice([-1, 1], len(test)) * MOVED * step[moved]
    return train, test, moved, before, len(usable)


def measure(table: str, seed: int, rows: int) -> list[dict[str, object]]:
    """How often the moved value ranks first.

    By the explanation, also where it is moved to the nearest value that occurs in its column; by the largest
    standardised value; for one seed by networks that are told the amount, and without the training rows.
    """
    train, test, moved, before, usable = draw(table, seed, rows)
    detector = AnomalyDetector(random_state=seed).fit(train)
    explanation = detector.explain(test)
    std = np.where(train.std(0) > 1e-9, train.std(0), np.inf)
    flagged = detector.p_values_of(explanation.scores) <= 0.05
    occurring = test.copy()
    for i, j in enumerate(moved):
        occurring[i, j] = train[np.abs(train[:, j] - test[i, j]).argmin(), j]
    still = occurring[np.arange(len(test)), moved] != before
    ways = {
        "explain": (explanation.contributions, slice(None)),
        "explain, values that occur": (detector.explain(occurring).contributions, still),
        "largest standardised value": (np.abs(test - train.mean(0)) / std, slice(None)),
    }
    if seed == TOLD:
        ways["told the amount"] = (told_the_amount(detector, test), slice(None))
        ways["after forget_rows"] = (without_rows(detector, test), slice(None))
    shape = {"columns": train.shape[1], "usable": usable}
    return [
        {"table": table, "method": method, "seed": seed} | shape | found(values[rows], moved[rows], flagged[rows])
        for method, (values, rows) in ways.items()
    ]


def without_rows(detector: AnomalyDetector, rows: Array) -> Array:
    """Returns the contributions (n, columns) of a detector that has dropped its training rows, as it then has."""
    return detector.forget_rows().explain(rows).contributions


def told_the_amount(detector: AnomalyDetector, rows: Array) -> Array:
    """Returns log probabilities (n, columns) by networks that were trained on moves of exactly that many deviations."""
    known = detector._expectation
    x = detector._fitted.within(prepared(detector.schema_, rows))
    return Localiser.of(known.rows, known.regression, moves=(MOVED, MOVED), far=0.0)(x).numpy()


def found(values: Array, moved: NDArray[np.int64], flagged: NDArray[np.bool_]) -> dict[str, float]:
    """Returns how often, in %, the moved one of the values (n, columns) is the largest, or among three; and rows."""
    place = (values > values[np.arange(len(values)), moved][:, None]).sum(1)
    return {
        "rows": len(values),
        "first": 100 * float((place == 0).mean()),
        "first_three": 100 * float((place < 3).mean()),
        "flagged": 100 * float(flagged.mean()),
        "first_of_flagged": 100 * float((place[flagged] == 0).mean()) if flagged.any() else float("nan"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", default=",".join(NAMES))
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--rows", type=int, default=200)
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    there = {tuple(row[field] for field in KEY) for row in read(FILE)}
    for seed in map(int, options.seeds.split(",")):
        for table in options.tables.split(","):
            if (table, "explain", str(seed)) not in there:
                keep(FILE, KEY, measure(table, seed, options.rows))


if __name__ == "__main__":
    main()
