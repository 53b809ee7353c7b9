"""The rows of results.csv, and how all tables of this folder are written."""

from __future__ import annotations

__all__ = ["KEY", "RESULTS", "keep", "read", "write"]

import csv
import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results.csv"
KEY = ("study", "data", "noise", "method", "seed")
FIELDS = (
    *KEY, "samples", "psnr", "ssim", "psnr_all", "ssim_all", "mse", "snr", "rmse", "train_seconds", "use_seconds",
    "setting",
)  # fmt: skip


def read() -> list[dict[str, str]]:
    """The lines of the CSV."""
    if not RESULTS.exists():
        return []
    with RESULTS.open(newline="") as file:
        return list(csv.DictReader(file))


def write(path: Path, fields: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Writes a CSV in one step: the old file stays until the new one is whole."""
    part = path.with_suffix(".part")
    with part.open("w", newline="") as file:
        writer = csv.DictWriter(file, fields, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    os.replace(part, path)


def keep(rows: Iterable[Mapping[str, Any]]) -> None:
    """Writes rows in place of older ones of the same study, data, noise, method and seed."""
    fresh = [{name: _text(row.get(name)) for name in FIELDS} for row in rows]
    keys = {_key(row) for row in fresh}
    with _alone():
        lines = [row for row in read() if _key(row) not in keys] + fresh
        lines.sort(key=lambda row: (row["study"], row["data"], row["noise"]))  # stable otherwise
        write(RESULTS, FIELDS, lines)
    for row in fresh:
        print({name: value for name, value in row.items() if value}, flush=True)


@contextmanager
def _alone() -> Iterator[None]:
    """Lets one process at a time change the file: scripts run beside each other."""
    folder = os.open(RESULTS.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _key(row: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(row[name] for name in KEY)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.5g}" if isinstance(value, float) else str(value)
