"""Where files come from and go: nothing is overwritten unasked, and what is there is complete."""

from __future__ import annotations

__all__ = ["check_output", "replaced", "tree_bytes"]

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from latente.files import naming


def check_output(source: Path, out: Path, overwrite: bool) -> None:
    """Raises when a result cannot go to a path.

    Args:
        source: what it is made from.
        out: where it is to go.
        overwrite: whether a file that is there may be replaced.

    Raises:
        FileNotFoundError: when the source or the output's folder is not there.
        FileExistsError: when something is at the output's place.
        ValueError: when it is the source itself, or the source is neither a file nor a folder.
    """
    if not source.exists():
        raise FileNotFoundError(f"no such file: {source}")
    if not source.is_file() and not source.is_dir():
        raise ValueError(f"{source} is a pipe or a device, which has no size; write its content to a file first")
    if not out.parent.is_dir():
        raise FileNotFoundError(f"cannot write {out}: there is no folder {out.parent}; make it first")
    if out.exists() and out.resolve() == source.resolve():
        raise ValueError(f"{out} is the source itself, which is never touched; give another output")
    if out.is_dir():
        raise FileExistsError(f"{out} is a folder; give another name, or remove it first")
    if out.is_symlink() or (out.exists() and not out.is_file()):
        raise FileExistsError(f"{out} is no regular file, but a link or a device; give another name")
    if out.exists() and not overwrite:
        raise FileExistsError(f"{out} exists; ask for overwrite (--force) to replace it, or choose another name")


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """Yields a name in the same folder at which a file or a folder may be made; it takes the path's when complete.

    Args:
        path: the file or folder; an older file is replaced at the end, and still there when anything fails.
    """
    part = path.with_name(f".{path.name[:200]}.{secrets.token_hex(8)}{path.suffix}")
    try:
        with naming(path, part):
            yield part
            if part.is_file():
                with part.open("rb") as file:
                    os.fsync(file.fileno())
            os.replace(part, path)
    finally:
        if part.is_dir():
            shutil.rmtree(part, ignore_errors=True)
        part.unlink(missing_ok=True)


def tree_bytes(path: Path) -> int:
    """Returns the size of a file, or of all files in a folder."""
    if path.is_dir():
        return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return path.stat().st_size
