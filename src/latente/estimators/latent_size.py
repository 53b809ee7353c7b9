"""How large a code has to be: two short trainings of a wide code, and what its smallest directions are worth."""

from __future__ import annotations

__all__ = ["AUTO", "FOLDERS", "check_latent_dim", "choose_size", "cut_errors", "find_latent_size"]

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latente.autoencoder import AutoencoderModule
from latente.bottlenecks import Deterministic, Gaussian, Sparse
from latente.data import Source
from latente.estimators.found_size import FEW, LatentSize
from latente.estimators.recipe import Recipe
from latente.metrics import intrinsic_dimension
from latente.networks import CustomNetwork
from latente.objectives import NestedDropout
from latente.parts import did_you_mean, is_integer
from latente.training import Trainer, current_processes, seeded
from latente.training.progress import say

AUTO = "auto"
FOLDERS = ("latent-size-1", "latent-size-2")  # of the search's checkpoints, inside that of the fit
PART = 0.5  # of the fit's epochs are spent on each training of the search
WHOLE = 0.5  # of the samples keep all units under nested dropout
HELD_OUT = 0.1  # of the samples, at least FEW of them, or half where there are less than twice as many
NEIGHBOURS, FEWEST, VALUES = 5_000, 300, 1 << 25  # samples for the intrinsic dimension, but no more values than this
FACTOR, MOST = 7, 256  # the widest code: so many times the intrinsic dimension, at most so many units
MEASURED = 2_000  # held-out samples
BATCH = 256
LOSS = 0.001  # of the variance: by how much the chosen size may be worse; see benchmarks/latent_size/NOTES.md


def check_latent_dim(latent_dim: Any, recipe: Recipe) -> None:
    """Raises ValueError for what is no size of a code, or for "auto" with parts that leave none to choose."""
    if is_integer(latent_dim, low=1):
        return
    if not isinstance(latent_dim, str) or latent_dim != AUTO:
        hint = did_you_mean(latent_dim, [AUTO]) if isinstance(latent_dim, str) else ""
        hint = f".{hint}" if hint else ""
        raise ValueError(f"latent_dim must be an integer of at least 1, or 'auto'; got {latent_dim!r}{hint}")
    if isinstance(recipe.network, CustomNetwork):
        raise ValueError("latent_dim='auto' needs networks that latente builds; the size of your own modules is fixed")
    if not isinstance(recipe.bottleneck, (Deterministic, Gaussian, Sparse)):
        raise ValueError(
            "latent_dim='auto' needs a code that can be projected on fewer directions: bottleneck None, 'gaussian' or "
            f"'sparse'; got {recipe.bottleneck!r}. Give a number"
        )


def find_latent_size(
    build: Callable[[int], AutoencoderModule], recipe: Recipe, source: Source, trainer: Trainer, seed: int, resume: bool
) -> LatentSize:
    """Returns the size of the code for these samples, and how it was found.

    1. The intrinsic dimension d of the data (two nearest neighbours) bounds it: a code of d numbers can suffice at
       best, one of 7 d is taken to be wide enough; it stays narrower than the values that vary, else it is a copy.
    2. A code of that width is trained twice for half the epochs of the fit: as the fit will be, to see what a wide code
       reaches, and with nested dropout, which orders its units by their worth, to see what a small one reaches.
    3. Each code is projected on its first k principal components, for each k, and the error on a held-out tenth is
       measured: what an autoencoder of size k does where the layers next to the code are linear. The lower of the two
       counts. The smallest k whose error is at most a thousandth of the variance above the lowest is chosen.

    At least 10 samples are held out, or half of fewer than 20: then the size is a guess; `LatentSize.doubts` says so.

    The search costs about one fit. The size is then trained from the start, so that the model is the one that the
    number would have given. Sources: Facco, d'Errico, Rodriguez, Laio (2017) for 1; Rippel, Gelbart, Adams (2014),
    "Learning ordered representations with nested dropout", for 2.

    Args:
        build: makes a module with fresh weights for a size of the code.
        recipe: its parts.
        source: the training samples.
        trainer: how the fit is trained.
        seed: decides everything random.
        resume: whether to go on from a checkpoint of an interrupted search.

    Raises:
        ValueError, CheckpointError, TrainingDiverged: as in `Trainer.fit`.
        KeyboardInterrupt: when the search was interrupted; it has no use before its end.
    """
    trainer.check_folder(resume)
    some = _some(source, seed)
    dimension = intrinsic_dimension(some) if len(some) > 2 else math.nan
    bound = current_processes().from_first(_bound(source))
    widest = current_processes().from_first(_widest(dimension, bound))
    recipe.objective.check(build(widest))
    if widest == 1:
        return LatentSize(1, 1, dimension, np.empty(0), math.nan, (), 1)
    kept, held = source.split(_held_out(len(source)), seed)
    tell = partial(say, trainer.verbose if current_processes().first else False)
    tell(f"latent_dim='auto': two short trainings with a code of {widest} to find the size, then the fit")
    histories, curves = [], []
    for folder, objective in zip(FOLDERS, (recipe.objective, NestedDropout(WHOLE)), strict=True):
        module = build(widest)
        search = _trainer(trainer, len(kept), folder)
        histories.append(search.fit(module, kept, objective, seed=seed, resume=resume))
        if histories[-1].stopped == "interrupted":
            raise KeyboardInterrupt
        errors, variance = cut_errors(module, kept, held, seed)
        curves.append(errors)
    errors = np.minimum(*curves)
    chosen = current_processes().from_first(choose_size(errors, variance))
    tell(f"latent_dim='auto' chose {chosen}; the fit:")
    return LatentSize(chosen, widest, dimension, errors, variance, tuple(histories), bound, min(MEASURED, len(held)))


