"""The libraries of the extra `codec`, imported when they are needed."""

from __future__ import annotations

__all__ = ["constriction", "google_crc32c", "zstandard"]

import importlib
from functools import cache
from typing import Any


def constriction() -> Any:
    """Returns the library of entropy coders; raises ImportError naming the extra."""
    return _library("constriction")


def google_crc32c() -> Any:
    """Returns the library of checksums; raises ImportError naming the extra."""
    return _library("google_crc32c")


def zstandard() -> Any:
    """Returns the library of zstd; raises ImportError naming the extra."""
    return _library("zstandard")


@cache
def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        package = name.replace("_", "-")
        raise ImportError(f"the codec needs {package}; install it with: pip install 'latente[codec]'") from error
