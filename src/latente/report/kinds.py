"""The kinds of autoencoder that the demo trains: what each is, and with which settings."""

from __future__ import annotations

__all__ = ["KINDS", "LATENT", "Kind"]

from collections.abc import Callable
from dataclasses import dataclass

from latente.estimators import (
    Autoencoder,
    ConvolutionalAutoencoder,
    DenoisingAutoencoder,
    StackedAutoencoder,
    VanillaAutoencoder,
    VariationalAutoencoder,
)
from latente.pretraining import Pretraining
from latente.training import Trainer

LATENT = 32  # numbers in every code, so that all can be held against one PCA
BATCH = 128


@dataclass(frozen=True)
class Kind:
    """One model of the demo.

    Attributes:
        name: of its folder.
        title: for people.
        chapter: the title of the chapter that it belongs to.
        idea: what this kind is, in plain words; empty where the chapter's first model has said it.
        epochs: passes over the training images, chosen so that the whole demo trains in minutes.
        make: (epochs, seed) -> an unfitted model.
    """

    name: str
    title: str
    chapter: str
    idea: str
    epochs: int
    make: Callable[[int, int], Autoencoder]


def _trainer(epochs: int) -> Trainer:
    return Trainer(epochs=epochs, batch_size=BATCH, verbose=False)


def _vanilla(epochs: int, seed: int) -> Autoencoder:
    return VanillaAutoencoder(LATENT, trainer=_trainer(epochs), random_state=seed)


def _convolutional(epochs: int, seed: int) -> Autoencoder:
    return ConvolutionalAutoencoder(LATENT, trainer=_trainer(epochs), random_state=seed)


def _denoising(corruption: str) -> Callable[[int, int], Autoencoder]:
    def make(epochs: int, seed: int) -> Autoencoder:
        return DenoisingAutoencoder(LATENT, corruption=corruption, trainer=_trainer(epochs), random_state=seed)

    return make


def _stacked(epochs: int, seed: int) -> Autoencoder:
    before = Pretraining(epochs=max(1, epochs // 4), trainer=_trainer(1))
    return StackedAutoencoder(LATENT, pretraining=before, trainer=_trainer(epochs), random_state=seed)


def _variational(epochs: int, seed: int) -> Autoencoder:
    return VariationalAutoencoder(LATENT, trainer=_trainer(epochs), random_state=seed)


KINDS = (
    Kind(
        "vanilla",
        "Vanilla",
        "Vanilla: one layer each way",
        "The simplest autoencoder has a single layer each way. Every number of the code is a weighted sum of the 784 "
        "pixels; every pixel of the reconstruction is a weighted sum of the 32 numbers of the code, squeezed between "
        "black and white by a sigmoid. Without the sigmoid it could at best equal PCA, which is the best linear code "
        "there is.",
        50,
        _vanilla,
    ),
    Kind(
        "convolutional",
        "Convolutional",
        "Convolutional: layers that know about neighbours",
        "Pixels that are close belong together. A convolutional layer looks at a neighbourhood of 3 × 3 pixels and "
        "uses the same weights everywhere; here each one halves height and width and gives several maps of what it "
        "found where. Fully connected layers make the code of these maps. The decoder does the same backwards.",
        15,
        _convolutional,
    ),
    Kind(
        "denoising-gaussian",
        "Denoising (Gaussian)",
        "Denoising: the clean image from a damaged one",
        "A denoising autoencoder is shown a damaged image x̃ and asked for the clean one: it minimises ‖x − d(e(x̃))‖². "
        "Noise is different every time and never in the target, so passing it on does not pay; what pays is to know "
        "what images look like. Two were trained, one for each kind of noise.",
        25,
        _denoising("gaussian:0.3"),
    ),
    Kind(
        "denoising-salt-and-pepper",
        "Denoising (salt and pepper)",
        "Denoising: the clean image from a damaged one",
        "",
        25,
        _denoising("salt_and_pepper:0.25"),
    ),
    Kind(
        "stacked",
        "Stacked",
        "Stacked: layer by layer, then all together",
        "A deep autoencoder has several layers each way. The stacked one gets them one by one: the first layer is "
        "trained as a small autoencoder of the images, the second as one of the first layer's codes, and so on. That "
        "is pretraining. Then the layers are unrolled, all encoders and then all decoders in reverse, and trained as "
        "one network. That is fine-tuning.",
        15,
        _stacked,
    ),
    Kind(
        "variational",
        "Variational",
        "Variational: a code to draw from",
        "A variational autoencoder encodes an image not as a point but as a small cloud of points: the encoder gives "
        "its centre and its width, and while training a random point of it is decoded. A second term of the loss, the "
        "rate KL(q(z|x) ‖ N(0, I)), draws all clouds towards one standard normal distribution. So new images can be "
        "made: draw a code from that distribution and decode it.",
        20,
        _variational,
    ),
)
