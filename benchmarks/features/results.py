"""CSV files whose rows are replaced by key and which are written at once or not at all."""

from __future__ import annotations

import csv
import fcntl
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def read_rows(file: Path) -> list[dict[str, str]]:
    """Returns the rows of a CSV; none where there is no file."""
    if not file.exists():
        return []
    with file.open(newline="") as stream:
        return list(csv.DictReader(stream))


def replace_row(file: Path, row: dict[str, Any], keys: Sequence[str], order: Sequence[str]) -> None:
    """Puts a row in the place of the one with the same keys; several runs may write to one file.

    Args:
        file: the CSV; its columns are the first row's.
        row: by column; floats are rounded to four digits.
        keys: the columns that name a row.
        order: of the rows, by their `name`.
    """
    texts = {key: f"{value:.4g}" if isinstance(value, float) else str(value) for key, value in row.items()}
    place = {name: i for i, name in enumerate(order)}
    with file.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = [old for old in read_rows(file) if any(old[key] != texts[key] for key in keys)]
        _write(file, sorted([*kept, texts], key=lambda r: (place.get(r["name"], len(place)), r["seed"])))


def _write(file: Path, rows: list[dict[str, str]]) -> None:
    fresh = file.with_suffix(".tmp")
    with fresh.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(dict.fromkeys(key for r in rows for key in r)), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    fresh.replace(file)
