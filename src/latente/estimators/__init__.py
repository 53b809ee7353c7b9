"""scikit-learn estimators around the parts."""

from __future__ import annotations

__all__ = [
    "Autoencoder", "AutoencoderClassifier", "ConvolutionalAutoencoder", "DenoisingAutoencoder", "Evaluation",
    "LatentSize", "LatentSizeWarning", "StackedAutoencoder", "VanillaAutoencoder", "VariationalAutoencoder", "load",
]  # fmt: skip

from latente.estimators.autoencoder import Autoencoder, LatentSizeWarning
from latente.estimators.classifier import AutoencoderClassifier
from latente.estimators.evaluation import Evaluation
from latente.estimators.found_size import LatentSize
from latente.estimators.named import (
    ConvolutionalAutoencoder,
    DenoisingAutoencoder,
    VanillaAutoencoder,
    VariationalAutoencoder,
)
from latente.estimators.saving import load
from latente.estimators.stacked import StackedAutoencoder
