"""Layer by layer first, then all together."""

from __future__ import annotations

__all__ = ["StackedAutoencoder"]

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import torch
from sklearn.utils.validation import check_is_fitted

from latente.autoencoder import AutoencoderModule
from latente.data import Source
from latente.estimators.autoencoder import Autoencoder
from latente.estimators.recipe import Recipe
from latente.networks import MLP
from latente.parts import resolve
from latente.pretraining import Pretraining, mirrored
from latente.training import Trainer

if TYPE_CHECKING:
    from latente.estimators.classifier import AutoencoderClassifier


class StackedAutoencoder(Autoencoder):
    """A deep autoencoder pretrained greedily, layer by layer, then unrolled and fine-tuned as one.

    Each layer is first a denoising autoencoder of the codes below, with epochs and noise of its own.

    Args:
        latent_dim: the size of the code, or "auto".
        hidden_features: widths from the data to the code.
        activation: of the hidden units.
        pretraining: how each layer is pretrained, a Pretraining; None for its defaults.
        network: another stack of two or more mirrored blocks, e.g. Conv(...); None for an MLP of the widths above.
            "auto" and LinearPath are a single block for most data, and are refused there.
        corruption: of the input while fine-tuning; None for none.
        distortion, data, trainer, random_state: as in Autoencoder.

    Attributes:
        pretraining_histories_: one History for each layer, from the data up.

    Raises:
        ValueError: from `fit` and `pretrain`, for a network of fewer than two blocks, which is no stack.

    Sources: Hinton & Salakhutdinov (2006), "Reducing the dimensionality of data with neural networks"; Vincent et al.
    (2010), "Stacked denoising autoencoders".

    Example:
        >>> X = [[i % 7, i % 5, i % 3, i % 2] for i in range(100)]
        >>> how = {"pretraining": Pretraining(epochs=1), "trainer": Trainer(epochs=2)}
        >>> model = StackedAutoencoder(2, hidden_features=(16, 8), **how, random_state=0).fit(X)
        >>> len(model.pretraining_histories_), model.transform(X).shape
        (3, (100, 2))
    """

    def __init__(
        self,
        latent_dim: int | str = 32,
        *,
        hidden_features: Sequence[int] = (1000, 500, 250),
        activation: str = "silu",
        pretraining: Pretraining | None = None,
        network: Any = None,
        corruption: Any = None,
        distortion: Any = "auto",
        data: Any = "auto",
        trainer: Trainer | None = None,
        random_state: Any = None,
    ) -> None:
        self.latent_dim = latent_dim
        self.hidden_features = hidden_features
        self.activation = activation
        self.pretraining = pretraining
        self.network = network
        self.corruption = corruption
        self.distortion = distortion
        self.data = data
        self.trainer = trainer
        self.random_state = random_state

    def _recipe(self) -> Recipe:
        network = MLP(self.hidden_features, self.activation) if self.network is None else self.network
        return Recipe.of(network, None, self.corruption, self.distortion, None)

    def _built(
        self, seed: int, device: torch.device, latent_dim: int, source: Source | None = None
    ) -> AutoencoderModule:
        module = super()._built(seed, device, latent_dim, source)
        if source is not None and len(mirrored(module)[0]) < 2:  # a file may hold an older model of one block
            given = f"hidden_features={self.hidden_features!r}" if self.network is None else f"network={self.network!r}"
            raise ValueError(
                f"StackedAutoencoder pretrains block by block and needs at least 2 blocks; {given} makes 1 (a linear "
                "path goes around all layers at once). Give hidden_features=(1000, 500, 250), network=MLP(...) or "
                "network=Conv(...), or use Autoencoder, which is not pretrained"
            )
        return module

    def _train(self, source: Source, validation: Source | None, seed: int, resume: bool = False) -> None:
        self._trainer().check_folder(resume)
        self._pretrain(source, seed, resume)
        super()._train(source, validation, seed, resume)

    def _stages(self) -> list[str]:
        *before, last = super()._stages()
        return [*before, "layer-1", last]

    def _pretrain(self, source: Source, seed: int, resume: bool = False) -> None:
        pretraining = resolve(self.pretraining, Pretraining, Pretraining()) or Pretraining()
        trainer = self._trainer()
        self.pretraining_histories_ = pretraining.run(
            self.module_,
            source,
            seed,
            checkpoint=trainer.checkpoint,
            checkpoint_every=trainer.checkpoint_every,
            resume=resume,
        )

    def pretrain(self, X: Any, *, resume: bool = False) -> Self:
        """Only pretrains the layers on X and returns self; `finetune` goes on from there.

        Args:
            X: (n, ...), as in `fit`.
            resume: as in `fit`.

        Raises:
            TypeError, ValueError: for data or settings that cannot be trained on.
        """
        rows = self._start(X)
        seed = self._seed(resume)
        source, _ = self._split(self._source(rows), seed)  # `finetune` will hold out the same samples
        self._choose_size(source, self._trainer(), seed, resume)
        self._build(seed, source)
        self._pretrain(source, seed, resume)
        return self

    def finetune(self, X: Any, *, resume: bool = False) -> Self:
        """Trains all layers together from the weights as they are and returns self.

        Args:
            X: (n, ...), samples like those that `pretrain` saw.
            resume: as in `fit`.
        """
        source, held = self._split(self._source(self._read_finite(X)), seed := self._seed(resume))
        super()._train(source, held, seed, resume)
        return self

    def to_classifier(
        self, trainer: Trainer | None = None, *, corruption: Any = None, dropout: float = 0.0
    ) -> AutoencoderClassifier:
        """Returns a scikit-learn classifier whose hidden layers start from this fitted encoder.

        Args:
            trainer: how the classifier is trained; None for the defaults.
            corruption: acts on the samples while it is trained, as in AutoencoderClassifier.
            dropout: the probability with which outputs of hidden layers are zeroed while it is trained.

        Raises:
            NotFittedError: before `pretrain` or `fit`.
        """
        from sklearn.frozen import FrozenEstimator

        from latente.estimators.classifier import AutoencoderClassifier

        unfitted = "this %(name)s has no weights yet: call .pretrain(X) or .fit(X) before .to_classifier()"
        check_is_fitted(self, "module_", msg=unfitted)
        return AutoencoderClassifier(
            FrozenEstimator(self),
            corruption=corruption,
            dropout=dropout,
            trainer=trainer,
            random_state=self.random_state,
        )
