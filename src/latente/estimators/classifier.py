"""A classifier whose hidden layers start from an autoencoder's encoder."""

from __future__ import annotations

__all__ = ["NAME", "AutoencoderClassifier"]

import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils import assert_all_finite
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d
from torch import Tensor, nn
from torch.nn import functional as F

from latente.autoencoder import AutoencoderModule
from latente.corruptions import Corruption, resolve_corruption
from latente.data import ArrayRows, Rows, Source, as_rows, loaded, source_of
from latente.estimators.autoencoder import Autoencoder
from latente.estimators.fitted import loaded_as, read_checked
from latente.estimators.inference import collected, finite_chunks, over_chunks
from latente.estimators.params import PartParams, describe
from latente.networks import WithLinearPath
from latente.nn import dense_block
from latente.objectives import Batch, Losses, Objective, Progress
from latente.parts import is_integer, is_number, resolve
from latente.training import Trainer, current_processes, seed_of, seeded

NAME = "AutoencoderClassifier"


@dataclass
class CrossEntropy(Objective, name="cross_entropy"):
    """loss = -log p(label | x), in nats; the batch's target holds the labels' indices."""

    def __call__(self, module: Any, batch: Batch, progress: Progress) -> Losses:
        loss = F.cross_entropy(module(batch.x).float(), batch.target, reduction="none")
        zero = torch.zeros_like(loss)
        return Losses(loss, loss, zero, zero)


def _check_kinds(labels: NDArray[Any]) -> None:
    """Raises ValueError where labels are missing or cannot be sorted because some are strings and some are not."""
    if labels.dtype != object:
        return
    missing = [i for i, label in enumerate(labels) if label is None]
    if missing:
        which = f"{len(missing)} of {len(labels)} samples, first {missing[0]}"
        raise ValueError(f"y has no label for {which}: leave them out")
    if len({isinstance(label, str) for label in labels}) > 1:
        kinds = sorted({type(label).__name__ for label in labels})
        raise ValueError(f"labels must be all strings or all numbers; got {' and '.join(kinds)}: convert them")


