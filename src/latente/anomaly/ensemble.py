"""What an ensemble of small autoencoders is, and how it is trained."""

from __future__ import annotations

__all__ = ["Ensemble"]

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latente.anomaly.members import MemberReconstruction, Members
from latente.data import ArraySource, Schema
from latente.parts import Part, is_integer, is_number
from latente.training import Trainer, seeded

BATCH = 64
LARGEST_CODE = 4
LARGEST = 4096  # values of a sample that an ensemble is trained on by itself, and of pictures with gradients
VALUES = 1 << 25  # in the training samples of all members together
HELD, FEWEST_HELD = 0.1, 8  # of a member's rows, and at least how many, where training may stop early


@dataclass
class Ensemble(Part, family="ensemble", name="ensemble"):
    """Small autoencoders, each trained on random rows of its own and all of them together, in one batched pass.

    Matrices of all members are multiplied in one call, so ten cost far less than ten times one. Each has few units and
    sees few rows, which keeps it from learning the anomalies in contaminated data. Sources: Chen, Sathe, Aggarwal,
    Turaga (2017), "Outlier detection with autoencoder ensembles"; Liu, Ting, Zhou (2008), "Isolation forest", for the
    small samples.

    Args:
        members: how many.
        rows: of the training data that each member sees, at most.
        latent_dim: the size of the codes; "auto" is half the values of a sample, from 1 to 4; a tuple of sizes is
            divided among the members: (2, 4) is 2 for the first half of them, 4 for the second.
        hidden_features: width of the hidden layers.
        steps: of training, about.
        noise: standard deviation of the noise on the standardised input (a denoising autoencoder); 0 for none.
        trim: the fraction of each batch with the largest errors that is left out; "auto" is 0.1.
        learning_rate: the peak.
        patience: steps, about, without a lower error on held-out rows after which training stops and the best weights
            return; None trains to the end. Each member then holds out a tenth as many rows as it sees, 8 at least; what
            is compared is the mean error of the half of these that is rebuilt best, which up to a half of anomalies
            cannot raise, averaged over members (least trimmed squares; Rousseeuw, 1984, "Least median of squares
            regression").
        gradients: whether the members see of a picture, besides its pixels, histograms of the directions in which it
            changes (histograms of oriented gradients; Dalal, Triggs, 2005), see docs/anomaly.md; "auto" is True for
            pictures of at most 4,096 values.
        compressed: the fraction of the members that see asinh(u) in place of each standardised value u of a table, in
            which far values, and columns with many of them, count for less (inverse hyperbolic sine; Burbidge, Magee,
            Robb, 1988, "Alternative transformations to handle extreme values of the dependent variable"); "auto" is a
            half where a detector is fitted to tables without anomalies, else 0.

    Example:
        >>> Ensemble.from_string("ensemble:members=5")
        Ensemble(members=5, rows=2048, latent_dim='auto', hidden_features=32, steps=400, noise=0.2, trim=0.1, \
learning_rate=0.01, patience=None, gradients='auto', compressed='auto')
    """

    members: int = 20
    rows: int = 2048
    latent_dim: int | tuple[int, ...] | str = "auto"
    hidden_features: int = 32
    steps: int = 400
    noise: float = 0.2
    trim: float = 0.1
    learning_rate: float = 0.01
    patience: int | None = None
    gradients: bool | str = "auto"
    compressed: float | str = "auto"

    def check(self) -> None:
        """Raises ValueError for settings that make no sense."""
        for name in ("members", "rows", "hidden_features", "steps"):
            if not is_integer(getattr(self, name), low=1):
                raise ValueError(f"Ensemble: {name} must be an integer of at least 1; got {getattr(self, name)!r}")
        sizes = self.latent_dim if isinstance(self.latent_dim, tuple) else (self.latent_dim,)
        if self.latent_dim != "auto" and not (
            0 < len(sizes) <= self.members and all(is_integer(size, low=1) for size in sizes)
        ):
            raise ValueError(
                "Ensemble: latent_dim must be 'auto', an integer of at least 1 or a tuple of no more of them than "
                f"members; got {self.latent_dim!r}"
            )
        if not is_number(self.noise, low=0):
            raise ValueError(f"Ensemble: noise must be a number of at least 0; got {self.noise!r}")
        if not is_number(self.trim, 0, 1) or self.trim == 1:
            raise ValueError(f"Ensemble: trim must be in [0, 1); got {self.trim!r}")
        if not is_number(self.learning_rate, low=0) or self.learning_rate == 0:
            raise ValueError(f"Ensemble: learning_rate must be above 0; got {self.learning_rate!r}")
        if self.patience is not None and not is_integer(self.patience, low=1):
            raise ValueError(
                f"Ensemble: patience must be an integer of at least 1 step, or None; got {self.patience!r}"
            )
        if self.gradients != "auto" and not isinstance(self.gradients, bool):
            raise ValueError(f"Ensemble: gradients must be True, False or 'auto'; got {self.gradients!r}")
        if self.compressed != "auto" and not is_number(self.compressed, 0, 1):
            raise ValueError(f"Ensemble: compressed must be 'auto' or from 0 to 1; got {self.compressed!r}")

    def build(self, schema: Schema) -> Members:
        """Makes the members, untrained.

        Args:
            schema: of the data.

        Raises:
            ValueError: for gradients of what is no picture, or a large one; for compressed members for what is no
                table.
        """
        values, picture = schema.size, None
        possible = schema.kind == "image" and values <= LARGEST
        if self.gradients is True and not possible:
            raise ValueError(
                f"Ensemble: gradients=True takes pictures of at most {LARGEST} values; this is a {schema.kind} of "
                f"{values} values. Use gradients='auto', or smaller pictures"
            )
        if self.gradients and possible:
            channels, height, width = schema.sample_shape
            picture = (channels, height, width)
        part = 0.0 if self.compressed == "auto" else float(self.compressed)
        if part and schema.kind != "table":
            raise ValueError(
                f"Ensemble: compressed={self.compressed!r} takes tables; this is a {schema.kind}. Use compressed='auto'"
            )
        given = max(1, min(LARGEST_CODE, values // 2)) if self.latent_dim == "auto" else self.latent_dim
        sizes = given if isinstance(given, tuple) else (given,)
        count = int(self.members)
        dims = [int(sizes[i * len(sizes) // count]) for i in range(count)]
        return Members(values, int(self.hidden_features), dims, picture=picture, compressed=round(part * count))

    def fit(self, x: Tensor, schema: Schema, folds: NDArray[np.int64], seed: int) -> tuple[Members, Tensor]:
        """Trains the members and returns them with the indices (members, rows) of their training samples.

        Args:
            x: (n, *sample_shape), scaled.
            schema: of the data.
            folds: (n,), which fold a sample belongs to; member i sees none of fold i modulo the number of folds.
            seed: decides everything random.
        """
        flat = x.flatten(1)
        generator = torch.Generator().manual_seed(seed)
        with seeded(seed):
            members = self.build(schema)
        members.learn_scale(x, schema)
        u = members.standardised(flat)
        index, held = self._rows(folds, u.shape[1], generator)
        stops = held.shape[1] > 0
        trainer = self._trainer(index.shape[1], stops)
        objective = MemberReconstruction(self.noise, self.trim)
        own, apart = (members.seen(u[rows]).transpose(0, 1).contiguous() for rows in (index, held))
        validation = ArraySource(apart) if stops else None
        trainer.fit(members, ArraySource(own), objective, validation=validation, seed=seed)
        return members.eval(), index

    def _trainer(self, rows: int, stops: bool) -> Trainer:
        """Returns the settings of training for members that see so many rows each, and may stop early."""
        batch = min(BATCH, rows)
        batches = max(1, round(rows / batch))  # of an epoch
        return Trainer(
            epochs=max(1, round(int(self.steps) / batches)),
            batch_size=batch,
            learning_rate=self.learning_rate,
            patience=max(1, round(self.patience / batches)) if stops and self.patience is not None else None,
            precision="float32",
            device="cpu",
            threads=1,
            compile=False,
            verbose=False,
        )

    def _rows(self, folds: NDArray[np.int64], values: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Returns the indices (members, rows) of each member's rows, as many for all, and of those it holds out."""
        count = int(folds.max()) + 1
        of = torch.from_numpy(folds)
        outside = [torch.nonzero(of != fold).flatten() if count > 1 else torch.arange(len(of)) for fold in range(count)]
        most = max(2, VALUES // (int(self.members) * values))
        there = min(len(index) for index in outside)
        rows = min(int(self.rows), most, there)
        held = 0
        if self.patience is not None:
            held = min(max(FEWEST_HELD, round(HELD * rows)), there // 2)
            rows = min(rows, there - held)
        shuffled = (outside[member % count] for member in range(int(self.members)))
        drawn = [index[torch.randperm(len(index), generator=generator)[: rows + held]] for index in shuffled]
        both = torch.stack(drawn)
        return both[:, :rows], both[:, rows:]
