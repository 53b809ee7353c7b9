"""`denoise(None, photo)`: one photograph in bytes, restored by a network that learns from that photograph alone.

    OMP_NUM_THREADS=1 python benchmarks/denoising/alone.py

The middle 128 x 128 grey pixels of scikit-learn's two photographs and the colours of the first at a quarter of its
size, with Gaussian noise of 25, clipped and rounded to bytes. The Gaussian filter's width is the best one for each
picture, which a user does not know. Rows of results.csv are replaced as they come.
"""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from results import keep
from scipy.ndimage import gaussian_filter
from sklearn.datasets import load_sample_image

from latente.denoising import Denoiser, UnknownLevelWarning
from latente.metrics import psnr

SIGMA, SIDE = 25, 128
WIDTHS = np.arange(0.3, 1.6, 0.1)
Picture = NDArray[np.uint8]


def pictures() -> dict[str, Picture]:
    """Returns clean pictures by name."""
    china, flower = (load_sample_image(f"{name}.jpg") for name in ("china", "flower"))
    return {
        "china, grey crop": np.rint(china[100 : 100 + SIDE, 200 : 200 + SIDE].mean(2)).astype(np.uint8),
        "flower, grey crop": np.rint(flower[100 : 100 + SIDE, 200 : 200 + SIDE].mean(2)).astype(np.uint8),
        "china, colour, a quarter": china[::4, ::4],
    }


def decibels(clean: Picture, restored: NDArray[Any]) -> float:
    return float(psnr(clean[None].astype(float), restored[None].astype(float), 255)[0])


def filtered(clean: Picture, noisy: Picture) -> float:
    """Returns the PSNR of the best Gaussian filter."""
    size = [(width, width) + (0,) * (clean.ndim - 2) for width in WIDTHS]
    return max(decibels(clean, gaussian_filter(noisy.astype(float), sigma)) for sigma in size)


def measured(name: str, clean: Picture) -> list[dict[str, Any]]:
    """Returns the rows of one picture."""
    noise = SIGMA * np.random.default_rng(0).normal(size=clean.shape)
    noisy = np.rint(clean + noise).clip(0, 255).astype(np.uint8)
    start = time.process_time()
    model = Denoiser(way="noise2self", kind="image", random_state=0).fit(noisy)  # what denoise(None, noisy) fits
    seconds = time.process_time() - start
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnknownLevelWarning)
        ways = {
            "denoise(None, photo)": model.transform(noisy),
            "j_invariant=False": model.transform(noisy, j_invariant=False),
            f"sigma={SIGMA}": model.transform(noisy, sigma=SIGMA),
        }
    level = "none" if model.sigma_ is None else ", ".join(f"{each:.1f}" for each in model.sigma_)
    base = {"study": "one photograph", "data": name, "noise": f"gaussian:{SIGMA} bytes", "seed": 0, "samples": 1}
    rows = [
        base | {"method": "noisy", "psnr": decibels(clean, noisy)},
        base | {"method": "Gaussian filter", "psnr": filtered(clean, noisy)},
    ]
    setting = f"level estimated as {level}"
    for method, restored in ways.items():
        own = {"method": method, "psnr": decibels(clean, restored), "train_seconds": seconds, "setting": setting}
        rows.append(base | own)
    return rows


def main() -> None:
    for name, clean in pictures().items():
        keep(measured(name, clean))


if __name__ == "__main__":
    main()
