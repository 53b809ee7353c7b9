"""The parts of one autoencoder, and how they become a module."""

from __future__ import annotations

__all__ = ["Recipe"]

import copy
from dataclasses import dataclass, replace
from typing import Any

from latente.autoencoder import AutoencoderModule
from latente.bottlenecks import Bottleneck, Deterministic, Gaussian
from latente.corruptions import Corruption, resolve_corruption
from latente.data import Schema
from latente.distortions import Bernoulli, Distortion, GaussianLikelihood, SquaredError, resolve_distortion
from latente.networks import Network, resolve_network
from latente.objectives import Binarized, Objective, Plain
from latente.parts import resolve

SMALLEST_STD = 0.1  # of a learned variance, as a fraction of the data's range,
OF_SPREAD = 0.4  # and at most this fraction of their spread, of which 0.1 is 0.34 to 0.36 on MNIST and digits,
LEAST = 0.01  # but no less than this fraction of that tenth: data that hardly ever change make sigma and the loss jump


@dataclass(frozen=True)
class Recipe:
    """The resolved parts of an autoencoder."""

    network: Network
    bottleneck: Bottleneck
    corruption: Corruption | None
    distortion: Distortion | None
    objective: Objective

    @staticmethod
    def of(network: Any, bottleneck: Any, corruption: Any, distortion: Any, objective: Any) -> Recipe:
        """Returns the recipe that the user's parts, short strings and Nones mean.

        A distortion that is "auto" stays None until `settle` has seen the data. The parts are copies: `set_params` on
        the estimator leaves a fitted model as it is.

        Raises:
            TypeError: for something that is no part.
            ValueError: for a name that is not known.
        """
        chosen: Bottleneck = resolve(bottleneck, Bottleneck) or Deterministic()  # type: ignore[type-abstract]
        return Recipe(
            network=copy.copy(resolve_network(network)),
            bottleneck=copy.copy(chosen),
            corruption=copy.copy(resolve_corruption(corruption)),
            distortion=copy.copy(resolve_distortion(distortion)),
            objective=copy.copy(resolve(objective, Objective) or Plain()),  # type: ignore[type-abstract]
        )

    @property
    def has_prior(self) -> bool:
        """Whether training draws the codes towards N(0, I), which gives each latent unit a scale of its own."""
        return isinstance(self.bottleneck, Gaussian) or self.objective.normal_codes

    @property
    def limits_code(self) -> bool:
        """Whether something other than its size limits what passes through the code."""
        plain = isinstance(self.objective, Plain) and isinstance(self.bottleneck, Deterministic)
        return not plain or self.corruption is not None

    def check(self) -> None:
        """Raises ValueError for a corruption whose levels make no sense; other parts check themselves when built."""
        if self.corruption is not None:
            self.corruption.check()

    def settle(self, schema: Schema) -> Recipe:
        """Returns the recipe with the distortion chosen for the data.

        It is the squared error, but a Gaussian likelihood with a learned variance where the bottleneck is Gaussian,
        since there it has to be in nats like the rate, and a Bernoulli one of pixels that the objective draws black
        and white. For bounded data sigma stays above a tenth of the range, or 0.4 of the data's spread where that
        is less (see benchmarks/defaults/NOTES.md: below, the variance fits the training set and samples suffer; far
        above the spread, no code pays). There it begins that much lower, too.
        """
        if self.distortion is not None:
            return self
        if _binary(self.objective):
            return replace(self, distortion=Bernoulli())
        if not isinstance(self.bottleneck, Gaussian):
            return replace(self, distortion=SquaredError())
        if schema.bounds is None:
            return replace(self, distortion=GaussianLikelihood())
        floor = SMALLEST_STD * (schema.bounds[1] - schema.bounds[0])
        spread = schema.spread or 0.0  # NaN of data that are refused later
        part = min(1.0, max(LEAST, OF_SPREAD * spread / floor)) if spread > 0 else 1.0
        return replace(self, distortion=GaussianLikelihood(smallest_std=part * floor, initial_std=part))

    @property
    def asks_for_spread(self) -> bool:
        """Whether `settle` uses how far bounded samples lie apart."""
        return self.distortion is None and isinstance(self.bottleneck, Gaussian) and not _binary(self.objective)

    def fit_output(self, schema: Schema) -> Schema:
        """Returns the schema with the output that fits the network too; a Bernoulli's logits need a sigmoid."""
        if isinstance(self.distortion, Bernoulli):
            return schema
        return replace(schema, output=self.network.output(schema.output, schema.sample_shape))

    def build(self, latent_dim: int, schema: Schema) -> AutoencoderModule:
        """Makes the module; its weights come from torch's global generator.

        Raises:
            ValueError: for parts that do not fit each other or the data.
        """
        distortion = self.settle(schema).distortion or SquaredError()
        if isinstance(distortion, Bernoulli) and schema.bounds != (0.0, 1.0):
            raise ValueError(
                f"the Bernoulli distortion needs data in [0, 1]; this data is {schema.describe()}. Use "
                "distortion='squared_error' or 'gaussian', or data=DataSpec(scale='minmax')"
            )
        bottleneck = self.bottleneck.build(latent_dim)
        encoder, decoder = self.network.build(schema.sample_shape, latent_dim, bottleneck.features)
        return AutoencoderModule(
            encoder,
            bottleneck,
            decoder,
            distortion=distortion.build(schema.sample_shape),
            corruption=self.corruption,
            output=schema.output,
            bounds=schema.bounds,
        )


def _binary(objective: Objective) -> bool:
    """Returns whether the objective, or one inside it, sees pixels of 0 and 1."""
    while not isinstance(objective, Binarized) and hasattr(objective, "inner"):
        objective = objective.inner
    return isinstance(objective, Binarized)
