"""From a trained module to the tensors of a model, and a model for the user's own pictures."""

from __future__ import annotations

__all__ = ["exported", "fit_lossless"]

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latente.codec.entropy.tokens import alphabet_size
from latente.codec.images.lossless.classes import LARGEST, OBSERVED, first_counts
from latente.codec.images.lossless.colour import from_rgb
from latente.codec.images.lossless.integers import tensors_of
from latente.codec.images.lossless.lattice import STEPS
from latente.codec.images.lossless.predictors import NetworkPredictor
from latente.codec.images.lossless.walk import Counter, walk

if TYPE_CHECKING:
    from latente.codec.images.lossless.network import LosslessModule
    from latente.training import Trainer

SURE = 200  # observations that a class's counts are worth at most
SURE_FITTED = 20_000  # the same, for pictures like those that were fitted
SEEN, MOST_EPOCHS = 120_000, 100  # pictures that training sees; times that it sees each
SPIKE = 0.05  # share of the pixels from which on a value is a spike
Pictures = NDArray[np.uint8]


def exported(module: LosslessModule, pictures: Pictures, sure: int = SURE) -> dict[str, NDArray[Any]]:
    """Returns the tensors that `NetworkPredictor` reads, with counts from pictures.

    Args:
        module: trained.
        pictures: (n, height, width, channels), like those it was trained on.
        sure: observations that a class's counts are worth at most.
    """
    size = (0, 0) if module.size is None else module.size
    spike = -1 if module.spike is None else module.spike
    tensors: dict[str, NDArray[Any]] = {
        "lossless.settings": np.array([module.colours, module.sets, spike, *size], np.int32),
        "lossless.counts": first_counts().astype(np.int32),
    }
    for i, network in enumerate(module.networks):
        tensors |= tensors_of(network, f"lossless.{i // len(STEPS)}.{i % len(STEPS)}.")  # type: ignore[arg-type]
    counter = Counter(alphabet_size(LARGEST))
    walk(from_rgb(pictures), NetworkPredictor(tensors), counter)
    seen = counter.counts * OBSERVED
    total = seen.sum(1, keepdims=True)
    most = sure * OBSERVED
    tensors["lossless.counts"] += np.where(total > most, seen * most // np.maximum(total, 1), seen).astype(np.int32)
    return tensors


def spike_of(pictures: Pictures) -> int | None:
    """Returns the commonest brightness where it is common enough to be told by a flag.

    Args:
        pictures: (n, height, width, channels).
    """
    brightness = np.bincount(from_rgb(pictures)[:, 0].ravel(), minlength=256)
    value = int(brightness.argmax())
    return value if brightness[value] > SPIKE * brightness.sum() else None


def fit_lossless(
    pictures: Pictures, *, width: int = 32, places: bool | None = None, trainer: Trainer | None = None, seed: int = 0
) -> dict[str, NDArray[Any]]:
    """Returns the tensors of a model for pictures like these.

    Args:
        pictures: (n, height, width, channels), channels being 1 or 3.
        width: hidden units of the networks.
        places: whether each place of the pictures has biases of its own; None: where they have at most 4,096 pixels.
        trainer: how to train; None for epochs of about 120,000 pictures in all, in batches of 64.
        seed: decides everything random.
    """
    import torch

    from latente.codec.images.lossless.network import Bits, LosslessModule
    from latente.data import ArraySource
    from latente.training import Trainer

    n, height, wide, colours = pictures.shape
    own = height * wide <= 4096 if places is None else places
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = LosslessModule(colours, width, 4, spike_of(pictures), (height, wide) if own else None)
    x = torch.from_numpy(from_rgb(pictures).astype(np.int16))
    module.start(x[:: max(1, n // 2000)].float())
    epochs = min(MOST_EPOCHS, max(1, round(SEEN / n)))
    trainer = trainer or Trainer(epochs=epochs, batch_size=64, learning_rate=5e-3, precision="float32", compile=False)
    trainer.fit(module, ArraySource(x, lambda part: part.float()), Bits(), seed=seed)
    return exported(module.cpu(), pictures[:: max(1, n // 10_000)], SURE_FITTED)
