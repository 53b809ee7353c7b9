"""latente: autoencoders for arrays, tables, images and signals.

    import latente
    model = latente.Autoencoder(16).fit(X)
    Z = model.transform(X)

Importing this package is fast: torch and scikit-learn are loaded when a name is first used.
"""

from __future__ import annotations

__version__ = "0.1.0"

from typing import TYPE_CHECKING

from latente.lazy import lazy_names

_HOMES = {
    "latente.bottlenecks": ("FSQ", "VQ", "Deterministic", "Gaussian", "KSparse", "NoPriorError", "Sparse"),
    "latente.corruptions": (
        "Compose",
        "Deformation",
        "Erasing",
        "GaussianNoise",
        "Masking",
        "SaltAndPepper",
        "Speckle",
        "SwapNoise",
        "SyntheticDefects",
    ),
    "latente.data": ("DataSpec", "open_rows"),
    "latente.distortions": ("AbsoluteError", "Bernoulli", "GaussianLikelihood", "Huber", "SquaredError"),
    "latente.estimators": (
        "Autoencoder",
        "AutoencoderClassifier",
        "ConvolutionalAutoencoder",
        "DenoisingAutoencoder",
        "StackedAutoencoder",
        "VanillaAutoencoder",
        "VariationalAutoencoder",
        "load",
    ),
    "latente.generation": (
        "FlowSampler",
        "GaussianSampler",
        "Generator",
        "KernelDensitySampler",
        "MixtureSampler",
        "Sampler",
        "SecondStageSampler",
    ),
    "latente.networks": ("MLP", "Conv", "LinearPath"),
    "latente.objectives": ("RAE", "Augmented", "BetaTC", "Contractive", "ImportanceWeighted", "Trimmed", "Wasserstein"),
    "latente.persistence": ("ModelFileError",),
    "latente.pretraining": ("Pretraining",),
    "latente.training": ("Trainer", "TrainingDiverged"),
}
__all__ = sorted(["__version__", *(name for names in _HOMES.values() for name in names)])
__getattr__, __dir__ = lazy_names(__name__, _HOMES)

if TYPE_CHECKING:
    from latente.bottlenecks import FSQ, VQ, Deterministic, Gaussian, KSparse, NoPriorError, Sparse
    from latente.corruptions import (
        Compose,
        Deformation,
        Erasing,
        GaussianNoise,
        Masking,
        SaltAndPepper,
        Speckle,
        SwapNoise,
        SyntheticDefects,
    )
    from latente.data import DataSpec, open_rows
    from latente.distortions import AbsoluteError, Bernoulli, GaussianLikelihood, Huber, SquaredError
    from latente.estimators import (
        Autoencoder,
        AutoencoderClassifier,
        ConvolutionalAutoencoder,
        DenoisingAutoencoder,
        StackedAutoencoder,
        VanillaAutoencoder,
        VariationalAutoencoder,
        load,
    )
    from latente.generation import (
        FlowSampler,
        GaussianSampler,
        Generator,
        KernelDensitySampler,
        MixtureSampler,
        Sampler,
        SecondStageSampler,
    )
    from latente.networks import MLP, Conv, LinearPath
    from latente.objectives import RAE, Augmented, BetaTC, Contractive, ImportanceWeighted, Trimmed, Wasserstein
    from latente.persistence import ModelFileError
    from latente.pretraining import Pretraining
    from latente.training import Trainer, TrainingDiverged
