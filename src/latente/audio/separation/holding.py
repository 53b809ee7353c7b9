"""Recordings that training does not hear, so that a loss tells what is learned and not what is remembered."""

from __future__ import annotations

__all__ = ["hold_out"]

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST = 1 / 3  # of the time; a voice that takes more of it is too dear to be held out

Groups = tuple[tuple[NDArray[Any], ...], ...]


def hold_out(groups: Groups, fraction: float, seed: int) -> tuple[Groups, Groups]:
    """Returns groups to train on and groups that are held out, about a fraction of the time.

    Whole groups where there are several, such as voices; where those are more than a third of all, or next to nothing,
    whole recordings; where those are too, the end of every recording. The same groups and seed give the same division.

    Args:
        groups: of recordings (..., n).
        fraction: of the samples, above 0 and below 1.
        seed: decides which.

    Example:
        >>> voices = tuple((np.full(100, i),) for i in range(10))
        >>> kept, held = hold_out(voices, 0.2, seed=0)
        >>> len(kept), len(held)
        (8, 2)
        >>> [[part.shape for part in group] for side in hold_out(((np.zeros(100),),), 0.2, 0) for group in side]
        [[(80,)], [(20,)]]
    """
    rng = np.random.default_rng(seed)
    whole = _chosen([sum(_length(item) for item in group) for group in groups], fraction, rng)
    if whole:
        return _divided(groups, {(g, i) for g in whole for i in range(len(groups[g]))})
    places = [(g, i) for g, group in enumerate(groups) for i in range(len(group))]
    chosen = _chosen([_length(groups[g][i]) for g, i in places], fraction, rng)
    if chosen:
        return _divided(groups, {places[at] for at in chosen})
    parts = [[_cut(item, fraction) for item in group] for group in groups]
    kept, held = (tuple(tuple(both[side] for both in group) for group in parts) for side in range(2))
    return kept, held


def _chosen(lengths: Sequence[int], fraction: float, rng: np.random.Generator) -> set[int]:
    """Returns half to twice a fraction of the time, else the shortest that is enough and not too long, else none."""
    total, held, chosen = sum(lengths), 0, set()
    limit = min(2 * fraction, (1 + fraction) / 2) * total
    for i in rng.permutation(len(lengths)).tolist():
        if held < fraction * total and held + lengths[i] <= limit:
            held += lengths[i]
            chosen.add(i)
    if held >= fraction / 2 * total:
        return chosen
    fitting = [i for i, length in enumerate(lengths) if fraction / 2 * total <= length <= MOST * total]
    return {min(fitting, key=lengths.__getitem__)} if fitting else set()


def _divided(groups: Groups, apart: set[tuple[int, int]]) -> tuple[Groups, Groups]:
    """Returns the recordings that are not apart, and those that are; groups without any are left out."""
    out = []
    for wanted in (False, True):
        parts = [
            tuple(item for i, item in enumerate(group) if ((g, i) in apart) == wanted) for g, group in enumerate(groups)
        ]
        out.append(tuple(part for part in parts if part))
    return out[0], out[1]


def _cut(item: NDArray[Any], fraction: float) -> tuple[NDArray[Any], NDArray[Any]]:
    """Returns a recording without its end, and the end: at least a sample of each."""
    end = max(1, _length(item) - max(1, round(fraction * _length(item))))
    return item[..., :end], item[..., min(end, _length(item) - 1) :]


def _length(item: NDArray[Any]) -> int:
    return int(item.shape[-1])
