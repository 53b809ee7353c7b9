"""What every sampler offers: fit to codes, sample, log-density; with labels, one density for each."""

from __future__ import annotations

__all__ = ["Density", "Sampler"]

import abc
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import NotFittedError

from latente.generation.checks import as_codes, as_labels, check_temperature, labels_to_draw
from latente.parts import Part, is_integer
from latente.training import seed_of

if TYPE_CHECKING:
    from latente.estimators import Autoencoder

Codes = NDArray[np.float64]
SMALLEST_SCALE = 1e-6  # of a column, relative to the widest one: a unit that never moves must not divide by zero


class Density(abc.ABC):
    """A fitted density of standardised codes (n, d).

    Example:
        >>> from latente.generation import GaussianSampler
        >>> codes = np.random.default_rng(0).normal(size=(100, 2))
        >>> (density,) = GaussianSampler().fit(codes).densities_
        >>> density.sample(3, 1.0, np.random.default_rng(0)).shape, density.log_density(codes).shape
        ((3, 2), (100,))
    """

    @abc.abstractmethod
    def sample(self, n: int, temperature: float, rng: np.random.Generator) -> Codes:
        """Returns n draws (n, d)."""

    @abc.abstractmethod
    def log_density(self, codes: Codes) -> Codes:
        """Returns (n,): log p of standardised codes (n, d), in nats."""

    @abc.abstractmethod
    def arrays(self) -> dict[str, NDArray[Any]]:
        """Returns everything that was learned, by name, but for models of its own."""

    def model(self) -> Autoencoder | None:
        """Returns a fitted autoencoder that is part of the density, which is saved as a model folder of its own."""
        return None


class Sampler(Part, abc.ABC, family="sampler"):
    """A density that is fitted to the codes of a trained autoencoder and drawn from.

    A value object like every part: `MixtureSampler(20)` and `"mixture:20"` mean the same. Before anything is fitted,
    each column of the codes is standardised, by label where there are labels, so settings mean the same for every
    model; densities are those of the codes as they were given.

    Attributes:
        latent_dim_: columns of the codes.
        classes_: the labels that `fit` got, sorted, or None. There is one density for each.
        weights_: (classes,), how frequent each label is.
        shift_: (classes, latent_dim), means of the columns, one row where there are no labels.
        scale_: (classes, latent_dim), their standard deviations.
        densities_: the fitted densities.

    Example:
        >>> codes = np.random.default_rng(0).normal(size=(500, 2))
        >>> sampler = Sampler.from_string("mixture:3").fit(codes, random_state=0)
        >>> sampler.sample(4, random_state=0).shape, sampler.log_density(codes).shape
        ((4, 2), (500,))
    """

    latent_dim_: int
    classes_: NDArray[Any] | None
    weights_: Codes
    shift_: Codes
    scale_: Codes
    densities_: list[Density]

    @abc.abstractmethod
    def check(self) -> None:
        """Raises ValueError for a setting that makes no sense, ImportError for an extra that is missing."""

    @abc.abstractmethod
    def _fit(self, codes: Codes, seed: int) -> Density:
        """Fits a density to standardised codes (n, d)."""

    @abc.abstractmethod
    def _restore(self, arrays: Mapping[str, NDArray[Any]], model: Autoencoder | None) -> Density:
        """Makes a density again from what it gave to be saved."""

    def fit(self, codes: Any, y: Any = None, *, random_state: Any = None) -> Self:
        """Fits the density, or one for each label, and returns self.

        Args:
            codes: (n, latent_dim), as `transform` returns them, at least 2.
            y: (n,) labels (integers or strings), at least 2 codes of each; None fits one density to all.
            random_state: None, an integer or a numpy generator; decides everything random.

        Raises:
            ValueError: for codes, labels or settings that cannot be fitted.
            ImportError: for an extra that is missing.
        """
        self.check()
        codes = as_codes(codes, rows=2)
        self.latent_dim_ = codes.shape[1]
        if y is None:
            self.classes_, of, counts = None, np.zeros(len(codes), int), np.array([len(codes)])
        else:
            self.classes_, of, counts = as_labels(y, len(codes))
        self.weights_ = counts / len(codes)
        groups = [codes[of == i] for i in range(len(counts))]
        self.shift_ = np.stack([group.mean(0) for group in groups])
        spread = np.stack([group.std(0) for group in groups])
        widest = spread.max(axis=1, keepdims=True)
        self.scale_ = np.maximum(spread, SMALLEST_SCALE * np.where(widest == 0, 1.0, widest))
        seeds = np.random.SeedSequence(seed_of(random_state)).generate_state(len(groups)).tolist()
        self.densities_ = [
            self._fit((group - shift) / scale, seed)
            for group, shift, scale, seed in zip(groups, self.shift_, self.scale_, seeds, strict=True)
        ]
        return self

    def sample(self, n: int = 1, *, y: Any = None, temperature: float = 1.0, random_state: Any = None) -> Codes:
        """Returns n draws (n, latent_dim).

        Args:
            n: how many.
            y: a label, or (n,) labels, of those that `fit` got; None draws labels as frequently as they came.
            temperature: scales the spread; 1 is the density as it was fitted, 0 only its centres. What it scales is
                said by each sampler.
            random_state: None, an integer or a numpy generator.

        Raises:
            ValueError: for an unknown label, or labels where `fit` got none.
            NotFittedError: before `fit`.
        """
        self._check_fitted()
        if not is_integer(n, low=1):
            raise ValueError(f"n must be an integer of at least 1; got {n!r}")
        check_temperature(temperature)
        rng = np.random.default_rng(seed_of(random_state))
        of = labels_to_draw(y, n, self.classes_, self.weights_, rng)
        drawn = np.empty((n, self.latent_dim_))
        for i, density in enumerate(self.densities_):
            chosen = of == i
            if chosen.any():
                own = density.sample(int(chosen.sum()), float(temperature), rng)
                drawn[chosen] = own * self.scale_[i] + self.shift_[i]
        return drawn

    def log_density(self, codes: Any, *, y: Any = None) -> Codes:
        """Returns (n,): log p(z), or log p(z | y), in nats for codes in their own units.

        Args:
            codes: (n, latent_dim).
            y: a label of those that `fit` got; None weighs all by their frequency.

        Raises:
            ValueError: for codes of another size, an unknown label.
            NotFittedError: before `fit`.
        """
        self._check_fitted()
        codes = as_codes(codes, rows=1, columns=self.latent_dim_)
        weights = self.weights_
        if y is not None:
            chosen = labels_to_draw(y, 1, self.classes_, weights, np.random.default_rng(0))[0]
            weights = np.eye(len(weights))[chosen]
        terms = [
            np.log(weight) + density.log_density((codes - shift) / scale) - np.log(scale).sum()
            for weight, density, shift, scale in zip(weights, self.densities_, self.shift_, self.scale_, strict=True)
            if weight > 0
        ]
        return np.logaddexp.reduce(terms, axis=0)

    def _check_fitted(self) -> None:
        if not hasattr(self, "densities_"):
            raise NotFittedError(f"this {type(self).__name__} is not fitted yet; call fit(codes) first")
