"""The samples that can be learned from: those without missing or infinite values."""

from __future__ import annotations

__all__ = ["complete", "some_of"]

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.cli.columns import dropping
from latente.cli.naming import Named
from latente.cli.problems import note

NAMED = 10  # samples in a message, at most
LEAST = 2  # samples to learn from


def some_of(ids: Sequence[Any]) -> str:
    """Returns what samples are called, ten at most.

    Example:
        >>> some_of([*range(12)])
        '0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ...'
    """
    return ", ".join(map(str, ids[:NAMED])) + (", ..." if len(ids) > NAMED else "")


def complete(named: Named) -> Named:
    """Returns the samples to learn from, and says which had to be left out.

    Args:
        named: training data.

    Raises:
        ValueError: where fewer than two are left.
    """
    from latente.data import as_rows

    rows = as_rows(named.X, named.source)
    if rows.dtype.kind != "f":
        return named
    table = len(rows.shape) == 2
    kept, lacking = np.ones(len(rows), dtype=bool), np.zeros(rows.shape[1] if table else 0, dtype=np.int64)
    for start, chunk in rows.chunks():
        finite = np.isfinite(chunk)
        kept[start : start + len(chunk)] = finite.reshape(len(chunk), -1).all(1)
        lacking += (~finite).sum(0) if table else 0
    if kept.all():
        return named
    total, left = len(kept), int(kept.sum())
    most = _most(named, lacking) if 2 * left < total else ""
    if left < LEAST:
        raise ValueError(
            f"{named.source} has missing or infinite values in {total - left} of {total} rows, so that {left} can be "
            f"learned from and it takes at least {LEAST}{most or '; fill them in first'}"
        )
    lost = [named.ids[i] for i in np.flatnonzero(~kept)]
    note(
        f"note: leaving {total - left} of {total} rows of {named.source} out of learning, for values that are missing "
        f"or infinite: {some_of(lost)}{most}"
    )
    return replace(named, X=_taken(named.X, np.flatnonzero(kept)), ids=[named.ids[i] for i in np.flatnonzero(kept)])


def _most(named: Named, lacking: NDArray[np.int64]) -> str:
    """Returns which column of a table lacks most values, "" for anything without names."""
    if not named.columns:
        return ""
    name, many = named.columns[int(lacking.argmax())], int(lacking.max())
    leave = f"fill it in, or leave it out with {dropping([name])}"
    return f"; column {name!r} has no value in {many} of them: {leave}"


def _taken(X: Any, index: NDArray[np.int64]) -> Any:
    """Returns some samples of whatever holds them."""
    from latente.data import Rows
    from latente.data.rows import TakenRows

    if isinstance(X, Rows):
        return TakenRows(X, index)
    return X.iloc[index] if hasattr(X, "iloc") else X[index]
