"""Where the files of a data set may lie on this machine."""

from __future__ import annotations

__all__ = ["Place", "cache_folder", "find", "places"]

import os
from dataclasses import dataclass
from pathlib import Path

from latente.datasets.sources import IdxSource

SYSTEM_FOLDER = Path("/usr/share/datasets")  # Debian's packages dataset-* install here


@dataclass(frozen=True)
class Place:
    """One folder that was looked into, and what was found.

    Attributes:
        folder: where the files were expected; None where the place is not set up.
        finding: why the folder will not do, in words; None if all files are there.
    """

    folder: Path | None
    finding: str | None

    def __str__(self) -> str:
        """For error messages."""
        return f"{self.folder} ({self.finding})" if self.folder else f"{self.finding}"


def places(source: IdxSource) -> tuple[Place, ...]:
    """The folders to search for a data set, in order, each with what was found there."""
    given = os.environ.get("LATENTE_DATA")
    first = _look(Path(given) / source.name, source) if given else Place(None, "LATENTE_DATA is not set")
    return first, _look(cache_folder() / source.name, source), _look(SYSTEM_FOLDER / source.name, source)


def find(source: IdxSource) -> Path | None:
    """The first folder that holds all files of a data set, or None."""
    return next((place.folder for place in places(source) if place.folder and place.finding is None), None)


def cache_folder() -> Path:
    """latente's folder in the user's cache: $XDG_CACHE_HOME/latente, or ~/.cache/latente."""
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))
    base = given if given.is_absolute() else Path.home() / ".cache"  # the standard ignores relative paths
    return base / "latente"


def _look(folder: Path, source: IdxSource) -> Place:
    if not folder.is_dir():
        return Place(folder, "no such folder")
    missing = [name for name in source.files if not (folder / name).is_file()]
    return Place(folder, f"lacks {', '.join(missing)}" if missing else None)
