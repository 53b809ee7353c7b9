"""How good samples are: every kind of autoencoder with every sampler, on Fashion-MNIST.

    LATENTE_DATA=... OMP_NUM_THREADS=1 python benchmarks/generation/run.py --peers-python /path/to/peers/bin/python
    python benchmarks/generation/run.py --only wae      # models whose name contains "wae"; other rows stay
    python benchmarks/generation/run.py --quick         # small; writes nothing
    python benchmarks/generation/run.py --table         # only writes docs/benchmarks-generation.md from the CSV

The protocol is in README.md. Rows that are in the CSV already (same library, model and sampler) are replaced.
"""

from __future__ import annotations

import argparse
import csv
import platform
import subprocess
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from page import write_page

import latente
from latente.datasets import load
from latente.generation import ClassifierFeatures, GenerationScores, Generator, generation_scores
from latente.metrics import frechet_distance, memorization
from latente.networks import MLP, Conv

HERE = Path(__file__).parent
RESULTS = HERE / "results.csv"
PEER_MODELS = ("ae", "vae-bernoulli", "vae-squared", "wae", "rae")
SAMPLERS = ("gaussian", "mixture:10", "kde", "flow", "second_stage")
FIELDS = [
    "library", "model", "sampler", "seed", "mse", "frechet", "density", "coverage", "precision", "recall",
    "near_copies", "fit_seconds", "sampler_seconds",
]  # fmt: skip


@dataclass(frozen=True)
class Protocol:
    """What is compared: images to train on, to judge against, epochs, samples, samples for the neighbour figures."""

    train: int = 20_000
    test: int = 10_000
    epochs: int = 10
    samples: int = 10_000
    neighbours: int = 5_000
    seed: int = 0


QUICK = Protocol(train=1000, test=500, epochs=2, samples=500, neighbours=300)


def models(protocol: Protocol) -> dict[str, latente.Autoencoder]:
    """The models by name, not fitted: one hidden layer of 512, a code of 16."""
    trainer = latente.Trainer(epochs=protocol.epochs, batch_size=64, learning_rate=2e-3, weight_decay=0, verbose=False)
    common: dict[str, Any] = {"network": MLP((512,)), "trainer": trainer, "random_state": protocol.seed}
    return {
        "ae": latente.Autoencoder(16, **common),
        "vae": latente.VariationalAutoencoder(16, **common),
        "vae-bernoulli": latente.VariationalAutoencoder(16, distortion="bernoulli", **common),
        "wae": latente.Autoencoder(16, objective="wasserstein", **common),
        "rae": latente.Autoencoder(16, objective="rae", **common),
        **convolutional(protocol),
    }


def convolutional(protocol: Protocol) -> dict[str, latente.Autoencoder]:
    """What latente can do with a convolutional network and its own number of epochs, on the same images."""
    epochs = protocol.epochs if protocol == QUICK else "auto"
    trainer = latente.Trainer(epochs=epochs, batch_size=64, weight_decay=0, verbose=False)
    common: dict[str, Any] = {"trainer": trainer, "random_state": protocol.seed}
    return {
        "conv": latente.ConvolutionalAutoencoder(16, **common),
        "conv-vae": latente.VariationalAutoencoder(16, network=Conv(), **common),
    }


class Judge:
    """Holds samples against the test images, in the features of one classifier of the training images."""

    def __init__(self, protocol: Protocol) -> None:
        data = load("fashion-mnist")
        order = np.random.default_rng(protocol.seed).permutation(len(data.x_train))
        self.protocol = protocol
        self.train, self.test = data.x_train[order[: protocol.train]], data.x_test[: protocol.test]
        labels = data.y_train[order[: protocol.train]]
        self.features = ClassifierFeatures(64, random_state=protocol.seed).fit(self.train, labels)
        self.accuracy = self.features.score(self.test, data.y_test[: protocol.test])
        self.real, self.known = self.features(self.test), self.features(self.train)

    def scores(self, points: np.ndarray) -> GenerationScores:
        """Scores of points (n, 64): all for the Fréchet distance, fewer for what needs neighbours."""
        few = self.protocol.neighbours
        scores = generation_scores(points[:few], self.real[:few])
        return replace(scores, frechet=frechet_distance(points, self.real))

    def row(self, library: str, model: str, sampler: str, images: np.ndarray, **own: Any) -> dict[str, Any]:
        points = self.features(images)
        few = self.protocol.neighbours
        copies = memorization(points[:few], self.known, self.real[:few]).near_copies
        row = {"library": library, "model": model, "sampler": sampler, "seed": self.protocol.seed}
        row |= asdict(self.scores(points)) | {"near_copies": copies} | own
        row = {name: round(value, 4) if isinstance(value, float) else value for name, value in row.items()}
        print(row, flush=True)
        return row


