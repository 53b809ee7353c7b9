"""Test log-likelihood of variational autoencoders on binarised MNIST: 784-200-200-50, 5,000 importance samples.

    python benchmarks/variational/run.py                 # every row; hours
    python benchmarks/variational/run.py --only vae      # rows whose name contains "vae"
    python benchmarks/variational/run.py --seeds 0,1,2
    python benchmarks/variational/run.py --quick         # 2,000 images, 2 epochs: a check, writes nothing
    python benchmarks/variational/run.py --table         # only writes docs/benchmarks-variational.md

See README.md in this folder for the protocol. Rows that are in results.csv already (same name and seed) are replaced.
"""

from __future__ import annotations

import argparse
import csv
import os
import textwrap
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import latente
from latente.datasets import load
from latente.networks import MLP
from latente.objectives import Binarized, ImportanceWeighted

HERE = Path(__file__).parent
RESULTS, PAGE = HERE / "results.csv", HERE.parents[1] / "docs" / "benchmarks-variational.md"
SAMPLES = 5000
PAPER, PYTHAE = "Burda et al. 2016", "pythae's own reproduction"
K50 = f"84.78 ({PAPER}), 84.59 (its public reproduction)"
# What ImportanceWeighted is given; a case without it minimises the plain objective.
# Cheap: k grows by a constant factor, the gradient passes through five draws. Doubly: the encoder's gradient is the
# doubly reparameterised one, k stays small for longer.
PLAIN: dict[str, Any] = {"doubly_reparameterized": False}
CHEAP: dict[str, Any] = {"doubly_reparameterized": False, "growth": 1.0, "backward": 5}
DOUBLY: dict[str, Any] = {"growth": 1.0, "backward": 3, "power": 1.5}
STEPS: dict[str, Any] = {"learning_rate": 4e-3, "batch_size": 128}


@dataclass(frozen=True)
class Case:
    """One row: the binarisation of the training data, k of the bound, epochs, who else has which figure, arguments."""

    binarisation: str
    k: int
    epochs: int
    reference: str
    objective: dict[str, Any] | None = None
    trainer: dict[str, Any] = field(default_factory=dict)


CASES = {
    "vae-dynamic": Case("dynamic", 1, 400, f"86.76 ({PAPER}), 86.35 (its public reproduction)"),
    "iwae5-dynamic": Case("dynamic", 5, 200, f"85.54 ({PAPER}), 85.18 (its public reproduction)", PLAIN),
    "iwae50-dynamic": Case("dynamic", 50, 60, K50, PLAIN),
    "iwae50-cheap-dynamic": Case("dynamic", 50, 300, K50, CHEAP),
    "iwae50-doubly-dynamic": Case("dynamic", 50, 350, K50, DOUBLY, STEPS),
    "vae-static": Case("static", 1, 100, f"89.78 ({PYTHAE})"),
    "iwae50-cheap-static": Case("static", 50, 60, f"86.82 ({PYTHAE})", CHEAP),
    "iwae50-doubly-static": Case("static", 50, 60, f"86.82 ({PYTHAE})", DOUBLY, STEPS),
}
FIELDS = [
    "name", "binarisation", "k", "seed", "epochs", "nll", "nll_sem", "bound", "distortion", "rate", "active_units",
    "precision", "batch_size", "cpu_seconds", "cpu_seconds_nll",
]  # fmt: skip


def binarised(pictures: np.ndarray, seed: int) -> np.ndarray:
    """Returns black and white pictures, each pixel white with the probability that its grey value says."""
    draws = np.random.default_rng(seed).random(pictures.shape, dtype=np.float32)
    return np.where(draws < pictures / 255.0, 255, 0).astype(np.uint8)


def estimator(case: Case, seed: int, epochs: int, checkpoint: str | None = None) -> latente.VariationalAutoencoder:
    """Returns the model, not fitted; `Binarized` leaves black and white pictures as they are."""
    inner = None if case.objective is None else ImportanceWeighted(case.k, **case.objective)
    objective: Any = Binarized(inner) if case.binarisation == "dynamic" else inner
    return latente.VariationalAutoencoder(
        50,
        network=MLP((200, 200)),
        distortion="bernoulli",
        objective=objective,
        warmup=0.0,
        trainer=latente.Trainer(epochs=epochs, weight_decay=0, verbose=False, checkpoint=checkpoint, **case.trainer),
        random_state=seed,
    )


