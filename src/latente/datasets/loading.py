"""`load` and `names`: from the name of a data set to its arrays."""

from __future__ import annotations

__all__ = ["load", "names"]

import difflib
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.datasets.dataset import Dataset
from latente.datasets.download import download
from latente.datasets.idx import read_idx
from latente.datasets.places import cache_folder, find
from latente.datasets.sources import FASHION_MNIST, MNIST, IdxSource

NAMES = ("digits", "fashion-mnist-10k", "mnist", "fashion-mnist")
TEST_FRACTION = 0.2  # of the data sets that come without a split of their own
SPLIT_SEED = 0
SPLIT_TEXT = "A fixed fifth of every label is the test split."


def names() -> tuple[str, ...]:
    """The names that `load` knows.

    Example:
        >>> names()
        ('digits', 'fashion-mnist-10k', 'mnist', 'fashion-mnist')
    """
    return NAMES


def load(name: str) -> Dataset:
    """Load a data set by its name.

    `digits` (1,797 float32 images of 8x8 in 0..16) comes with scikit-learn and `fashion-mnist-10k`
    (10,000 uint8 images of 28x28) with latente; both are split 80/20, the same fraction of every label,
    always the same way. `mnist` and `fashion-mnist` (60,000 and 10,000 uint8 images of 28x28) are looked
    for in $LATENTE_DATA/<name>, in the user's cache and in /usr/share/datasets/<name>, and are otherwise
    downloaded into the cache. The content of every file is checked against its SHA-256.

    Args:
        name: one of `names()`.

    Raises:
        TypeError: the name is not a string.
        ValueError: there is no such data set, or a file is damaged.
        FileNotFoundError: the files are neither here nor to be had; the message lists the places searched.

    Example:
        >>> clothes = load("fashion-mnist-10k")
        >>> clothes.x_train.shape, clothes.x_train.dtype, clothes.label_names[1]
        ((8000, 28, 28), dtype('uint8'), 'Trouser')
    """
    if not isinstance(name, str):
        known = ", ".join(NAMES)
        raise TypeError(f"the name of a data set is a string, got {type(name).__name__}; known: {known}")
    match name:
        case "digits":
            return _digits()
        case "fashion-mnist-10k":
            return _fashion_mnist_10k()
        case "mnist":
            return _from_idx(MNIST)
        case "fashion-mnist":
            return _from_idx(FASHION_MNIST)
        case _:
            raise ValueError(_unknown(name))


def _digits() -> Dataset:
    from sklearn.datasets import load_digits

    digits = load_digits()
    return Dataset(
        "digits",
        *_split(digits.images.astype(np.float32), digits.target.astype(np.int64)),
        label_names=tuple("0123456789"),
        description=f"Handwritten digits, 8x8 pixels with values from 0 to 16. {SPLIT_TEXT}",
        source='E. Alpaydin, C. Kaynak, "Optical recognition of handwritten digits" (1998), UCI, test split',
        licence="CC BY 4.0",
    )


def _fashion_mnist_10k() -> Dataset:
    x, y = _read_pair(files("latente.datasets") / "data", FASHION_MNIST, 2)
    return Dataset(
        "fashion-mnist-10k",
        *_split(x, y),
        label_names=FASHION_MNIST.label_names,
        description="Photographs of clothing, 28x28 uint8 pixels: the 10,000 test images of Fashion-MNIST. "
        + SPLIT_TEXT,
        source=FASHION_MNIST.source,
        licence=FASHION_MNIST.licence,
    )


def _from_idx(source: IdxSource) -> Dataset:
    folder = find(source) or download(source, cache_folder() / source.name)
    return Dataset(
        source.name,
        *_read_pair(folder, source, 0),
        *_read_pair(folder, source, 2),
        label_names=source.label_names,
        description=source.description,
        source=source.source,
        licence=source.licence,
    )


def _read_pair(folder: Traversable, source: IdxSource, first: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images and labels from two consecutive files of a source."""
    x, y = (read_idx(folder / source.files[i], source.sha256[i]) for i in (first, first + 1))
    return x, y.astype(np.int64)


def _split(
    x: NDArray[Any], y: NDArray[np.int64]
) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[Any], NDArray[np.int64]]:
    """x_train, y_train, x_test, y_test: a fifth of every label is for testing, always the same samples."""
    test = _test_mask(y)
    return x[~test], y[~test], x[test], y[test]


def _test_mask(y: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(n,) True for a fixed random fifth of the samples of each label."""
    generator = np.random.RandomState(SPLIT_SEED)  # unlike default_rng, its stream never changes
    mask = np.zeros(len(y), dtype=np.bool_)
    for label in np.unique(y):
        members = np.flatnonzero(y == label)
        mask[generator.permutation(members)[: round(TEST_FRACTION * len(members))]] = True
    return mask


def _unknown(name: str) -> str:
    close = difflib.get_close_matches(name.lower().replace("_", "-"), NAMES, n=1)
    hint = f" did you mean {close[0]!r}?" if close else ""
    return f"no data set is called {name!r};{hint} known: {', '.join(NAMES)}"