def floor(judge: Judge) -> dict[str, Any]:
    """Training images against test images."""
    return judge.row("", "training images", "", judge.train[: judge.protocol.samples])


def normal_codes(model: latente.Autoencoder, n: int) -> np.ndarray:
    """Decoded draws of N(0, I), whether or not the model has that prior."""
    return model.inverse_transform(np.random.default_rng(0).standard_normal((n, 16)).astype(np.float32))


def measure(
    judge: Judge, name: str, model: latente.Autoencoder, samplers: tuple[str, ...] = SAMPLERS
) -> list[dict[str, Any]]:
    """Fits one model, then every sampler to its codes."""
    protocol, start = judge.protocol, time.process_time()
    model.fit(judge.train)
    seconds = time.process_time() - start
    rebuilt = model.reconstruct(judge.test)
    mse = float(np.square((judge.test.astype(float) - rebuilt) / 255).mean())
    rows = [judge.row("latente", name, "reconstructions", rebuilt, mse=mse, fit_seconds=seconds)]
    rows.append(judge.row("latente", name, "N(0,I)", normal_codes(model, protocol.samples)))
    for sampler in samplers:
        start = time.process_time()
        generator = Generator(model, sampler, random_state=protocol.seed).fit(judge.train)
        images = generator.sample(protocol.samples, random_state=protocol.seed)
        rows.append(judge.row("latente", name, sampler, images, sampler_seconds=time.process_time() - start))
    return rows


def peer(judge: Judge, python: str, name: str) -> list[dict[str, Any]]:
    """One of pythae's models with its samplers, in its own environment; it hands over arrays of bytes."""
    with tempfile.TemporaryDirectory() as folder:
        np.save(f"{folder}/train.npy", judge.train)
        np.save(f"{folder}/test.npy", judge.test)
        command = [python, str(HERE / "peer.py"), folder, name]
        numbers = (judge.protocol.epochs, judge.protocol.samples, judge.protocol.seed)
        done = subprocess.run([*command, *map(str, numbers)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"pythae, {name}: {done.stderr[-2000:]}")
        with np.load(f"{folder}/samples.npz") as file:
            found = dict(file)
    own = {"mse": float(found["mse"]), "fit_seconds": float(found["seconds"])}
    return [
        judge.row("pythae", name, "reconstructions", found["rebuilt"], **own),
        judge.row("pythae", name, "N(0,I)", found["normal"]),
        judge.row("pythae", name, "mixture:10", found["mixture"]),
    ]


def read() -> list[dict[str, Any]]:
    if not RESULTS.exists():
        return []
    with RESULTS.open(newline="") as file:
        return list(csv.DictReader(file))


def keep(rows: list[dict[str, Any]]) -> None:
    """Writes rows beside the others."""

    def key(row: dict[str, Any]) -> tuple[str, str, str]:
        return row["library"], row["model"], row["sampler"]

    fresh = {key(row) for row in rows}
    with_old = [row for row in read() if key(row) not in fresh] + rows
    with RESULTS.open("w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(with_old)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="models whose name contains this")
    parser.add_argument("--samplers", default="gaussian,mixture,kde,flow,second_stage", help="separated by commas")
    parser.add_argument(
        "--peers-python", default="", help="an interpreter that has pythae; without it there are no peers"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="small, writes nothing")
    parser.add_argument("--table", action="store_true", help="only write the page")
    options = parser.parse_args()
    if not options.table:
        protocol = replace(QUICK if options.quick else Protocol(), seed=options.seed)
        judge = Judge(protocol)
        print(f"classifier: accuracy {judge.accuracy:.4f} on the test images; {platform.machine()}", flush=True)
        jobs = [lambda: [floor(judge)]]
        chosen = {name: model for name, model in models(protocol).items() if options.only in name}
        samplers = tuple(sampler for sampler in SAMPLERS if sampler.split(":")[0] in options.samplers.split(","))
        jobs += [lambda name=name, model=model: measure(judge, name, model, samplers) for name, model in chosen.items()]
        named = [name for name in PEER_MODELS if options.only in name and options.peers_python]
        jobs += [lambda name=name: peer(judge, options.peers_python, name) for name in named]
        for job in jobs:
            rows = job()
            if not options.quick:
                keep(rows)
    if not options.quick:
        write_page(read())


if __name__ == "__main__":
    main()
