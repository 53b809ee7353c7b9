"""latente: autoencoders for arrays, tables, images and signals.

    import latente
    model = latente.Autoencoder(16).fit(X)
    Z = model.transform(X)

Importing this package is fast: torch and scikit-learn are loaded when a name is first used.
"""

from __future__ import annotations

__version__ = "0.1.0"

import importlib
from typing import TYPE_CHECKING, Any

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
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted([*_HOME_OF, "__version__"])

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


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'latente' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return __all__
