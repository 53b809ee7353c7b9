"""A variational autoencoder of the codes."""

from __future__ import annotations

__all__ = ["SecondStageSampler"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from latente.data import DataSpec
from latente.generation.base import Codes, Density, Sampler
from latente.parts import is_integer

if TYPE_CHECKING:
    from latente.estimators import Autoencoder

DRAWS = 100  # of the importance sampling that estimates the density


class _SecondStage(Density):
    def __init__(self, model: Any) -> None:
        self._model = model

    def sample(self, n: int, temperature: float, rng: np.random.Generator) -> Codes:
        module, schema = self._model.module_, self._model.schema_
        u = temperature * rng.standard_normal((n, module.bottleneck.latent_dim))
        mean = self._model.inverse_transform(u.astype(np.float32)).astype(np.float64)
        with torch.inference_mode():
            sigma = float((0.5 * module.distortion.logvar).exp())  # in units of the scaled data
        return mean + temperature * sigma / schema.factor * rng.standard_normal(mean.shape)

    def log_density(self, codes: Codes) -> Codes:
        scaled = self._model.log_likelihood(codes.astype(np.float32), DRAWS, random_state=0)
        factor = np.broadcast_to(self._model.schema_.factor, codes.shape[1:])
        return scaled.astype(np.float64) + np.log(factor).sum()

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {}

    def model(self) -> Autoencoder:
        return self._model


@dataclass
class SecondStageSampler(Sampler, name="second_stage"):
    """A second variational autoencoder, trained on the codes of the first: u ~ N(0, I), z ~ N(d(u), sigma^2 I).

    u is as wide as z, so this autoencoder only has to turn the codes' distribution into N(0, I), not to reduce it;
    sigma is learned. Temperature T draws u from N(0, T^2 I) and z from N(d(u), T^2 sigma^2 I). `log_density` is an
    estimate from 100 importance samples with a fixed seed, on average a little low. Source: Dai & Wipf (2019),
    "Diagnosing and enhancing VAE models".

    Args:
        hidden_features: widths of the hidden layers of encoder and decoder.
        epochs: passes over the codes, or "auto"; see Trainer.

    Example:
        >>> codes = np.random.default_rng(0).normal(3.0, 2.0, size=(300, 2))
        >>> sampler = SecondStageSampler(epochs=3).fit(codes, random_state=0)
        >>> sampler.sample(5, random_state=0).shape
        (5, 2)
    """

    hidden_features: Sequence[int] = (256, 256)
    epochs: int | str = "auto"

    def check(self) -> None:
        widths = self.hidden_features
        if not isinstance(widths, Sequence) or not all(is_integer(width, low=1) for width in widths) or not widths:
            raise ValueError(f"SecondStageSampler: hidden_features must be integers of at least 1; got {widths!r}")
        if self.epochs != "auto" and not is_integer(self.epochs, low=1):
            raise ValueError(
                f"SecondStageSampler: epochs must be 'auto' or an integer of at least 1; got {self.epochs!r}"
            )

    def _fit(self, codes: Codes, seed: int) -> Density:
        from latente.estimators import VariationalAutoencoder
        from latente.networks import MLP
        from latente.training import Trainer

        model = VariationalAutoencoder(
            codes.shape[1],
            network=MLP(tuple(self.hidden_features)),
            distortion="gaussian",
            data=DataSpec(kind="table", scale="standard"),
            trainer=Trainer(epochs=self.epochs, weight_decay=0, precision="float32", device="cpu", verbose=False),
            random_state=seed,
        )
        return _SecondStage(model.fit(codes.astype(np.float32)))

    def _restore(self, arrays: Mapping[str, NDArray[Any]], model: Autoencoder | None) -> Density:
        if model is None:
            raise KeyError("the second stage's model")
        return _SecondStage(model)
