"""From training samples to autoencoders that know which of them they did not see."""

from __future__ import annotations

__all__ = ["Fitted", "fit_autoencoders", "fit_ensemble", "folds_of", "mean_of", "pieces", "prepared"]

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import clone
from torch import Tensor

from latente.anomaly.ensemble import Ensemble
from latente.anomaly.members import Backbone, Wrapped
from latente.anomaly.views import Views
from latente.data import Schema
from latente.estimators import Autoencoder
from latente.parts import is_integer

REFERENCES = 2048  # training samples of a wrapped autoencoder that a score is fitted to
TOGETHER = 1 << 24  # values of all members' views at a time
LARGE, HUGE = 1e20, 1e37  # values that are looked at, and what scaled ones are clipped to


@dataclass(frozen=True)
class Fitted:
    """Trained autoencoders.

    Attributes:
        backbone: the members together.
        schema: how samples are scaled.
        models: the autoencoders, for a wrapped one.
    """

    backbone: Backbone
    schema: Schema
    models: tuple[Autoencoder, ...] = ()

    def within(self, x: Tensor) -> Tensor:
        """Returns samples (n, *sample_shape), scaled, with values no farther off than the members see."""
        return self.backbone.within(x.to(self.backbone.shift.device)).cpu()

    def beyond(self, x: Tensor) -> Tensor:
        """Returns (n, values): what each value of samples that lies farther off adds to their excess."""
        return self.backbone.beyond(x.to(self.backbone.shift.device)).cpu()


def folds_of(samples: int, folds: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Returns (samples,): a random fold of nearly equal size for each sample.

    Args:
        samples: how many.
        folds: how many, at most; 1 for none.
        rng: decides which.
    """
    return rng.permutation(samples).astype(np.int64) % max(1, min(folds, samples))


def fit_ensemble(
    part: Ensemble, x: Tensor, schema: Schema, folds: NDArray[np.int64], seed: int
) -> tuple[Fitted, Views]:
    """Trains the members of an ensemble and returns them, and their views of training samples of their own.

    Args:
        part: the settings.
        x: (n, *sample_shape), scaled.
        schema: of the data.
        folds: (n,), which fold a sample belongs to.
        seed: decides everything random.
    """
    members, index = part.fit(x, schema, folds, seed)
    with torch.inference_mode():
        views = members.views_of(members.standardised(x.flatten(1))[index])
    return Fitted(members, schema), replace(views, index=index)


def fit_autoencoders(
    autoencoder: Autoencoder, samples: NDArray[Any], folds: NDArray[np.int64], seed: int, frozen: bool
) -> tuple[Fitted, Views]:
    """Fits a copy of the autoencoder outside each fold, or takes one that is fitted; returns as `fit_ensemble`.

    Args:
        autoencoder: the user's.
        samples: (n, ...), in the user's units.
        folds: (n,); one copy sees all samples where there is one fold.
        seed: decides which training samples the score is fitted to, and training where the autoencoder does not say.
        frozen: whether it is fitted and stays as it is.
    """
    count = int(folds.max()) + 1
    inside = [np.flatnonzero(folds != fold) if count > 1 else np.arange(len(samples)) for fold in range(count)]
    models = (autoencoder,) if frozen else tuple(_copy(autoencoder, seed).fit(samples[own]) for own in inside)
    schema = models[0].schema_
    backbone = Wrapped([model.module_ for model in models], [model.schema_ for model in models])
    rng = np.random.default_rng(seed)
    chosen = min(REFERENCES, *(len(own) for own in inside))
    index = np.stack([own[rng.permutation(len(own))[:chosen]] for own in inside])

    scaled = [prepared(schema, samples[own]) for own in index]
    backbone.learn_scale(torch.cat(scaled), schema)
    device = models[0].module_.device
    backbone.eval().to(device)
    with torch.inference_mode():
        views = backbone.views_of([x.to(device) for x in scaled])
    return Fitted(backbone, schema, models), replace(views, index=torch.from_numpy(index).to(device))


def _copy(autoencoder: Autoencoder, seed: int) -> Any:
    copy = clone(autoencoder)
    return copy if is_integer(copy.random_state) else copy.set_params(random_state=seed)


def prepared(schema: Schema, samples: NDArray[Any]) -> Tensor:
    """Returns samples (n, ...) in the user's units as the members take them, (n, *sample_shape), scaled.

    Values of a table that would not fit into float32 become the farthest that do.
    """
    if schema.kind == "table" and samples.dtype.kind == "f" and samples.size and _largest(samples) > LARGE:
        with np.errstate(over="ignore"):
            reach = HUGE / schema.factor
        samples = samples.astype(np.float64).clip(schema.shift - reach, schema.shift + reach)
    return schema.prepare(schema.ingest(samples))


def _largest(samples: NDArray[Any]) -> float:
    """Returns the largest absolute value as a float, with which 1e20 can be compared: no float16 holds that."""
    return float(np.abs(samples).max())


def pieces(x: Tensor, members: int) -> tuple[Tensor, ...]:
    """Returns samples (n, ...) in pieces, so that all members' views of one fit in memory."""
    return x.split(max(16, TOGETHER // (members * max(1, x[0].numel()))))


def mean_of(of_members: NDArray[np.float32]) -> NDArray[np.float64]:
    """Returns (n,): minus the mean of the members' scores."""
    return -of_members.astype(np.float64).mean(1)
