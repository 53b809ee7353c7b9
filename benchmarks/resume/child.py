"""One fit of the benchmark, in a process of its own that may be killed at any moment.

    python benchmarks/resume/child.py TASK FOLDER            # checkpoints in FOLDER/checkpoints, goes on from there
    torchrun --nproc-per-node 2 benchmarks/resume/child.py TASK FOLDER

At its end it writes FOLDER/result.json: a SHA-256 of all weights, and the history without its seconds.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path

import latente
from latente.bottlenecks import VQ
from latente.datasets import load
from latente.networks import MLP, Conv
from latente.training import Trainer, current_processes

SEED = 0


def images(n: int):
    return load("fashion-mnist-10k").x_train[:n]


def trainer(folder: Path, **settings) -> Trainer:
    kept = {"checkpoint": folder / "checkpoints", "checkpoint_every": 7, "verbose": False, "device": "cpu"}
    return Trainer(**settings, **kept, threads=1)


def vae(folder: Path):
    """Noise in every step, early stopping with the best weights of an epoch before."""
    training = trainer(folder, epochs=60, batch_size=64, patience=3, learning_rate=5e-3)
    return latente.VariationalAutoencoder(8, network=MLP((128,)), trainer=training, random_state=SEED), images(2000)


def denoising(folder: Path):
    """Random noise on the input, convolutions."""
    training = trainer(folder, epochs=4, batch_size=64)
    return latente.DenoisingAutoencoder(16, network=Conv((8, 16)), trainer=training, random_state=SEED), images(1000)


def quantised(folder: Path):
    """Codebooks in buffers; bfloat16."""
    training = trainer(folder, epochs=12, batch_size=64, precision="bfloat16", patience=5)
    parts = {"network": MLP((128,)), "bottleneck": VQ(32, 4), "trainer": training}
    return latente.Autoencoder(16, **parts, random_state=SEED), images(2000)


def stacked(folder: Path):
    """Three trainings of layers, then one of all."""
    training = trainer(folder, epochs=5, batch_size=64)
    return latente.StackedAutoencoder(8, hidden_features=(128, 32), trainer=training, random_state=SEED), images(2000)


TASKS = {task.__name__: task for task in (vae, denoising, quantised, stacked)}


def main() -> None:
    task, folder = TASKS[sys.argv[1]], Path(sys.argv[2])
    model, X = task(folder)
    model.fit(X, resume=True)
    digest = hashlib.sha256()
    for name, tensor in sorted(model.module_.state_dict().items()):
        digest.update(name.encode() + tensor.contiguous().numpy().tobytes())
    digests = current_processes().gather(digest.hexdigest())
    records = model.history_.to_dict()["records"]
    for record in records:
        del record["seconds"]
    found = {"weights": digests, "stopped": model.history_.stopped, "best": model.history_.best_epoch}
    if current_processes().first:
        part = folder / "result.part"
        part.write_text(json.dumps({**found, "records": records}))
        os.replace(part, folder / "result.json")


if __name__ == "__main__":
    main()
