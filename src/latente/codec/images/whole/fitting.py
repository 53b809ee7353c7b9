"""Training a model of whole pictures."""

from __future__ import annotations

__all__ = ["fit_whole", "suits_whole"]

import math
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from latente.codec.images.integers import QUALITIES
from latente.codec.images.whole.integers import MOST_VALUES
from latente.codec.images.whole.mixture import Mixture, fit_mixture
from latente.codec.images.whole.model import WholeModel, whole_model_of
from latente.codec.images.whole.network import WholeModule, WholeRateDistortion
from latente.codec.images.whole.stream import count_symbols
from latente.codec.models import Model, id_of
from latente.data import ArraySource
from latente.training import Trainer

FEWEST = 2000  # pictures, and twice as many as each has values, from which a transform of whole pictures is learned
STEPS, BATCH = 3000, 256  # of the default training
COUNTED, AT = 4000, (0.05, 0.12, 0.25, 0.5, 0.8)  # pictures, and qualities, at which symbols are counted
Pictures = NDArray[np.uint8]


def suits_whole(pictures: list[Pictures]) -> bool:
    """Returns whether pictures are tiny, of one size, and so many that each can be coded as a whole.

    Args:
        pictures: each (1, height, width, channels).
    """
    shape = pictures[0].shape
    size = math.prod(shape)
    many = len(pictures) >= max(FEWEST, 2 * size)
    return size <= MOST_VALUES and many and all(picture.shape == shape for picture in pictures)


def fit_whole(pictures: Pictures, trainer: Trainer | None, rng: np.random.Generator) -> WholeModel:
    """Returns a model trained on pictures.

    Args:
        pictures: (n, height, width, channels).
        trainer: how it is trained; None for the default.
        rng: decides everything random.
    """
    x = pictures.reshape(len(pictures), -1).astype(np.float32)
    shape = pictures.shape[1], pictures.shape[2], pictures.shape[3]
    mixture = _stored(fit_mixture(x, rng, shape))
    clusters = mixture.nearest(x)
    seed = int(rng.integers(2**31))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = WholeModule(torch.from_numpy(mixture.spreads), pictures.shape[3])
    module.generator = torch.Generator().manual_seed(seed)
    y = torch.from_numpy(mixture.coefficients(x, clusters))
    source = ArraySource(y, condition=torch.from_numpy(clusters))
    _settings(trainer, len(x)).fit(module, source, WholeRateDistortion(), seed=seed)
    module = module.eval().cpu()
    shares = np.bincount(clusters, minlength=len(mixture.means))
    plain = WholeModel(whole_model_of(module, mixture, shape, shares, "uncounted"))
    some = pictures[np.sort(rng.permutation(len(pictures))[:COUNTED])]
    counts = np.sum([count_symbols(some, round(q * QUALITIES), plain) for q in AT], axis=0)
    model = whole_model_of(module, mixture, shape, shares, "uncounted", counts)
    return WholeModel(Model(id_of("pictures", model.ref.hash), model.tensors))


def _stored(mixture: Mixture) -> Mixture:
    """The transform with the matrices that a model stores, in 16 bits."""
    basis, turns = (part.astype(np.float16).astype(np.float32) for part in (mixture.basis, mixture.turns))
    return replace(mixture, basis=basis, turns=turns)


def _settings(trainer: Trainer | None, n: int) -> Trainer:
    """The user's trainer, or one of about STEPS steps."""
    if trainer is not None:
        return trainer
    epochs = max(1, math.ceil(STEPS * BATCH / n))
    return replace(Trainer(), epochs=epochs, batch_size=BATCH, learning_rate=1e-3, weight_decay=0.0, compile=False)
