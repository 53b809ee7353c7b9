"""How probable a variational model finds samples: importance sampling, and the two terms of its bound."""

from __future__ import annotations

__all__ = ["RateDistortion", "bound_terms", "log_likelihood", "rate_distortion"]

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import clone
from torch import Tensor

from latente.autoencoder import AutoencoderModule
from latente.bottlenecks import GaussianModule
from latente.distortions import Distortion
from latente.nn import onednn_pays, products_by_onednn
from latente.objectives import Batch
from latente.objectives.importance import log_weights
from latente.parts import is_integer, is_number

if TYPE_CHECKING:
    from latente.estimators.named import VariationalAutoencoder

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


def check_likelihood(module: AutoencoderModule, distortion: Distortion | None) -> None:
    """Raises ValueError when the model does not define p(x, z) and q(z|x)."""
    if not isinstance(module.bottleneck, GaussianModule):
        name = type(module.bottleneck).__name__.strip("_")
        raise ValueError(f"a likelihood needs a Gaussian bottleneck; got {name}. Use VariationalAutoencoder")
    if distortion is None or not distortion.is_likelihood:
        raise ValueError(
            f"a likelihood needs a distortion that is one; got {type(distortion).__name__}. Fit with "
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
    model: VariationalAutoencoder, X: Any, betas: Sequence[float], X_test: Any, n_samples: int, random_state: Any
) -> RateDistortion:
    """Fits one copy of the model for each beta; see the estimator's method."""
    if not len(betas) or not all(is_number(beta, low=0) for beta in betas):
        raise ValueError(f"betas must be numbers of at least 0; got {betas!r}")
    if model.objective is not None:
        raise ValueError(f"beta weighs the rate in the plain objective only; got objective={model.objective!r}")
    points = []
    for beta in betas:
        fitted = clone(model).set_params(beta=beta).fit(X)
        terms = fitted.bound_terms(X_test, n_samples, random_state=random_state).mean(0)
        points.append((beta, terms[1], terms[0], -terms.sum(), fitted.active_units(X_test).sum()))
    betas_, rates, distortions, bounds, active = (np.array(column) for column in zip(*points, strict=True))
    return RateDistortion(betas_.astype(float), rates, distortions, bounds, active.astype(np.int64))


def check_draws(n_samples: Any) -> int:
    """Returns the number of draws, or raises ValueError."""
    if not is_integer(n_samples, low=1):
        raise ValueError(f"n_samples must be an integer of at least 1; got {n_samples!r}")
    return int(n_samples)
