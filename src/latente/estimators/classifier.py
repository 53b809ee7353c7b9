"""A classifier whose hidden layers start from an autoencoder's encoder."""

from __future__ import annotations

__all__ = ["AutoencoderClassifier"]

import copy
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d, validate_data
from torch import Tensor, nn
from torch.nn import functional as F

from latente.data import ArraySource, as_array, check_values
from latente.estimators.autoencoder import Autoencoder
from latente.estimators.inference import over_batches
from latente.nn import dense_block
from latente.objectives import Batch, Losses, Objective, Progress
from latente.parts import resolve
from latente.training import Trainer, seed_of, seeded


@dataclass
class CrossEntropy(Objective, name="cross_entropy"):
    """loss = -log p(label | x), in nats; the batch's target holds the labels' indices."""

    def __call__(self, module: Any, batch: Batch, progress: Progress) -> Losses:
        loss = F.cross_entropy(module(batch.x).float(), batch.target, reduction="none")
        zero = torch.zeros_like(loss)
        return Losses(loss, loss, zero, zero)


class _Head(nn.Module):
    """Encoder, mode of the bottleneck, activation, linear layer."""

    def __init__(self, encoder: nn.Module, bottleneck: nn.Module, latent_dim: int, classes: int) -> None:
        super().__init__()
        self.encoder, self.bottleneck = encoder, bottleneck
        self.head = nn.Sequential(nn.SiLU(), dense_block(latent_dim, classes))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.bottleneck(self.encoder(x).float()).mode)


class AutoencoderClassifier(ClassifierMixin, BaseEstimator):
    """Softmax on top of an encoder; all layers are trained with the labels.

    Args:
        autoencoder: where the hidden layers come from. An unfitted one is cloned and fitted to X first; a fitted one,
            wrapped in sklearn.frozen.FrozenEstimator (as `StackedAutoencoder.to_classifier` does), is taken as it is,
            and may have seen many samples without labels. None is a StackedAutoencoder.
        trainer: how to train; None for the defaults.
        random_state: None, an integer or a numpy generator; decides everything random.

    Attributes:
        classes_: the labels, sorted.
        autoencoder_: the fitted autoencoder that the weights started from.
        module_: the trained network.
        history_: a table of the epochs.
        n_iter_: epochs that were trained.
    """

    def __init__(self, autoencoder: Any = None, *, trainer: Trainer | None = None, random_state: Any = None) -> None:
        self.autoencoder = autoencoder
        self.trainer = trainer
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Trains on samples X (n, ...) with labels y (n,) and returns self.

        Raises:
            ValueError: for data that cannot be trained on, or a single class.
        """
        if y is None:
            raise ValueError("AutoencoderClassifier requires y to be passed, but the target y is None")
        trainer = self._trainer()
        trainer.check()
        array, columns = as_array(X)
        check_values(array, columns)
        labels = column_or_1d(y, warn=True)
        check_consistent_length(array, labels)
        check_classification_targets(labels)
        validate_data(self, X if columns else array, skip_check_array=True)
        self.classes_, indices = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"the labels hold 1 class, {self.classes_[0]!r}; a classifier needs at least 2 classes")
        seed = seed_of(self.random_state)
        self.autoencoder_ = self._fitted_autoencoder(X, seed)
        self._fit_module(self.autoencoder_._source(self.autoencoder_._read(X)), indices, seed)
        return self

    def _fit_module(self, source: ArraySource, indices: NDArray[np.int64], seed: int) -> None:
        start, trainer = self.autoencoder_.module_, self._trainer()
        encoder, bottleneck = copy.deepcopy(start.encoder), copy.deepcopy(start.bottleneck)
        with seeded(seed):
            self.module_ = _Head(encoder, bottleneck, bottleneck.latent_dim, len(self.classes_)).to(start.device)
        target = torch.from_numpy(indices.astype(np.int64)).to(start.device)
        source, held = ArraySource(source.x, source.prepare, target), None
        if trainer.held_out:
            source, held = source.split(trainer.held_out, torch.Generator().manual_seed(seed))
        self.history_ = trainer.fit(self.module_, source, CrossEntropy(), validation=held, seed=seed)
        self.n_iter_ = len(self.history_)

    def _trainer(self) -> Trainer:
        return resolve(self.trainer, Trainer, Trainer()) or Trainer()

    def _fitted_autoencoder(self, X: Any, seed: int) -> Autoencoder:
        from sklearn.frozen import FrozenEstimator

        from latente.estimators.stacked import StackedAutoencoder

        if isinstance(self.autoencoder, FrozenEstimator):
            check_is_fitted(self.autoencoder.estimator)
            return self.autoencoder.estimator
        model = StackedAutoencoder(random_state=seed) if self.autoencoder is None else clone(self.autoencoder)
        return model.fit(X)

    def _logits(self, X: Any) -> NDArray[np.float32]:
        check_is_fitted(self, "module_")
        array, columns = as_array(X)
        check_values(array, columns)
        validate_data(self, X if columns else array, skip_check_array=True, reset=False)
        schema = self.autoencoder_.schema_
        schema.check_shape(array)
        device = next(self.module_.parameters()).device
        return over_batches(self.module_, schema.ingest(array), lambda x: self.module_(schema.prepare(x)), device)

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Returns (n, classes): the probability of each class."""
        logits = self._logits(X).astype(np.float64)
        exponentials = np.exp(logits - logits.max(1, keepdims=True))
        return exponentials / exponentials.sum(1, keepdims=True)

    def predict(self, X: Any) -> NDArray[Any]:
        """Returns (n,): the most probable label."""
        return self.classes_[self._logits(X).argmax(1)]
