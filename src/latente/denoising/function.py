"""One function for whatever is noisy."""

from __future__ import annotations

__all__ = ["denoise"]

import warnings
from typing import Any

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted

from latente.data.arrays import as_array
from latente.data.ranges import RangeWarning, warn_of_range
from latente.denoising.denoiser import Denoiser
from latente.denoising.imputer import Imputer
from latente.denoising.opening import opened
from latente.denoising.samples import read_samples
from latente.denoising.tiles import tiled
from latente.denoising.told import check_told, is_automatic
from latente.estimators import Autoencoder

UNFITTED = "this %(name)s is not fitted yet: call its fit first, or let denoise(None, X) learn from X alone"


def denoise(
    model: Any,
    X: Any,
    *,
    kind: str = "auto",
    sigma: Any = "auto",
    j_invariant: bool | str = "auto",
    random_state: Any = None,
) -> Any:
    """Returns X without noise, in its shape, units and dtype (floats for booleans, and for integers with holes).

    Args:
        model: a fitted `Denoiser`, `Imputer` or autoencoder. An autoencoder of images or signals restores larger ones
            in overlapping tiles of the size that it was trained on. None learns from X alone, without anything clean:
            a table with NaN is filled in by an `Imputer`, images and signals are restored by a `Denoiser` with
            way="noise2self", whose noise must be independent between neighbouring positions.
        X: samples as `Denoiser`, `Imputer` or the autoencoder take them, or a path. Frames come back as arrays.
        kind: without a model: "table", "image", "signal", or "auto", which takes two axes with NaN as a table.
        sigma: without a model, or with a Denoiser with way="noise2self": the standard deviation of the noise in X, in
            its units, where it is known; see `Denoiser.transform`. "auto" is what was estimated.
        j_invariant: likewise; see `Denoiser.transform`.
        random_state: without a model: decides everything random.

    Raises:
        NotFittedError: for a model before its `fit`.
        TypeError: when the model is none of these; for a table's columns that are not numbers; each is named.
        ValueError: for data that the model cannot take, and a sigma or j_invariant where nothing takes it.

    Warns:
        UnknownLevelWarning: where the level of the noise could not be estimated and no sigma was told: the result may
            be worse than X.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> table = rng.normal(size=(500, 1)) * [1.0, 2.0, -3.0]
        >>> holed = np.where(rng.random(table.shape) < 0.2, np.nan, table)
        >>> filled = denoise(None, holed, random_state=0)
        >>> bool(np.isfinite(filled).all()), bool((filled == table)[~np.isnan(holed)].all())
        (True, True)
    """
    told = {"sigma": sigma, "j_invariant": j_invariant}
    if model is None:
        return _from_itself(X, kind, told, random_state)
    if not isinstance(model, (Denoiser, Imputer, Autoencoder)):
        raise TypeError(f"model must be a fitted Denoiser, Imputer or autoencoder, or None; got {model!r}")
    check_is_fitted(model, "module_", msg=UNFITTED)
    if isinstance(model, Denoiser):
        return model.transform(X, **told)
    _refuse(told, f"a {type(model).__name__}")
    return _alike(X, model.transform(X) if isinstance(model, Imputer) else _by_autoencoder(model, X))


def _from_itself(X: Any, kind: str, told: dict[str, Any], random_state: Any) -> Any:
    if kind not in ("auto", "table", "image", "signal"):
        raise ValueError(f"kind must be one of auto, table, image, signal; got {kind!r}")
    X = opened(X)
    if kind == "table" or (kind == "auto" and _has_missing(X)):
        _refuse(told, "a table")
        return _alike(X, Imputer(random_state=random_state).fit_transform(X))
    model = Denoiser(way="noise2self", kind=kind, random_state=random_state)
    check_told(told["sigma"], told["j_invariant"], model.way, read_samples(X, kind).channels)  # before the training
    return model.fit(X).transform(X, **told)


def _refuse(told: dict[str, Any], what: str) -> None:
    """Raises ValueError for arguments that only a Denoiser takes."""
    for name, value in told.items():
        if not is_automatic(value):
            raise ValueError(f"{name} is for a Denoiser with way='noise2self', not for {what}; got {value!r}")


def _has_missing(X: Any) -> bool:
    """Returns whether X is a table with missing cells.

    Raises:
        TypeError, ValueError: for frames and objects that hold no numbers; wrong columns of a frame are named.
    """
    if isinstance(X, (list, tuple)) and len(X) and np.ndim(X[0]) > 1:
        return False
    array = np.asarray(X)
    if hasattr(X, "columns") or (array.dtype == object and array.ndim == 2):
        array = as_array(X)[0]
    return array.ndim == 2 and array.dtype.kind == "f" and bool(np.isnan(array).any())


def _alike(X: Any, out: Any) -> Any:
    """Returns the array in the dtype of X, where that is in memory and of integers or floats."""
    if isinstance(X, (list, tuple)) or np.ndim(X) == 0:
        return out
    dtype = as_array(X)[0].dtype if hasattr(X, "columns") or np.asarray(X).dtype == object else np.asarray(X).dtype
    if dtype.kind not in "iuf" or out.dtype == dtype:
        return out
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        out = np.rint(out).clip(info.min, info.max)
    return out.astype(dtype)


def _by_autoencoder(model: Autoencoder, X: Any) -> Any:
    """Reconstructs samples of the model's size as they are, larger ones in tiles."""
    schema = model.schema_
    shape = schema.sample_shape
    if len(shape) == 1 or np.ndim(X) == 0:
        return model.reconstruct(X)
    if not isinstance(X, (list, tuple)) and _user_size(X, len(shape) - 1) == tuple(shape[1:]):
        return model.reconstruct(X)
    samples = read_samples(X, "image" if len(shape) == 3 else "signal")
    if samples.channels != shape[0]:
        raise ValueError(f"this model was trained on {shape[0]} channels; got {samples.channels}")
    tile = min(shape[1:])
    smallest = min(min(item.shape[1:]) for item in samples.items)
    if smallest < tile or len(set(shape[1:])) > 1:
        raise ValueError(
            f"this model restores samples of {tuple(shape[1:])} or, where that is square, larger ones; got a sample "
            f"with an axis of {smallest}"
        )

    values = np.concatenate([item.ravel() for item in samples.items])
    warn_of_range(schema, values, len(samples.items))  # once, not in every tile

    def restored(x: torch.Tensor) -> torch.Tensor:
        part = x.numpy().astype(samples.items[0].dtype)
        part = np.moveaxis(part, 1, -1) if samples.channel_axis else part[:, 0]
        out = np.asarray(model.reconstruct(part), dtype=np.float32)
        return torch.from_numpy(np.moveaxis(out, -1, 1) if samples.channel_axis else out[:, None])

    results = []
    for item in samples.items:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RangeWarning)
            whole = tiled(restored, torch.from_numpy(item.astype(np.float32)), tile, tile // 2).numpy()
        results.append((np.rint(whole) if item.dtype.kind in "iu" else whole).astype(item.dtype))
    return samples.returned(results)


def _user_size(X: Any, dimensions: int) -> tuple[int, ...]:
    """Returns the size of samples in an array (n, *size) or (n, *size, channels)."""
    return tuple(np.shape(X)[1 : 1 + dimensions])
