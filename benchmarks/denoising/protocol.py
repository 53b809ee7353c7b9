"""What every script of this benchmark shares: data, noise, measures. Needs numpy and scipy only.

latente and the classical methods run in environments of their own, on the same noise.
"""

from __future__ import annotations

__all__ = [
    "LEVELS", "NOISES", "SETS", "idx", "mean_psnr", "mean_ssim", "noised", "psnr", "scores", "snr", "ssim", "test_pair",
    "with_snr",
]  # fmt: skip

import gzip
import os
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

SETS = ("mnist", "fashion-mnist")
LEVELS = {"gaussian": (0.1, 0.25, 0.5), "salt_and_pepper": (0.1, 0.25, 0.5), "masking": (0.25, 0.5)}
NOISES = tuple(f"{family}:{level}" for family, levels in LEVELS.items() for level in levels)
FEW = 100  # the first test images, as the anchors' protocol has it
Images = NDArray[np.float32]


def root() -> Path:
    """The folder of the real data."""
    return Path(os.environ["LATENTE_DATA"])


def idx(name: str, part: str) -> Images:
    """Returns images (n, 28, 28) in [0, 1] of a data set; part is "train" or "t10k"."""
    data = gzip.decompress((root() / name / f"{part}-images-idx3-ubyte.gz").read_bytes())
    return np.frombuffer(data, np.uint8, offset=16).reshape(-1, 28, 28).astype(np.float32) / 255


def noised(images: Images, noise: str, rng: np.random.Generator, *, clip: bool = True) -> Images:
    """Returns the images with noise, e.g. "gaussian:0.25"; Gaussian noise is clipped to [0, 1] on request."""
    family, level = noise.split(":")
    amount = float(level)
    if family == "gaussian":
        noisy = images + rng.normal(scale=amount, size=images.shape).astype(np.float32)
        return noisy.clip(0, 1) if clip else noisy
    u = rng.random(images.shape, dtype=np.float32)
    if family == "masking":
        return np.where(u < amount, np.float32(0), images)
    return np.where(u < amount / 2, np.float32(0), np.where(u < amount, np.float32(1), images))


def test_pair(name: str, noise: str) -> tuple[Images, Images]:
    """Returns all 10,000 test images, clean and noisy; the noise depends on the names alone."""
    clean = idx(name, "t10k")
    return clean, noised(clean, noise, np.random.default_rng(zlib.crc32(f"{name} {noise}".encode())))


def psnr(clean: Images, restored: Images) -> NDArray[np.float64]:
    """Returns (n,): 10 log10(1 / MSE) of each image in [0, 1]."""
    error = np.square(clean.astype(np.float64) - restored).reshape(len(clean), -1).mean(1)
    return -10 * np.log10(error)


def ssim(clean: Images, restored: Images) -> NDArray[np.float64]:
    """Returns (n,): the structural similarity of images (n, h, w) in [0, 1], Gaussian window of 1.5 pixels.

    As skimage.metrics.structural_similarity(gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
    data_range=1), whose five border pixels are left out too. Source: Wang, Bovik, Sheikh, Simoncelli (2004).
    """
    x, y = clean.astype(np.float64), restored.astype(np.float64)

    def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return gaussian_filter(values, (0, 1.5, 1.5), truncate=3.5)

    mx, my = mean(x), mean(y)
    vx, vy, vxy = mean(x * x) - mx * mx, mean(y * y) - my * my, mean(x * y) - mx * my
    c1, c2 = 0.01**2, 0.03**2
    values = (2 * mx * my + c1) * (2 * vxy + c2) / ((mx * mx + my * my + c1) * (vx + vy + c2))
    return values[:, 5:-5, 5:-5].mean((1, 2))


def mean_psnr(clean: Images, restored: Images) -> float:
    """The mean of the images' PSNR, in dB."""
    return float(psnr(clean, restored).mean())


def mean_ssim(clean: Images, restored: Images) -> float:
    """The mean of the images' SSIM."""
    return float(ssim(clean, restored).mean())


def scores(clean: Images, restored: Images) -> dict[str, float]:
    """Returns psnr and ssim of the first 100 images and, where there are more, psnr_all, ssim_all and mse of all."""
    found = {"psnr": mean_psnr(clean[:FEW], restored[:FEW]), "ssim": mean_ssim(clean[:FEW], restored[:FEW])}
    if len(restored) > FEW:
        found |= {"psnr_all": mean_psnr(clean, restored), "ssim_all": mean_ssim(clean, restored)}
        found |= {"mse": float(np.square(clean - restored).mean())}
    return found


def snr(clean: NDArray[np.float64], restored: NDArray[np.float64]) -> float:
    """Returns 10 log10(variance of the clean signal / MSE) in dB; over all channels, each counted alike."""
    error = np.square(restored - clean).mean(0) / clean.var(0)
    return float(-10 * np.log10(error.mean()))


def with_snr(clean: NDArray[np.float64], level: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Returns a signal (length,) or (length, channels) with white noise at `level` dB below each channel's power."""
    return clean + rng.normal(size=clean.shape) * clean.std(0) * 10 ** (-level / 20)
