"""How large a code has to be: two short trainings of a wide code, and what its smallest directions are worth."""

from __future__ import annotations

__all__ = ["AUTO", "FOLDERS", "LatentSize", "check_latent_dim", "choose_size", "cut_errors", "find_latent_size"]

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
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
from latente.objectives import NestedDropout
from latente.parts import did_you_mean, is_integer
from latente.training import History, Trainer, current_processes, seeded

AUTO = "auto"
FOLDERS = ("latent-size-1", "latent-size-2")  # of the search's checkpoints, inside that of the fit
PART = 0.5  # of the fit's epochs are spent on each training of the search
WHOLE = 0.5  # of the samples keep all units under nested dropout
HELD_OUT = 0.1  # of the samples
NEIGHBOURS, FEWEST, VALUES = 5_000, 300, 1 << 25  # samples for the intrinsic dimension, but no more values than this
FACTOR, MOST = 7, 256  # the widest code: so many times the intrinsic dimension, at most so many units
MEASURED = 2_000  # held-out samples
LOSS = 0.001  # of the variance: by how much the chosen size may be worse; see benchmarks/latent_size/NOTES.md


@dataclass(frozen=True)
class LatentSize:
    """How the size of a code was chosen.

    Attributes:
        latent_dim: the chosen size.
        widest: the size of the code that was trained for the choice.
        intrinsic_dimension: of the data, by their nearest neighbours; NaN where it cannot be told.
        errors: (widest,), mean squared error of held-out samples when that code is cut to 1, 2, ... dimensions.
        variance: the error of their mean sample.
        histories: of the two trainings; none where there was nothing to choose from.
        bound: the widest code that these samples allow: one less than their number and than the values that vary
            among those that are looked at.

    It is saved with the model.

    Example:
        >>> from latente import Autoencoder
        >>> X = np.random.default_rng(0).normal(size=(400, 1)) * np.arange(1, 6)  # one direction
        >>> model = Autoencoder("auto", trainer=Trainer(epochs=2), random_state=0).fit(X)
        >>> model.latent_size_.latent_dim == model.latent_dim_
        True
    """

    latent_dim: int
    widest: int
    intrinsic_dimension: float
    errors: NDArray[np.float64]
    variance: float
    histories: tuple[History, ...]
    bound: int

    @property
    def at_its_limit(self) -> bool:
        """Whether the widest code was chosen, so that a wider one might be better; False where none is allowed."""
        return bool(self.histories) and self.latent_dim == self.widest < self.bound

    def to_dict(self) -> dict[str, Any]:
        """Returns a JSON-ready description."""
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        histories = [history.to_dict() for history in self.histories]
        return {**plain, "errors": self.errors.tolist(), "histories": histories}

    @staticmethod
    def from_dict(description: dict[str, Any]) -> LatentSize:
        """Makes what `to_dict` described.

        Args:
            description: that dictionary.
        """
        histories = tuple(History.from_dict(history) for history in description["histories"])
        errors = np.array(description["errors"], dtype=np.float64)
        return LatentSize(**{**description, "errors": errors, "histories": histories})


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
    bound = current_processes().from_first(_bound(some, len(source)))
    widest = current_processes().from_first(_widest(dimension, bound))
    recipe.objective.check(build(widest))
    if widest == 1:
        return LatentSize(1, 1, dimension, np.empty(0), math.nan, (), 1)
    kept, held = source.split(HELD_OUT, seed)
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
    return LatentSize(chosen, widest, dimension, errors, variance, tuple(histories), bound)


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
    """Returns the mean squared errors (units,) of codes on their first 1, 2, ... components, and of the mean sample.

    Args:
        module: in evaluation mode.
        kept: the samples that it was trained on; about 2,000 give the principal components.
        held: other samples; about 2,000 are measured.
        seed: decides which, and the corruption.
    """
    codes = torch.cat([z for z, _ in _encoded(module, kept, seed)])
    mean, units = codes.mean(0), codes.shape[1]
    axes = torch.linalg.svd((codes - mean).cpu().double(), full_matrices=False).Vh.to(codes)  # (components, units)
    sums, samples = np.zeros(units), 0
    total, squares = torch.zeros((), dtype=torch.float64), 0.0
    with torch.no_grad():
        for z, target in _encoded(module, held, seed):
            turned = (z - mean) @ axes.T
            for k in range(1, units + 1):
                x_hat = module.decode(mean + turned[:, :k] @ axes[:k])
                sums[k - 1] += float((x_hat - target).square().sum())
            wanted = target.cpu().double()
            total, squares = total + wanted.sum(0), squares + float(wanted.square().sum())
            samples += len(z)
    variance = float(squares / samples - (total / samples).square().sum())
    return sums / samples, max(0.0, variance)


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


def _bound(some: NDArray[np.float32], samples: int) -> int:
    """Returns the widest code that is narrower than what varies in some samples (m, size) and than their number."""
    varying = int(np.count_nonzero(some.max(axis=0) > some.min(axis=0)))
    return max(1, min(varying, samples) - 1)


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
        for batch in source.batches(min(256, len(source)), seed):
            yield module.bottleneck(module.encoder(module.corrupt(batch.x, generator)).float()).mode, batch.target
            left -= len(batch)
            if left <= 0:
                break
