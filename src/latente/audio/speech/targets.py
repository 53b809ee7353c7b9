"""What a clip is to become: itself, or what other speakers say in its place."""

from __future__ import annotations

__all__ = ["check_speakers", "targets_of_others"]

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def targets_of_others(codes: Array, cepstra: Array, speakers: NDArray[np.int64], neighbors: int) -> Array:
    """Returns (n, d): for each clip the mean, over the other speakers, of their clips that are nearest to it.

    Nearest by the distance of codes; each other speaker counts the same.

    Args:
        codes: (n, k).
        cepstra: (n, d) of which the mean is taken.
        speakers: (n,) indices, at least two different ones.
        neighbors: clips of each other speaker.

    Example:
        >>> codes = np.array([[0.0], [5], [0.1], [5.1]])
        >>> targets_of_others(codes, codes, np.array([0, 0, 1, 1]), 1).ravel().round(1).tolist()
        [0.1, 5.1, 0.0, 5.0]
    """
    target = np.zeros_like(cepstra)
    everyone = np.unique(speakers)
    for speaker in everyone:
        own = np.flatnonzero(speakers == speaker)
        for other in everyone[everyone != speaker]:
            theirs = np.flatnonzero(speakers == other)
            target[own] += cepstra[theirs][_nearest(codes[own], codes[theirs], neighbors)].mean(1)
    return target / np.float32(len(everyone) - 1)


def _nearest(a: Array, b: Array, count: int) -> NDArray[np.int64]:
    """Returns (len(a), count) indices into b, or all of b where it has fewer."""
    distances = (b**2).sum(1)[None] - 2 * a @ b.T
    return np.argsort(distances, axis=1, kind="stable")[:, :count]


def check_speakers(speakers: Sequence[Any] | None, clips: int) -> NDArray[np.int64] | None:
    """Returns (clips,) indices of the speakers, or None where they are not known or only one.

    Args:
        speakers: (clips,) of any labels, or None.
        clips: how many there are.

    Raises:
        ValueError: for another number of them.
    """
    if speakers is None:
        return None
    if len(speakers) != clips:
        raise ValueError(f"speakers must be one for each clip, {clips}; got {len(speakers)}")
    known, index = np.unique(np.asarray([str(speaker) for speaker in speakers]), return_inverse=True)
    return index.astype(np.int64) if len(known) > 1 else None
