"""What a fitted autoencoder does: codes, reconstructions, samples, scores."""

from __future__ import annotations

__all__ = ["FittedAutoencoder", "loaded", "read_checked"]

from os import PathLike
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor

from latente.autoencoder import AutoencoderModule
from latente.data import Schema, as_array, check_values, read
from latente.estimators.evaluation import Evaluation
from latente.estimators.inference import over_batches
from latente.estimators.interpolation import interpolate_codes
from latente.estimators.recipe import Recipe
from latente.metrics import active_units, explained_variance, mean_error, pca_error, squared_error
from latente.parts import is_integer
from latente.training import seed_of, seeded

Array = NDArray[Any]


def loaded(X: Any) -> Any:
    """Returns what a path holds, and anything else as it is."""
    return read(Path(X)) if isinstance(X, (str, PathLike)) else X


def read_checked(estimator: BaseEstimator, X: Any, reset: bool) -> tuple[Array, tuple[str, ...] | None]:
    """Returns X, or what is at that path, as an array of finite numbers with its columns' names.

    Args:
        estimator: gets the number and names of the features when `reset`, else they are held against it.
        X: as in `fit`.
        reset: whether X is training data.
    """
    X = loaded(X)
    array, columns = as_array(X)
    check_values(array, columns)
    validate_data(estimator, X if columns else array, reset=reset, skip_check_array=True)
    return array, columns


class FittedAutoencoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """The methods of an autoencoder that has been trained; all are deterministic unless randomness is asked for.

    They need `module_`, `schema_` and `recipe_`, which fitting sets. Results are computed in batches, without
    gradients.
    """

    module_: AutoencoderModule
    schema_: Schema
    recipe_: Recipe

    # Data in and out

    def _read_samples(self, X: Any) -> Array:
        """Returns X as an array of samples shaped like those that the front door saw."""
        array, _ = read_checked(self, X, reset=False)
        self.schema_.check_shape(array)
        return array

    def _read(self, X: Any) -> Array:
        """Returns X as an array of samples shaped like those of the training data."""
        check_is_fitted(self, "module_")
        return self._read_samples(X)

    def _scaled(self, X: Any) -> Tensor:
        array = self._read(X)
        return self.schema_.ingest(array)

    def _run(self, x: Tensor, function: Any) -> NDArray[np.float32]:
        """Applies a function of scaled samples, batch by batch."""
        return over_batches(self.module_, x, lambda piece: function(self.schema_.prepare(piece)), self.module_.device)

    def _decode(self, z: Array) -> Array:
        tensor = torch.from_numpy(np.array(z, dtype=np.float32))  # a copy: torch wants memory that it may write to
        module = self.module_
        return self.schema_.restore(
            over_batches(module, tensor, module.decode, module.device, values=self.schema_.size)
        )

    def _codes(self, x: Tensor) -> NDArray[np.float32]:
        return self._run(x, lambda x: self.module_.encode(x).mode)

    def _rebuilt(self, x: Tensor) -> NDArray[np.float32]:
        return self._run(x, lambda x: self.module_.decode(self.module_.encode(x).mode))

    # Using

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Returns the codes (n, latent_dim) of samples (n, ...): the deterministic mode, whatever the bottleneck."""
        return self._codes(self._scaled(X))

    def inverse_transform(self, Z: Any) -> Array:
        """Returns the samples (n, ...) that codes (n, latent_dim) stand for, in the training data's units and dtype.

        Raises:
            ValueError: for codes of another size.
        """
        check_is_fitted(self, "module_")
        codes, _ = as_array(loaded(Z))
        if codes.shape[1:] != (self.module_.bottleneck.latent_dim,):
            raise ValueError(f"codes must have shape (n, {self.module_.bottleneck.latent_dim}); got {codes.shape}")
        check_values(codes, what="Z")
        return self._decode(codes)

    def reconstruct(self, X: Any, *, corrupt: bool = False, random_state: Any = None) -> Array:
        """Returns d(e(X)) in X's units and dtype.

        Args:
            X: (n, ...).
            corrupt: whether the model's corruption is applied to X first.
            random_state: decides the corruption.
        """
        x = self._corrupted(X, random_state) if corrupt else self._scaled(X)
        return self.schema_.restore(self._rebuilt(x))

    def corrupt(self, X: Any, *, random_state: Any = None) -> Array:
        """Returns X after the model's corruption, in X's units and dtype (so bytes are rounded and clipped)."""
        corrupted = self._corrupted(X, random_state)
        return self.schema_.restore(corrupted.numpy())

    def _corrupted(self, X: Any, random_state: Any) -> Tensor:
        x = self._scaled(X)
        if self.module_.corruption is None:
            raise ValueError("this model has no corruption; pass corruption= to its constructor, e.g. 'gaussian:0.3'")
        with seeded(seed_of(random_state)) as generator:
            return self.module_.corrupt(self.schema_.prepare(x), generator)

    def score_samples(self, X: Any) -> NDArray[np.float32]:
        """Returns (n,): minus (distortion + beta * rate) of each sample; higher is more normal.

        For a variational autoencoder it is the evidence lower bound at the mode, in nats.
        """

        def score(x: Tensor) -> Tensor:
            latent = self.module_.encode(x)
            return -(self.module_.distort(latent.mode, x) + self.module_.bottleneck.beta * latent.rate)

        return self._run(self._scaled(X), score)

    def score(self, X: Any, y: Any = None) -> float:
        """Returns the mean of `score_samples`; higher is better."""
        return float(self.score_samples(X).mean())

    def sample(self, n: int = 1, *, random_state: Any = None) -> Array:
        """Returns n new samples (n, ...), decoded from draws of the prior.

        Raises:
            NoPriorError: when the model has no prior, with how to fit one.
        """
        check_is_fitted(self, "module_")
        if not is_integer(n, low=1):
            raise ValueError(f"n must be an integer of at least 1; got {n!r}")
        bottleneck, device = self.module_.bottleneck, self.module_.device
        generator = torch.Generator(device).manual_seed(seed_of(random_state))
        if self.recipe_.objective.normal_codes:
            z = torch.randn(n, bottleneck.latent_dim, generator=generator, device=device)
        else:
            z = bottleneck.sample(n, generator)
        return self._decode(z.cpu().numpy())

    def interpolate(self, a: Any, b: Any, steps: int = 9, *, path: str = "linear") -> Array:
        """Returns the decoded way from sample a to sample b through the latent space, both ends included.

        Args:
            a: one sample, or (n, ...) samples.
            b: of a's shape.
            steps: at least 2.
            path: "linear" or "spherical".

        Returns:
            (steps, ...) for single samples, (n, steps, ...) for several.
        """
        check_is_fitted(self, "module_")
        single = np.shape(a) == self.schema_.user_shape
        if np.shape(a) != np.shape(b):
            raise ValueError(f"a and b must have one shape; got {np.shape(a)} and {np.shape(b)}")
        codes = [self._codes(self._scaled(np.asarray(x)[None] if single else x)) for x in (a, b)]
        way = interpolate_codes(codes[0], codes[1], steps, path)
        decoded = self._decode(way.reshape(-1, way.shape[2]))
        decoded = decoded.reshape(steps, len(codes[0]), *decoded.shape[1:]).swapaxes(0, 1)
        return decoded[0] if single else decoded

    def evaluate(self, X: Any, *, target: Any = None, reference: Any = None) -> Evaluation:
        """Returns the reconstruction error of X beside that of the mean sample and of PCA at the same latent size.

        All errors are in the units of the scaled data (pictures in [0, 1], columns with unit variance).

        Args:
            X: (n, ...), best data that was not trained on.
            target: (n, ...), what should come out where that is not X itself: the clean partners of noisy samples.
            reference: the data that the baselines are fitted on, best the training data; None fits them on X itself,
                which favours them.
        """
        raw = self._scaled(X)
        x = self.schema_.prepare(raw).numpy()
        wanted = x if target is None else self.schema_.prepare(self._scaled(target)).numpy()
        if wanted.shape != x.shape:
            raise ValueError(f"target must hold as many samples as X, {len(x)}; got {len(wanted)}")
        base = wanted if reference is None else self.schema_.prepare(self._scaled(reference)).numpy()
        x_hat, codes = self._rebuilt(raw), self._codes(raw)
        rate = self._run(raw, lambda x: self.module_.encode(x).rate)
        error = float(squared_error(wanted, x_hat).mean())
        return Evaluation(
            error=error,
            mse=error / self.schema_.size,
            mean_error=mean_error(wanted, base),
            pca_error=pca_error(x, base, codes.shape[1], wanted),
            explained_variance=explained_variance(wanted, x_hat),
            rate=float(rate.mean()),
            active_units=int(active_units(codes).sum()),
            latent_dim=codes.shape[1],
            samples=len(x),
        )

    # Keeping

    def save(self, path: str | Path) -> Path:
        """Writes the model to a folder (model.safetensors, config.json) and returns its path; see `latente.load`."""
        from latente.estimators.saving import save

        check_is_fitted(self, "module_")
        return save(self, path)

    def export_onnx(self, folder: str | Path, *, force: bool = False) -> tuple[Path, Path]:
        """Writes encoder.onnx and decoder.onnx to a folder and returns their paths; needs `latente[onnx]`.

        The encoder takes samples in the user's units and layout, the decoder returns them; all arrays are float32.

        Args:
            folder: made where it is missing.
            force: whether older files may be replaced.

        Raises:
            FileExistsError: when there are older files and no `force`.
            ImportError: when onnx or onnxscript is missing.
            ValueError: when a module of the user's own cannot be expressed in ONNX.
            RuntimeError: when onnxruntime, where it is installed, computes something else than the model.
        """
        from latente.estimators.exporting import export_onnx

        check_is_fitted(self, "module_")
        return export_onnx(self, folder, force=force)

    @classmethod
    def load(cls, path: str | Path, **own: Any) -> Self:
        """Returns the model in a folder; like `latente.load`, but it must be of this class.

        Args:
            path: the folder.
            own: the user's own encoder, decoder, corruption, distortion, where the model has such.
        """
        from latente.estimators.saving import load

        model = load(path, **own)
        if not isinstance(model, cls):
            raise TypeError(f"{path} holds a {type(model).__name__}, not a {cls.__name__}; use latente.load")
        return model
