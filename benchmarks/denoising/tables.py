"""Missing cells of real tables: latente's Imputer, the mean, scikit-learn's KNNImputer and IterativeImputer.

    LATENTE_DATA=... OMP_NUM_THREADS=1 python benchmarks/denoising/tables.py

20% of the cells are hidden at random. Every method is fitted to the table with its holes and fills them in; the error
is that of the hidden cells, in standard deviations of their column. All work on columns standardised by what is known.
"""

from __future__ import annotations

import argparse
import time
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from protocol import root
from results import keep
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_iterative_imputer  # noqa: F401  # makes the next import work
from sklearn.impute import IterativeImputer, KNNImputer, SimpleImputer

from latente import Trainer
from latente.denoising import Imputer

TABLES = (
    "4_breastw", "6_cardio", "14_glass", "18_Ionosphere", "20_letter", "28_pendigits", "29_Pima", "30_satellite",
    "37_Stamps", "40_vowels", "42_WBC", "44_Wilt", "45_wine",
    "2_annthyroid", "26_optdigits", "38_thyroid",  # no setting was chosen on these three, on Wilt neither
)  # fmt: skip
HIDDEN = 0.2


def table(name: str, rows: int = 5000) -> NDArray[np.float64]:
    """A table (n, d) without constant columns, standardised."""
    with np.load(root() / "anomaly" / f"{name}.npz") as file:
        X = file["X"].astype(np.float64)
    X = X[np.random.default_rng(0).permutation(len(X))[:rows]]
    X = X[:, X.std(0) > 0]
    return (X - X.mean(0)) / X.std(0)


def methods(seed: int) -> dict[str, Any]:
    return {
        "mean": SimpleImputer(),
        "knn": KNNImputer(),
        "iterative": IterativeImputer(random_state=seed),
        "latente": Imputer(trainer=Trainer(threads=1, verbose=False), random_state=seed),
    }


def study(name: str, seed: int, only: str) -> list[dict[str, Any]]:
    """Rows of one table."""
    whole = table(name)
    hidden = np.random.default_rng(seed).random(whole.shape) < HIDDEN
    holed = np.where(hidden, np.nan, whole)
    holed = (holed - np.nanmean(holed, 0)) / np.nanstd(holed, 0)
    back = np.where(hidden, np.nan, whole)
    base = {"study": "tables", "data": name.partition("_")[2], "noise": f"{HIDDEN:.0%} missing", "seed": seed}
    rows = []
    for method, imputer in methods(seed).items():
        if only and method != only:
            continue
        start = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            filled = imputer.fit_transform(holed) * np.nanstd(back, 0) + np.nanmean(back, 0)
        own = {"train_seconds": time.process_time() - start, "samples": len(whole)}
        rmse = float(np.sqrt(np.square(filled - whole)[hidden].mean()))
        rows.append(base | {"method": method, "rmse": rmse, "setting": f"{whole.shape[1]} columns"} | own)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="tables whose name contains this")
    parser.add_argument("--method", default="", help="only this method")
    parser.add_argument("--seeds", default="0")
    options = parser.parse_args()
    for seed in map(int, options.seeds.split(",")):
        for name in TABLES:
            if options.only in name:
                keep(study(name, seed, options.method))


if __name__ == "__main__":
    main()
