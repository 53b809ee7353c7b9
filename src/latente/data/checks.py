"""Values that no model can learn from, found before any training."""

from __future__ import annotations

__all__ = ["Finiteness", "check_samples", "check_values"]

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.data.rows import ArrayRows, Rows

NAMED = 10  # rows, at most


def check_values(X: NDArray[Any] | Rows, columns: tuple[str, ...] | None = None, what: str = "X") -> None:
    """Raises ValueError when X (n, ...) holds NaN or infinity: how many, where the first is, and in which rows.

    Args:
        X: an array, or rows that are read in pieces.
        columns: the names of an array's columns.
        what: for the message.

    Raises:
        ValueError: when there are any.

    Example:
        >>> check_values(np.array([[0.0, 1.0], [np.nan, 2.0]]))
        Traceback (most recent call last):
        ValueError: X contains 1 NaN and 0 infinite values, the first at index (1, 0). ...
    """
    rows = X if isinstance(X, Rows) else ArrayRows(X, columns)
    if rows.dtype.kind != "f":
        return
    finite = Finiteness(rows.columns, what)
    for start, chunk in rows.chunks():
        finite.look(start, chunk)
    finite.check()


class Finiteness:
    """Counts the NaN and infinite values of pieces.

    Args:
        columns: the names of the columns, or None.
        what: for the message.
    """

    def __init__(self, columns: tuple[str, ...] | None, what: str) -> None:
        self.columns, self.what = columns, what
        self.nans = self.infinities = 0
        self.first: tuple[int, ...] | None = None
        self.rows = 0
        self.named: list[int] = []

    def look(self, start: int, chunk: NDArray[Any]) -> None:
        """Counts those of samples (m, ...), the first of which has index `start`."""
        if chunk.dtype.kind != "f":
            return
        bad = ~np.isfinite(chunk)
        if bad.any():
            index = tuple(int(i) for i in np.argwhere(bad)[0])
            self.first = self.first or (start + index[0], *index[1:])
            rows = np.flatnonzero(bad.reshape(len(bad), -1).any(1))
            self.rows += len(rows)
            self.named += [start + int(row) for row in rows[: NAMED - len(self.named)]]
            self.nans += int(np.isnan(chunk).sum())
            self.infinities += int(np.isinf(chunk).sum())

    def check(self) -> None:
        """Raises ValueError when there were any."""
        if self.first is None:
            return
        row, names = self.first, self.columns
        where = f"row {row[0]}, column {names[row[1]]!r}" if names else f"index {row}"
        if self.rows > 1:
            more = f" and {self.rows - len(self.named)} more" if self.rows > len(self.named) else ""
            where += f", in rows {', '.join(map(str, self.named))}{more}"
        raise ValueError(
            f"{self.what} contains {self.nans} NaN and {self.infinities} infinite values, the first at {where}. "
            "Remove or fill them first, for example with sklearn.impute.SimpleImputer"
        )


def check_samples(n: int) -> None:
    """Raises ValueError when there are too few samples to train on."""
    if n < 2:
        raise ValueError(f"training needs at least 2 samples; got {n} sample")