def choose_size(errors: NDArray[np.float64], variance: float) -> int:
    """Returns the smallest size whose error is at most a thousandth of the variance above the lowest.

    Args:
        errors: (widest,), of sizes 1, 2, ....
        variance: the error of the mean sample.

    Example:
        >>> choose_size(np.array([5.0, 1.0, 0.205, 0.2]), 10.0)
        3
    """
    return int(np.argmax(errors <= errors.min() + LOSS * variance)) + 1


def cut_errors(module: AutoencoderModule, kept: Source, held: Source, seed: int) -> tuple[NDArray[np.float64], float]:
    """Returns the mean squared errors (units,) of codes on their first 1, 2, ... components, and the variance.

    The variance is the mean squared distance from the mean of all samples that are looked at, so it is that of a few
    samples even where a single one is measured.

    Args:
        module: in evaluation mode.
        kept: the samples that it was trained on; about 2,000 give the principal components.
        held: other samples; about 2,000 are measured.
        seed: decides which, and the corruption.
    """
    spread, known = _Spread(), []
    for z, target in _encoded(module, kept, seed):
        spread.look(target)
        known.append(z)
    codes = torch.cat(known)
    mean, units = codes.mean(0), codes.shape[1]
    axes = torch.linalg.svd((codes - mean).cpu().double(), full_matrices=False).Vh.to(codes)  # (components, units)
    sums, samples = np.zeros(units), 0
    with torch.no_grad():
        for z, target in _encoded(module, held, seed):
            turned = (z - mean) @ axes.T
            for k in range(1, units + 1):
                x_hat = module.decode(mean + turned[:, :k] @ axes[:k])
                sums[k - 1] += float((x_hat - target).square().sum())
            spread.look(target)
            samples += len(z)
    return sums / samples, spread.variance


class _Spread:
    """The mean squared distance of samples from their mean, seen in pieces."""

    def __init__(self) -> None:
        self.total, self.squares, self.samples = torch.zeros((), dtype=torch.float64), 0.0, 0

    def look(self, samples: Tensor) -> None:
        """Adds samples (m, ...)."""
        x = samples.cpu().double()
        self.total, self.squares = self.total + x.sum(0), self.squares + float(x.square().sum())
        self.samples += len(x)

    @property
    def variance(self) -> float:
        """The sum of the variances of all values."""
        return max(0.0, self.squares / self.samples - float((self.total / self.samples).square().sum()))


def _held_out(samples: int) -> float:
    """Returns the part that is held out of so many samples."""
    return max(round(HELD_OUT * samples), min(FEW, samples // 2)) / samples


def _some(source: Source, seed: int) -> NDArray[np.float32]:
    """Returns random samples (m, size)."""
    wanted = min(NEIGHBOURS, max(FEWEST, VALUES // math.prod(source.sample_shape)))
    found: list[NDArray[np.float32]] = []
    for batch in source.batches(min(wanted, len(source)), seed):
        found.append(batch.x.flatten(1).cpu().numpy())
        if sum(map(len, found)) >= wanted:
            break
    return np.concatenate(found)[:wanted]


def _widest(dimension: float, bound: int) -> int:
    """Returns the size of the code to start from."""
    wide = MOST if math.isnan(dimension) else math.ceil(min(MOST, FACTOR * dimension))
    return max(1, min(wide, bound))


def _bound(source: Source) -> int:
    """Returns the widest code that is narrower than what varies and than the samples, but at most one more than MOST.

    Samples are read in the order they have, until so many values have varied that more would not matter.
    """
    first, varies = None, torch.zeros((), dtype=torch.bool)
    for batch in source.batches(min(BATCH, len(source))):
        x = batch.x.flatten(1)
        first = x[:1].clone() if first is None else first
        varies = varies | (x != first).any(0).cpu()
        if min(MOST + 2, varies.numel()) <= int(varies.sum()):
            break
    return max(1, min(int(varies.sum()), len(source), MOST + 2) - 1)


def _trainer(trainer: Trainer, samples: int, name: str) -> Trainer:
    """Returns how a training of the search goes; its checkpoints have a folder of that name."""
    epochs = math.ceil(PART * trainer.resolve_epochs(samples))
    folder = None if trainer.checkpoint is None else Path(trainer.checkpoint) / name
    return replace(trainer, epochs=epochs, patience=None, callbacks=(), checkpoint=folder)


@torch.no_grad()
def _encoded(module: AutoencoderModule, source: Source, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yields codes (m, units) of corrupted samples and their targets, of about 2,000 samples."""
    left = MEASURED
    with seeded(seed, module.device) as generator:
        for batch in source.batches(min(BATCH, len(source)), seed):
            yield module.bottleneck(module.encoder(module.corrupt(batch.x, generator)).float()).mode, batch.target
            left -= len(batch)
            if left <= 0:
                break
