"""The libraries of the extra `audio`, imported when they are needed."""

from __future__ import annotations

__all__ = ["soundfile", "soxr"]

import importlib
from typing import Any


def soundfile() -> Any:
    """Returns the library of sound files; raises ImportError naming the extra."""
    return _library("soundfile", "reading and writing sound files needs")


def soxr() -> Any:
    """Returns the library of resampling; raises ImportError naming the extra."""
    return _library("soxr", "changing a sample rate needs")


def _library(name: str, why: str) -> Any:
    try:
        return importlib.import_module(name)
    except (ImportError, OSError) as error:  # OSError: soundfile without libsndfile
        raise ImportError(f"{why} {name}; install it with: pip install 'latente[audio]'") from error
