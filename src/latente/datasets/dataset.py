"""What a loader returns: two splits with labels, and where they come from."""

from __future__ import annotations

__all__ = ["Dataset"]

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """A data set split into training and test samples.

    Compared by identity, since its arrays have no single truth value.

    Attributes:
        name: the name `load` knows it by.
        x_train: (n_train, ...) samples, float32 or uint8, in the units of the source.
        y_train: (n_train,) int64 labels, indices into `label_names`.
        x_test: (n_test, ...) samples.
        y_test: (n_test,) int64 labels.
        label_names: what each label means; its index is the label.
        description: what a sample is, and how the splits came about.
        source: who made the data.
        licence: under what terms it may be used.

    Example:
        >>> from latente import datasets
        >>> digits = datasets.load("digits")
        >>> digits
        Dataset(name='digits', x_train=(1438, 8, 8) float32, x_test=(359, 8, 8) float32, labels=10)
        >>> digits.label_names[digits.y_train[0]]
        '0'
    """

    name: str
    x_train: NDArray[Any]
    y_train: NDArray[np.int64]
    x_test: NDArray[Any]
    y_test: NDArray[np.int64]
    label_names: tuple[str, ...]
    description: str
    source: str
    licence: str

    def __repr__(self) -> str:
        """Shapes and dtypes instead of values."""
        train = f"{self.x_train.shape} {self.x_train.dtype}"
        test = f"{self.x_test.shape} {self.x_test.dtype}"
        labels = len(self.label_names)
        return f"Dataset(name={self.name!r}, x_train={train}, x_test={test}, labels={labels})"
