"""A variational autoencoder of the codes."""

from __future__ import annotations

__all__ = ["SecondStageSampler"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latente.data import DataSpec
from latente.generation.base import Codes, Density, Sampler
from latente.generation.gaussian import NormalDensity
from latente.generation.mixture import mixture_density
from latente.parts import is_integer

if TYPE_CHECKING:
    from latente.estimators import Autoencoder

DRAWS = 100  # of the importance sampling that estimates the density
DECODED = 4096  # draws that are decoded at a time
KNOWN, EACH = 2_000, 20  # draws of u that the mixture is fitted to, at least; codes for each of its components
SMALLEST_VARIANCE = 1e-4  # of a component, where the prior has 1


class _SecondStage(Density):
    """p(z) = integral p(u) N(z; d(u), sigma^2 I) du.

    Args:
        model: fitted to standardised codes (n, d).
        prior: p(u), of (n, d).
    """

    def __init__(self, model: Any, prior: NormalDensity) -> None:
        self._model, self._prior = model, prior

    def sample(self, n: int, temperature: float, rng: np.random.Generator) -> Codes:
        module, schema = self._model.module_, self._model.schema_
        u = self._prior.sample(n, temperature, rng)
        mean = self._model.inverse_transform(u.astype(np.float32)).astype(np.float64)
        with torch.inference_mode():
            sigma = float((0.5 * module.distortion.logvar).exp())  # in units of the scaled data
        return mean + temperature * sigma / schema.factor * rng.standard_normal(mean.shape)

    def log_density(self, codes: Codes) -> Codes:
        generator = torch.Generator().manual_seed(0)
        with torch.inference_mode():
            pieces = _scaled(self._model, codes).split(DECODED // DRAWS)
            found = np.concatenate([self._log_weights(piece, generator) for piece in pieces], axis=1)
        factor = np.broadcast_to(self._model.schema_.factor, codes.shape[1:])
        return np.logaddexp.reduce(found, axis=0) - np.log(DRAWS) + np.log(factor).sum()

    def _log_weights(self, x: Tensor, generator: torch.Generator) -> Codes:
        """Returns log p(x|u) + log p(u) - log q(u|x) of draws u ~ q(u|x), (draws, n), for scaled codes (n, d)."""
        module = self._model.module_
        mu, logvar = module.bottleneck.moments(module.features(x))
        noise = torch.randn((DRAWS, *mu.shape), generator=generator)
        u = (mu + (0.5 * logvar).exp() * noise).flatten(0, 1)
        posterior = -0.5 * (noise.square() + logvar + np.log(2 * np.pi)).sum(2).double().numpy()
        likelihood = -module.distort(u, x.repeat(DRAWS, 1)).double().numpy()
        return (likelihood + self._prior.log_density(u.double().numpy())).reshape(DRAWS, -1) - posterior

    def arrays(self) -> dict[str, NDArray[Any]]:
        return self._prior.arrays()

    def model(self) -> Autoencoder:
        return self._model


@dataclass
class SecondStageSampler(Sampler, name="second_stage"):
    """A second variational autoencoder, trained on the codes of the first: u ~ p(u), z ~ N(d(u), sigma^2 I).

    u is as wide as z, so this autoencoder only has to turn the codes' distribution into N(0, I), not to reduce it;
    sigma is learned. It comes near N(0, I), not there: each unit of u has variance 1, but the codes leave gaps between
    them, where d averages, and draws of N(0, I) are too narrow (0.83 of the variance for 16 codes of MNIST). So p(u) is
    a mixture of normal distributions, fitted after training to draws of q(u|z) of the codes. Temperature T scales the
    spread of its components, and sigma. `log_density` is an estimate from 100 importance samples with a fixed seed, on
    average a little low. Sources: Dai & Wipf (2019), "Diagnosing and enhancing VAE models"; for p(u), Ghosh, Sajjadi,
    Vergari, Black, Schoelkopf (2020), "From variational to deterministic autoencoders".

    Args:
        hidden_features: widths of the hidden layers of encoder and decoder, which have a linear path around them.
        epochs: passes over the codes, or "auto"; see Trainer.
        n_components: of p(u), fewer where there are not 20 codes for each; 0 keeps N(0, I), as in the paper.

    Example:
        >>> codes = np.random.default_rng(0).normal(3.0, 2.0, size=(300, 2))
        >>> sampler = SecondStageSampler(epochs=3).fit(codes, random_state=0)
        >>> sampler.sample(5, random_state=0).shape
        (5, 2)
    """

    hidden_features: Sequence[int] = (256, 256)
    epochs: int | str = "auto"
    n_components: int = 10

    def check(self) -> None:
        widths = self.hidden_features
        if not isinstance(widths, Sequence) or not all(is_integer(width, low=1) for width in widths) or not widths:
            raise ValueError(f"SecondStageSampler: hidden_features must be integers of at least 1; got {widths!r}")
        if self.epochs != "auto" and not is_integer(self.epochs, low=1):
            raise ValueError(
                f"SecondStageSampler: epochs must be 'auto' or an integer of at least 1; got {self.epochs!r}"
            )

        if not is_integer(self.n_components, low=0):
            raise ValueError(
                f"SecondStageSampler: n_components must be an integer of at least 0; got {self.n_components!r}"
            )

    def _fit(self, codes: Codes, seed: int) -> Density:
        from latente.estimators import VariationalAutoencoder
        from latente.networks import MLP, LinearPath
        from latente.training import Trainer

        model = VariationalAutoencoder(
            codes.shape[1],
            network=LinearPath(MLP(tuple(self.hidden_features))),
            distortion="gaussian",
            data=DataSpec(kind="table", scale="standard"),
            trainer=Trainer(epochs=self.epochs, weight_decay=0, precision="float32", device="cpu", verbose=False),
            random_state=seed,
        )
        return _SecondStage(model.fit(codes.astype(np.float32)), self._prior(model, codes, seed))

    def _prior(self, model: Any, codes: Codes, seed: int) -> NormalDensity:
        """Returns p(u)."""
        components = min(self.n_components, max(1, len(codes) // EACH))
        if not self.n_components:
            return _normal(codes.shape[1])
        generator = torch.Generator().manual_seed(seed)
        with torch.inference_mode():
            mu, logvar = model.module_.bottleneck.moments(model.module_.features(_scaled(model, codes)))
            noise = torch.randn((-(-KNOWN // len(mu)), *mu.shape), generator=generator)
            u = (mu + (0.5 * logvar).exp() * noise).flatten(0, 1).double().numpy()
        return mixture_density(u, components, SMALLEST_VARIANCE, seed)

    def _restore(self, arrays: Mapping[str, NDArray[Any]], model: Autoencoder | None) -> Density:
        if model is None:
            raise KeyError("the second stage's model")
        known = "means" in arrays  # older files have N(0, I) and do not say so
        prior = NormalDensity(arrays["weights"], arrays["means"], arrays["factors"]) if known else None
        return _SecondStage(model, prior or _normal(model.module_.bottleneck.latent_dim))


def _normal(d: int) -> NormalDensity:
    """Returns N(0, I) of d numbers."""
    return NormalDensity(np.ones(1), np.zeros((1, d)), np.eye(d)[None])


def _scaled(model: Any, codes: Codes) -> Tensor:
    return model.schema_.prepare(model.schema_.ingest(codes.astype(np.float32)))
