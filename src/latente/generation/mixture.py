"""A mixture of normal distributions."""

from __future__ import annotations

__all__ = ["MixtureSampler", "mixture_density"]

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latente.generation.base import Codes, Density, Sampler
from latente.generation.gaussian import NormalDensity
from latente.parts import is_integer, is_number

if TYPE_CHECKING:
    from latente.estimators import Autoencoder


@dataclass
class MixtureSampler(Sampler, name="mixture"):
    """sum_k w_k N(m_k, S_k) with full covariances, by scikit-learn's GaussianMixture (expectation-maximisation).

    Temperature T draws from sum_k w_k N(m_k, T^2 S_k): components keep their places and weights, and shrink. Source:
    Ghosh, Sajjadi, Vergari, Black, Schoelkopf (2020), "From variational to deterministic autoencoders", with ten
    components.

    Args:
        n_components: how many; at most as many as codes (of each label, where there are labels).
        regularization: added to every variance of the standardised codes.
        max_iter: of expectation-maximisation; a mixture that has not quite converged by then is taken as it is.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> codes = rng.normal(rng.choice([-5.0, 5.0], (500, 1)), 0.5)
        >>> sampler = MixtureSampler(2).fit(codes, random_state=0)
        >>> np.unique(sampler.sample(100, temperature=0, random_state=0).round().astype(int))
        array([-5,  5])
    """

    n_components: int = 10
    regularization: float = 1e-6
    max_iter: int = 200

    def check(self) -> None:
        for name in ("n_components", "max_iter"):
            if not is_integer(getattr(self, name), low=1):
                raise ValueError(
                    f"MixtureSampler: {name} must be an integer of at least 1; got {getattr(self, name)!r}"
                )
        if not is_number(self.regularization, low=0) or self.regularization == 0:
            raise ValueError(f"MixtureSampler: regularization must be above 0; got {self.regularization!r}")

    def _fit(self, codes: Codes, seed: int) -> Density:
        if len(codes) < self.n_components:
            raise ValueError(
                f"MixtureSampler: {self.n_components} components need as many codes (of each label); got {len(codes)}. "
                f"Use MixtureSampler({len(codes)}) or fewer"
            )
        return mixture_density(codes, self.n_components, self.regularization, seed, self.max_iter)

    def _restore(self, arrays: Mapping[str, NDArray[Any]], model: Autoencoder | None) -> Density:
        return NormalDensity(arrays["weights"], arrays["means"], arrays["factors"])


def mixture_density(
    points: Codes, components: int, regularization: float, seed: int, max_iter: int = 200
) -> NormalDensity:
    """Returns a mixture of normal distributions that is fitted to points (n, d) by expectation-maximisation.

    Args:
        points: at least as many as components.
        components: how many.
        regularization: added to every variance.
        seed: decides the start.
        max_iter: a mixture that has not quite converged by then is taken as it is.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> points = rng.normal(rng.choice([-5.0, 5.0], (500, 1)), 0.5)
        >>> np.sort(mixture_density(points, 2, 1e-6, 0).means.ravel()).round().astype(int)
        array([-5,  5])
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    mixture = GaussianMixture(components, reg_covar=regularization, max_iter=max_iter, random_state=seed)
    with warnings.catch_warnings():  # every iteration is a valid mixture, and the last steps gain almost nothing
        warnings.simplefilter("ignore", ConvergenceWarning)
        mixture.fit(points)
    return NormalDensity(mixture.weights_, mixture.means_, np.linalg.cholesky(mixture.covariances_))
