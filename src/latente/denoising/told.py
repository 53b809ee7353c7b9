"""What a user tells of the noise when something is restored: its level, and whether a position may see itself."""

from __future__ import annotations

__all__ = ["check_told", "is_automatic"]

from typing import Any

import numpy as np


def is_automatic(value: Any) -> bool:
    """Returns whether a value, which may be an array, is "auto"."""
    return isinstance(value, str) and value == "auto"


def check_told(sigma: Any, j_invariant: Any, way: str, channels: int) -> None:
    """Raises ValueError for a sigma or a j_invariant that a Denoiser cannot use.

    Args:
        sigma: of `Denoiser.transform`.
        j_invariant: of `Denoiser.transform`.
        way: of the Denoiser.
        channels: of a sample.

    Example:
        >>> check_told((0.1, 0.2), True, "noise2self", 2)
        >>> check_told(0, True, "noise2self", 1)
        Traceback (most recent call last):
        ValueError: sigma must be a number above 0, 'auto' or None; got 0
    """
    if not is_automatic(j_invariant) and not isinstance(j_invariant, (bool, np.bool_)):
        raise ValueError(f"j_invariant must be True, False or 'auto'; got {j_invariant!r}")
    if way != "noise2self" and not is_automatic(j_invariant) and j_invariant:
        raise ValueError(f"j_invariant=True is for a Denoiser with way='noise2self'; this one has way={way!r}")
    if is_automatic(sigma) or sigma is None:
        return
    if way != "noise2self" or not j_invariant:
        raise ValueError("sigma is for a Denoiser with way='noise2self' and transform(j_invariant=True)")
    values = np.ravel(np.asarray(sigma))
    if values.dtype.kind not in "iuf" or len(values) not in (1, channels) or not (values > 0).all():
        more = f", or {channels}, one for each channel" if channels > 1 else ""
        raise ValueError(f"sigma must be a number above 0{more}, 'auto' or None; got {sigma!r}")
