"""One function for whatever is noisy."""

from __future__ import annotations

__all__ = ["denoise"]

from typing import Any

import numpy as np
import torch

from latente.denoising.denoiser import Denoiser
from latente.denoising.imputer import Imputer
from latente.denoising.opening import opened
from latente.denoising.samples import read_samples
from latente.denoising.tiles import tiled
from latente.estimators import Autoencoder


def denoise(model: Any, X: Any, *, kind: str = "auto", random_state: Any = None) -> Any:
    """Returns X without noise, in its shape, units and dtype.

    Args:
        model: a fitted `Denoiser`, `Imputer` or autoencoder. An autoencoder of images or signals restores larger ones
            in overlapping tiles of the size that it was trained on. None learns from X alone, without anything clean:
            a table with NaN is filled in by an `Imputer`, images and signals are restored by a `Denoiser` with
            way="noise2self", whose noise must be independent between neighbouring positions.
        X: samples as `Denoiser`, `Imputer` or the autoencoder take them, or a path.
        kind: without a model: "table", "image", "signal", or "auto", which takes two axes with NaN as a table.
        random_state: without a model: decides everything random.

    Raises:
        TypeError: when the model is none of these.
        ValueError: for data that the model cannot take.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> table = rng.normal(size=(500, 1)) * [1.0, 2.0, -3.0]
        >>> holed = np.where(rng.random(table.shape) < 0.2, np.nan, table)
        >>> filled = denoise(None, holed, random_state=0)
        >>> bool(np.isfinite(filled).all()), bool((filled == table)[~np.isnan(holed)].all())
        (True, True)
    """
    if model is None:
        return _from_itself(X, kind, random_state)
    if isinstance(model, (Denoiser, Imputer)):
        return model.transform(X)
    if isinstance(model, Autoencoder):
        return _by_autoencoder(model, X)
    raise TypeError(f"model must be a fitted Denoiser, Imputer or autoencoder, or None; got {model!r}")


def _from_itself(X: Any, kind: str, random_state: Any) -> Any:
    if kind not in ("auto", "table", "image", "signal"):
        raise ValueError(f"kind must be one of auto, table, image, signal; got {kind!r}")
    X = opened(X)
    if kind == "table" or (kind == "auto" and _has_missing(X)):
        return Imputer(random_state=random_state).fit_transform(X)
    return Denoiser(way="noise2self", kind=kind, random_state=random_state).fit_transform(X)


def _has_missing(X: Any) -> bool:
    if isinstance(X, (list, tuple)) and len(X) and np.ndim(X[0]) > 1:
        return False
    array = np.asarray(X)
    return array.ndim == 2 and array.dtype.kind == "f" and bool(np.isnan(array).any())


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

    def restored(x: torch.Tensor) -> torch.Tensor:
        part = x.numpy().astype(samples.items[0].dtype)
        part = np.moveaxis(part, 1, -1) if samples.channel_axis else part[:, 0]
        out = np.asarray(model.reconstruct(part), dtype=np.float32)
        return torch.from_numpy(np.moveaxis(out, -1, 1) if samples.channel_axis else out[:, None])

    results = []
    for item in samples.items:
        whole = tiled(restored, torch.from_numpy(item.astype(np.float32)), tile, tile // 2).numpy()
        results.append((np.rint(whole) if item.dtype.kind in "iu" else whole).astype(item.dtype))
    return samples.returned(results)


def _user_size(X: Any, dimensions: int) -> tuple[int, ...]:
    """Returns the size of samples in an array (n, *size) or (n, *size, channels)."""
    return tuple(np.shape(X)[1 : 1 + dimensions])