def measure(name: str, seed: int, quick: bool = False, checkpoint: str | None = None) -> dict[str, Any]:
    """Fits one row and returns its results; the test images are binarised once, with seed 0.

    CPU seconds are those of this process: of a fit that goes on from a checkpoint, those since then.
    """
    case, data = CASES[name], load("mnist")
    train, test = data.x_train, binarised(data.x_test, 0)
    epochs, samples = case.epochs, SAMPLES
    if quick:
        train, test, epochs, samples = train[:2000], test[:50], 2, 100
    if case.binarisation == "static":
        train = binarised(train, 1)
    folder = None if checkpoint is None else f"{checkpoint}/{name}-{seed}"
    model, start = estimator(case, seed, epochs, folder), time.process_time()
    model.fit(train, resume=folder is not None)
    fitted = time.process_time()
    likelihood = model.log_likelihood(test, samples, random_state=0)
    terms = model.bound_terms(test, 10, random_state=0).mean(0)
    row = {
        "name": name,
        "binarisation": case.binarisation,
        "k": case.k,
        "seed": seed,
        "epochs": epochs,
        "nll": round(-float(likelihood.mean()), 3),
        "nll_sem": round(float(likelihood.std() / len(likelihood) ** 0.5), 3),
        "bound": round(float(terms.sum()), 3),
        "distortion": round(float(terms[0]), 3),
        "rate": round(float(terms[1]), 3),
        "active_units": int(model.active_units(test).sum()),
        "precision": model.history_.precision,
        "batch_size": model.history_.batch_size,
        "cpu_seconds": round(fitted - start, 1),
        "cpu_seconds_nll": round(time.process_time() - fitted, 1),
    }
    print(row, flush=True)
    return row


def read() -> list[dict[str, Any]]:
    if not RESULTS.exists():
        return []
    with RESULTS.open(newline="") as file:
        return list(csv.DictReader(file))


def keep(row: dict[str, Any]) -> None:
    """Writes the row beside the others."""
    rows = [old for old in read() if (old["name"], old["seed"]) != (row["name"], str(row["seed"]))] + [row]
    rows.sort(key=lambda r: (list(CASES).index(r["name"]), int(r["seed"])))
    fresh = RESULTS.with_suffix(".tmp")
    with fresh.open("w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    os.replace(fresh, RESULTS)


def write_page() -> None:
    """Writes the table for the docs."""
    lines = [
        "# Variational autoencoders: log-likelihood",
        "",
        "MNIST, 784-200-200-50 and the mirror, negative log-likelihood of the 10,000 test images in nats by 5,000",
        "importance samples (lower is better). Dynamic: training pixels are drawn anew in every step; static: once.",
        "Samples: of the bound that was trained, k of the paper. Test pixels are drawn once. Made by",
        "`benchmarks/variational/run.py` on one CPU thread; how is in its README.",
        "",
        "| row | binarisation | samples | seed | epochs | NLL | -bound | rate | active units | CPU s | others |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in read():
        cells = [row[name] for name in ("name", "binarisation", "k", "seed", "epochs")]
        cells += [f"**{float(row['nll']):.2f}** ± {float(row['nll_sem']):.2f}", f"{float(row['bound']):.2f}"]
        cells += [f"{float(row['rate']):.1f}", row["active_units"], f"{float(row['cpu_seconds']):,.0f}"]
        lines.append("| " + " | ".join([*cells, CASES[row["name"]].reference]) + " |")
    lines += ["", "± is the standard error over test images."]
    known = {row["name"] for row in read()}
    missing = [f"`{name}`, of which others have {CASES[name].reference}" for name in CASES if name not in known]
    if missing:
        lines += ["", *textwrap.wrap(f"Not run, though `run.py` has the case: {'; '.join(missing)}.", 110)]
    PAGE.write_text("\n".join(lines) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="rows whose name contains this")
    parser.add_argument("--seeds", default="0", help="separated by commas")
    parser.add_argument("--quick", action="store_true", help="small, writes nothing")
    parser.add_argument("--table", action="store_true", help="only write the page")
    parser.add_argument("--checkpoint", help="a folder; a run that was cut off goes on from there")
    options = parser.parse_args()
    if not options.table:
        for seed in map(int, options.seeds.split(",")):
            for name in CASES:
                if options.only in name:
                    row = measure(name, seed, options.quick, options.checkpoint)
                    if not options.quick:
                        keep(row)
    if not options.quick:
        write_page()


if __name__ == "__main__":
    main()
