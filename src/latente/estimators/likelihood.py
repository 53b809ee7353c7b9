"""How probable a variational model finds samples: importance sampling, and the two terms of its bound."""

from __future__ import annotations

__all__ = [
    "RateDistortion", "bound_terms", "check_draws", "check_gaussian", "check_likelihood", "log_likelihood",
    "rate_distortion",
]  # fmt: skip

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import clone
from torch import Tensor

from latente.autoencoder import AutoencoderModule
from latente.bottlenecks import Gaussian
from latente.estimators.recipe import Recipe
from latente.nn import onednn_pays, products_by_onednn
from latente.objectives import Batch, Objective, Plain
from latente.objectives.importance import log_weights
from latente.parts import is_integer, is_number

if TYPE_CHECKING:
    from latente.estimators.autoencoder import Autoencoder

DECODED = 4096  # samples times draws that are decoded at a time


@dataclass(frozen=True)
class RateDistortion:
    """How much a model must say for how good a reconstruction: one point for each beta, means over samples.

    Attributes:
        betas: (points,), weights of the rate.
        rates: (points,), KL(q(z|x) || p(z)), nats.
        distortions: (points,), E_q[-log p(x|z)], nats.
        bounds: (points,), minus their sum: the evidence lower bound.
        active_units: (points,), how many units vary over the data.
    """

    betas: NDArray[np.float64]
    rates: NDArray[np.float64]
    distortions: NDArray[np.float64]
    bounds: NDArray[np.float64]
    active_units: NDArray[np.int64]


def check_gaussian(recipe: Recipe, what: str) -> None:
    """Raises ValueError when the bottleneck is not Gaussian.

    Args:
        recipe: of the model.
        what: the beginning of the message.
    """
    if not isinstance(recipe.bottleneck, Gaussian):
        raise ValueError(
            f"{what} needs a Gaussian bottleneck; got {type(recipe.bottleneck).__name__}. Use VariationalAutoencoder, "
            "or bottleneck='gaussian' where the estimator has that argument"
        )


def check_likelihood(recipe: Recipe) -> None:
    """Raises ValueError when the model does not define p(x, z) and q(z|x).

    Args:
        recipe: of the model; its distortion may still be "auto", which is a likelihood with a Gaussian bottleneck.
    """
    check_gaussian(recipe, "a likelihood")
    if recipe.distortion is not None and not recipe.distortion.is_likelihood:
        raise ValueError(
            f"a likelihood needs a distortion that is one; got {type(recipe.distortion).__name__}. Fit with "
            "distortion='gaussian' or, for binary data, 'bernoulli'"
        )


def log_likelihood(module: AutoencoderModule, x: Tensor, n_samples: int, generator: torch.Generator) -> NDArray[Any]:
    """Returns (n,): log 1/k sum_i p(x|z_i) p(z_i) / q(z_i|x), z_i ~ q(z|x), in nats; see the estimator's method.

    Args:
        module: in evaluation mode, with a Gaussian bottleneck.
        x: (n, *sample_shape), scaled.
        n_samples: k.
        generator: on the module's device.
    """
    draws = min(n_samples, DECODED)
    rows = max(1, DECODED // draws)
    found = []
    with torch.inference_mode(), products_by_onednn(onednn_pays(module, rows * draws)):
        for piece in x.split(rows):
            total = _log_sum(module, piece.to(module.device), n_samples, draws, generator)
            found.append((total - math.log(n_samples)).cpu())
    return torch.cat(found).numpy()


def _log_sum(module: AutoencoderModule, x: Tensor, samples: int, draws: int, generator: torch.Generator) -> Tensor:
    """Returns (m,): the logarithm of the sum of all importance weights."""
    totals, batch = [], Batch(x, x)
    for start in range(0, samples, draws):
        weights, _ = log_weights(module, batch, min(draws, samples - start), generator)
        totals.append(weights.double().logsumexp(0))
    return torch.stack(totals).logsumexp(0)


def bound_terms(module: AutoencoderModule, x: Tensor, n_samples: int, generator: torch.Generator) -> Tensor:
    """Returns (n, 2): E_q[-log p(x|z)], averaged over draws, and KL(q(z|x) || p(z)), in nats.

    Args:
        module: in evaluation mode, with a Gaussian bottleneck.
        x: (n, *sample_shape), scaled.
        n_samples: draws for each sample.
        generator: on the module's device.
    """
    rows, found = max(1, DECODED // n_samples), []
    with torch.inference_mode(), products_by_onednn(onednn_pays(module, rows * n_samples)):
        for piece in x.split(rows):
            own = piece.to(module.device)
            _, distortion = log_weights(module, Batch(own, own), n_samples, generator)
            found.append(torch.stack([distortion.mean(0), module.encode(own).rate], 1).cpu())
    return torch.cat(found)


def rate_distortion(
    model: Autoencoder, X: Any, betas: float | Sequence[float], X_test: Any, n_samples: int, random_state: Any
) -> RateDistortion:
    """Fits one copy of the model for each beta; see the estimator's method."""
    weights, recipe = _checked_betas(betas), model._recipe()
    check_likelihood(recipe)
    if not _weighs_rate(recipe.objective):
        raise ValueError(
            "beta weighs the rate in the plain objective only; got "
            f"objective={getattr(model, 'objective', recipe.objective)!r}"
        )
    name = "beta" if "beta" in model.get_params(deep=False) else "bottleneck__beta"
    points = []
    for beta in weights:
        fitted = clone(model).set_params(**{name: beta}).fit(X)
        terms = fitted.bound_terms(X_test, n_samples, random_state=random_state).mean(0)
        points.append((beta, terms[1], terms[0], -terms.sum(), fitted.active_units(X_test).sum()))
    betas_, rates, distortions, bounds, active = (np.array(column) for column in zip(*points, strict=True))
    return RateDistortion(betas_.astype(float), rates, distortions, bounds, active.astype(np.int64))


def _checked_betas(betas: Any) -> tuple[float, ...]:
    """Returns the weights of the rate, or raises ValueError."""
    several = (betas,) if is_number(betas) else betas
    weights = tuple(several) if isinstance(several, Iterable) else ()
    if not weights or not all(is_number(beta, low=0) for beta in weights):
        raise ValueError(f"betas must be a number of at least 0, or a list of such numbers; got {betas!r}")
    return tuple(map(float, weights))


def _weighs_rate(objective: Objective) -> bool:
    """Returns whether the bottleneck's beta counts: in the plain objective, whatever is wrapped around it."""
    while hasattr(objective, "inner"):
        objective = objective.inner
    return isinstance(objective, Plain)


def check_draws(n_samples: Any) -> int:
    """Returns the number of draws, or raises ValueError."""
    if not is_integer(n_samples, low=1):
        raise ValueError(f"n_samples must be an integer of at least 1; got {n_samples!r}")
    return int(n_samples)
