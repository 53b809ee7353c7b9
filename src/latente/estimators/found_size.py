"""What was learned about the size of a code when it was found."""

from __future__ import annotations

__all__ = ["FEW", "LatentSize"]

import math
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.training import History

FEW = 10  # held-out samples, below which errors say little
LEAST = 0.1  # of the variance, which some size has to explain of samples that were held out
NEAR = 0.98  # of the widest code, or one unit less than it: the search may have ended too early


@dataclass(frozen=True)
class LatentSize:
    """How the size of a code was chosen; printed, it shows what smaller codes lose.

    Attributes:
        latent_dim: the chosen size.
        widest: the size of the code that was trained for the choice.
        intrinsic_dimension: of the data, by their nearest neighbours; NaN where it cannot be told.
        errors: (widest,), mean squared error of held-out samples when that code is cut to 1, 2, ... dimensions.
        variance: of the samples: their mean squared distance from their mean.
        histories: of the two trainings; none where there was nothing to choose from.
        bound: the widest code that these samples allow: one less than their number and than the values that vary in
            any of them. These are counted to 258 only, since no code of more than 256 is tried.
        held_out: how many samples the errors were measured on; 0 where there was nothing to choose from, or in files of
            older versions.

    It is saved with the model.

    Example:
        >>> from latente import Autoencoder, Trainer
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
    held_out: int = 0

    @property
    def at_its_limit(self) -> bool:
        """Whether the widest code was chosen, or one of one unit or 2% less, where the samples allow a wider one."""
        near = self.latent_dim >= min(self.widest - 1, NEAR * self.widest)
        return bool(self.histories) and near and self.widest < self.bound

    @property
    def explains_little(self) -> bool:
        """Whether every size loses more than nine tenths of the held-out samples' variance."""
        return bool(self.histories) and float(self.errors.min()) > (1 - LEAST) * self.variance > 0

    @property
    def doubts(self) -> tuple[str, ...]:
        """Why the size may not be the right one and what to do, a sentence or two each."""
        found = []
        if self.histories and 0 < self.held_out < FEW:
            found.append(
                f"latent_dim='auto' chose {self.latent_dim}, a guess: it could measure sizes on {self.held_out} held-"
                f"out sample{'s' if self.held_out > 1 else ''} only. Give a number, or at least {2 * FEW} samples"
            )
        elif self.explains_little:
            found.append(
                f"latent_dim='auto' chose {self.latent_dim}, but no size explains a tenth of the variance of held-out "
                f"samples: the chosen one loses {100 * self.lost(self.latent_dim):.0f}% of it, and their mean alone "
                "loses 100%, so the size says nothing. Train for longer (Trainer(epochs=...)), give more samples, or "
                "give a number; for data without structure there is no right one"
            )
        if self.at_its_limit and not self.explains_little:
            found.append(
                f"latent_dim='auto' chose {self.latent_dim}, and the widest code that it tried has {self.widest}, so "
                "the size may say where the search ended, not what these data need. For a smaller code look at what "
                "each size loses (print latent_size_) and give a number; for smaller errors try larger numbers"
            )
        return tuple(found)

    @property
    def shown(self) -> tuple[int, ...]:
        """Some sizes: 1, 2, 4, 8, ..., the chosen one and the widest; none where there was nothing to choose from."""
        powers = {1 << i for i in range(self.widest.bit_length())}
        return tuple(sorted(powers | {self.latent_dim, self.widest})) if len(self.errors) else ()

    def lost(self, size: int) -> float:
        """Returns the share of the held-out samples' variance that the searched code loses when it is cut to a size.

        Args:
            size: from 1 to `widest`.
        """
        return float(self.errors[size - 1] / self.variance) if self.variance else math.nan

    def __str__(self) -> str:
        d = self.intrinsic_dimension
        dimension = "" if math.isnan(d) else f", intrinsic dimension {d:.1f}"
        if not len(self.errors):
            return f"{self.latent_dim}, all that these samples allow{dimension}"
        cells = [("size", "variance lost"), *((str(k), f"{100 * self.lost(k):.2g}%") for k in self.shown)]
        widths = [max(map(len, cell)) for cell in cells]
        table = ["  ".join(cell[i].rjust(width) for cell, width in zip(cells, widths, strict=True)) for i in (0, 1)]
        measured = (
            f", measured on {self.held_out:,} held-out sample{'s' * (self.held_out > 1)}" if self.held_out else ""
        )
        first = f"{self.latent_dim}, found with a code of {self.widest} that was cut{measured}{dimension}"
        return "\n".join([first, *table])

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
