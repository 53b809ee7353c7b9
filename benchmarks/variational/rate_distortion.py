"""The rate-distortion curve of a variational autoencoder over beta, on scikit-learn's digits.

    python benchmarks/variational/rate_distortion.py             # fits, writes rate_distortion.csv and the picture
    python benchmarks/variational/rate_distortion.py --picture   # only draws docs/rate-distortion.png again

VariationalAutoencoder(8) as it comes, seed 0, fitted on the first 1,400 of 1,797 pictures of 8 x 8 and measured on the
other 397. `rate_distortion(X, betas)` gives the first columns in one call; here the fits are kept, so that the learned
sigma and the likelihood by more and more draws can be measured too.
"""

from __future__ import annotations

import argparse
import csv
import time
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits

import latente

HERE = Path(__file__).parent
RESULTS, PICTURE = HERE / "rate_distortion.csv", HERE.parents[1] / "docs" / "rate-distortion.png"
TRAIN, LATENT, BETAS = 1400, 8, (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
DRAWS, FOR_BOUND = (1, 10, 100, 1000, 5000), 64


def measure(beta: float) -> dict[str, Any]:
    """Fits one beta and returns its row; all in nats a picture but for the last columns."""
    X, start = load_digits().images, time.process_time()
    trainer = latente.Trainer(verbose=False)
    model = latente.VariationalAutoencoder(LATENT, beta=beta, trainer=trainer, random_state=0).fit(X[:TRAIN])
    row: dict[str, Any] = {"beta": beta, "fit_cpu_seconds": round(time.process_time() - start, 1)}
    test = X[TRAIN:]
    distortion, rate = (float(term) for term in model.bound_terms(test, FOR_BOUND, random_state=0).mean(0))
    row |= {"rate": round(rate, 3), "distortion": round(distortion, 3), "bound": round(-rate - distortion, 3)}
    row |= {"score": round(model.score(test), 3), "active_units": int(model.active_units(test).sum())}
    row["sigma"] = round(float(model.module_.distortion.sigma), 4)
    for k in DRAWS:
        start = time.process_time()
        row[f"log_likelihood_{k}"] = round(float(model.log_likelihood(test, k, random_state=0).mean()), 3)
    row["cpu_seconds_most_draws"] = round(time.process_time() - start, 2)
    print(row, flush=True)
    return row


def write(rows: list[dict[str, Any]]) -> None:
    with RESULTS.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def draw() -> None:
    """Draws the curve, and what each beta means for the likelihood."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    with RESULTS.open(newline="") as file:
        rows = list(csv.DictReader(file))
    column = {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
    best = column["bound"].max()
    span = np.array([0, column["rate"].max() * 1.05])
    left.plot(span, -best - span, "--", color="0.6", lw=1, label=f"rate + distortion = {-best:.1f}")
    left.plot(column["rate"], column["distortion"], "o-", color="tab:blue")
    for beta, active, x, y in zip(*(column[n] for n in ("beta", "active_units", "rate", "distortion")), strict=True):
        near = x < 1  # two collapsed models lie on top of each other
        text, where = f"β = {beta:g}{', ' if near else chr(10)}{active:.0f} active", (8, 7 if beta > 20 else -11)
        left.annotate(text, (x, y), xytext=where if near else (4, 7), textcoords="offset points", size=8)
    left.set(xlabel="rate, nats a picture", ylabel="distortion, nats a picture", xlim=(-0.5, span[1] * 1.1))
    left.set_ylim(top=12)
    left.legend(frameon=False, fontsize=8, loc="upper right")
    right.semilogx(column["beta"], column["bound"], "o-", color="tab:blue", label="bound")
    most = f"log_likelihood_{DRAWS[-1]}"
    right.semilogx(column["beta"], column[most], "s-", color="tab:orange", label=f"log p(x), {DRAWS[-1]:,} draws")
    right.semilogx(column["beta"], column["score"], "^:", color="0.5", label="score, at the mode")
    right.set(xlabel="β", ylabel="nats a picture")
    right.legend(frameon=False, fontsize=8)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(PICTURE, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--picture", action="store_true", help="only draw the picture again")
    if not parser.parse_args().picture:
        write([measure(beta) for beta in BETAS])
    draw()


if __name__ == "__main__":
    main()
