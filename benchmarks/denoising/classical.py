"""Classical methods on MNIST and Fashion-MNIST, in an environment with numpy, scipy and scikit-image.

    LATENTE_DATA=... OMP_NUM_THREADS=1 /path/to/classical/bin/python benchmarks/denoising/classical.py

Every method's parameter is the best of a few on 20 training images with the same noise: chosen with the clean images,
which a user would not have. The linear denoiser is a ridge regression from 784 noisy to 784 clean pixels on two noisy
copies of 30,000 training images.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from protocol import FEW, NOISES, SETS, Images, idx, mean_psnr, noised, scores, test_pair
from results import keep
from scipy.ndimage import median_filter
from skimage.restoration import denoise_nl_means, denoise_tv_chambolle

RIDGES = (1e-1, 1e0, 1e1, 1e2, 1e3)


def medians(noisy: Images, size: int) -> Images:
    return np.stack([median_filter(image, size) for image in noisy])


def variations(noisy: Images, weight: float) -> Images:
    return np.stack([denoise_tv_chambolle(image, weight=weight) for image in noisy])


def local_means(noisy: Images, sigma: float, h: float, patch: int, told: bool) -> Images:
    settings: dict[str, Any] = {"patch_size": patch, "patch_distance": 11, "fast_mode": True}
    settings["sigma"] = sigma if told else 0.0
    return np.stack([denoise_nl_means(image, h=h * sigma, **settings) for image in noisy])


def methods(noise: str) -> dict[str, list[tuple[str, Callable[[Images], Images]]]]:
    """The methods and, for each, the settings to choose from."""
    level = float(noise.split(":")[1])
    found: dict[str, list[tuple[str, Callable[[Images], Images]]]] = {
        "median": [(f"size={size}", lambda x, size=size: medians(x, size)) for size in (3, 5)],
        "tv": [(f"weight={w}", lambda x, w=w: variations(x, w)) for w in (0.02, 0.05, 0.1, 0.2, 0.35, 0.5)],
    }
    if noise.startswith("gaussian"):
        found["nlm"] = [
            (
                f"h={h} sigma, patch={patch}, {'sigma told' if told else 'sigma not told'}",
                lambda x, h=h, patch=patch, told=told: local_means(x, level, h, patch, told),
            )
            for h in (0.2, 0.3, 0.4, 0.55, 0.7, 0.85, 1.0)
            for patch in (3, 5)
            for told in (True, False)
        ]
    return found


def classical(name: str, noise: str) -> list[dict[str, Any]]:
    """Rows of one noise: what comes in, and what each method makes of the first 100 test images."""
    clean, noisy = test_pair(name, noise)
    some = idx(name, "train")[:20]
    trial = noised(some, noise, np.random.default_rng(1))
    base = {"study": "images", "data": name, "noise": noise, "seed": 0}
    rows = [base | {"method": "noisy", "samples": FEW} | scores(clean, noisy)]
    for method, settings in methods(noise).items():
        setting, function = max(settings, key=lambda pair: mean_psnr(some, pair[1](trial)))
        start = time.process_time()
        restored = function(noisy[:FEW])
        own = {"method": method, "samples": FEW, "setting": setting, "use_seconds": time.process_time() - start}
        rows.append(base | own | scores(clean[:FEW], restored))
    return rows


def linear(name: str, noise: str) -> dict[str, Any]:
    """The row of the ridge regression; its strength is chosen on 5,000 training images that it did not see."""
    clean, noisy = test_pair(name, noise)
    images = idx(name, "train")
    rng, start = np.random.default_rng(2), time.process_time()
    target = np.concatenate([images[:30_000]] * 2)
    x, y = _flat(noised(target, noise, rng)), target.reshape(len(target), -1).astype(np.float64)
    held, held_x = images[55_000:], _flat(noised(images[55_000:], noise, rng))
    products, both = x.T @ x, x.T @ y
    maps = {ridge: np.linalg.solve(products + ridge * np.eye(len(products)), both) for ridge in RIDGES}
    best = max(RIDGES, key=lambda ridge: mean_psnr(held, _image(held_x @ maps[ridge])))
    seconds = time.process_time() - start
    restored = _image(_flat(noisy) @ maps[best])
    own = {"method": "linear", "setting": f"ridge={best:g}", "train_seconds": seconds, "samples": len(clean)}
    return {"study": "images", "data": name, "noise": noise, "seed": 0} | own | scores(clean, restored)


def _flat(images: Images) -> np.ndarray:
    flat = images.reshape(len(images), -1).astype(np.float64)
    return np.concatenate([flat, np.ones((len(flat), 1))], axis=1)


def _image(rows: np.ndarray) -> Images:
    return rows.reshape(-1, 28, 28).clip(0, 1).astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help='"SET NOISE" contains this')
    options = parser.parse_args()
    for name in SETS:
        for noise in NOISES:
            if options.only in f"{name} {noise}":
                keep([*classical(name, noise), linear(name, noise)])


if __name__ == "__main__":
    main()
