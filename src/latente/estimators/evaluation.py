"""How good a fitted autoencoder is, held against the simplest alternatives."""

from __future__ import annotations

__all__ = ["Evaluation", "evaluated"]

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from latente.data import ArrayRows, Rows, Schema
from latente.estimators.inference import finite_chunks, over_batches
from latente.metrics import active_units, explained_variance, mean_error, pca_error, squared_error

if TYPE_CHECKING:
    from latente.estimators.fitted import FittedAutoencoder

MEASURED = 20_000  # samples of a stream


@dataclass(frozen=True)
class Evaluation:
    """Errors of reconstructions in the units of the scaled data.

    Attributes:
        error: mean over samples of ||x - x_hat||^2, summed over a sample's elements.
        mse: the same for each element.
        mean_error: the error when every sample is replaced by the mean sample.
        pca_error: the error of PCA at the same latent size.
        explained_variance: 1 - error / error of the mean of these very samples.
        rate: mean nats that the code carries, by the bottleneck's own account; 0 where it has none.
        active_units: latent units whose code varies by more than 0.01 over these samples; None without a prior, where
            no unit has a scale of its own.
        latent_dim: all latent units.
        samples: how many samples were measured.
        out_of: how many there were, where only random ones of a stream were measured; else None.

    Example:
        >>> from latente import Autoencoder, Trainer
        >>> X = np.random.default_rng(0).normal(size=(100, 5))
        >>> evaluation = Autoencoder(2, trainer=Trainer(epochs=2), random_state=0).fit(X).evaluate(X)
        >>> evaluation.pca_error < evaluation.mean_error, evaluation.latent_dim, evaluation.samples
        (True, 2, 100)
    """

    error: float
    mse: float
    mean_error: float
    pca_error: float
    explained_variance: float
    rate: float
    active_units: int | None
    latent_dim: int
    samples: int
    out_of: int | None = None

    @property
    def beats_pca(self) -> bool:
        """Whether the error is below that of PCA at the same latent size."""
        return self.error < self.pca_error

    def __str__(self) -> str:
        exact = self.pca_error <= 1e-9 * self.mean_error
        against = (
            "PCA at the same size loses nothing"
            if exact
            else (f"PCA at the same size {self.pca_error:.4g} (ratio {self.error / self.pca_error:.2f})")
        )
        units = f"{self.latent_dim} latent units"
        if self.active_units is not None:
            units = f"active latent units {self.active_units} of {self.latent_dim}"
        return (
            f"error {self.error:.4g} a sample ({self.mse:.4g} a value), {against}, mean sample {self.mean_error:.4g}, "
            f"explained variance {self.explained_variance:.1%}, {units}, {self.samples} "
            f"{'samples' if self.out_of is None else f'random samples of {self.out_of}'}"
        )


def evaluated(model: FittedAutoencoder, rows: Rows, target: Rows, reference: Rows) -> Evaluation:
    """Returns the evaluation of a fitted model; see `FittedAutoencoder.evaluate`.

    Args:
        model: fitted.
        rows: (n, ...), what goes in.
        target: (n, ...), what should come out; may be the same object.
        reference: (m, ...), what the baselines are fitted on; may be the same object as the target.

    Raises:
        ValueError: for a target of another length, or a reference that is too small.
    """
    if len(target) != len(rows):
        raise ValueError(f"target must hold as many samples as X, {len(rows)}; got {len(target)}")
    if len(reference) < 2:
        raise ValueError(
            f"the baselines (the mean and PCA) need at least 2 samples to be fitted on; got {len(reference)}. Pass the "
            "training data as reference="
        )
    streamed = any(not isinstance(r, ArrayRows) for r in (rows, target))
    x = _scaled(model.schema_, rows, streamed)
    wanted = x if target is rows else _scaled(model.schema_, target, streamed, "target")
    base = (
        wanted
        if reference is target
        else _scaled(model.schema_, reference, not isinstance(reference, ArrayRows), "reference")
    )
    module = model.module_

    def run(function: Any, values: NDArray[np.float32]) -> NDArray[np.float32]:
        return over_batches(module, torch.from_numpy(values), function, module.device)

    codes = run(lambda x: module.encode(x).mode, x)
    x_hat, rate = run(module.decode, codes), run(lambda x: module.encode(x).rate, x)
    error = float(squared_error(wanted, x_hat).mean())
    return Evaluation(
        error=error,
        mse=error / model.schema_.size,
        mean_error=mean_error(wanted, base),
        pca_error=pca_error(x, base, codes.shape[1], wanted),
        explained_variance=explained_variance(wanted, x_hat),
        rate=float(rate.mean()),
        active_units=int(active_units(codes).sum()) if model.recipe_.has_prior else None,
        latent_dim=codes.shape[1],
        samples=len(x),
        out_of=len(rows) if len(x) < len(rows) else None,
    )


def _scaled(schema: Schema, rows: Rows, streamed: bool, what: str = "X") -> NDArray[np.float32]:
    """Returns the samples, or random ones of a stream, as the networks see them: float32 (m, *sample_shape)."""
    rows = ArrayRows(rows.sample(MEASURED), rows.columns) if streamed else rows
    out = np.empty((len(rows), *schema.sample_shape), np.float32)
    at = 0
    for chunk in finite_chunks(rows, what):
        out[at : at + len(chunk)] = schema.prepare(schema.ingest(chunk)).numpy()
        at += len(chunk)
    return out
