"""Pictures and signals as the user has them, and as the network wants them."""

from __future__ import annotations

__all__ = ["KINDS", "Samples", "Scale", "alike", "are_partners", "are_small", "patches", "read_samples"]

import itertools
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latente.data.checks import NotFiniteError
from latente.denoising.opening import opened

KINDS = ("auto", "image", "signal")
COLOURS = (1, 3, 4)
PATCH = {1: 512, 2: 64}  # positions along an axis
SMALLEST = {1: 64, 2: 32}  # to which few small samples are cut
UNCUT = 1.5  # patches along each axis, to which samples are small
FEWEST, PATCHES, PATCH_BYTES = 2000, 20_000, 1 << 29
FEW = 10  # samples, of each of which a part is held out
TOGETHER = 1 << 16  # values that are restored at once
FARTHEST = 10.0  # that noise takes data in [0, 1]


@dataclass(frozen=True)
class Samples:
    """Samples in the network's order of axes, and how they came.

    Attributes:
        items: arrays (channels, *size), in the dtype of the user.
        dimensions: 1 for signals, 2 for images.
        single: whether a single one came, without an axis of samples.
        listed: whether a list came.
        channel_axis: whether they had an axis of channels, which is the last one.
    """

    items: list[NDArray[Any]]
    dimensions: int
    single: bool
    listed: bool
    channel_axis: bool

    @property
    def channels(self) -> int:
        """The number of channels, which all of them share."""
        return int(self.items[0].shape[0])

    @property
    def size(self) -> int:
        """The number of values in all."""
        return sum(item.size for item in self.items)

    def divided(self, fraction: float, rng: np.random.Generator) -> tuple[Samples, Samples]:
        """Returns samples to train on and samples held out, which share no value.

        Of many samples some are held out; of fewer than ten, the end of each along its longest axis.

        Args:
            fraction: that is held out.
            rng: chooses the samples.

        Raises:
            ValueError: when nothing would be left on one side.
        """
        n = len(self.items)
        if n >= FEW:
            order = rng.permutation(n)
            held = max(1, round(fraction * n))
            parts = [[self.items[i] for i in sorted(order[held:])], [self.items[i] for i in sorted(order[:held])]]
        else:
            pairs = [_cut(item, fraction) for item in self.items]
            parts = [list(part) for part in zip(*pairs, strict=True)]
        if not all(parts) or min(item.size for part in parts for item in part) == 0:
            raise ValueError(f"{n} samples are too few, or too small, to hold out {fraction:g} of them")
        kept, held_out = (replace(self, items=part) for part in parts)
        return kept, held_out

    def returned(self, items: Sequence[NDArray[Any]]) -> Any:
        """Returns items (channels, *size) as the samples came: a single array, a list, or an array of all."""
        arrays = [np.moveaxis(item, 0, -1) if self.channel_axis else item[0] for item in items]
        if self.single:
            return arrays[0]
        return arrays if self.listed else np.stack(arrays)


def _cut(item: NDArray[Any], fraction: float) -> tuple[NDArray[Any], NDArray[Any]]:
    axis = 1 + int(np.argmax(item.shape[1:]))
    at = round((1 - fraction) * item.shape[axis])
    kept, held = np.split(item, [at], axis=axis)
    return kept, held


@dataclass(frozen=True)
class Scale:
    """scaled = (value - shift) * factor, and back in the user's dtype and bounds.

    Attributes:
        shift: subtracted first; one for all channels, or one for each.
        factor: multiplied then, likewise.
        bounds: of scaled data, or None.
    """

    shift: tuple[float, ...]
    factor: tuple[float, ...]
    bounds: tuple[float, float] | None

    @classmethod
    def of(cls, items: Sequence[NDArray[Any]], each: bool = False, standard: bool = False) -> Scale:
        """Returns the scale of data: unsigned integers and floats within [0, 1] to [0, 1], others to variance 1.

        Args:
            items: (channels, *size) each.
            each: whether every channel without bounds gets a mean and a deviation of its own.
            standard: whether data with bounds gets mean 0 and variance 1 as well, all channels alike.
        """
        low, high = min(item.min() for item in items), max(item.max() for item in items)
        bounded = items[0].dtype.kind in "bu" or (low >= 0 and high <= 1)
        if bounded and not (standard and high > low):
            return cls((0.0,), (1.0 / _unit(items[0].dtype),), (0.0, 1.0))
        alone = range(len(items[0])) if each and not bounded else ()
        moments = [_moments([item[i : i + 1] for item in items]) for i in alone] or [_moments(items)]
        means = tuple(mean for mean, _ in moments)
        factors = tuple(1.0 / deviation if deviation > 0 else 1.0 for _, deviation in moments)
        bounds = ((0.0 - means[0]) * factors[0], (_unit(items[0].dtype) - means[0]) * factors[0]) if bounded else None
        return cls(means, factors, bounds)

    def suited(self, items: Sequence[NDArray[Any]]) -> Scale:
        """Returns the scale for data of another dtype than in `fit`: bytes and floats of one picture mean the same.

        Raises:
            ValueError: for values that cannot be in the units of `fit`.
        """
        if self.bounds is None:
            return self
        dtype, width = items[0].dtype, self.bounds[1] - self.bounds[0]
        unit = _unit(dtype)
        far = max(float(max(item.max(), -float(item.min()))) for item in items) / unit
        if far > FARTHEST:
            raise ValueError(
                "this Denoiser was trained on data in [0, 1] (unsigned integers count as fractions of their largest "
                f"value); got {dtype} up to {far:g}. Scale X as the training data were"
            )
        return Scale((-self.bounds[0] / width * unit,), (width / unit,), self.bounds)

    def apply(self, values: Tensor) -> Tensor:
        """Returns scaled float32 of values (n, channels, *size)."""
        shape = (-1,) + (1,) * (values.ndim - 2)
        if self.bounds is not None and self.shift != (0.0,):  # bytes and floats of one picture are the same after it
            return ((values.cpu().double() - self.shift[0]) * self.factor[0]).float().to(values.device)
        shift, factor = (torch.tensor(each, device=values.device).view(shape) for each in (self.shift, self.factor))
        return (values.float() - shift) * factor

    def undo(self, values: NDArray[np.float32], dtype: np.dtype[Any]) -> NDArray[Any]:
        """Returns values (n, channels, *size) in the user's units and dtype."""
        if self.bounds is not None:
            values = values.clip(*self.bounds)
        shape = (-1,) + (1,) * (values.ndim - 2)
        values = values / np.reshape(self.factor, shape) + np.reshape(self.shift, shape)
        if dtype.kind in "iu":
            info = np.iinfo(dtype)
            return np.rint(values).clip(info.min, info.max).astype(dtype)
        return values.astype(dtype if dtype.kind == "f" else np.float32)


