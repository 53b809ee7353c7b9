"""The parts of one autoencoder, and how they become a module."""

from __future__ import annotations

__all__ = ["Recipe"]

from dataclasses import dataclass
from typing import Any

from latente.autoencoder import AutoencoderModule
from latente.bottlenecks import Bottleneck, Deterministic, Gaussian
from latente.corruptions import Corruption, resolve_corruption
from latente.data import Schema
from latente.distortions import Bernoulli, Distortion, GaussianLikelihood, SquaredError, resolve_distortion
from latente.networks import Network, resolve_network
from latente.objectives import Objective, Plain
from latente.parts import resolve


@dataclass(frozen=True)
class Recipe:
    """The resolved parts of an autoencoder."""

    network: Network
    bottleneck: Bottleneck
    corruption: Corruption | None
    distortion: Distortion
    objective: Objective

    @staticmethod
    def of(network: Any, bottleneck: Any, corruption: Any, distortion: Any, objective: Any) -> Recipe:
        """Returns the recipe that the user's parts, short strings and Nones mean.

        By itself the distortion is the squared error, and a Gaussian likelihood with a learned variance where the
        bottleneck is Gaussian: there it has to be in nats, like the rate.

        Raises:
            TypeError: for something that is no part.
            ValueError: for a name that is not known.
        """
        chosen: Bottleneck = resolve(bottleneck, Bottleneck) or Deterministic()  # type: ignore[type-abstract]
        default = GaussianLikelihood() if isinstance(chosen, Gaussian) else SquaredError()
        return Recipe(
            network=resolve_network(network),
            bottleneck=chosen,
            corruption=resolve_corruption(corruption),
            distortion=resolve_distortion(distortion, default),
            objective=resolve(objective, Objective) or Plain(),  # type: ignore[type-abstract]
        )

    def build(self, latent_dim: int, schema: Schema) -> AutoencoderModule:
        """Makes the module; its weights come from torch's global generator.

        Raises:
            ValueError: for parts that do not fit each other or the data.
        """
        if self.corruption is not None:
            self.corruption.check()
        if isinstance(self.distortion, Bernoulli) and schema.bounds != (0.0, 1.0):
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
            distortion=self.distortion.build(schema.sample_shape),
            corruption=self.corruption,
            output=schema.output,
            bounds=schema.bounds,
        )
