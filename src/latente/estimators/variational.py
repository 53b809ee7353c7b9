"""What a Gaussian bottleneck adds to an autoencoder: likelihoods, the terms of the bound, active units."""

from __future__ import annotations

__all__ = ["VariationalMethods"]

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from latente.data import Schema
from latente.distortions import Bernoulli
from latente.estimators.fitted import FittedAutoencoder
from latente.estimators.inference import finite_chunks
from latente.estimators.likelihood import (
    RateDistortion,
    bound_terms,
    check_draws,
    check_gaussian,
    check_likelihood,
    log_likelihood,
    rate_distortion,
)
from latente.metrics import active_units
from latente.training import seed_of

GREY = (
    "X has values that lie between 0 and 1 once they are scaled, of which the Bernoulli distortion is no likelihood: "
    "what is returned cannot be compared with published figures. {}"
)


class VariationalMethods(FittedAutoencoder):
    """Methods of every autoencoder that need a Gaussian bottleneck, and say so without one."""

    def log_likelihood(self, X: Any, n_samples: int = 5000, *, random_state: Any = None) -> NDArray[np.float64]:
        """Returns (n,): an estimate of log p(x) for each sample, in nats, for the scaled data.

        log 1/k sum_i p(x|z_i) p(z_i) / q(z_i|x), z_i ~ q(z|x): on average below log p(x), and closer with more draws.
        For binary data pass binary samples: of grey values the Bernoulli distortion is no likelihood, and a UserWarning
        says so. Binary are values at the two ends of the training data's range, 0 and 16 where that was 0..16, and,
        with the Bernoulli distortion, booleans: False is the lower end, True the upper one. Source: Burda, Grosse,
        Salakhutdinov (2016), "Importance weighted autoencoders".

        Args:
            X: (n, ...), as in `fit`.
            n_samples: k, the draws for each sample.
            random_state: decides the draws.

        Raises:
            NotFittedError: before a fit.
            ValueError: when the bottleneck is not Gaussian or the distortion no likelihood.

        Example:
            >>> from latente import Autoencoder, Trainer
            >>> X = np.random.default_rng(0).normal(size=(200, 3))
            >>> trainer = Trainer(epochs=2, verbose=False)
            >>> model = Autoencoder(1, bottleneck="gaussian", trainer=trainer, random_state=0).fit(X)
            >>> model.log_likelihood(X[:5], 100, random_state=0).shape
            (5,)
        """
        k, x = check_draws(n_samples), self._for_likelihood(X)
        if isinstance(self.recipe_.distortion, Bernoulli) and bool(((x > 0) & (x < 1)).any()):
            warnings.warn(GREY.format(_black_and_white(self.schema_)), UserWarning, stacklevel=2)
        return log_likelihood(self.module_, x, k, self._draws(random_state))

    def bound_terms(self, X: Any, n_samples: int = 1, *, random_state: Any = None) -> NDArray[np.float32]:
        """Returns (n, 2): E_q[-log p(x|z)], averaged over draws, and KL(q(z|x) || p(z)), for the scaled data in nats.

        Minus their sum is the evidence lower bound (with beta = 1).

        Args:
            X: (n, ...), as in `fit`.
            n_samples: the draws for each sample.
            random_state: decides the draws.

        Raises:
            NotFittedError, ValueError: as in `log_likelihood`.
        """
        k, x = check_draws(n_samples), self._for_likelihood(X)
        return bound_terms(self.module_, x, k, self._draws(random_state)).numpy()

    def active_units(self, X: Any, threshold: float = 0.01) -> NDArray[np.bool_]:
        """Returns (latent_dim,): which units vary over the data; see `latente.metrics.active_units`.

        Args:
            X: (n, ...), as in `fit`.
            threshold: of the variance of the codes, whose scale is that of the prior N(0, I).

        Raises:
            NotFittedError: before a fit.
            ValueError: when the bottleneck is not Gaussian: other codes have a scale of their own; for a single sample.
        """
        check_is_fitted(self, "module_")
        check_gaussian(self.recipe_, "active units are counted against the prior, which")
        codes = self.transform(X)
        if len(codes) < 2:
            raise ValueError("active units are those that vary over the samples; got 1 sample, at least 2 are needed")
        return active_units(codes, threshold)

    def rate_distortion(
        self,
        X: Any,
        betas: float | Sequence[float] = (0.25, 0.5, 1.0, 2.0, 4.0),
        *,
        X_test: Any = None,
        n_samples: int = 8,
        random_state: Any = None,
    ) -> RateDistortion:
        """Fits a copy of this estimator for each beta and returns what each pays for how good a reconstruction.

        Source: Alemi, Poole, Fischer, Dillon, Saurous, Murphy (2018), "Fixing a broken ELBO".

        Args:
            X: (n, ...), to fit on.
            betas: weights of the rate, one number or several.
            X_test: (n, ...), to measure on; None measures on X.
            n_samples: draws for each sample.
            random_state: decides the draws of the measurement; the fits have the estimator's own.

        Raises:
            ValueError: for betas that are no numbers of at least 0, or when the bottleneck is not Gaussian, the
                distortion no likelihood or the objective one that beta does not weigh.
        """
        k = check_draws(n_samples)
        return rate_distortion(self, X, betas, X if X_test is None else X_test, k, random_state)

    def _for_likelihood(self, X: Any) -> Tensor:
        """Returns scaled samples, or raises ValueError when the model is no distribution of them.

        A Bernoulli distribution is one of zeros and ones, so booleans are these, whatever the training data's range.
        """
        check_is_fitted(self, "module_")
        check_likelihood(self.recipe_)
        rows = self._read(X)
        if rows.dtype.kind == "b" and isinstance(self.recipe_.distortion, Bernoulli):
            pieces = (self.schema_.arranged(chunk).astype(np.float32) for chunk in finite_chunks(rows))
            return torch.cat([torch.from_numpy(piece) for piece in pieces])
        return torch.cat(list(self._scaled(rows)))

    def _draws(self, random_state: Any) -> torch.Generator:
        return torch.Generator(self.module_.device).manual_seed(seed_of(random_state))


def _black_and_white(schema: Schema) -> str:
    """Returns what to pass to a model with a Bernoulli distortion: in the units of its own training data."""
    if schema.shift.size > 1 or schema.factor.size > 1:
        return (
            "This model was trained on columns with ranges of their own: pass booleans, False for the smallest value "
            "of a column in the training data and True for its largest"
        )
    low = schema.shift.item()
    high = low + 1 / schema.factor.item()
    grey = f"X / {high:g}" if not low else f"(X - {low:g}) / {high - low:g}"
    return (
        f"This model was trained on values of {low:g} to {high:g}: pass black and white pixels, {low:g} or {high:g}, "
        f"or booleans, drawn for example as rng.random(X.shape) < {grey}"
    )
