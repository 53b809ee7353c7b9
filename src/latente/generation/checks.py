"""Codes, labels and temperatures that the user passes, checked."""

from __future__ import annotations

__all__ = ["as_codes", "as_labels", "check_temperature", "labels_to_draw"]

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.metrics.points import as_points
from latente.parts import is_number


def as_codes(codes: Any, rows: int, columns: int | None = None) -> NDArray[np.float64]:
    """Returns codes (n, latent_dim) as float64.

    Raises:
        ValueError: for another shape, too few rows, or values that are not finite.
    """
    if np.ndim(codes) != 2:
        raise ValueError(f"codes must have shape (n, latent_dim); got {np.shape(codes)}")
    array = as_points(codes, "codes", rows)
    if columns is not None and array.shape[1] != columns:
        raise ValueError(f"codes must have shape (n, {columns}), like those of fit; got {array.shape}")
    return array


def as_labels(y: Any, n: int) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int64]]:
    """Returns the different labels, sorted, the index (n,) of each sample's, and how many samples have each.

    Raises:
        ValueError: for a wrong number of labels, labels that are neither integers nor strings, or too few of one.
    """
    labels = np.asarray(y)
    if labels.shape != (n,):
        raise ValueError(f"y must hold one label for each of the {n} samples, shape ({n},); got {labels.shape}")
    if labels.dtype == object and all(isinstance(label, str) for label in labels):
        labels = labels.astype(str)
    if labels.dtype.kind not in "iubU":
        raise ValueError(f"labels must be integers, booleans or strings; got dtype {labels.dtype}: convert them")
    classes, of, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if counts.min() < 2:
        rare = classes[counts.argmin()].item()
        raise ValueError(
            f"every label needs at least 2 samples; {rare!r} has {counts.min()}: leave it out, or merge it"
        )
    return classes, of, counts


def check_temperature(temperature: Any) -> None:
    """Raises ValueError unless it is a number of at least 0."""
    if not is_number(temperature, low=0):
        raise ValueError(f"temperature must be a number of at least 0 (1: as fitted); got {temperature!r}")


def labels_to_draw(
    y: Any, n: int, classes: NDArray[Any] | None, weights: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Returns (n,): the index of the density that each sample comes from.

    Args:
        y: a label, n labels, or None to draw them.
        n: how many samples.
        classes: the labels that exist, sorted, or None.
        weights: their frequencies.
        rng: draws labels.

    Raises:
        ValueError: for unknown labels, or any where there are none.
    """
    if y is None:
        return rng.choice(len(weights), n, p=weights) if len(weights) > 1 else np.zeros(n, dtype=np.int64)
    if classes is None:
        raise ValueError(f"y={y!r} was asked for, but fit got no labels; pass y to fit")
    asked = np.asarray(y)
    if asked.shape not in ((), (n,)):
        raise ValueError(f"y must be one label or {n} of them, shape ({n},); got {asked.shape}")
    known = {label: i for i, label in enumerate(classes.tolist())}
    unknown = [label for label in np.atleast_1d(asked).tolist() if label not in known]
    if unknown:
        names = ", ".join(map(repr, known))
        raise ValueError(f"unknown label {unknown[0]!r}; fit got {names}")
    return np.broadcast_to([known[label] for label in np.atleast_1d(asked).tolist()], (n,))
