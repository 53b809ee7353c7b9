"""Columns of tables on the command line: what they are called, which hold words, which are left out."""

from __future__ import annotations

__all__ = ["NAMELESS", "check_dropped", "columns_of", "dropping", "nameless", "quoted", "without", "words_in"]

import shlex
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

NAMED = 10  # columns in a message, at most
NAMELESS = ("", "Unnamed: 0")  # the first column where pandas wrote its index, as polars and pandas read it


def columns_of(X: Any) -> list[str]:
    """Returns the names of the columns of a frame, [] for anything else.

    Args:
        X: what was read.
    """
    return [str(name) for name in X.columns] if hasattr(X, "columns") and hasattr(X, "__getitem__") else []


def without(X: Any, names: Collection[str | None]) -> Any:
    """Returns a frame without the columns of these names, where it has them; anything else as it is.

    Args:
        X: what was read.
        names: of columns.
    """
    own = columns_of(X)
    kept = [name for name in own if name not in names]
    if len(kept) == len(own):
        return X
    return X.select(kept) if hasattr(X, "select") else X[kept]  # polars takes X[[]] for no rows


def check_dropped(names: Sequence[str], tables: dict[str, list[str]]) -> None:
    """Raises ValueError for a column to leave out that no table has.

    Args:
        names: as --drop gives them.
        tables: the names of the columns of each, by what the user calls it.
    """
    for name in names:
        if not any(name in own for own in tables.values()):
            known = "; ".join(f"{table} has {quoted(own) or 'columns without names'}" for table, own in tables.items())
            raise ValueError(f"--drop {shlex.quote(name)}: there is no such column; {known}")


def words_in(X: Any) -> list[str]:
    """Returns which columns of a frame hold no numbers; one without any value holds no words either.

    Args:
        X: what was read.
    """
    from latente.data.arrays import numbers_of

    return [name for name in columns_of(X) if numbers_of(X[name]) is None]


def nameless(X: Any, twice: bool) -> str | None:
    """Returns the name that a first column without one was read by, where its values can be what the rows are called.

    Args:
        X: what was read.
        twice: whether words may stand in several rows.
    """
    own = columns_of(X)
    if len(own) < 2 or own[0] not in NAMELESS:
        return None
    values = np.asarray(X[own[0]])
    different = len(set(values.tolist())) == len(values)
    return own[0] if different or (twice and values.dtype.kind not in "biuf") else None


def quoted(names: Sequence[str]) -> str:
    """Returns names of columns for a message, ten at most.

    Example:
        >>> quoted(["a", "body height"])
        "'a', 'body height'"
    """
    return ", ".join(map(repr, names[:NAMED])) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")


def dropping(names: Sequence[str]) -> str:
    """Returns the options that leave columns out, as they are typed.

    Example:
        >>> dropping(["a", "body height"])
        "--drop a --drop 'body height'"
    """
    more = " ..." if len(names) > NAMED else ""
    return " ".join(f"--drop {shlex.quote(name)}" for name in names[:NAMED]) + more
