"""Parts of docs/benchmarks-denoising.md: the candidates of choose.py, and the levels that levels.py found."""

from __future__ import annotations

__all__ = ["choices", "estimates"]

import csv
from pathlib import Path

from tabled import table

HERE = Path(__file__).parent
CHOICES = HERE / "choose.csv"
ESTIMATES = HERE / "levels.csv"


def choices() -> list[str]:
    """The candidates of choose.py, and what each was good for."""
    if not CHOICES.exists():
        return []
    with CHOICES.open(newline="") as file:
        rows = list(csv.DictReader(file))
    settings = ("fold", "width", "levels", "blocks", "batch_size", "learning_rate")
    noises = dict.fromkeys((row["data"], row["noise"]) for row in rows)
    lines = []
    for own in dict.fromkeys(tuple(row[name] for name in settings) for row in rows):
        found = {(r["data"], r["noise"]): r for r in rows if tuple(r[name] for name in settings) == own}
        cells = [found[noise]["psnr"] if noise in found else "" for noise in noises]
        lines.append([*own, *cells, next(iter(found.values()))["cpu_seconds"]])
    head = [*(name.replace("_", " ") for name in settings), *(" ".join(noise) for noise in noises), "CPU s"]
    return [
        "Candidates for network and steps, each trained once on 30,000 training images; PSNR in dB of training images",
        "that were held out. The first row is the default (`choose.py`).",
        "",
        *table(head, lines),
    ]


def estimates() -> list[str]:
    """What levels.py found: the true and the estimated level, and what the estimate is good for."""
    if not ESTIMATES.exists():
        return []
    with ESTIMATES.open(newline="") as file:
        rows = list(csv.DictReader(file))
    errors = ("mse_noisy", "mse_estimate", "mse_without", "mse_one_pass")
    lines = [
        [row["data"], row["noise"], row["true"], row["estimate"] or "none", *(row[name] for name in errors)]
        for row in rows
    ]
    head = ["data", "noise", "deviation of the noise", "estimate"]
    head += ["MSE of the noisy images", "with the estimate", "of neighbours alone", "in one pass"]
    return [
        "What noise2self estimates of the level (`levels.py`): trained once through 3,000 images, or 700 patches of",
        "photographs; MSE of 100 of them. Without an estimate the default is one pass; `with the estimate` is then the",
        "same as neighbours alone. Poisson noise has the given number of photons at white.",
        "",
        *table(head, lines),
    ]
