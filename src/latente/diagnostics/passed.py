"""Data sent once through a fitted model, and all that came out."""

from __future__ import annotations

__all__ = ["Passed", "check_model", "pass_through", "scaled"]

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from latente.data import ArrayRows, as_rows, check_values
from latente.estimators import Autoencoder
from latente.estimators.inference import over_batches
from latente.metrics import squared_error

Floats = NDArray[np.float32]
LARGEST_STREAMED = 20_000  # samples of a stream


@dataclass(frozen=True, eq=False)
class Passed:
    """Samples, and what a model makes of them, all in the units of the scaled data.

    Attributes:
        x: (n, *sample_shape), the scaled samples.
        x_hat: (n, *sample_shape), the reconstructions.
        z: (n, latent_dim), the codes (their deterministic mode).
        rate: (n,) nats.
        rate_per_unit: (n, latent_dim) nats where the rate splits over latent units, else None.
        codes: (n, groups) integers where the bottleneck is a quantiser, else None.

    Example:
        >>> x = np.zeros((2, 3), np.float32)
        >>> passed = Passed(x, x_hat=x + 1, z=x[:, :1], rate=x[:, 0])
        >>> passed.errors
        array([3., 3.])
    """

    x: Floats
    x_hat: Floats
    z: Floats
    rate: Floats
    rate_per_unit: Floats | None = None
    codes: NDArray[np.int64] | None = None

    @property
    def errors(self) -> NDArray[np.float64]:
        """(n,): ||x - x_hat||^2, summed over the values of each sample."""
        return squared_error(self.x, self.x_hat)


def check_model(model: Any) -> None:
    """Raises TypeError for what is no autoencoder of latente, NotFittedError for one that is not fitted."""
    if not isinstance(model, Autoencoder):
        raise TypeError(f"model must be a fitted autoencoder of latente; got {type(model).__name__}")
    check_is_fitted(model, "module_")


def scaled(model: Autoencoder, X: Any, limit: int | None = None) -> Floats:
    """Returns samples (n, ...) as the model's networks see them: float32 (n, *sample_shape).

    Args:
        model: fitted.
        X: (n, ...), as in `fit`.
        limit: when X has more samples, only so many of them are taken, evenly spaced; None takes all that are in
            memory, and at most 20,000 of a stream.

    Raises:
        TypeError, ValueError: for data that the model cannot take.

    Example:
        >>> from latente import Trainer
        >>> X = np.random.default_rng(0).normal(100.0, 20.0, size=(200, 4))
        >>> x = scaled(Autoencoder(2, trainer=Trainer(epochs=2), random_state=0).fit(X), X, limit=50)
        >>> x.shape, bool(np.abs(x).max() < 5)
        ((50, 4), True)
    """
    rows = as_rows(X)
    model.schema_.check_shape(rows)
    if limit is None and not isinstance(rows, ArrayRows):
        limit = LARGEST_STREAMED
    if limit is not None and len(rows) > limit:
        rows = ArrayRows(rows.take(evenly(len(rows), limit)), rows.columns)
    check_values(rows)
    return model.schema_.prepare(model.schema_.ingest(rows.read(0, len(rows)))).numpy()


def evenly(n: int, limit: int) -> NDArray[np.int64]:
    """Returns at most `limit` indices below n, evenly spaced and in order.

    Example:
        >>> evenly(10, 4), evenly(3, 4)
        (array([0, 3, 6, 9]), array([0, 1, 2]))
    """
    return np.linspace(0, n - 1, min(n, limit)).round().astype(np.int64)


def pass_through(model: Autoencoder, x: Floats) -> Passed:
    """Returns what the model makes of scaled samples (n, *sample_shape), deterministically and in batches.

    Args:
        model: fitted.
        x: (n, *sample_shape), as `scaled` returns them.

    Example:
        >>> from latente import Trainer
        >>> X = np.random.default_rng(0).normal(size=(200, 4))
        >>> model = Autoencoder(2, trainer=Trainer(epochs=2), random_state=0).fit(X)
        >>> passed = pass_through(model, scaled(model, X))
        >>> passed.x_hat.shape, passed.z.shape, passed.codes is None
        ((200, 4), (200, 2), True)
    """
    module = model.module_
    found: list[tuple[str, int]] = []  # what a piece holds, and in how many columns

    def encode(piece: Tensor) -> Tensor:
        latent = module.encode(piece)
        parts = {name: getattr(latent, name) for name in ("mode", "rate", "rate_per_unit", "codes")}
        flat = {name: part.reshape(len(piece), -1).float() for name, part in parts.items() if part is not None}
        found[:] = [(name, part.shape[1]) for name, part in flat.items()]
        return torch.cat(list(flat.values()), dim=1)

    columns = over_batches(module, torch.from_numpy(x), encode, module.device)
    edges = np.cumsum([width for _, width in found])[:-1]
    parts = dict(zip([name for name, _ in found], np.split(columns, edges, axis=1), strict=True))
    codes = parts.get("codes")
    return Passed(
        x=x,
        x_hat=decode(model, parts["mode"]),
        z=parts["mode"],
        rate=parts["rate"][:, 0],
        rate_per_unit=parts.get("rate_per_unit"),
        codes=None if codes is None else codes.astype(np.int64),
    )


def decode(model: Autoencoder, z: Floats) -> Floats:
    """Returns scaled samples (n, *sample_shape) from codes (n, latent_dim)."""
    module = model.module_
    return over_batches(module, torch.from_numpy(z.astype(np.float32)), module.decode, module.device)
