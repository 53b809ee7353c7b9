"""The representations that are compared, and what making them costs."""

from __future__ import annotations

import resource
import time
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from sklearn.decomposition import PCA
from torch import Tensor

import latente

EPOCHS = 10
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


def jitter(x: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Shifts each image of (batch, channels, h, w) by up to two pixels each way, and adds noise of 0.3."""
    shifts = torch.randint(-2, 3, (len(x), 2), generator=generator, device=x.device)
    h, w = x.shape[-2:]
    rows = (torch.arange(h, device=x.device) - shifts[:, :1]).clamp(0, h - 1)
    columns = (torch.arange(w, device=x.device) - shifts[:, 1:]).clamp(0, w - 1)
    moved = x[torch.arange(len(x))[:, None, None], :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
    return moved + 0.3 * torch.randn(x.shape, generator=generator, device=x.device)


def maker(kind: str, k: int, seed: int, epochs: int | str = EPOCHS) -> latente.Autoencoder:
    """Returns an autoencoder, not fitted: the defaults of its kind, epochs apart.

    Args:
        kind: one of KINDS.
        k: the size of the code.
        seed: decides everything random.
        epochs: for all kinds the same.
    """
    estimator, settings = KINDS[kind]
    return estimator(k, trainer=latente.Trainer(epochs=epochs, verbose=False), random_state=seed, **settings)


KINDS: dict[str, tuple[type[latente.Autoencoder], dict[str, Any]]] = {
    "convolutional": (latente.ConvolutionalAutoencoder, {}),
    "denoising": (latente.DenoisingAutoencoder, {}),
    "variational": (latente.VariationalAutoencoder, {}),
    "stacked": (latente.StackedAutoencoder, {}),
    "plain": (latente.Autoencoder, {}),
    "jittered": (latente.DenoisingAutoencoder, {"corruption": jitter}),
    "jittered-conv": (latente.ConvolutionalAutoencoder, {"corruption": jitter}),
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
