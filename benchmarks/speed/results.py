"""The rows of results.csv and learning.csv."""

from __future__ import annotations

__all__ = ["KEY", "LEARNING", "RESULTS", "Row", "read", "replace"]

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speed.task import Task

HERE = Path(__file__).parent
RESULTS, LEARNING = HERE / "results.csv", HERE / "learning.csv"
KEY = ("work", "case", "library", "variant")
MEASURED = (
    "rate", "epoch_cpu", "epoch_wall", "startup_cpu", "first_cpu", "total_cpu", "total_wall", "error", "median_error",
    "peak_mb", "private_mb", "epochs", "batch", "precision", "note",
)  # fmt: skip
FIELDS = (*KEY, "repeat", "rows", *MEASURED)


@dataclass
class Row:
    """One measurement: the task, the number of the repeat, and what came back."""

    task: Task
    repeat: int
    result: dict[str, Any]

    def record(self) -> dict[str, str]:
        """As a line of the CSV."""
        own = dict(zip(KEY, self.task.key, strict=True))
        values = {name: _text(self.result.get(name)) for name in MEASURED}
        return {**own, "repeat": str(self.repeat), "rows": _text(self.task.rows), **values}


def _text(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def read(path: Path = RESULTS) -> list[dict[str, str]]:
    """The lines of a CSV."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def replace(rows: list[Row]) -> None:
    """Writes the rows into the CSVs in place of all older repeats of the same measurements."""
    new = [row.record() for row in rows if not row.result.get("note", "").startswith("skipped")]
    _replace(RESULTS, FIELDS, new)
    _replace(LEARNING, (*KEY, "repeat", "epoch", "cpu", "error"), [line for row in rows for line in _learning(row)])


def _learning(row: Row) -> list[dict[str, str]]:
    start = {name: value for name, value in row.record().items() if name in (*KEY, "repeat")}
    return [
        {**start, "epoch": str(i), "cpu": _text(cpu), "error": _text(error)}
        for i, (cpu, error) in enumerate(row.result.get("curve", []), 1)
    ]


def _replace(path: Path, fields: tuple[str, ...], new: list[dict[str, str]]) -> None:
    if not new:
        return
    replaced = {tuple(line[name] for name in KEY) for line in new}
    kept = [line for line in read(path) if tuple(line[name] for name in KEY) not in replaced]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, fields, lineterminator="\n")
        writer.writeheader()
        writer.writerows(sorted([*kept, *new], key=lambda line: line["work"]))
