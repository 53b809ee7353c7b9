"""What samples are called."""

from __future__ import annotations

__all__ = ["Labels"]

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST = 12  # labels that have a colour of their own


@dataclass(frozen=True, eq=False)
class Labels:
    """A label for each sample.

    Attributes:
        index: (n,) integers into `names`.
        names: what each label means.
    """

    index: NDArray[np.int64]
    names: tuple[str, ...]

    @staticmethod
    def of(labels: Any, names: Sequence[str] | None, samples: int) -> Labels | None:
        """Returns the labels that a user gave; None for None.

        Args:
            labels: (n,) of anything, one for each sample; with `names`, integers into them.
            names: what the integers mean.
            samples: how many samples there are.

        Raises:
            ValueError: when there are more or fewer labels than samples, or a label has no name.
        """
        if labels is None:
            return None
        values = np.asarray(labels)
        if values.shape != (samples,):
            raise ValueError(f"labels must be one for each of the {samples} samples of X; got shape {values.shape}")
        if names is None:
            found, index = np.unique(values.astype(str) if values.dtype == object else values, return_inverse=True)
            return Labels(index.astype(np.int64), tuple(_text(value) for value in found))
        if values.dtype.kind not in "iu" or (len(values) and not 0 <= values.min() <= values.max() < len(names)):
            raise ValueError(
                f"with label_names, labels must be integers from 0 to {len(names) - 1}; got {values.dtype} "
                f"from {values.min()} to {values.max()}. Pass label_names=None to use the labels themselves"
            )
        return Labels(values.astype(np.int64), tuple(map(str, names)))

    def __len__(self) -> int:
        return len(self.index)

    def take(self, rows: NDArray[np.int64]) -> Labels:
        """Returns the labels of some of the samples."""
        return Labels(self.index[rows], self.names)

    def name(self, row: int) -> str:
        """Returns the name of one sample's label."""
        return self.names[self.index[row]]

    @property
    def present(self) -> NDArray[np.int64]:
        """The labels that occur, in their order."""
        return np.unique(self.index)

    def few(self) -> Labels:
        """Returns labels with at most 12 names; the rarest become "other"."""
        counts = np.bincount(self.index, minlength=len(self.names))
        if np.count_nonzero(counts) <= MOST:
            return self
        kept = np.sort(np.argsort(-counts, kind="stable")[: MOST - 1])
        new = np.full(len(self.names), MOST - 1)
        new[kept] = np.arange(MOST - 1)
        return Labels(new[self.index], (*(self.names[i] for i in kept), "other"))


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, (float, np.floating)) else str(value)
