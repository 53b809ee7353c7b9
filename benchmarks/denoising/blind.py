"""How the levels of a blind Denoiser are weighed and drawn, and in which steps it is trained, on training images alone.

    LATENTE_DATA=... OMP_NUM_THREADS=1 python benchmarks/denoising/blind.py
    python benchmarks/denoising/blind.py --only "exponent=0.5"

Each candidate is trained once through the first 24,000 training images of Fashion-MNIST, Gaussian noise of 0.05 to
0.55, and restores training images 58,000 to 60,000 at three levels. Samples weigh (floor / (floor + e)) ** exponent, e
the mean square of the noise that a sample got; levels are drawn evenly in sigma ** even. Prints one line for each.
"""

from __future__ import annotations

import argparse
import re
import time
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from learned import RANGES, corruption
from protocol import LEVELS, idx, mean_psnr, noised
from torch import Tensor

import latente
from latente.corruptions import noise
from latente.denoising import Denoiser, denoiser
from latente.denoising.restoration import Restoration
from latente.objectives import Batch, Losses, Progress

DATA, FAMILY, IMAGES, HELD_OUT = "fashion-mnist", "gaussian", 24_000, 58_000
USUAL = {"exponent": 1.0, "floor": 0.02, "even": 1.0, "batch_size": "auto", "learning_rate": "auto"}
CANDIDATES: tuple[dict[str, Any], ...] = (
    {"exponent": 0.5},
    {"exponent": 1.0},
    {"floor": 0.01},
    {"even": 0.5},
    {"learning_rate": 5e-3},
    {"batch_size": 8},
)


class Weighed(Restoration, name="benchmark-weighed"):
    """A Restoration whose weights have an exponent of their own."""

    exponent = 1.0

    def __call__(self, module: Any, batch: Batch, progress: Progress) -> Losses:
        noisy = self.noise(batch.x, module.generator, module.bounds)
        loss = (module(noisy).float() - batch.target).square().flatten(1).sum(1)
        energy = (noisy - batch.target).square().flatten(1).mean(1)
        loss = loss * (self.floor / (self.floor + energy)) ** self.exponent
        return Losses(loss, loss, torch.zeros_like(loss), torch.zeros_like(loss))


def drawn(even: float) -> Any:
    """Returns what draws a level for each sample, evenly in its power."""

    def level_of(levels: tuple[float, float], x: Tensor, generator: torch.Generator | None) -> Tensor:
        low, high = (level**even for level in levels)
        u = torch.rand((len(x),) + (1,) * (x.ndim - 1), generator=generator, device=x.device)
        return (low + (high - low) * u) ** (1 / even)

    return level_of


def measure(changed: dict[str, Any]) -> tuple[list[float], float]:
    """Trains a candidate; returns the PSNR of held-out images at each level, and the CPU seconds."""
    own = USUAL | changed
    settings = {name: own[name] for name in ("batch_size", "learning_rate")}
    trainer = latente.Trainer(epochs=1, threads=1, verbose=False, **settings)
    model = Denoiser(corruption(FAMILY, RANGES[FAMILY]), kind="image", trainer=trainer, random_state=0)
    images = idx(DATA, "train")
    start = time.process_time()
    with (
        patch.object(Weighed, "exponent", own["exponent"]),
        patch.object(denoiser, "Restoration", Weighed),
        patch.object(denoiser, "FLOOR", own["floor"] / denoiser.UNIT),
        patch.object(noise, "level_of", drawn(own["even"])),
    ):
        model.fit(images[:IMAGES])
    seconds, clean = time.process_time() - start, images[HELD_OUT:]
    pairs = [noised(clean, f"{FAMILY}:{level}", np.random.default_rng(7)) for level in LEVELS[FAMILY]]
    return [mean_psnr(clean, model.transform(noisy)) for noisy in pairs], seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="candidates whose name matches this regular expression")
    options = parser.parse_args()
    for changed in CANDIDATES:
        name = ", ".join(f"{key}={value:g}" for key, value in changed.items())
        if re.search(options.only, name):
            found, seconds = measure(changed)
            print(name, *(f"{value:.2f}" for value in found), f"{seconds:.0f} CPU s", flush=True)


if __name__ == "__main__":
    main()
