"""A trained autoencoder and a density of its codes: new samples from any model."""

from __future__ import annotations

__all__ = ["Generator"]

import copy
from pathlib import Path
from typing import Any, ClassVar, Self

from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from latente.estimators import Autoencoder
from latente.estimators.params import PartParams
from latente.generation.base import Sampler
from latente.parts import resolve


class Generator(PartParams, BaseEstimator):
    """Draws codes from a density that was fitted to those of the data, and decodes them: z ~ p(z), x = d(z).

    Fitted after training, such a density gives better samples than the prior N(0, I), also for variational autoencoders
    (see docs/benchmarks-generation.md), and autoencoders without any prior can generate. It has scikit-learn's
    `get_params` and `set_params`; its `clone` keeps the fitted model and has no density yet. Source: Ghosh, Sajjadi,
    Vergari, Black, Schoelkopf (2020), "From variational to deterministic autoencoders" (ex-post density estimation).

    Args:
        model: a fitted autoencoder, not with a quantiser: the codes of that are entries of a codebook, for which a
            density over all of space is the wrong thing.
        sampler: GaussianSampler, MixtureSampler, KernelDensitySampler, FlowSampler, SecondStageSampler, or a short
            string: "gaussian", "mixture:10", "kde", "flow", "second_stage".
        random_state: None, an integer or a numpy generator; decides the fit.

    Attributes:
        sampler_: a fitted copy of the sampler.

    Example:
        >>> from sklearn.datasets import load_digits
        >>> from latente import Trainer
        >>> X, y = load_digits(return_X_y=True)
        >>> model = Autoencoder(8, trainer=Trainer(epochs=3), random_state=0).fit(X)
        >>> generator = Generator(model, "mixture:2", random_state=0).fit(X, y)
        >>> generator.sample(5, y=3, random_state=0).shape
        (5, 64)
    """

    sampler_: Sampler
    part_readers: ClassVar[Any] = {
        "sampler": (Sampler, lambda value: resolve(value, Sampler, None))  # type: ignore[type-abstract]
    }

    def __init__(self, model: Autoencoder, sampler: Sampler | str = "mixture", *, random_state: Any = None) -> None:
        self.model, self.sampler, self.random_state = model, sampler, random_state

    def __sklearn_clone__(self) -> Self:
        """Returns a generator that is not fitted, of the same model: what scikit-learn's `clone` calls.

        A clone of the model would not be fitted, and `fit` needs one that is.
        """
        sampler, random_state = clone(self.sampler, safe=False), clone(self.random_state, safe=False)
        return type(self)(self.model, sampler, random_state=random_state)

    def fit(self, X: Any, y: Any = None) -> Self:
        """Fits the density to the codes of X and returns self.

        Args:
            X: (n, ...), as in the model's `transform`, best its training data.
            y: (n,) labels, so that samples of one label can be drawn; None for none.

        Raises:
            TypeError: when the model is no autoencoder, or the sampler none.
            ValueError: for data, labels or settings that cannot be fitted, or a model with a quantiser.
            NotFittedError: when the model is not fitted.
            ImportError: when the sampler needs an extra that is missing.
        """
        sampler = copy.copy(resolve(self.sampler, Sampler, None))  # type: ignore[type-abstract]
        if sampler is None:
            raise TypeError("sampler must be a sampler or a short string such as 'mixture:10'; got None")
        self._check_model()
        sampler.check()
        codes = self.model.transform(X)
        self.sampler_ = sampler.fit(codes, y, random_state=self.random_state)
        return self

    def sample(self, n: int = 1, *, y: Any = None, temperature: float = 1.0, random_state: Any = None) -> NDArray[Any]:
        """Returns n new samples (n, ...), in the training data's units and dtype.

        Args:
            n: how many.
            y: a label, or (n,) labels, of those that `fit` got; None draws labels as frequently as they came.
            temperature: scales the spread of the codes; see the sampler. Below 1 samples are more typical and less
                varied.
            random_state: None, an integer or a numpy generator.

        Raises:
            ValueError: for an unknown label, or labels where `fit` got none.
            NotFittedError: before `fit`.
        """
        codes = self._fitted().sample(n, y=y, temperature=temperature, random_state=random_state)
        return self.model.inverse_transform(codes)

    def log_density(self, X: Any, *, y: Any = None) -> NDArray[Any]:
        """Returns (n,): log p(z), or log p(z | y), of the codes of samples, in nats; it is no density of X itself.

        Args:
            X: (n, ...).
            y: a label of those that `fit` got; None weighs all by their frequency.
        """
        return self._fitted().log_density(self.model.transform(X), y=y)

    def save(self, path: str | Path) -> Path:
        """Writes model and density to a folder and returns its path; see `latente.generation.saving`."""
        from latente.generation.saving import save

        self._fitted()
        return save(self, path)

    @classmethod
    def load(cls, path: str | Path, **own: Any) -> Self:
        """Returns the generator in a folder; it draws bit for bit what the saved one draws.

        Args:
            path: the folder that `save` wrote.
            own: the user's own parts, as in `latente.load`.

        Raises:
            ModelFileError: for a folder that is missing, damaged, altered or of an unknown version.
        """
        from latente.generation.saving import load

        return load(cls, path, own)

    def _check_model(self) -> None:
        if not isinstance(self.model, Autoencoder):
            raise TypeError(f"model must be a fitted latente autoencoder; got {self.model!r}")
        check_is_fitted(self.model, "module_")
        name = type(self.model.module_.bottleneck).__name__.strip("_")
        if name in ("VQ", "FSQ"):
            raise ValueError(
                f"this model's bottleneck is {name}, whose codes are entries of a codebook, not points of a density; "
                "use model.sample(n), which draws from them"
            )

    def _fitted(self) -> Sampler:
        if not hasattr(self, "sampler_"):
            raise NotFittedError("this Generator is not fitted yet; call fit(X) first")
        return self.sampler_
