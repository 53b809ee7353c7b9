"""The rows of the CSV files here."""

from __future__ import annotations

__all__ = ["keep", "read"]

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


def keep(name: str, key: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Writes rows in place of older ones with the same key, in one rename; the file's columns are those of the rows.

    Args:
        name: of the file.
        key: the columns that tell rows apart.
        rows: at least one.
    """
    fresh = [{field: _text(value) for field, value in row.items()} for row in rows]
    keys = {tuple(row[field] for field in key) for row in fresh}
    with _alone():
        lines = [row for row in read(name) if tuple(row[field] for field in key) not in keys] + fresh
        lines.sort(key=lambda row: tuple(row[field] for field in key))
        part = (HERE / name).with_suffix(".part")
        with part.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(fresh[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(lines)
        os.replace(part, HERE / name)
    for row in fresh:
        print(" ".join(f"{field}={value}" for field, value in row.items()), flush=True)


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
    return f"{value:.5g}" if isinstance(value, float) else str(value)
