"""The libraries of the extra `midi`, imported when they are needed."""

from __future__ import annotations

__all__ = ["fluidsynth_works", "pretty_midi"]

import importlib
import warnings
from typing import Any


def pretty_midi() -> Any:
    """Returns the library of MIDI files; raises ImportError naming the extra."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its own, about packaging
            return importlib.import_module("pretty_midi")
    except ImportError as error:
        raise ImportError("MIDI files need pretty_midi; install it with: pip install 'latente[midi]'") from error


def fluidsynth_works() -> bool:
    """Returns whether fluidsynth and its Python package are there."""
    try:
        importlib.import_module("fluidsynth")
    except (ImportError, OSError, AttributeError):  # the package looks for the library when it is imported
        return False
    return True
