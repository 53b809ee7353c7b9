"""Features to compare samples in: the last hidden layer of a classifier of the data itself."""

from __future__ import annotations

__all__ = ["ClassifierFeatures"]

import math
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import NotFittedError
from torch import Tensor, nn

from latente.data import ArrayRows, DataSpec, Schema, as_rows, check_values, decide, source_of
from latente.estimators.classifier import CrossEntropy
from latente.estimators.inference import collected, finite_chunks, over_chunks
from latente.generation.checks import as_labels
from latente.nn import ConvBlock, dense_block
from latente.nn.conv import down_size
from latente.parts import is_integer
from latente.training import Trainer, seed_of, seeded


class _Classifier(nn.Module):
    """Layers to the features, and a linear layer to the classes."""

    def __init__(self, sample_shape: tuple[int, ...], features: int, classes: int) -> None:
        super().__init__()
        self.body = nn.Sequential(*_layers(sample_shape, features))
        self.head = dense_block(features, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x))


class ClassifierFeatures:
    """The last hidden layer of a small classifier that is trained on the labelled data itself.

    Distances between pixels say little about what is in a picture, and a network that was trained on other data may
    not know this kind. Images and signals pass two strided convolutions (32 and 64 channels), rows of a table one
    layer of 256 units; a layer of `features` units follows, whose outputs, after the activation, are the features.
    Figures in such features can be compared only inside one run, with one classifier.

    Args:
        features: how many.
        epochs: passes over the data.
        random_state: None, an integer or a numpy generator; decides the training.

    Attributes:
        module_: the trained network.
        schema_: how it takes its data.
        classes_: the labels, sorted.

    Example:
        >>> from sklearn.datasets import load_digits
        >>> digits = load_digits()
        >>> features = ClassifierFeatures(16, epochs=3, random_state=0).fit(digits.images, digits.target)
        >>> features(digits.images).shape
        (1797, 16)
    """

    module_: _Classifier
    schema_: Schema
    classes_: NDArray[Any]

    def __init__(self, features: int = 64, *, epochs: int = 5, random_state: Any = None) -> None:
        self.features, self.epochs, self.random_state = features, epochs, random_state

    def __repr__(self) -> str:
        return f"ClassifierFeatures({self.features}, epochs={self.epochs}, random_state={self.random_state!r})"

    def fit(self, X: Any, y: Any) -> Self:
        """Trains on samples X (n, ...) with labels y (n,) and returns self.

        Args:
            X: (n, ...), as in `Autoencoder.fit`, in memory.
            y: (n,) labels, at least 2 different ones.

        Raises:
            ValueError: for data, labels or settings that cannot be trained on.
        """
        if not is_integer(self.features, low=1):
            raise ValueError(f"features must be an integer of at least 1; got {self.features!r}")
        rows = as_rows(X)
        check_values(rows)
        self.classes_, of, _ = as_labels(y, len(rows))
        if len(self.classes_) < 2:
            raise ValueError(f"a classifier needs at least 2 labels; got only {self.classes_[0].item()!r}")
        trainer = Trainer(epochs=self.epochs, weight_decay=0, precision="float32", verbose=False)
        trainer.check()
        self.schema_, seed = decide(rows, DataSpec()), seed_of(self.random_state)
        with seeded(seed):
            network = _Classifier(self.schema_.sample_shape, int(self.features), len(self.classes_))
        self.module_ = network.to(trainer.resolve_device())
        source = source_of(rows, self.schema_, ArrayRows(of), trainer.resolve_device())
        trainer.fit(self.module_, source, CrossEntropy(), seed=seed)
        return self

    def __call__(self, X: Any) -> NDArray[np.float32]:
        """Returns the features (n, features) of samples (n, ...) like those of `fit`."""
        return self._run(X, body=True)

    def score(self, X: Any, y: Any) -> float:
        """Returns the share of samples X (n, ...) whose label y (n,) the classifier finds."""
        return float((self.classes_[self._run(X, body=False).argmax(1)] == np.asarray(y)).mean())

    def _run(self, X: Any, body: bool) -> NDArray[np.float32]:
        if not hasattr(self, "module_"):
            raise NotFittedError("these ClassifierFeatures are not fitted yet; call fit(X, y) first")
        rows = as_rows(X)
        self.schema_.check_shape(rows)
        x = (self.schema_.prepare(self.schema_.ingest(chunk)) for chunk in finite_chunks(rows))
        device = next(self.module_.parameters()).device
        function = self.module_.body if body else self.module_
        return collected(over_chunks(self.module_, x, function, device), len(rows))


def _layers(sample_shape: tuple[int, ...], features: int) -> list[nn.Module]:
    """Returns the layers from samples to features."""
    if len(sample_shape) == 1:
        return [dense_block(sample_shape[0], 256, "relu"), dense_block(256, features, "relu")]
    channels, *size = sample_shape
    layers: list[nn.Module] = []
    for wide in (32, 64):
        smaller = down_size(tuple(size), (2,) * len(size))
        layers.append(ConvBlock(channels, wide, in_size=tuple(size), out_size=smaller, activation="relu"))
        channels, size = wide, list(smaller)
    return [*layers, nn.Flatten(), dense_block(channels * math.prod(size), features, "relu")]
