"""Training a model for the user's own kind of pictures."""

from __future__ import annotations

__all__ = ["fitted"]

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from latente.codec.images.exporting import export
from latente.codec.images.lapped import STRIDE
from latente.codec.images.model import ImageModel
from latente.codec.images.module import ImageModule, RateDistortion
from latente.codec.images.pictures import as_list
from latente.codec.images.registry import NEWEST, names, released
from latente.codec.images.whole.fitting import fit_whole, suits_whole
from latente.codec.images.whole.model import WholeModel
from latente.data import ArraySource
from latente.training import Trainer

SIDE = 128  # pixels of a crop, at most
STEPS, PIXELS, LARGEST_BATCH = 1500, 8 * SIDE * SIDE, 256  # of the default training; pixels are those of a step
MOST_CROPS, MOST_BYTES = 20_000, 1 << 28  # of crops, which are held in memory
COUNTED = 1 << 20  # pixels on which symbols are counted
Picture = NDArray[np.uint8]


def fitted(
    images: ArrayLike | Sequence[ArrayLike], trainer: Trainer | None, random_state: Any
) -> ImageModel | WholeModel:
    """Returns a model trained on pictures; see `ImageCodec.fit`.

    Args:
        images: pictures of any sizes.
        trainer: how it is trained; None for the default.
        random_state: decides everything random.
    """
    pictures = as_list(images)
    if len(pictures) < 2:
        raise ValueError(f"fit needs at least two pictures; got {len(pictures)}")
    rng = np.random.default_rng(random_state if not hasattr(random_state, "randint") else random_state.randint(2**31))
    if suits_whole(pictures):
        return fit_whole(np.concatenate(pictures), trainer, rng)
    crops = _crops(pictures, rng)
    seed = int(rng.integers(2**31))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = released().module() if NEWEST in names() else ImageModule()
    module.generator = torch.Generator().manual_seed(seed)
    _settings(trainer, crops).fit(module, ArraySource(torch.from_numpy(crops), _prepared), RateDistortion(), seed=seed)
    shown = rng.permutation(len(crops))[: max(1, COUNTED // crops[0, 0].size)]
    return export(module.eval(), [np.ascontiguousarray(crops[np.sort(shown)].transpose(0, 2, 3, 1))])


def _prepared(x: torch.Tensor) -> torch.Tensor:
    """Bytes as numbers from 0 to 255, three channels."""
    return x.float().expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)


def _settings(trainer: Trainer | None, crops: Picture) -> Trainer:
    """The user's trainer, or one of about as many steps as the default has."""
    if trainer is not None:
        return trainer
    batch = max(1, min(LARGEST_BATCH, PIXELS // crops[0, 0].size, len(crops)))
    epochs = max(1, math.ceil(STEPS * batch / len(crops)))
    return replace(Trainer(), epochs=epochs, batch_size=batch, learning_rate=5e-4, weight_decay=0.0, compile=False)


def _crops(pictures: list[Picture], rng: np.random.Generator) -> Picture:
    """(n, channels, h, w) of equal size, a multiple of 8: whole pictures where all are small and equal, else crops."""
    height, width = (min(SIDE, *(n(p.shape[k]) for p in pictures)) for k, n in ((1, _up), (2, _up)))
    channels = max(p.shape[3] for p in pictures)
    most = max(2, min(MOST_CROPS, MOST_BYTES // (channels * height * width)))
    areas = np.array([math.ceil(p.shape[1] / height) * math.ceil(p.shape[2] / width) for p in pictures])
    wanted = areas if areas.sum() <= most else np.ceil(areas * (most / areas.sum())).astype(int)
    chosen = np.repeat(order := rng.permutation(len(pictures))[:most], wanted[order])[:most]
    found: Picture = np.empty((len(chosen), channels, height, width), np.uint8)
    for at, k in enumerate(chosen):
        found[at] = _crop(pictures[k], height, width, channels, rng)[0]
    return found


def _up(n: int) -> int:
    return STRIDE * math.ceil(n / STRIDE)


def _crop(picture: Picture, height: int, width: int, channels: int, rng: np.random.Generator) -> Picture:
    """One crop (1, channels, height, width) at a random place; edges are repeated where it is larger."""
    places = []
    for size, length in zip(picture.shape[1:3], (height, width), strict=True):
        start = int(rng.integers(0, max(0, size - length) + 1))
        places.append(np.minimum(np.arange(start, start + length), size - 1))
    part = picture[:, places[0][:, None], places[1]]
    return np.broadcast_to(part, (*part.shape[:3], channels)).transpose(0, 3, 1, 2)
