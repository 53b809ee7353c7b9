"""The representations that are compared, and what making them costs."""

from __future__ import annotations

import math
import resource
import time
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from sklearn.decomposition import PCA
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

import latente
from latente.bottlenecks import Gaussian

EPOCHS = 5
Array = np.ndarray[Any, Any]


class Encoder(Protocol):
    """What has fit and transform."""

    def fit(self, X: Array) -> Any: ...

    def transform(self, X: Array) -> Array: ...


@dataclass(frozen=True)
class Representation:
    """Features of the training and the test images, and what they cost.

    Attributes:
        train, test: (n, k) float32.
        fit_cpu_s: CPU seconds of fitting.
        fit_mib: by how much fitting raised the process's peak memory above what it held before.
        transform_ms: CPU milliseconds for 1,000 images, from the test images.
        parameters: numbers that the encoder keeps.
    """

    train: Array
    test: Array
    fit_cpu_s: float = 0.0
    fit_mib: float = 0.0
    transform_ms: float = 0.0
    parameters: int = 0


def deform(x: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Turns each image by up to 15 degrees, scales it by up to 15% and shifts it by up to 2 pixels, each at random.

    Args:
        x: (batch, channels, h, w).
        generator: of the random numbers.
    """
    turn, grow, *shifts = (2 * torch.rand(4, len(x), generator=generator, device=x.device) - 1).unbind()
    angle, scale = turn * math.radians(15), 1 + 0.15 * grow
    across, down = (
        4 / side * shift for side, shift in zip(x.shape[:1:-1], shifts, strict=True)
    )  # borders are at -1, 1
    first = torch.stack([scale * angle.cos(), -scale * angle.sin(), across], 1)
    second = torch.stack([scale * angle.sin(), scale * angle.cos(), down], 1)
    grid = affine_grid(torch.stack([first, second], 1), list(x.shape), align_corners=False)
    return grid_sample(x, grid, align_corners=False)


def deform_and_add_noise(x: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Deforms (batch, channels, h, w), then adds the noise that DenoisingAutoencoder comes with."""
    return deform(x, generator) + 0.3 * torch.randn(x.shape, generator=generator, device=x.device)


def maker(kind: str, k: int, seed: int, epochs: int | str = EPOCHS) -> latente.Autoencoder:
    """Returns an autoencoder, not fitted: the defaults of its kind but for the epochs.

    Args:
        kind: one of KINDS.
        k: the size of the code.
        seed: decides everything random.
        epochs: for all kinds the same, but for those that have their own.
    """
    estimator, settings = KINDS[kind]
    settings = {"trainer": latente.Trainer(epochs=epochs, verbose=False), "random_state": seed} | settings
    return estimator(k, **settings)


KINDS: dict[str, tuple[type[latente.Autoencoder], dict[str, Any]]] = {
    "convolutional": (latente.ConvolutionalAutoencoder, {}),
    "denoising": (latente.DenoisingAutoencoder, {}),
    "variational": (latente.VariationalAutoencoder, {}),
    "stacked": (latente.StackedAutoencoder, {}),
    "denoising-default": (latente.DenoisingAutoencoder, {"trainer": latente.Trainer(verbose=False)}),  # its own epochs
    "convolutional-deformed": (latente.ConvolutionalAutoencoder, {"corruption": deform_and_add_noise}),
    "denoising-deformed": (latente.DenoisingAutoencoder, {"corruption": deform_and_add_noise}),
    "variational-deformed": (
        latente.Autoencoder,
        {"corruption": deform_and_add_noise, "bottleneck": Gaussian(1, 0, 0.1)},
    ),
    "stacked-deformed": (latente.StackedAutoencoder, {"corruption": deform_and_add_noise}),
}


class FlatPCA:
    """PCA of flattened images in [0, 1], not whitened, each component in units of the pixels."""

    def __init__(self, k: int) -> None:
        self.pca = PCA(k, svd_solver="covariance_eigh")

    def fit(self, X: Array) -> FlatPCA:
        self.pca.fit(flat(X))
        return self

    def transform(self, X: Array) -> Array:
        return np.asarray(self.pca.transform(flat(X)))


def flat(images: Array) -> Array:
    """(n, h, w) uint8 -> (n, h w) float32 in [0, 1]."""
    return images.reshape(len(images), -1).astype(np.float32) / 255


def represent(kind: str, k: int, seed: int, train: Array, test: Array) -> Representation:
    """Fits an encoder on the training images and returns both sets' features.

    Args:
        kind: "pixels", "pca", or one of KINDS.
        k: the size of the code.
        seed: decides everything random.
        train: (n, h, w) uint8.
        test: (m, h, w) uint8.
    """
    if kind == "pixels":
        return Representation(flat(train), flat(test))
    encoder: Encoder = FlatPCA(k) if kind == "pca" else maker(kind, k, seed)
    encoder.fit(train[:256]) if kind == "pca" else None  # libraries load before the clock starts
    before, cpu = peak_mib(now=True), time.process_time()
    encoder.fit(train)
    cpu = time.process_time() - cpu
    mib = peak_mib() - before
    codes = encoder.transform(train)
    start = time.process_time()
    test_codes = encoder.transform(test)
    spent = time.process_time() - start
    return Representation(codes, test_codes, cpu, mib, 1e6 * spent / len(test), parameters(encoder))


def parameters(encoder: Any) -> int:
    """How many numbers encoding needs."""
    if isinstance(encoder, FlatPCA):
        return int(encoder.pca.components_.size + encoder.pca.mean_.size)
    return sum(p.numel() for p in encoder.module_.encoder.parameters())


def peak_mib(now: bool = False) -> float:
    """The largest memory that this process has held so far, or what it holds now, in MiB."""
    if not now:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20