class _Head(nn.Module):
    """Corruption while training, encoder with dropout after its blocks, mode of the bottleneck, linear layer."""

    generator: torch.Generator | None = None  # the trainer's; decides the corruption

    def __init__(
        self, start: AutoencoderModule, classes: int, corruption: Corruption | None = None, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.encoder, self.bottleneck = copy.deepcopy(start.encoder), copy.deepcopy(start.bottleneck)
        self.corruption, self.bounds, self.dropout = corruption, start.bounds, dropout
        self.head = nn.Sequential(nn.SiLU(), nn.Dropout(dropout), dense_block(self.bottleneck.latent_dim, classes))

    def _encode(self, x: Tensor) -> Tensor:
        return self._dropped(self.encoder, x) if self.dropout and self.training else self.encoder(x)

    def _dropped(self, network: nn.Module, x: Tensor) -> Tensor:
        """Returns the network's output with dropout after all its blocks but the last; a linear path has none."""
        if isinstance(network, WithLinearPath):
            return network.path(x) + self._dropped(network.network, x)
        if not isinstance(network, nn.Sequential):
            return network(x)
        *hidden, last = network
        for block in hidden:
            x = F.dropout(block(x), self.dropout)
        return self._dropped(last, x) if isinstance(last, WithLinearPath) else last(x)

    def forward(self, x: Tensor) -> Tensor:
        if self.training and self.corruption is not None:
            x = self.corruption(x, self.generator, self.bounds)
        latent = self.bottleneck(self._encode(x).float())
        return self.head(latent.mode if latent.codes is None else latent.z)  # only z passes a quantiser's gradient


class AutoencoderClassifier(PartParams, ClassifierMixin, BaseEstimator):
    """Softmax on top of an encoder; all layers are trained with the labels.

    Args:
        autoencoder: where the hidden layers come from. An unfitted one is cloned and fitted to X first; a fitted one,
            wrapped in sklearn.frozen.FrozenEstimator (as `StackedAutoencoder.to_classifier` does), is taken as it is,
            and may have seen many samples without labels. None is a StackedAutoencoder.
        corruption: acts on the samples in training, e.g. "masking:0.25"; None for none.
        dropout: the probability, in [0, 1), with which outputs of the encoder's hidden layers and the code are zeroed
            in training. Of an encoder of your own that is no nn.Sequential it reaches the code only.
        trainer: how to train; None for the defaults.
        random_state: None, an integer or a numpy generator; decides everything random.

    Attributes:
        classes_: the labels, sorted.
        autoencoder_: the fitted autoencoder that the weights started from.
        module_: the trained network.
        history_: a table of the epochs.
        n_iter_: epochs that were trained.

    Example:
        >>> from sklearn.datasets import load_digits
        >>> X, y = load_digits(return_X_y=True)
        >>> start = Autoencoder(16, trainer=Trainer(epochs=2))
        >>> model = AutoencoderClassifier(start, trainer=Trainer(epochs=2), random_state=0).fit(X[:1500], y[:1500])
        >>> model.predict(X[1500:]).shape, model.predict_proba(X[1500:]).shape
        ((297,), (297, 10))
    """

    def __init__(
        self,
        autoencoder: Any = None,
        *,
        corruption: Any = None,
        dropout: float = 0.0,
        trainer: Trainer | None = None,
        random_state: Any = None,
    ) -> None:
        self.autoencoder = autoencoder
        self.corruption = corruption
        self.dropout = dropout
        self.trainer = trainer
        self.random_state = random_state

    def fit(self, X: Any, y: Any, *, resume: bool = False) -> Self:
        """Trains on samples X (n, ...) with labels y (n,) and returns self.

        Args:
            X: (n, ...), as in `Autoencoder.fit`.
            y: (n,), the labels.
            resume: whether the classifier's training goes on from the newest checkpoint in its trainer's folder; an
                autoencoder that is not fitted yet resumes as its own trainer says.

        Raises:
            ValueError: for data that cannot be trained on, or a single class.
        """
        if y is None:
            raise ValueError("AutoencoderClassifier requires y to be passed, but the target y is None")
        self._trainer().check()
        self._trainer().check_folder(resume)
        self._check_noise()
        params = self._described()
        where, X = X, loaded(X)
        rows = as_rows(X, where)
        labels = column_or_1d(y, warn=True)
        check_consistent_length(rows, labels)
        _check_kinds(labels)
        assert_all_finite(labels, input_name="y")
        check_classification_targets(labels)
        read_checked(self, X, reset=True)
        self.classes_, indices = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"the labels hold 1 class, {self.classes_[0]!r}; a classifier needs at least 2 classes")
        stored = self._trainer().stored_seed() if resume and not is_integer(self.random_state) else None
        seed = current_processes().from_first(seed_of(self.random_state) if stored is None else stored)
        self.autoencoder_ = self._fitted_autoencoder(X, seed, resume)
        self._params = params
        self._fit_module(self.autoencoder_._read_finite(X), indices, seed, resume)
        return self

    def _fit_module(self, rows: Rows, indices: NDArray[np.int64], seed: int, resume: bool) -> None:
        start, trainer = self.autoencoder_.module_, self._trainer()
        self.module_ = self._head(seed)
        held: Source | None = None
        source = source_of(rows, self.autoencoder_.schema_, ArrayRows(indices), start.device)
        if trainer.held_out:
            source, held = source.split(trainer.held_out, seed)
        self.history_ = trainer.fit(self.module_, source, CrossEntropy(), validation=held, seed=seed, resume=resume)
        self.n_iter_ = len(self.history_)

    def _head(self, seed: int) -> _Head:
        """Returns the network, its encoder that of the autoencoder."""
        start = self.autoencoder_.module_
        with seeded(seed):
            head = _Head(start, len(self.classes_), resolve_corruption(self.corruption), float(self.dropout))
        return head.to(start.device)

    def _described(self) -> dict[str, Any]:
        """Returns the constructor's arguments, JSON-ready; of the autoencoder only how it was given."""
        from sklearn.frozen import FrozenEstimator

        how = "frozen" if isinstance(self.autoencoder, FrozenEstimator) else "unfitted"
        return describe(self) | {"autoencoder": None if self.autoencoder is None else how}

    def _check_noise(self) -> None:
        """Raises ValueError for a corruption or a dropout that makes no sense."""
        corruption = resolve_corruption(self.corruption)
        if corruption is not None:
            corruption.check()
        if not (is_number(self.dropout, 0, 1) and self.dropout < 1):
            raise ValueError(f"dropout must be a number in [0, 1); got {self.dropout!r}")

    def _inner(self, name: str, rest: str) -> Any:
        if name == "autoencoder" and self.autoencoder is None:
            from latente.estimators.stacked import StackedAutoencoder

            self.autoencoder = StackedAutoencoder(random_state=self.random_state)
        return super()._inner(name, rest)

    def _trainer(self) -> Trainer:
        trainer = resolve(self.trainer, Trainer, Trainer()) or Trainer()
        return replace(trainer, weight_decay=0.0) if trainer.weight_decay == "auto" else trainer

    def _fitted_autoencoder(self, X: Any, seed: int, resume: bool) -> Autoencoder:
        from sklearn.frozen import FrozenEstimator

        from latente.estimators.stacked import StackedAutoencoder

        if isinstance(self.autoencoder, FrozenEstimator):
            check_is_fitted(self.autoencoder.estimator, "module_")
            return self.autoencoder.estimator
        if self.autoencoder is None:
            return StackedAutoencoder(random_state=seed).fit(X)
        if not isinstance(self.autoencoder, Autoencoder):
            raise TypeError(
                "autoencoder must be an Autoencoder, a fitted one in a FrozenEstimator, or None; "
                f"got {self.autoencoder!r}"
            )
        model = clone(self.autoencoder)
        return model.fit(X, resume=resume and model._trainer().checkpoint is not None)

    def _logits(self, X: Any) -> NDArray[np.float32]:
        check_is_fitted(self, "module_")
        rows, schema = read_checked(self, X, reset=False), self.autoencoder_.schema_
        schema.check_shape(rows)
        device = next(self.module_.parameters()).device
        x = (schema.prepare(schema.ingest(chunk)) for chunk in finite_chunks(rows))
        return collected(over_chunks(self.module_, x, self.module_, device), len(rows))

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Returns (n, classes): the probability of each class for samples X (n, ...), as in `fit`."""
        logits = self._logits(X).astype(np.float64)
        exponentials = np.exp(logits - logits.max(1, keepdims=True))
        return exponentials / exponentials.sum(1, keepdims=True)

    def predict(self, X: Any) -> NDArray[Any]:
        """Returns (n,): the most probable label for samples X (n, ...), as in `fit`."""
        best = self._logits(X).argmax(1)
        return self.classes_[best]

    def save(self, path: str | Path) -> Path:
        """Writes the classifier to a folder (model.safetensors, config.json) and returns its path; see `latente.load`.

        The autoencoder that it started from is in the file too. Labels keep their dtype.

        Args:
            path: of the folder.

        Raises:
            NotFittedError: before a fit.
            TypeError: for a subclass of the user's own, or labels that are no numbers, truth values or strings.
        """
        from latente.estimators.classifier_saving import save_classifier

        check_is_fitted(self, "module_")
        return save_classifier(self, path)

    @classmethod
    def load(cls, path: str | Path, **own: Any) -> Self:
        """Returns the classifier in a folder; like `latente.load`, but it must be of this class.

        Args:
            path: the folder.
            own: the user's own encoder, decoder, corruption, distortion, where the model has such.

        Raises:
            ModelFileError, TypeError: as in `latente.load`; a TypeError for another kind of model too.
        """
        return loaded_as(cls, path, own)
