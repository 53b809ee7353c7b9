"""A folder that one process at a time may write to."""

from __future__ import annotations

__all__ = ["FolderClaim"]

import os
from pathlib import Path

try:
    import fcntl
except ImportError:  # not on Windows, where folders cannot be claimed
    fcntl = None  # type: ignore[assignment]


class FolderClaim:
    """An advisory lock on a folder; the system gives it back when the process ends, however it ends.

    Args:
        path: the folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle: int | None = None

    def take(self) -> bool:
        """Returns whether the folder is claimed now; True too where the system cannot do it.

        Raises:
            OSError: when the folder cannot be opened.
        """
        if fcntl is None or self._handle is not None:
            return True
        handle = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return False
        except OSError:  # a file system without locks
            os.close(handle)
            return True
        self._handle = handle
        return True

    def give_back(self) -> None:
        """Lets others have it."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def __del__(self) -> None:
        self.give_back()
