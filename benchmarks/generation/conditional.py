"""Do samples that are drawn for a label look like it? Fashion-MNIST, every sampler fitted to the codes of each label.

    LATENTE_DATA=... OMP_NUM_THREADS=1 python benchmarks/generation/conditional.py
    python benchmarks/generation/conditional.py --only vae --samplers mixture    # rows whose model is this; others stay

The protocol is in README.md; rows of conditional.csv that are there already (same model and sampler) are replaced, and
the page is written anew.
"""

from __future__ import annotations

import argparse
import csv
import os
import time
from typing import Any

import numpy as np
from page import CONDITIONAL as RESULTS
from page import conditioned, write_page
from run import SAMPLERS, Judge, Protocol, models, read

from latente.datasets import load
from latente.generation import Generator
from latente.metrics import frechet_distance

MODELS = ("ae", "vae")
FIELDS = ["model", "sampler", "seed", "agreement", "lowest", "lowest_label", "frechet", "cpu_seconds"]


def row(judge: Judge, model: str, sampler: str, images: np.ndarray, y: np.ndarray, seconds: float) -> dict[str, Any]:
    """Returns how often the judge sees the label that was asked for, in all and for the label with least of it."""
    classes = np.unique(y)
    each = [judge.features.score(images[y == label], y[y == label]) for label in classes]
    worst = int(np.argmin(each))
    found = {
        "model": model,
        "sampler": sampler,
        "seed": judge.protocol.seed,
        "agreement": round(judge.features.score(images, y), 4),
        "lowest": round(each[worst], 4),
        "lowest_label": int(classes[worst]),
        "frechet": round(frechet_distance(judge.features(images), judge.real), 4),
        "cpu_seconds": round(seconds, 1),
    }
    print(found, flush=True)
    return found


def measure(judge: Judge, name: str, samplers: list[str]) -> list[dict[str, Any]]:
    """Fits one model, then every sampler to the codes of each label, and draws as many of each label."""
    data, protocol = load("fashion-mnist"), judge.protocol
    order = np.random.default_rng(protocol.seed).permutation(len(data.x_train))[: protocol.train]
    labels, asked = data.y_train[order], np.repeat(np.unique(data.y_train), protocol.samples // 10)
    start = time.process_time()
    model = models(protocol)[name].fit(judge.train)
    seconds = time.process_time() - start
    rows = [row(judge, name, "reconstructions", model.reconstruct(judge.test), data.y_test[: protocol.test], seconds)]
    for sampler in samplers:
        start = time.process_time()
        generator = Generator(model, sampler, random_state=protocol.seed).fit(judge.train, labels)
        images = generator.sample(len(asked), y=asked, random_state=protocol.seed)
        rows.append(row(judge, name, sampler, images, asked, time.process_time() - start))
    return rows


def keep(rows: list[dict[str, Any]]) -> None:
    """Writes rows beside the others, or in their place."""
    fresh = {(r["model"], r["sampler"]): r for r in conditioned()} | {(r["model"], r["sampler"]): r for r in rows}
    written = RESULTS.with_suffix(".tmp")
    with written.open("w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(fresh.values())
    os.replace(written, RESULTS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(MODELS), help="models, separated by commas")
    parser.add_argument("--samplers", default=",".join(s.split(":")[0] for s in SAMPLERS), help="separated by commas")
    options = parser.parse_args()
    judge = Judge(Protocol())
    test = load("fashion-mnist").y_test
    keep([row(judge, "", "test images", judge.test, test, 0.0)])
    chosen = [sampler for sampler in SAMPLERS if sampler.split(":")[0] in options.samplers.split(",")]
    for name in options.only.split(","):
        keep(measure(judge, name, chosen))
    write_page(read())


if __name__ == "__main__":
    main()
