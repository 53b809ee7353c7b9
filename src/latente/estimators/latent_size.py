"""How large a code has to be: one short training that orders its units, and where cutting them starts to cost."""

from __future__ import annotations

__all__ = ["AUTO", "FOLDER", "LatentSize", "check_latent_dim", "choose_size", "cut_errors", "find_latent_size"]

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latente.autoencoder import AutoencoderModule
from latente.bottlenecks import Deterministic, Gaussian, Sparse
from latente.data import Source
from latente.estimators.recipe import Recipe
from latente.metrics import intrinsic_dimension
from latente.networks import CustomNetwork
from latente.objectives.nested import NestedDropout
from latente.parts import did_you_mean, is_integer
from latente.training import History, Trainer, current_processes, seeded

AUTO = "auto"
FOLDER = "latent-size"  # of the search's checkpoints, inside that of the fit
PART = 0.5  # of the fit's epochs are spent on the search
HELD_OUT = 0.1  # of the samples
WHOLE = 0.5  # of the samples of the search keep all units
NEIGHBOURS, FEWEST, VALUES = 5_000, 300, 1 << 25  # samples for the intrinsic dimension, but no more values than this
FACTOR, MOST = 5, 256  # the widest code: so many times the intrinsic dimension, at most so many units
MEASURED = 2_000  # held-out samples
LOSS = (
    0.002  # of the variance: what the chosen size may explain less than the best; see benchmarks/latent_size/NOTES.md
)


@dataclass(frozen=True)
class LatentSize:
    """How the size of a code was chosen.

    Attributes:
        latent_dim: the chosen size.
        widest: the size of the code that was trained for the choice.
        intrinsic_dimension: of the data, by their nearest neighbours; NaN where it cannot be told.
        errors: (widest,), mean squared error of held-out samples when that code is cut to 1, 2, ... dimensions.
        variance: the error of their mean sample.
        history: of that training; None where there was nothing to choose from.
    """

    latent_dim: int
    widest: int
    intrinsic_dimension: float
    errors: NDArray[np.float64]
    variance: float
    history: History | None


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
            "latent_dim='auto' needs a code whose units can be cut off one by one: bottleneck None, 'gaussian' or "
            f"'sparse'; got {recipe.bottleneck!r}. Give a number"
        )


def find_latent_size(
    build: Callable[[int], AutoencoderModule], recipe: Recipe, source: Source, trainer: Trainer, seed: int, resume: bool
) -> LatentSize:
    """Returns the size of the code for these samples, and how it was found.

    1. The intrinsic dimension d of the data (two nearest neighbours) bounds it: a code of d numbers can suffice at
       best, one of 5 d is taken to be wide enough.
    2. A code of that width is trained for half the epochs of the fit, its units from d on ordered by nested dropout.
    3. The code is cut to k dimensions, for each k, and the error on a held-out tenth is measured. The smallest k whose
       error is at most a fifth of a percent of the variance above the lowest is chosen.

    The search costs about half a fit. The size is then trained from the start, so that the model is the one that the
    number would have given.

    Sources: Facco et al. (2017) for 1; Rippel, Gelbart, Adams (2014) for 2.

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
    widest = current_processes().from_first(_widest(dimension, source))
    module = build(widest)
    recipe.objective.check(module)
    if widest == 1:
        return LatentSize(1, 1, dimension, np.empty(0), math.nan, None)
    kept, held = source.split(HELD_OUT, seed)
    history = _trainer(trainer, len(kept)).fit(module, kept, NestedDropout(WHOLE), seed=seed, resume=resume)
    if history.stopped == "interrupted":
        raise KeyboardInterrupt
    cuts, variance = cut_errors(module, kept, held, seed)
    errors = cuts.min(0)
    chosen = current_processes().from_first(choose_size(errors, variance))
    return LatentSize(chosen, widest, dimension, errors, variance, history)


def choose_size(errors: NDArray[np.float64], variance: float) -> int:
    """Returns the smallest size whose error is at most a fifth of a percent of the variance above the lowest.

    Args:
        errors: (widest,), of sizes 1, 2, ....
        variance: the error of the mean sample.

    Example:
        >>> choose_size(np.array([5.0, 1.0, 0.205, 0.2]), 10.0)
        3
    """
    return int(np.argmax(errors <= errors.min() + LOSS * variance)) + 1


def cut_errors(module: AutoencoderModule, kept: Source, held: Source, seed: int) -> tuple[NDArray[np.float64], float]:
    """Returns the mean squared errors (2, units) of codes that are cut to 1, 2, ... dimensions, and of the mean sample.

    First row: only the first units stay; second row: only the first principal components of the code. A layer that is
    linear can turn a code, so both are what autoencoders of that size do.

    Args:
        module: in evaluation mode.
        kept: the samples that it was trained on; about 2,000 give the principal components.
        held: other samples; about 2,000 are measured.
        seed: decides which, and the corruption.
    """
    codes = torch.cat([z for z, _ in _encoded(module, kept, seed)])
    mean, units = codes.mean(0), codes.shape[1]
    axes = torch.linalg.svd((codes - mean).cpu().double(), full_matrices=False).Vh.to(codes)  # (components, units)
    sums, samples = torch.zeros(2, units, dtype=torch.float64), 0
    total, squares = torch.zeros((), dtype=torch.float64), 0.0
    with torch.no_grad():
        for z, target in _encoded(module, held, seed):
            turned = (z - mean) @ axes.T
            for k in range(1, units + 1):
                cuts = z * (torch.arange(units, device=z.device) < k), mean + turned[:, :k] @ axes[:k]
                for row, cut in zip(sums, cuts, strict=True):
                    row[k - 1] += float((module.decode(cut) - target).square().sum())
            wanted = target.cpu().double()
            total, squares = total + wanted.sum(0), squares + float(wanted.square().sum())
            samples += len(z)
    variance = float(squares / samples - (total / samples).square().sum())
    return (sums / samples).numpy(), max(0.0, variance)


def _some(source: Source, seed: int) -> NDArray[np.float32]:
    """Returns random samples (m, size)."""
    wanted = min(NEIGHBOURS, max(FEWEST, VALUES // math.prod(source.sample_shape)))
    found: list[NDArray[np.float32]] = []
    for batch in source.batches(min(wanted, len(source)), seed):
        found.append(batch.x.flatten(1).cpu().numpy())
        if sum(map(len, found)) >= wanted:
            break
    return np.concatenate(found)[:wanted]


def _widest(dimension: float, source: Source) -> int:
    """Returns the size of the code to start from, below that of a sample and the number of samples."""
    bound = MOST if math.isnan(dimension) else math.ceil(min(MOST, FACTOR * dimension))
    return max(1, min(bound, math.prod(source.sample_shape) - 1, len(source) - 1))


def _trainer(trainer: Trainer, samples: int) -> Trainer:
    """Returns how the search is trained."""
    epochs = math.ceil(PART * trainer.resolve_epochs(samples))
    folder = None if trainer.checkpoint is None else Path(trainer.checkpoint) / FOLDER
    return replace(trainer, epochs=epochs, patience=None, callbacks=(), checkpoint=folder)


@torch.no_grad()
def _encoded(module: AutoencoderModule, source: Source, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yields codes (m, units) of corrupted samples and their targets, of about 2,000 samples."""
    left = MEASURED
    with seeded(seed, module.device) as generator:
        for batch in source.batches(min(256, len(source)), seed):
            yield module.bottleneck(module.encoder(module.corrupt(batch.x, generator)).float()).mode, batch.target
            left -= len(batch)
            if left <= 0:
                break
