"""Rows of a CSV that several scripts write to, replaced by key."""

from __future__ import annotations

__all__ = ["Table"]

import csv
import fcntl
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any


class Table:
    """A CSV file whose lines are replaced by those of the same key; every change is written as a whole.

    Args:
        path: of the file.
        key: columns that name a line.
        fields: further columns.
    """

    def __init__(self, path: Path, key: tuple[str, ...], fields: tuple[str, ...]) -> None:
        self.path, self.key, self.fields = path, key, (*key, *fields)

    def read(self) -> list[dict[str, str]]:
        """The lines."""
        if not self.path.exists():
            return []
        with self.path.open(newline="") as file:
            return list(csv.DictReader(file))

    def keep(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Writes rows in place of older ones with the same key; other processes wait."""
        fresh = [{name: _text(row.get(name)) for name in self.fields} for row in rows]
        names = {self._name(row) for row in fresh}
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            lines = [row for row in self.read() if self._name(row) not in names] + fresh
            lines.sort(key=self._name)
            part = self.path.with_suffix(".part")
            with part.open("w", newline="") as file:
                writer = csv.DictWriter(file, self.fields, lineterminator="\n")
                writer.writeheader()
                writer.writerows(lines)
            os.replace(part, self.path)
        finally:
            os.close(folder)
        for row in fresh:
            print(", ".join(value for value in row.values() if value), flush=True)

    def has(self, **key: Any) -> bool:
        """Whether there is a line with this key."""
        return tuple(str(key[name]) for name in self.key) in {self._name(row) for row in self.read()}

    def _name(self, row: Mapping[str, str]) -> tuple[str, ...]:
        return tuple(row[name] for name in self.key)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.5g}" if isinstance(value, float) else str(value)
