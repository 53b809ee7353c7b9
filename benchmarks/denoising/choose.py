"""Which network and which steps the Denoiser has on small images, chosen on training images alone.

    LATENTE_DATA=... OMP_NUM_THREADS=1 python benchmarks/denoising/choose.py

Each candidate is trained once through the first 30,000 training images and restores training images 50,000 to 52,000.
The two noises are the hardest of Fashion-MNIST and of MNIST. Prints one line for each and writes choose.csv.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from learned import corruption
from protocol import idx, mean_psnr, noised
from results import write

import latente
from latente.denoising import Denoiser

RESULTS = Path(__file__).with_name("choose.csv")
NOISES = (("fashion-mnist", "gaussian", 0.5), ("mnist", "salt_and_pepper", 0.5))
TRAIN, HELD_OUT = slice(0, 30_000), slice(50_000, 52_000)
FIELDS = ("data", "noise", "fold", "width", "levels", "blocks", "batch_size", "learning_rate", "psnr", "cpu_seconds")
CANDIDATES: tuple[dict[str, Any], ...] = (
    {},
    {"fold": 2, "width": 32, "levels": 2},
    {"fold": 2, "width": 32},
    {"width": 24},
    {"levels": 2},
    {"blocks": 2},
    {"batch_size": 16},
    {"batch_size": 64},
    {"learning_rate": 2e-3},
    {"learning_rate": 1e-2},
)
USUAL = {"fold": 1, "width": 16, "levels": 3, "blocks": 1, "batch_size": 32, "learning_rate": 5e-3}  # the defaults


def measure(name: str, family: str, level: float, changed: dict[str, Any]) -> dict[str, Any]:
    """Trains a candidate and restores the held-out training images."""
    own = USUAL | changed
    settings = {"batch_size": own["batch_size"], "learning_rate": own["learning_rate"]}
    network = {key: own[key] for key in ("fold", "width", "levels", "blocks")}
    trainer = latente.Trainer(epochs=1, threads=1, verbose=False, **settings)
    images = idx(name, "train")
    clean = images[HELD_OUT]
    noisy = noised(clean, f"{family}:{level}", np.random.default_rng(7))
    start = time.process_time()
    model = Denoiser(corruption(family, level), kind="image", trainer=trainer, random_state=0, **network)
    model.fit(images[TRAIN])
    seconds = time.process_time() - start
    found = {"psnr": round(mean_psnr(clean, model.transform(noisy)), 2), "cpu_seconds": round(seconds)}
    return {"data": name, "noise": f"{family}:{level}"} | own | found


def main() -> None:
    rows: list[dict[str, Any]] = []
    for noise in NOISES:
        for changed in CANDIDATES:
            rows.append(measure(*noise, changed))
            print(rows[-1], flush=True)
            write(RESULTS, FIELDS, rows)


if __name__ == "__main__":
    main()
