"""Writing files so that nothing is lost."""

from __future__ import annotations

__all__ = ["naming", "replacing", "write_atomically"]

import errno
import os
import secrets
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}  # the system does not say which file


@contextmanager
def naming(path: Path, temporary: Path) -> Iterator[None]:
    """Lets an OSError inside the block name what is written, not the temporary name that nobody knows.

    Args:
        path: of the file or folder.
        temporary: what it is called until it is complete.
    """
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno in FULL:
            error.filename = str(path)
        elif error.filename is not None and Path(os.fsdecode(error.filename)).is_relative_to(temporary):
            error.filename = str(path / Path(os.fsdecode(error.filename)).relative_to(temporary))
        raise


@contextmanager
def replacing(path: Path) -> Generator[BinaryIO]:
    """Opens a temporary file in the same folder, which takes the path's name once it is complete and on the disk.

    When anything fails, the temporary file is removed and what was at the path before is still there.

    Args:
        path: the file; an older one is replaced at the end.

    Raises:
        FileNotFoundError: when its folder does not exist.
        IsADirectoryError: when the path is a folder.
    """
    if not path.parent.is_dir():
        raise FileNotFoundError(f"cannot write {path}: there is no folder {path.parent}; make it first")
    if path.is_dir():
        raise IsADirectoryError(f"cannot write {path}: it is a folder; give the name of a file")
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with naming(path, temporary):
            with open(temporary, "xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _keep_name(path.parent)


def write_atomically(path: Path, content: bytes) -> None:
    """Writes a file that is there with its whole content, or as it was before.

    Args:
        path: the file.
        content: its bytes.

    Raises:
        OSError: as `replacing` does, and when the disk is full.
    """
    with replacing(path) as file:
        file.write(content)


def _keep_name(folder: Path) -> None:
    """Flushes a folder's own list of names to disk, where the system can (Windows cannot)."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
