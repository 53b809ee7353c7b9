"""Where each step codes, and which of its coefficients each position sees afterwards.

Most of what a dilated kernel would multiply are zeros: positions that a step does not code. So the positions are
sorted into groups that see the same taps, and of each only the coefficients that are there are gathered.
"""

from __future__ import annotations

__all__ = ["Places", "Seen", "places"]

from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from latente.codec.images.context import TAPS
from latente.codec.images.steps import MEANS, STEPS, Step

PERIOD = 8  # of all patterns, in rows and columns
Indices = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Seen:
    """Positions that see coefficients through the same taps.

    Attributes:
        positions: (k,), of all n * h * w.
        taps: (row, column) in the kernel.
        coded: (k, taps), which of the coded positions is there; their number stands for none.
    """

    positions: Indices
    taps: tuple[tuple[int, int], ...]
    coded: Indices


@dataclass(frozen=True, eq=False)
class Places:
    """The positions of a step.

    Attributes:
        positions: (m,), of all n * h * w, where it codes.
        seen: how its coefficients are seen afterwards; empty for the last step.
    """

    positions: Indices
    seen: tuple[Seen, ...]


@lru_cache(maxsize=6)
def places(n: int, height: int, width: int) -> tuple[Places, ...]:
    """Returns the places of all steps.

    Args:
        n: pictures.
        height: of their grids.
        width: of their grids.

    Example:
        >>> [len(place.positions) for place in places(1, 8, 16)][:3]
        [2, 2, 4]
    """
    return tuple(_places(step, n, height, width, step is STEPS[-1]) for step in STEPS)


def _places(step: Step, n: int, height: int, width: int, last: bool) -> Places:
    mask = step.mask(height, width).numpy()
    here = np.flatnonzero(mask)
    positions = (np.arange(n)[:, None] * height * width + here).ravel()
    if last or not len(here):
        return Places(positions, ())
    return Places(positions, tuple(_seen(step, mask, group, taps, n) for taps, group in _groups(step, mask)))


def _groups(step: Step, mask: NDArray[np.bool_]) -> list[tuple[tuple[tuple[int, int], ...], list[tuple[int, int]]]]:
    """Taps, and the residues of the positions that see something through just these."""
    size, spacing = TAPS[step.channels != MEANS], step.spacing
    pattern = step.mask(PERIOD, PERIOD).numpy()
    found = defaultdict(list)
    for a in range(min(PERIOD, mask.shape[0])):
        for b in range(min(PERIOD, mask.shape[1])):
            at = [[(c + spacing * (t - size // 2)) % PERIOD for t in range(size)] for c in (a, b)]
            taps = tuple((u, v) for u in range(size) for v in range(size) if pattern[at[0][u], at[1][v]])
            if taps:
                found[taps].append((a, b))
    return list(found.items())


def _seen(
    step: Step, mask: NDArray[np.bool_], residues: list[tuple[int, int]], taps: tuple[tuple[int, int], ...], n: int
) -> Seen:
    """The positions of some residues, and what they see."""
    height, width = mask.shape
    middle = TAPS[step.channels != MEANS] // 2
    edge, coded = step.spacing * middle, int(mask.sum())
    numbers = np.full((height + 2 * edge, width + 2 * edge), -1, np.intp)
    numbers[edge : edge + height, edge : edge + width][mask] = np.arange(coded)
    parts = [np.mgrid[a:height:PERIOD, b:width:PERIOD].reshape(2, -1) for a, b in residues]
    i, j = np.concatenate(parts, axis=1)
    order = np.argsort(i * width + j)
    i, j = i[order], j[order]
    sees = np.stack([numbers[i + step.spacing * u, j + step.spacing * v] for u, v in taps], axis=1)
    picture = np.arange(n)[:, None]
    every = np.where(sees < 0, n * coded, sees + picture[..., None] * coded)
    return Seen((picture * height * width + i * width + j).ravel(), taps, every.reshape(-1, len(taps)))
