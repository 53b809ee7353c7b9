"""What samples on the command line are called, and columns in the order that a detector knows."""

from __future__ import annotations

__all__ = ["Named", "arranged", "read_named"]

import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from latente.cli.columns import NAMELESS, columns_of, dropping, nameless, quoted, without, words_in
from latente.cli.inputs import read_samples
from latente.cli.problems import note

FEWEST = 10  # rows in which whole numbers that are all different look like names


@dataclass(frozen=True)
class Named:
    """Samples and what each is called.

    Attributes:
        X: (n, ...).
        ids: (n,) numbers or words.
        name: of the column of ids.
        source: as the user wrote it.
        found: the names of the columns of the file, those that were left out too.
    """

    X: Any
    ids: list[Any]
    name: str
    source: str
    found: list[str] = field(default_factory=list)

    @property
    def columns(self) -> list[str]:
        """The names of the columns of a frame, [] for anything else."""
        return columns_of(self.X)


def read_named(
    text: str,
    id_column: str | None,
    resize: str | None,
    *,
    train: bool = False,
    series: bool = False,
    drop: Sequence[str] = (),
) -> Named:
    """Returns what a name on the command line holds, and what the samples are called.

    Those of a folder of images are called by their files, rows of a table by the column of ids, or of words where there
    is just one whose words are all different, or by a first column without a name; others are numbered.

    Args:
        text: as the user wrote it.
        id_column: that names the rows; training data may lack it.
        resize: of a folder of images.
        train: whether it is only learned from.
        series: whether rows are time steps, whose time stamps may stand there twice, as when clocks are put back.
        drop: names of columns to leave out, where they are there.

    Raises:
        ValueError: for a file without rows, an unknown column, columns of words, or words that cannot be ids.
    """
    X = read_samples(text, split="train" if train else "test", resize=resize).X
    path, found = Path(text), columns_of(X)
    _check_axes(X, text, series)
    X = without(X, drop)
    names = columns_of(X)
    if id_column is not None and id_column not in names and not train:
        raise ValueError(
            f"--id {shlex.quote(id_column)}: {text} has no such column; it has {', '.join(names) or 'no names'}"
        )
    if path.is_dir() and not names:
        from latente.data.images import IMAGE_SUFFIXES

        files = sorted(p for p in path.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES and p.is_file())
        return Named(X, [str(file.relative_to(path)) for file in files], "file", text)
    return replace(_named(X, text, id_column, series), found=found)


def _check_axes(X: Any, text: str, series: bool) -> None:
    """Raises ValueError for a file without rows, and for one row of numbers that is no series."""
    if hasattr(X, "__len__") and not len(X):
        raise ValueError(f"{text} has no rows; give a file with data below its header")
    if not series and len(getattr(X, "shape", (0, 0))) == 1:
        raise ValueError(
            f"{text} has shape {tuple(X.shape)}, one number a row; a series of that shape takes --series, and rows of "
            "samples have shape (n, columns)"
        )


def _named(X: Any, text: str, id_column: str | None, series: bool) -> Named:
    """Returns rows without the columns that only name them."""
    index = nameless(X, series)
    chosen = id_column if id_column in columns_of(X) else _words(without(X, [index]), text, series)
    name = index if chosen is None else chosen
    if name is None:
        _note_of_numbers(X, text, series)
        return Named(X, list(range(len(X))), "row", text)
    values = without(X, [index, chosen])
    _check_values(values, text, name)
    if index is not None and index != id_column:
        what = "what the rows are called" if chosen is None else f"no measurement; rows are called by {chosen!r}"
        note(f"note: the first column of {text} has no name and is taken for {what}; a name makes it one to learn from")
    return Named(values, np.asarray(X[name]).tolist(), "row" if name == index else name, text)


def _check_values(values: Any, text: str, name: str) -> None:
    """Raises ValueError for columns, beside the one that names the rows, that cannot be learned from."""
    words = words_in(values)
    if words:
        raise ValueError(
            f"{text} has columns that are not numbers: {quoted(words)}; leave them out with {dropping(words)}, or "
            "encode them as numbers"
        )
    if not columns_of(values):
        raise ValueError(
            f"{text} has no columns but {name!r}, which names the rows; columns of a .csv must be separated by commas, "
            "those of a .tsv by tabs"
        )


def arranged(named: Named, known: list[str]) -> Named:
    """Returns samples with their columns in the order that was learned from; the names settle which is which.

    Args:
        named: to be judged.
        known: the columns that were learned from, [] where they had no names.

    Raises:
        ValueError: for columns that are missing or were not learned from.
    """
    own = named.columns
    if not known or not own or own == known:
        return named
    missing, more = [n for n in known if n not in own], [n for n in own if n not in known]
    if missing:
        raise ValueError(f"{named.source} lacks columns that were learned from: {quoted(missing)}")
    if more:
        hint = f"; if it names the rows, give --id {shlex.quote(more[0])}, else" if len(more) == 1 else ";"
        raise ValueError(
            f"{named.source} has columns that were not learned from: {quoted(more)}{hint} leave out with "
            f"{dropping(more)}"
        )
    return replace(named, X=named.X[known])


def _words(X: Any, text: str, twice: bool) -> str | None:
    """Returns the only column that holds no numbers, where its values are all different or may stand there twice.

    Raises:
        ValueError: for other columns of words.
    """
    words = words_in(X)
    if not words:
        return None
    if len(words) > 1:
        different = [name for name in words if len(set(np.asarray(X[name]).tolist())) == len(X)]
        first = (different or words)[0]
        rest = dropping([name for name in words if name != first])
        raise ValueError(
            f"{text} has columns that are not numbers: {quoted(words)}; say which one names the rows and leave the "
            f"others out, for example --id {shlex.quote(first)} {rest}, or encode them as numbers"
        )
    name = words[0]
    values = np.asarray(X[name]).tolist()
    if len(set(values)) < len(values) and not twice:
        again = next(value for value, count in Counter(values).items() if count > 1)
        raise ValueError(
            f"{text}: column {name!r} holds no numbers, and {again!r} stands in several rows; if it names the rows all "
            f"the same, give --id {shlex.quote(name)}, otherwise leave it out with {dropping(words)} or encode it as "
            "numbers"
        )
    return name


def _note_of_numbers(X: Any, text: str, series: bool) -> None:
    """Says which columns of whole numbers look like names of rows, or columns like the time of a series."""
    for name in columns_of(X):
        values, column = np.asarray(X[name]), f"column {name!r} of {text}"
        if name in NAMELESS:
            note(f"note: the first column of {text} has no name and is learned from; to leave it out, give --drop ''")
        elif series and len(values) >= FEWEST and bool((np.diff(values) > 0).all()):
            note(f"note: {column} rises in every row; if it is the time, give --id {shlex.quote(name)}")
        elif values.dtype.kind in "iu" and len(values) >= FEWEST and len(np.unique(values)) == len(values):
            note(
                f"note: {column} has another whole number in every row; if it names the rows, give --id "
                f"{shlex.quote(name)}"
            )
