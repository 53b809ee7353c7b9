"""Twelve configurations broken on purpose: what `diagnose` says first, and the error before and after its advice.

    python benchmarks/diagnosis/run.py                 # all, two minutes on one core
    python benchmarks/diagnosis/run.py --only beta     # those whose name contains "beta"
    python benchmarks/diagnosis/run.py --seeds 0,1,2
    python benchmarks/diagnosis/run.py --table         # only writes the table of docs/diagnosis.md

Rows that are in results.csv already (same configuration and seed) are replaced. See README.md in this folder.
"""

from __future__ import annotations

import argparse
import csv
import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits
from torch import nn

from latente import Autoencoder, DataSpec, Trainer, VariationalAutoencoder
from latente.diagnostics import diagnose
from latente.estimators import LatentSizeWarning
from latente.estimators.evaluation import Evaluation
from latente.files import write_atomically

HERE = Path(__file__).parent
RESULTS, PAGE = HERE / "results.csv", HERE.parents[1] / "docs" / "diagnosis.md"
BEGIN, END = "<!-- made by benchmarks/diagnosis/run.py -->", "<!-- end -->"
FIELDS = ["configuration", "data", "seed", "first", "advice", "error", "pca", "after", "after_pca", "gone", "others"]
COLUMNS = 30  # of the table


@dataclass(frozen=True)
class Samples:
    """What is trained on, what is measured on, and what `fit` gets besides."""

    name: str
    train: np.ndarray
    test: np.ndarray
    fit: dict[str, Any] = field(default_factory=dict)


def digits(seed: int, train: int = 1000) -> Samples:
    """Returns 8 x 8 digits."""
    X = load_digits().images
    X = X[np.random.default_rng(seed).permutation(len(X))]
    return Samples("digits", X[:train], X[1000:])


def cells(seed: int) -> Samples:
    """Returns the breast cancer table, 30 columns."""
    X = load_breast_cancer().data
    X = X[np.random.default_rng(seed).permutation(len(X))]
    return Samples("breast cancer", X[:400], X[400:])


def bytes_as_floats(seed: int) -> Samples:
    d = digits(seed)
    return replace(d, train=d.train * (255 / 16), test=d.test * (255 / 16))


def with_constants(seed: int) -> Samples:
    d = cells(seed)
    train, test = (np.column_stack([x, np.ones((len(x), COLUMNS))]) for x in (d.train, d.test))
    return replace(d, train=train, test=test)


def with_copies(seed: int) -> Samples:
    d = digits(seed)
    return replace(d, train=np.repeat(d.train[:100], 10, axis=0))


def one_held_out(seed: int) -> Samples:
    """Returns the table with the first held-out sample whose loss rises in the second epoch."""
    d = cells(seed)
    for i in range(len(d.test)):
        tried = replace(d, fit={"validation": d.test[i : i + 1]})
        model = make(latent_dim=4, trainer={"epochs": 60, "patience": 1, "callbacks": (lambda r: r.epoch == 2,)})
        held = model.fit(d.train, **tried.fit).history_.column("validation_loss")
        if held[1] > held[0]:
            return tried
    raise ValueError("no held-out sample has a loss that rises")


def make(kind: type = Autoencoder, latent_dim: int = 8, *, trainer: dict[str, Any] | None = None, **parts: Any) -> Any:
    """Returns an estimator with 30 epochs."""
    settings = {"epochs": 30, "verbose": False} | (trainer or {})
    return kind(latent_dim, trainer=Trainer(**settings), random_state=0, **parts)


def mean_error(x_hat: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """The squared error, averaged over elements where it should be summed."""
    return (x_hat - x).square().flatten(1).mean(1)


def networks(*end: nn.Module) -> tuple[nn.Module, nn.Module]:
    """Returns encoder and decoder of the table."""
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Linear(30, 64), nn.SiLU(), nn.Linear(64, 4))
    return encoder, nn.Sequential(nn.Linear(4, 64), nn.SiLU(), nn.Linear(64, 30), *end)


@dataclass(frozen=True)
class Case:
    """A broken configuration.

    Attributes:
        data: a function of the seed.
        model: makes the broken estimator.
        mend: changes estimator and data where the finding's `change` cannot; None where it can.
    """

    data: Callable[[int], Samples]
    model: Callable[[], Any]
    mend: Callable[[Any, Samples], tuple[Any, Samples]] | None = None


def distinct(model: Any, data: Samples) -> tuple[Any, Samples]:
    return model, replace(data, train=np.unique(data.train, axis=0))


def without_constants(model: Any, data: Samples) -> tuple[Any, Samples]:
    return model, replace(data, train=data.train[:, :COLUMNS], test=data.test[:, :COLUMNS])


def without_sigmoid(model: Any, data: Samples) -> tuple[Any, Samples]:
    return clone(model).set_params(network=networks()), data


