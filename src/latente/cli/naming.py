"""What samples on the command line are called, and columns in the order that a detector knows."""

from __future__ import annotations

__all__ = ["Named", "arranged", "read_named"]

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    """

    X: Any
    ids: list[Any]
    name: str
    source: str

    @property
    def columns(self) -> list[str]:
        """The names of the columns of a frame, [] for anything else."""
        return _columns(self.X)


def read_named(
    text: str, id_column: str | None, resize: str | None, *, train: bool = False, series: bool = False
) -> Named:
    """Returns what a name on the command line holds, and what the samples are called.

    Those of a folder of images are called by their files, rows of a table by the column of ids, or of words where there
    is just one whose words are all different; others are numbered.

    Args:
        text: as the user wrote it.
        id_column: that names the rows; training data may lack it.
        resize: of a folder of images.
        train: whether it is only learned from.
        series: whether rows are time steps, whose time stamps may stand there twice, as when clocks are put back.

    Raises:
        ValueError: for a file without rows, an unknown column, or words that cannot be ids.
    """
    X = read_samples(text, split="train" if train else "test", resize=resize).X
    path, names = Path(text), _columns(X)
    if hasattr(X, "__len__") and not len(X):
        raise ValueError(f"{text} has no rows; give a file with data below its header")
    if id_column is not None and id_column not in names and not train:
        known = ", ".join(names) or "no names"
        raise ValueError(f"--id {id_column}: {text} has no such column; it has {known}")
    if path.is_dir() and not names:
        from latente.data.images import IMAGE_SUFFIXES

        files = sorted(p for p in path.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES and p.is_file())
        return Named(X, [str(file.relative_to(path)) for file in files], "file", text)
    chosen = id_column if id_column in names else _words(X, text, series)
    if chosen is None:
        _note_of_numbers(X, text, series)
        return Named(X, list(range(len(X))), "row", text)
    ids = np.asarray(X[chosen]).tolist()
    return Named(X[[name for name in names if name != chosen]], ids, chosen, text)


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
        raise ValueError(f"{named.source} lacks columns that were learned from: {', '.join(missing)}")
    if more:
        hint = f"; if it names the rows, give --id {more[0]}" if len(more) == 1 else "; leave them out"
        raise ValueError(f"{named.source} has columns that were not learned from: {', '.join(more)}{hint}")
    return replace(named, X=named.X[known])


def _columns(X: Any) -> list[str]:
    return [str(name) for name in X.columns] if hasattr(X, "columns") and hasattr(X, "__getitem__") else []


def _words(X: Any, text: str, twice: bool) -> str | None:
    """Returns the only column that holds no numbers, where its values are all different or may stand there twice.

    Raises:
        ValueError: for other columns of words.
    """
    words = [name for name in _columns(X) if _holds_words(np.asarray(X[name]))]
    if not words:
        return None
    if len(words) > 1:
        raise ValueError(
            f"{text} has columns that are not numbers: {', '.join(words)}; give the one that names the rows as --id, "
            "and leave the others out or encode them as numbers"
        )
    values = np.asarray(X[words[0]]).tolist()
    if len(set(values)) < len(values) and not twice:
        again = next(value for value in values if values.count(value) > 1)
        raise ValueError(
            f"{text}: column {words[0]} holds no numbers, and {again!r} stands in several rows; if it names the rows "
            f"all the same, give --id {words[0]}, otherwise leave it out or encode it as numbers"
        )
    return words[0]


def _holds_words(values: NDArray[Any]) -> bool:
    """Returns whether a column holds no numbers; one without any value holds no words either."""
    return values.dtype.kind not in "biuf" and any(value is not None for value in values)


def _note_of_numbers(X: Any, text: str, series: bool) -> None:
    """Says which columns of whole numbers look like names of rows, or columns like the time of a series."""
    for name in _columns(X):
        values = np.asarray(X[name])
        if series and len(values) >= FEWEST and bool((np.diff(values) > 0).all()):
            note(f"note: column {name} of {text} rises in every row; if it is the time, give --id {name}")
        elif values.dtype.kind in "iu" and len(values) >= FEWEST and len(np.unique(values)) == len(values):
            note(
                f"note: column {name} of {text} has another whole number in every row; if it names the rows, "
                f"give --id {name}"
            )
