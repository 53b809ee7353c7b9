"""What a fitted autoencoder does: codes, reconstructions, samples, scores."""

from __future__ import annotations

__all__ = ["FittedAutoencoder", "loaded_as", "read_checked"]

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor

from latente.autoencoder import AutoencoderModule
from latente.data import Rows, Schema, as_rows, loaded
from latente.data.arrays import refuse_repeated
from latente.estimators.evaluation import Evaluation, evaluated
from latente.estimators.inference import collected, finite_chunks, over_chunks
from latente.estimators.interpolation import interpolate_codes
from latente.estimators.recipe import Recipe
from latente.estimators.refinement import check_refinable, refined_codes
from latente.parts import is_integer
from latente.training import seed_of, seeded

Array = NDArray[Any]
E = TypeVar("E")


def read_checked(estimator: BaseEstimator, X: Any, reset: bool, where: Any = None) -> Rows:
    """Returns X, or what is at that path, as rows of numbers. Whether they are finite is not known yet.

    Args:
        estimator: gets the number and names of the features when `reset`, else they are held against it.
        X: as in `fit`.
        reset: whether X is training data.
        where: what `loaded` gave X for; None: X was not loaded yet.

    Raises:
        ValueError: for pictures or signals of another size; what scikit-learn says of the number of features would not
            tell which axis is meant.
    """
    where = X if where is None else where
    X = loaded(X)
    rows = as_rows(X, where)
    refuse_repeated(rows.columns)
    schema = getattr(getattr(estimator, "autoencoder_", estimator), "schema_", None)
    if not reset and schema is not None and len(rows.shape) > 2:
        schema.check_shape(rows)
    validate_data(estimator, _stand_in(X, rows), reset=reset, skip_check_array=True)
    return rows


def loaded_as(cls: type[E], path: str | Path, own: dict[str, Any]) -> E:
    """Returns the model in a folder, or raises TypeError when it is of another class."""
    from latente.estimators.saving import load

    model = load(path, **own)
    if not isinstance(model, cls):
        raise TypeError(f"{path} holds a {type(model).__name__}, not a {cls.__name__}; use latente.load")
    return model


def _stand_in(X: Any, rows: Rows) -> Any:
    """Returns what scikit-learn takes the number and the names of the features from."""
    if rows.columns is None:
        return np.broadcast_to(np.zeros(1, rows.dtype), rows.shape)
    if X is not rows:
        return X
    import pyarrow

    return pyarrow.table([pyarrow.array([], "f4") for _ in rows.columns], names=list(rows.columns))


class FittedAutoencoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """The methods of an autoencoder that has been trained; all are deterministic unless randomness is asked for.

    They need `module_`, `schema_` and `recipe_`, which fitting sets. Results are computed in batches, without
    gradients.
    """

    module_: AutoencoderModule
    schema_: Schema
    recipe_: Recipe

    # Data in and out

    def _read_samples(self, X: Any) -> Rows:
        """Returns X as samples shaped like those that the front door saw."""
        rows = read_checked(self, X, reset=False)
        self.schema_.check_shape(rows)
        return rows

    def _read(self, X: Any) -> Rows:
        """Returns X as samples shaped like those of the training data."""
        check_is_fitted(self, "module_")
        return self._read_samples(X)

    def _scaled(self, rows: Rows) -> Iterator[Tensor]:
        """Yields the samples in pieces (m, *sample_shape), as the networks see them."""
        return (self.schema_.prepare(self.schema_.ingest(chunk)) for chunk in finite_chunks(rows))

    def _corrupted(self, rows: Rows, random_state: Any) -> Iterator[Tensor]:
        """Yields the samples in pieces after the model's corruption."""
        if self.module_.corruption is None:
            raise ValueError("this model has no corruption; pass corruption= to its constructor, e.g. 'gaussian:0.3'")
        return self._noisy(rows, seed_of(random_state))

    def _noisy(self, rows: Rows, seed: int) -> Iterator[Tensor]:
        for i, piece in enumerate(self._scaled(rows)):
            with seeded(seed + i) as generator:
                noisy = self.module_.corrupt(piece, generator)
            yield noisy

    def _run(self, x: Iterable[Tensor], function: Callable[[Tensor], Tensor]) -> Iterator[NDArray[np.float32]]:
        """Yields a function of scaled samples, batch by batch."""
        return over_chunks(self.module_, x, function, self.module_.device)

    def _decode(self, codes: Iterable[Array]) -> Iterator[Array]:
        """Yields the samples that pieces of codes (m, latent_dim) stand for, in the user's units."""
        z = (torch.from_numpy(np.array(piece, dtype=np.float32)) for piece in codes)  # torch wants writable memory
        return map(self.schema_.restore, self._run(z, self.module_.decode))

    def _codes(self, x: Iterable[Tensor]) -> Iterator[NDArray[np.float32]]:
        return self._run(x, lambda x: self.module_.encode(x).mode)

    def _rebuilt(self, x: Iterable[Tensor]) -> Iterator[NDArray[np.float32]]:
        return self._run(x, lambda x: self.module_.decode(self.module_.encode(x).mode))

    # Using

    def transform(self, X: Any, *, out: str | Path | None = None) -> NDArray[np.float32]:
        """Returns the codes (n, latent_dim) of samples (n, ...): the deterministic mode, whatever the bottleneck.

        Args:
            X: (n, ...), as in `fit`.
            out: a .npy file to write the codes to piece by piece; what is returned is then a read-only map of it.
        """
        rows = self._read(X)
        return collected(self._codes(self._scaled(rows)), len(rows), out)

    def refine(self, X: Any, *, steps: int = 3, out: str | Path | None = None) -> NDArray[np.float32]:
        """Returns codes (n, latent_dim) that rebuild X no worse than those of `transform`, mostly much better.

        From the encoder's code z, steps of Levenberg and Marquardt lower ||x - d(z)||^2 of each sample by itself, x as
        the networks see it: of a table whose columns have different units, the error in those units may rise for some
        samples. What is gained is the part of the error that the encoder causes, not the decoder. For rebuilding and
        compressing; neighbours need not stay neighbours, and priors and penalties are left aside.

        Args:
            X: (n, ...), as in `fit`.
            steps: how many are tried, at least 1. One costs about as much as decoding latent_dim samples, for each
                sample.
            out: as in `transform`.

        Raises:
            ValueError: for codes that cannot move (quantised ones, or such with only k units in use), no steps, or a
                decoder of your own with an operation that has no forward derivative in torch.

        Example:
            >>> from latente import Autoencoder, Trainer
            >>> from sklearn.datasets import load_digits
            >>> X = load_digits().images
            >>> model = Autoencoder(8, trainer=Trainer(epochs=3), random_state=0).fit(X)
            >>> better = model.inverse_transform(model.refine(X))
            >>> bool(np.square(X - better).mean() < 0.9 * np.square(X - model.reconstruct(X)).mean())
            True
        """
        rows = self._read(X)
        check_refinable(self.recipe_.bottleneck, steps)
        refined = self._run(self._scaled(rows), lambda x: refined_codes(self.module_, x, steps))
        return collected(refined, len(rows), out)

    def inverse_transform(self, Z: Any, *, out: str | Path | None = None) -> Array:
        """Returns the samples (n, ...) that codes (n, latent_dim) stand for, in the training data's units and dtype.

        Args:
            Z: (n, latent_dim).
            out: as in `transform`.

        Raises:
            ValueError: for codes of another size.
        """
        check_is_fitted(self, "module_")
        codes = as_rows(Z)
        if codes.shape[1:] != (self.module_.bottleneck.latent_dim,):
            raise ValueError(f"codes must have shape (n, {self.module_.bottleneck.latent_dim}); got {codes.shape}")
        return collected(self._decode(finite_chunks(codes, "Z")), len(codes), out)

    def reconstruct(
        self, X: Any, *, corrupt: bool = False, random_state: Any = None, out: str | Path | None = None
    ) -> Array:
        """Returns d(e(X)) in X's units and dtype.

        Args:
            X: (n, ...).
            corrupt: whether the model's corruption is applied to X first.
            random_state: decides the corruption.
            out: as in `transform`.
        """
        rows = self._read(X)
        x = self._corrupted(rows, random_state) if corrupt else self._scaled(rows)
        return collected(map(self.schema_.restore, self._rebuilt(x)), len(rows), out)

    def corrupt(self, X: Any, *, random_state: Any = None, out: str | Path | None = None) -> Array:
        """Returns X after the model's corruption, in X's units and dtype (so bytes are rounded and clipped).

        Args:
            X: (n, ...).
            random_state: decides the corruption.
            out: as in `transform`.
        """
        rows = self._read(X)
        corrupted = (self.schema_.restore(piece.numpy()) for piece in self._corrupted(rows, random_state))
        return collected(corrupted, len(rows), out)

    def score_samples(self, X: Any, *, out: str | Path | None = None) -> NDArray[np.float32]:
        """Returns (n,): minus (distortion + beta * rate) of each sample; higher is more normal.

        For a variational autoencoder with a likelihood it is a score in nats, and no bound: the reconstruction is that
        of the mode, not the mean over draws of the code. For the bound see `bound_terms`, for log p(x)
        `log_likelihood`.

        Args:
            X: (n, ...).
            out: as in `transform`.
        """

        def score(x: Tensor) -> Tensor:
            latent = self.module_.encode(x)
            return -(self.module_.distort(latent.mode, x) + self.module_.bottleneck.beta * latent.rate)

        rows = self._read(X)
        return collected(self._run(self._scaled(rows), score), len(rows), out)

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
        return collected(self._decode([z.cpu().numpy()]), n)

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
        rows = [self._read(np.asarray(x)[None] if single else x) for x in (a, b)]
        codes = [collected(self._codes(self._scaled(r)), len(r)) for r in rows]
        way = interpolate_codes(codes[0], codes[1], steps, path)
        decoded = collected(self._decode([way.reshape(-1, way.shape[2])]), steps * len(codes[0]))
        decoded = decoded.reshape(steps, len(codes[0]), *decoded.shape[1:]).swapaxes(0, 1)
        return decoded[0] if single else decoded

    def evaluate(self, X: Any, *, target: Any = None, reference: Any = None) -> Evaluation:
        """Returns the reconstruction error of X beside that of the mean sample and of PCA at the same latent size.

        All errors are in the units of the scaled data (pictures in [0, 1], columns with unit variance). Of samples
        that are streamed, a random 20,000 are measured.

        Args:
            X: (n, ...), best data that was not trained on.
            target: (n, ...), what should come out where that is not X itself: the clean partners of noisy samples.
            reference: the data that the baselines are fitted on, best the training data; None fits them on X itself,
                which favours them.

        Raises:
            ValueError: for data that the model cannot take, or a single sample to fit the baselines on.
        """
        rows = self._read(X)
        wanted = rows if target is None else self._read(target)
        return evaluated(self, rows, wanted, wanted if reference is None else self._read(reference))

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
        return loaded_as(cls, path, own)