FEW = {"epochs": 60}
CASES = {
    "learning rate x 100": Case(digits, lambda: make(network="mlp:128,64", trainer={"learning_rate": 0.2})),
    "learning rate / 100": Case(digits, lambda: make(trainer={"learning_rate": 2e-5})),
    "beta 1000": Case(digits, lambda: make(VariationalAutoencoder, beta=1000.0)),
    "KL summed, error averaged": Case(digits, lambda: make(VariationalAutoencoder, distortion=mean_error)),
    "sigmoid on standardised data": Case(
        cells, lambda: make(latent_dim=4, network=networks(nn.Sigmoid()), trainer=FEW), without_sigmoid
    ),
    "unscaled floats 0..255": Case(bytes_as_floats, lambda: make(data=DataSpec(scale="none"))),
    "latent as wide as the input": Case(digits, lambda: make(latent_dim=64)),
    "one-unit hidden layer": Case(digits, lambda: make(network="mlp:1")),
    "half the columns constant": Case(with_constants, lambda: make(latent_dim=4, trainer=FEW), without_constants),
    "90% duplicate rows": Case(with_copies, lambda: make(trainer={"patience": 5}), distinct),
    "4,096 codes for 500 samples": Case(
        lambda seed: digits(seed, 500), lambda: make(latent_dim=16, bottleneck="vq:4096")
    ),
    "stopped after one epoch": Case(one_held_out, lambda: make(latent_dim=4, trainer=FEW | {"patience": 1})),
}


def measure(name: str, seed: int) -> dict[str, Any]:
    """Fits the broken model, does what the first finding says, fits again, and returns the row."""
    case = CASES[name]
    data, model = case.data(seed), case.model().set_params(random_state=seed)
    model.fit(data.train, **data.fit)
    before, found = model.evaluate(data.test, reference=data.train), diagnose(model, data.test, reference=data.train)
    if case.mend is None:
        again, after = clone(model).set_params(**found[0].change), data
    else:
        again, after = case.mend(model, data)
    again = clone(again)
    again.fit(after.train, **after.fit)
    mended, left = again.evaluate(after.test, reference=after.train), diagnose(again, after.test, reference=after.train)
    return {
        "configuration": name,
        "data": data.name,
        "seed": seed,
        "first": found[0].name,
        "advice": found[0].advice,
        "error": before.error / spread(before),
        "pca": before.pca_error / spread(before),
        "after": mended.error / spread(mended),
        "after_pca": mended.pca_error / spread(mended),
        "gone": found[0].name not in [finding.name for finding in left],
        "others": "; ".join(finding.name for finding in left if finding.severity == "warning"),
    }


def spread(evaluation: Evaluation) -> float:
    """Returns how much the held-out samples vary: the error of their own mean."""
    return evaluation.error / (1 - evaluation.explained_variance)


def read() -> dict[tuple[str, str], dict[str, Any]]:
    """Returns the rows of results.csv by configuration and seed."""
    if not RESULTS.exists():
        return {}
    with RESULTS.open(newline="") as file:
        return {(row["configuration"], row["seed"]): row for row in csv.DictReader(file)}


def write(rows: dict[tuple[str, str], dict[str, Any]]) -> None:
    """Replaces results.csv."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, FIELDS, lineterminator="\n")
    writer.writeheader()
    order = list(CASES)
    writer.writerows(rows[key] for key in sorted(rows, key=lambda key: (order.index(key[0]), key[1])))
    write_atomically(RESULTS, text.getvalue().encode())


def table(rows: dict[tuple[str, str], dict[str, Any]]) -> str:
    """Returns the table for people: means over seeds."""
    lines = ["| broken | data | first finding | error | PCA | after the advice | PCA | seeds |", "|" + "---|" * 8]
    for name in CASES:
        mine = [row for (case, _), row in rows.items() if case == name]
        if not mine:
            continue
        first = sorted({row["first"] for row in mine})
        means = [np.mean([float(row[column]) for row in mine]) for column in ("error", "pca", "after", "after_pca")]
        gone = "" if all(str(row["gone"]) == "True" for row in mine) else " (the finding stays)"
        cells_ = [name, mine[0]["data"], ", ".join(first), f"{means[0]:.3f}", f"{means[1]:.3f}"]
        lines.append("| " + " | ".join([*cells_, f"{means[2]:.3f}{gone}", f"{means[3]:.3f}", str(len(mine))]) + " |")
    return "\n".join(lines)


def publish(rows: dict[tuple[str, str], dict[str, Any]]) -> None:
    """Puts the table into the page, between its two marks."""
    text = PAGE.read_text(encoding="utf-8")
    start, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    write_atomically(PAGE, f"{text[:start]}\n\n{table(rows)}\n\n{text[end:]}".encode())


def main() -> None:
    """Measures what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="a part of the configuration's name")
    parser.add_argument("--seeds", default="0", help="e.g. 0,1,2")
    parser.add_argument("--table", action="store_true", help="only write the table")
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", LatentSizeWarning)
    rows = read()
    for seed in options.seeds.split(",") if not options.table else []:
        for name in CASES:
            if options.only in name:
                rows[name, seed] = row = measure(name, int(seed))
                print(f"{name}, seed {seed}: {row['first']}; {row['error']:.3f} -> {row['after']:.3f}", flush=True)
                write(rows)
    publish(rows)
    print(table(rows))


if __name__ == "__main__":
    main()
