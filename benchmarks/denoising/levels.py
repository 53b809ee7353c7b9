"""What Noise2Self estimates of the noise's level, and what using the estimate gains or costs.

    LATENTE_DATA=... OMP_NUM_THREADS=1 python benchmarks/denoising/levels.py
    python benchmarks/denoising/levels.py --only "photos poisson"

A Denoiser with way="noise2self" is trained once through 3,000 noisy training images, or 700 patches of 64 x 64 of the
grey photographs of photos_train, and restores the first 100 of them: with its estimate, with sigma=None, and in one
pass. Gaussian noise is not clipped; "clipped" is, "bytes" is clipped and rounded to bytes; "poisson" has that many
photons at white, "offset poisson" has a fifth of that many at black; "speckle" multiplies. Rows of levels.csv are
replaced as they come.
"""

from __future__ import annotations

import argparse
import csv
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from protocol import Images, idx, root
from results import write

import latente
from latente.denoising import Denoiser

RESULTS = Path(__file__).with_name("levels.csv")
FIELDS = (
    "data",
    "noise",
    "true",
    "estimate",
    "mse_noisy",
    "mse_estimate",
    "mse_without",
    "mse_one_pass",
    "cpu_seconds",
)
ONE_PASS = ("mse_one_pass", "auto", False)
SAMPLES, PATCHES, RESTORED = 3_000, 700, 100
JOBS = (
    "mnist gaussian:0.1", "mnist gaussian:0.2", "mnist gaussian:0.4", "mnist gaussian:0.6",
    "fashion-mnist gaussian:0.1", "fashion-mnist gaussian:0.2", "fashion-mnist gaussian:0.4",
    "fashion-mnist gaussian:0.6", "photos gaussian:0.05",
    "photos gaussian:0.1", "photos gaussian:0.2", "photos gaussian:0.4", "mnist salt_and_pepper:0.25",
    "fashion-mnist salt_and_pepper:0.33", "photos salt_and_pepper:0.1", "mnist poisson:30", "mnist offset_poisson:20",
    "fashion-mnist poisson:20", "photos poisson:30", "mnist clipped:0.4", "photos bytes:0.1", "photos speckle:0.3",
)  # fmt: skip


def photographs() -> Images:
    """Returns patches (n, 64, 64) in [0, 1]."""
    parts = []
    for path in sorted((root() / "photos_train").glob("*.webp")):
        grey = np.asarray(Image.open(path).convert("L"), np.float32) / 255
        height, width = (length // 64 for length in grey.shape)
        tiles = grey[: height * 64, : width * 64].reshape(height, 64, width, 64).swapaxes(1, 2)
        parts.append(tiles.reshape(-1, 64, 64))
    patches = np.concatenate(parts)
    return patches[np.random.default_rng(0).permutation(len(patches))[:PATCHES]]


def noised(clean: Images, kind: str, level: float, rng: np.random.Generator) -> np.ndarray:
    """Returns the images with noise; "bytes" as bytes."""
    if kind == "salt_and_pepper":
        u = rng.random(clean.shape)
        return np.where(u < level / 2, 0, np.where(u < level, 1, clean)).astype(np.float32)
    if kind.endswith("poisson"):
        black = 0.2 if kind.startswith("offset") else 0.0
        return (rng.poisson((clean + black) * level) / level - black).astype(np.float32)
    noise = rng.normal(scale=level, size=clean.shape)
    noisy = (clean * (1 + noise) if kind == "speckle" else clean + noise).astype(np.float32)
    if kind in ("clipped", "bytes"):
        noisy = noisy.clip(0, 1)
    return np.rint(255 * noisy).astype(np.uint8) if kind == "bytes" else noisy


def measure(name: str, noise: str) -> dict[str, Any]:
    """Trains on noisy images of one kind, and restores some; all figures are in units of images in [0, 1]."""
    kind, _, level = noise.partition(":")
    clean = photographs() if name == "photos" else idx(name, "train")[:SAMPLES]
    noisy = noised(clean, kind, float(level), np.random.default_rng(1))
    unit = 255 if noisy.dtype == np.uint8 else 1
    start = time.process_time()
    trainer = latente.Trainer(epochs=1, threads=1, verbose=False)
    model = Denoiser(way="noise2self", kind="image", trainer=trainer, random_state=0).fit(noisy)
    found = {"true": np.square(noisy / unit - clean).mean() ** 0.5, "cpu_seconds": time.process_time() - start}
    found["mse_noisy"] = np.square(noisy[:RESTORED] / unit - clean[:RESTORED]).mean()
    for column, sigma, hidden in (("mse_estimate", "auto", True), ("mse_without", None, True), ONE_PASS):
        restored = model.transform(noisy[:RESTORED], sigma=sigma, j_invariant=hidden) / unit
        found[column] = np.square(restored - clean[:RESTORED]).mean()
    row = {column: f"{value:.4g}" for column, value in found.items()}
    return {"data": name, "noise": noise} | row | {"estimate": f"{model.sigma_[0] / unit:.4g}" if model.sigma_ else ""}


def keep(row: dict[str, Any]) -> None:
    """Writes a row in place of an older one, in the order of JOBS."""
    rows = [row]
    if RESULTS.exists():
        with RESULTS.open(newline="") as file:
            rows += [old for old in csv.DictReader(file) if (old["data"], old["noise"]) != (row["data"], row["noise"])]
    rows.sort(key=lambda each: JOBS.index(f"{each['data']} {each['noise']}"))
    write(RESULTS, FIELDS, rows)
    print(row, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="jobs whose name begins like this")
    only = parser.parse_args().only
    for job in JOBS:
        if job.startswith(only):
            keep(measure(*job.split(" ")))


if __name__ == "__main__":
    main()
