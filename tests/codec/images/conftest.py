"""A picture, and a codec whose network is as it starts: the DCT and a context model that knows little."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from latente import Trainer
from latente.codec import ImageCodec
from latente.codec.images.exporting import export
from latente.codec.images.module import ImageModule


def painted(height: int, width: int) -> np.ndarray:
    """(height, width, 3) uint8: slopes, edges, a texture and noise."""
    i, j = np.mgrid[0:height, 0:width]
    rng = np.random.default_rng(height * 1000 + width)
    red = 120 + 60 * np.sin(i / 17) + 40 * ((j // 23) % 2)
    green = 90 + 0.4 * j + 30 * np.cos((i + j) / 5)
    blue = 200 - 0.5 * i + 20 * ((i - 40) ** 2 + (j - 60) ** 2 < 900)
    x = np.stack([red, green, blue], axis=2) + rng.normal(0, 4, (height, width, 3))
    return np.clip(np.rint(x), 0, 255).astype(np.uint8)


def tiny(n: int, seed: int = 5) -> np.ndarray:
    """(n, 9, 8) uint8: soft squares with noise."""
    rng = np.random.default_rng(seed)
    i, j = np.mgrid[0:9, 0:8]
    at = rng.uniform(2, 6, (n, 3, 1, 1))
    x = 255 / (1 + np.exp(np.maximum(abs(i - at[:, 0]), abs(j - at[:, 1])) - at[:, 2] / 2))
    return np.clip(np.rint(x + rng.normal(0, 5, x.shape)), 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def whole() -> ImageCodec:
    """Fitted to so many tiny pictures that each is coded as a whole; two clusters."""
    trainer = Trainer(epochs=2, batch_size=100, learning_rate=2e-3, compile=False, verbose=False, precision="float32")
    return ImageCodec(trainer=trainer, random_state=0).fit(tiny(3000))


@pytest.fixture(scope="session")
def module() -> ImageModule:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        made = ImageModule().eval()
    with torch.no_grad():
        made.synthesis.transform.change.normal_(0, 0.02, generator=torch.Generator().manual_seed(0))
    return made


@pytest.fixture(scope="session")
def picture() -> np.ndarray:
    return painted(120, 168)


@pytest.fixture(scope="session")
def codec(module, picture) -> ImageCodec:
    made = ImageCodec()
    made.model_ = export(module, [picture[None]], "tests-1")
    return made
