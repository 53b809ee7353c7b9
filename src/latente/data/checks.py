"""Values that no model can learn from, found before any training."""

from __future__ import annotations

__all__ = ["Finiteness", "NotFiniteError", "check_samples", "check_values"]

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.data.rows import ArrayRows, Rows

NAMED = 10  # rows and columns, at most


class NotFiniteError(ValueError):
    """Raised for values that no model can learn from; who knows where they came from can say so in place of `what`.

    Args:
        what: holds them, "X" for instance.
        found: how many there are and where, with the verb.

    Example:
        >>> str(NotFiniteError("X", "contains 1 NaN"))
        'X contains 1 NaN'
    """

    def __init__(self, what: str, found: str) -> None:
        super().__init__(what, found)
        self.what, self.found = what, found

    def __str__(self) -> str:
        return f"{self.what} {self.found}"


def check_values(X: NDArray[Any] | Rows, columns: tuple[str, ...] | None = None, what: str = "X") -> None:
    """Raises NotFiniteError when X (n, ...) holds NaN or infinity: how many, where the first is, and in which rows.

    Args:
        X: an array, or rows that are read in pieces.
        columns: the names of an array's columns.
        what: for the message.

    Raises:
        NotFiniteError: a ValueError, when there are any.

    Example:
        >>> check_values(np.array([[0.0, 1.0], [np.nan, 2.0]]))
        Traceback (most recent call last):
        latente.data.checks.NotFiniteError: X contains 1 NaN and 0 infinite values, the first at index (1, 0). ...
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
        self.rows = self.seen = 0
        self.named: list[int] = []
        self.empty: NDArray[np.bool_] | None = None  # (columns,) of a table: whether all that was seen was NaN

    def look(self, start: int, chunk: NDArray[Any]) -> None:
        """Counts those of samples (m, ...), the first of which has index `start`; pieces that have none may be left
        out."""
        if chunk.dtype.kind != "f":
            return
        bad = ~np.isfinite(chunk)
        whole = start == self.seen and bad.any()
        self.seen = start + len(chunk)
        if chunk.ndim == 2:
            empty = np.isnan(chunk).all(0) if whole else np.zeros(chunk.shape[1], bool)
            self.empty = empty if self.empty is None else self.empty & empty
        if not bad.any():
            return
        index = tuple(int(i) for i in np.argwhere(bad)[0])
        self.first = self.first or (start + index[0], *index[1:])
        rows = np.flatnonzero(bad.reshape(len(bad), -1).any(1))
        self.rows += len(rows)
        self.named += [start + int(row) for row in rows[: NAMED - len(self.named)]]
        self.nans += int(np.isnan(chunk).sum())
        self.infinities += int(np.isinf(chunk).sum())

    def check(self) -> None:
        """Raises NotFiniteError when there were any."""
        if self.first is None:
            return
        empty = np.flatnonzero(self.empty) if self.empty is not None and self.seen > 1 else np.empty(0, int)
        advice = "Remove or fill them first, for example with sklearn.impute.SimpleImputer"
        if len(empty) and not np.all(self.empty):
            said = f"{self._named_columns(empty)} no value in any of the {self.seen} rows"
            leave = "fill it in, or leave it out, in training too"
            if self.nans == len(empty) * self.seen and not self.infinities:
                raise NotFiniteError(self.what, f"has missing values: {said}; {leave}")
            advice = f"{said}; {leave}. {advice}"
        raise NotFiniteError(
            self.what,
            f"contains {self.nans} NaN and {self.infinities} infinite values, the first at {self._place()}. {advice}",
        )

    def _named_columns(self, columns: NDArray[np.int64]) -> str:
        """Returns columns as the subject of a sentence with its verb."""
        names = [repr(self.columns[i]) if self.columns else str(i) for i in columns[:NAMED].tolist()]
        more = f" and {len(columns) - NAMED} more" if len(columns) > NAMED else ""
        return f"column {names[0]} has" if len(columns) == 1 else f"columns {', '.join(names)}{more} have"

    def _place(self) -> str:
        """Returns where the first value is, and the rows of all."""
        row, names = self.first or (), self.columns
        where = f"row {row[0]}, column {names[row[1]]!r}" if names else f"index {row}"
        if self.rows > 1:
            more = f" and {self.rows - len(self.named)} more" if self.rows > len(self.named) else ""
            where += f", in rows {', '.join(map(str, self.named))}{more}"
        return where


def check_samples(n: int) -> None:
    """Raises ValueError when there are too few samples to train on."""
    if n < 2:
        raise ValueError(f"training needs at least 2 samples; got {n} sample")