def _unit(dtype: np.dtype[Any]) -> float:
    """Returns what stands for 1 in data with bounds."""
    return float(np.iinfo(dtype).max) if dtype.kind == "u" else 1.0


def _moments(items: Sequence[NDArray[Any]]) -> tuple[float, float]:
    """Returns mean and standard deviation of all values."""
    count = sum(item.size for item in items)
    mean = sum(float(item.sum(dtype=np.float64)) for item in items) / count
    square = sum(float(np.square(item - mean, dtype=np.float64).sum()) for item in items) / count
    return mean, math.sqrt(square)


def read_samples(X: Any, kind: str = "auto") -> Samples:
    """Returns samples in the network's order of axes.

    Args:
        X: images (h, w), (h, w, c), (n, h, w), (n, h, w, c) or a list of images of any sizes; signals (length,),
            (n, length) or (n, length, c), or a list of signals (length,) or (length, c). c is 1, 3 or 4 for images. Or
            the path of a file with one of these, of an image, or of a folder of images of any sizes.
        kind: "image", "signal", or "auto": bytes and arrays of more than two axes are images, one axis is a signal.

    Raises:
        FileNotFoundError: when nothing is at a path.
        ValueError: for data that is not of these shapes, that is empty or not finite, or whose kind cannot be known.
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}; got {kind!r}")
    X = opened(X)
    listed = isinstance(X, (list, tuple)) and len(X) > 0 and np.ndim(X[0]) > 0
    arrays = [_numbers(item) for item in X] if listed else [_numbers(X)]
    if listed and len({(array.ndim, array.dtype) for array in arrays}) > 1:
        raise ValueError("the samples of a list must have one dtype and one number of axes")
    kind = _kind(arrays[0], listed) if kind == "auto" else kind
    dimensions = 2 if kind == "image" else 1
    if listed:
        channel_axis, single = arrays[0].ndim == dimensions + 1, False
    else:
        whole = arrays[0]
        channel_axis, single = _axes(whole, dimensions)
        arrays = [whole] if single else list(whole)
    if any(array.ndim != dimensions + channel_axis for array in arrays):
        shape = "(h, w) or (h, w, c)" if kind == "image" else "(length,) or (length, c)"
        raise ValueError(f"a{'n image' if kind == 'image' else ' signal'} must be {shape}; got {arrays[0].shape}")
    items = [np.moveaxis(array, -1, 0) if channel_axis else array[None] for array in arrays]
    if len({len(item) for item in items}) > 1:
        raise ValueError(f"the samples have different numbers of channels: {sorted({len(item) for item in items})}")
    if min(item.size for item in items) == 0:
        raise ValueError("a sample is empty")
    return Samples(items, dimensions, single, listed, channel_axis)


def are_partners(y: Any, samples: Samples) -> bool:
    """Returns whether y holds a partner of every sample, of its shape, rather than labels of any kind.

    Args:
        y: what `fit` got beside X: an array, a list, a path, paths or None.
        samples: of X.

    Example:
        >>> X = np.zeros((5, 8, 8))
        >>> [are_partners(y, read_samples(X, "image")) for y in (X + 1, [0, 1, 1, 0, 1], np.eye(5), "clean.npy", None)]
        [True, False, False, True, False]
    """
    if y is None or isinstance(y, str):
        return y is not None
    if isinstance(y, os.PathLike) or (
        isinstance(y, (list, tuple)) and any(isinstance(item, os.PathLike) for item in y)
    ):
        return True
    try:
        others = read_samples(y, "image" if samples.dimensions == 2 else "signal")
    except (TypeError, ValueError):
        return False
    return [item.shape for item in others.items] == [item.shape for item in samples.items]


def _numbers(values: Any) -> NDArray[Any]:
    array = np.asarray(values)
    if array.dtype.kind not in "buif":
        raise ValueError(f"samples must be numbers: an array, a list of arrays or a path; got {_said(values, array)}")
    if array.size == 0:
        raise ValueError("there are no samples: the array is empty")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise NotFiniteError("X", "has values that are not finite; `denoise` and `Imputer` fill in tables with NaN")
    return array


def _said(values: Any, array: NDArray[Any]) -> str:
    """Returns in words what came in place of numbers; one value that is none stands for all."""
    if array.ndim == 0:
        return "None" if values is None else f"an object of type {type(values).__name__}"
    wrong = next((value for value in array.flat if not isinstance(value, (int, float, np.number))), None)
    return f"values such as {wrong!r}" if array.dtype.kind in "OUS" else f"an array of {array.dtype}"


def _kind(array: NDArray[Any], listed: bool) -> str:
    if array.ndim == 1:
        return "signal"
    if array.ndim > 2 or array.dtype == np.uint8 or listed:
        return "image"
    raise ValueError(
        f"floats of shape {array.shape} may be one image or {len(array)} signals; say kind='image' or kind='signal'. "
        "If they are a table: no cell is missing (NaN), so there is nothing to fill in"
    )


def _axes(whole: NDArray[Any], dimensions: int) -> tuple[bool, bool]:
    """Returns whether there is an axis of channels, and whether the array is a single sample."""
    extra = whole.ndim - dimensions
    if extra == 1 and dimensions == 2:
        colour = whole.shape[-1] in COLOURS and min(whole.shape[:2]) > whole.shape[-1]
        return colour, colour
    return extra == 2, extra == 0


def alike(items: Sequence[NDArray[Any]], tile: int) -> Iterator[list[NDArray[Any]]]:
    """Yields the items in order and in groups: small neighbours of one shape together, the others alone.

    Args:
        items: (channels, *size) each.
        tile: a longer one is alone.
    """
    for shape, run in itertools.groupby(items, key=lambda item: item.shape):
        most = TOGETHER // math.prod(shape) if max(shape[1:]) <= tile else 1
        same = list(run)
        yield from (same[low : low + max(1, most)] for low in range(0, len(same), max(1, most)))


def are_small(samples: Samples, size: int | str) -> bool:
    """Returns whether samples all have one shape, at most half as long again as a patch along each axis.

    Args:
        samples: the samples.
        size: of a patch, along each axis; "auto" is 512 for signals, 64 for images.
    """
    size = PATCH[samples.dimensions] if size == "auto" else int(size)
    return len({item.shape for item in samples.items}) == 1 and max(samples.items[0].shape[1:]) <= UNCUT * size


def patches(samples: Samples, size: int | str, rng: np.random.Generator, enough: int = 1) -> Tensor:
    """Returns patches (n, channels, *patch) at random places, in the dtype of the samples.

    Small samples, where there are enough of them, are returned whole. Of others each gives as many patches as would
    cover it twice, or more where that is few in all; too many are thinned out. Where small samples are too few, patches
    are two thirds as long as they: of copies of the whole a network would learn the noise at each place by heart.

    Args:
        samples: the samples.
        size: of a patch, along each axis, but never longer than the shortest sample; "auto" as in `are_small`.
        rng: chooses the places.
        enough: how many samples are enough.
    """
    small, size = are_small(samples, size), PATCH[samples.dimensions] if size == "auto" else int(size)
    if small and len(samples.items) >= enough:
        return torch.from_numpy(np.stack(samples.items))
    axes = range(1, samples.dimensions + 1)
    shortest = [min(item.shape[axis] for item in samples.items) for axis in axes]
    if small:
        shortest = [min(n, max(SMALLEST[samples.dimensions], math.ceil(n / UNCUT))) for n in shortest]
    patch = tuple(min(size, length) for length in shortest)
    areas = np.array([math.prod(item.shape[1:]) / math.prod(patch) for item in samples.items])
    counts = np.ceil(max(2.0, FEWEST / areas.sum()) * areas).astype(int)
    bytes_each = samples.channels * math.prod(patch) * samples.items[0].itemsize
    most = max(1, min(PATCHES, PATCH_BYTES // bytes_each))
    which = rng.permutation(np.repeat(np.arange(len(counts)), counts))[:most]
    cut = np.empty((len(which), samples.channels, *patch), samples.items[0].dtype)
    for i, item in enumerate(samples.items[j] for j in which):
        starts = [rng.integers(length - part + 1) for length, part in zip(item.shape[1:], patch, strict=True)]
        cut[i] = item[(slice(None), *(slice(a, a + part) for a, part in zip(starts, patch, strict=True)))]
    return torch.from_numpy(cut)
