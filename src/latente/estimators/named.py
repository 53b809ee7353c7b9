"""The names that people search for; each only chooses parts."""

from __future__ import annotations

__all__ = ["ConvolutionalAutoencoder", "DenoisingAutoencoder", "VanillaAutoencoder", "VariationalAutoencoder"]

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from latente.bottlenecks import Gaussian
from latente.data import DataSpec, Rows, recognise
from latente.estimators.autoencoder import Autoencoder
from latente.estimators.recipe import Recipe
from latente.networks import MLP, Conv
from latente.training import Trainer


class VanillaAutoencoder(Autoencoder):
    """One hidden layer, which is the code: z = f(W x + b), x_hat = g(W' z + b').

    With the identity for f and g it spans what PCA spans (Bourlard & Kamp, 1988; Baldi & Hornik, 1989).

    Args:
        latent_dim: the size of the code, or "auto".
        activation: f, by name; g follows from the data (sigmoid for pictures, identity for standardised tables).
        distortion, data, trainer, random_state: as in Autoencoder.

    Example:
        >>> VanillaAutoencoder(16)
        VanillaAutoencoder(latent_dim=16)
    """

    def __init__(
        self,
        latent_dim: int | str = 32,
        *,
        activation: str = "identity",
        distortion: Any = "auto",
        data: Any = "auto",
        trainer: Trainer | None = None,
        random_state: Any = None,
    ) -> None:
        self.latent_dim = latent_dim
        self.activation = activation
        self.distortion = distortion
        self.data = data
        self.trainer = trainer
        self.random_state = random_state

    def _recipe(self) -> Recipe:
        return Recipe.of(MLP((), code_activation=self.activation), None, None, self.distortion, None)


class ConvolutionalAutoencoder(Autoencoder):
    """Strided convolutions, then fully connected layers to the code; the decoder is the mirror.

    Takes images and signals. Rows of a table are taken as signals.

    Args:
        latent_dim: the size of the code, or "auto".
        channels: channels after each convolution, which halves height and width.
        hidden_features: widths of fully connected layers between convolutions and code.
        activation: of the hidden units.
        normalization: "batch", "layer" or None.
        bottleneck, corruption, distortion, data, trainer, random_state: as in Autoencoder.

    Source: Masci, Meier, Ciresan, Schmidhuber (2011), "Stacked convolutional auto-encoders".

    Example:
        >>> import numpy as np
        >>> images = np.random.default_rng(0).random((50, 8, 8))
        >>> sizes = {"channels": (4, 8), "hidden_features": (16,)}
        >>> model = ConvolutionalAutoencoder(3, **sizes, trainer=Trainer(epochs=2), random_state=0).fit(images)
        >>> model.transform(images).shape, model.reconstruct(images).shape
        ((50, 3), (50, 8, 8))
    """

    def __init__(
        self,
        latent_dim: int | str = 32,
        *,
        channels: Sequence[int] = (32, 64),
        hidden_features: Sequence[int] = (256,),
        activation: str = "silu",
        normalization: str | None = None,
        bottleneck: Any = None,
        corruption: Any = None,
        distortion: Any = "auto",
        data: Any = "auto",
        trainer: Trainer | None = None,
        random_state: Any = None,
    ) -> None:
        self.latent_dim = latent_dim
        self.channels = channels
        self.hidden_features = hidden_features
        self.activation = activation
        self.normalization = normalization
        self.bottleneck = bottleneck
        self.corruption = corruption
        self.distortion = distortion
        self.data = data
        self.trainer = trainer
        self.random_state = random_state

    def _recipe(self) -> Recipe:
        network = Conv(
            self.channels, self.hidden_features, activation=self.activation, normalization=self.normalization
        )
        return Recipe.of(network, self.bottleneck, self.corruption, self.distortion, None)

    def _spec(self, rows: Rows) -> DataSpec:
        spec = super()._spec(rows)
        if spec.kind == spec.layout == "auto" and recognise(rows, spec).kind == "table":
            return replace(spec, kind="signal", shape=None)
        return spec


