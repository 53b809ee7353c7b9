"""Packages whose names are imported when they are first used."""

from __future__ import annotations

__all__ = ["lazy_names"]

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def lazy_names(
    package: str, homes: Mapping[str, Sequence[str]]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Returns `__getattr__` and `__dir__` of a package (PEP 562); its `__all__` says what `dir` shows.

    Args:
        package: its `__name__`.
        homes: the names that each module has.

    Example:
        >>> getter, _ = lazy_names("latente", {"latente.parts": ("did_you_mean",)})
        >>> getter("did_you_mean")("whit", ("white", "pink"))
        " Did you mean 'white'?"
    """
    home_of = {name: home for home, names in homes.items() for name in names}

    def get(name: str) -> Any:
        if name not in home_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(home_of[name]), name)

    def names() -> list[str]:
        return list(sys.modules[package].__all__)

    return get, names
