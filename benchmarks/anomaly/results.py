"""The rows of the CSV files here."""

from __future__ import annotations

__all__ = ["has", "keep", "read"]

import csv
import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def read(name: str) -> list[dict[str, str]]:
    """The lines of a CSV file here; none where it is missing."""
    path = HERE / name
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def has(name: str, key: Mapping[str, Any]) -> bool:
    """Whether a CSV file here has a line with these values."""
    wanted = {field: _text(value) for field, value in key.items()}
    return any(wanted.items() <= row.items() for row in read(name))


def keep(name: str, key: Sequence[str], rows: Iterable[Mapping[str, Any]], fields: Sequence[str] = ()) -> None:
    """Writes rows in place of older ones with the same key, in one rename; other processes wait.

    Args:
        name: of the file.
        key: the columns that tell rows apart.
        rows: at least one.
        fields: the columns beside the key; () for those of the rows, which then are all there.
    """
    columns = [*key, *fields] if fields else None
    fresh = [{field: _text(row.get(field)) for field in columns or row} for row in rows]
    keys = {tuple(row[field] for field in key) for row in fresh}
    with _alone():
        lines = [row for row in read(name) if tuple(row[field] for field in key) not in keys] + fresh
        lines.sort(key=lambda row: tuple(row[field] for field in key))
        part = (HERE / name).with_suffix(".part")
        with part.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(fresh[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(lines)  # a line from before a column was added gets an empty cell
        os.replace(part, HERE / name)
    for row in fresh:
        print(" ".join(f"{field}={value}" for field, value in row.items() if value), flush=True)


@contextmanager
def _alone() -> Iterator[None]:
    """Lets one process at a time change the files."""
    folder = os.open(HERE, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.5g}" if isinstance(value, float) else str(value)