class DenoisingAutoencoder(Autoencoder):
    """Rebuilds clean samples from corrupted ones: minimises ||x - d(e(x~))||^2.

    The corruption acts in training, and in `reconstruct(X, corrupt=True)`; noisy data of your own goes through
    `reconstruct(X)`. Pairs of your own: `fit(noisy, target=clean)` with corruption=None.

    Args:
        latent_dim: the size of the code, or "auto".
        corruption: GaussianNoise, SaltAndPepper, Masking, Speckle, SwapNoise, a short string, any function, or None.
        network, distortion, data, trainer, random_state: as in Autoencoder.

    Source: Vincent, Larochelle, Bengio, Manzagol (2008), "Extracting and composing robust features with denoising
    autoencoders".

    Example:
        >>> import numpy as np
        >>> X = np.random.default_rng(0).normal(size=(100, 5))
        >>> parts = {"corruption": "masking:0.25", "trainer": Trainer(epochs=2)}
        >>> model = DenoisingAutoencoder(3, **parts, random_state=0).fit(X)
        >>> model.reconstruct(X, corrupt=True, random_state=0).shape
        (100, 5)
    """

    def __init__(
        self,
        latent_dim: int | str = 64,
        *,
        corruption: Any = "gaussian:0.3",
        network: Any = "auto",
        distortion: Any = "auto",
        data: Any = "auto",
        trainer: Trainer | None = None,
        random_state: Any = None,
    ) -> None:
        self.latent_dim = latent_dim
        self.corruption = corruption
        self.network = network
        self.distortion = distortion
        self.data = data
        self.trainer = trainer
        self.random_state = random_state

    def _recipe(self) -> Recipe:
        return Recipe.of(self.network, None, self.corruption, self.distortion, None)


class VariationalAutoencoder(Autoencoder):
    """A code that is a distribution, kept near N(0, I), so that new samples can be drawn.

    Minimises -log p(x|z) + beta KL(q(z|x) || N(0, I)). By itself p(x|z) is Gaussian with a learned variance, which
    keeps distortion and rate in balance whatever the data's scale; distortion="bernoulli" suits binary pictures. For
    bounded data (pictures) sigma stays above a tenth of the range (0.4 of the root mean square distance of varying
    values from the mean picture where that is less, as in faint pictures), and ends there where pictures are fitted
    well: there the balance is that of the floor. `latente info` prints the sigma that was reached,
    `module_.distortion.sigma` holds it; distortion="gaussian" has no floor.

    Args:
        latent_dim: the size of the code, or "auto".
        beta: the weight of the rate.
        free_bits: nats for each unit below which its rate costs nothing more.
        warmup: the fraction of training over which the rate's weight grows from 0 to beta.
        network, distortion, objective, data, trainer, random_state: as in Autoencoder.

    Sources: Kingma & Welling (2014), "Auto-encoding variational Bayes"; Rybkin, Daniilidis, Levine (2021), "Simple and
    effective VAE training with calibrated decoders".

    Example:
        >>> import numpy as np
        >>> X = np.random.default_rng(0).normal(size=(100, 5))
        >>> model = VariationalAutoencoder(2, trainer=Trainer(epochs=2), random_state=0).fit(X)
        >>> model.transform(X).shape, model.sample(3, random_state=0).shape
        ((100, 2), (3, 5))
    """

    def __init__(
        self,
        latent_dim: int | str = 32,
        *,
        beta: float = 1.0,
        free_bits: float = 0.0,
        warmup: float = 0.1,
        network: Any = "auto",
        distortion: Any = "auto",
        objective: Any = None,
        data: Any = "auto",
        trainer: Trainer | None = None,
        random_state: Any = None,
    ) -> None:
        self.latent_dim = latent_dim
        self.beta = beta
        self.free_bits = free_bits
        self.warmup = warmup
        self.network = network
        self.distortion = distortion
        self.objective = objective
        self.data = data
        self.trainer = trainer
        self.random_state = random_state

    def _recipe(self) -> Recipe:
        bottleneck = Gaussian(self.beta, self.free_bits, self.warmup)
        return Recipe.of(self.network, bottleneck, None, self.distortion, self.objective)
