"""One adapter a library: fit(task, x, after_epoch) -> Fitted."""

from __future__ import annotations

__all__ = ["LIBRARIES", "adapter"]

import importlib
import os
from types import ModuleType

OWN = ("latente", "floor", "torch", "sklearn")  # run in latente's environment
LIBRARIES = (*OWN, "pythae", "pyautoencoder", "skorch", "pyod", "keras-jax", "keras-torch")


def adapter(library: str) -> ModuleType:
    """Imports the adapter of a library; the clock has not started yet."""
    name, _, backend = library.partition("-")
    if backend:
        os.environ["KERAS_BACKEND"] = backend
    return importlib.import_module(f"speed.peers.{name}")
