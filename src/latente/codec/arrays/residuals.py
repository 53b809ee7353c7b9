"""Coding of the residuals of the multilevel prediction by what surrounds them.

    expected |q| = c + sum_i v_i (|q[+o_i]| + |q[-o_i]|) + u * (how far the neighbours lie from the prediction)

over the nearest pairs of neighbours; the integer weights are fitted to each large class and sent.
"""

from __future__ import annotations

__all__ = ["ResidualDecoder", "ResidualEncoder", "Surroundings", "sampled"]

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latente.codec.arrays.levels import Level, Taps
from latente.codec.entropy import ContextDecoder, ContextEncoder, classes_of

NEAR = 6  # pairs whose residuals count
SPREAD = 3  # pairs whose values count
FITTED = 1024
SAMPLE = 4_000
FACTORS = NEAR + 2
Field = NDArray[np.float64]
Sections = dict[str, bytes]
Which = slice | NDArray[np.int64]
Places = tuple[NDArray[np.intp], ...]
ALL = slice(None)


@dataclass(frozen=True)
class Surroundings:
    """What is known around the points of a class.

    Attributes:
        shape: of the class.
        level: its grids.
        taps: its neighbours; None for the coarsest points.
        prediction: the predicted values; None where residuals alone are known.
        step: of the lattice.
        sums: sums of the pairs of neighbours, in the order of the taps.
    """

    shape: tuple[int, ...]
    level: Level | None = None
    taps: Taps | None = None
    prediction: Field | None = None
    step: int = 1
    sums: list[Field] | None = None

    @property
    def known(self) -> bool:
        """Whether anything is known around the points."""
        return self.level is not None and self.taps is not None

    @property
    def near(self) -> int:
        """Number of the nearest pairs whose residuals count."""
        return 0 if self.taps is None else min(NEAR, len(self.taps.pairs))

    def magnitudes(self, i: int, at: Places = ()) -> NDArray[np.int32]:
        """Magnitudes of the residuals of the i-th nearest pair, summed; flat; of all points, or of some."""
        if self.level is None or self.taps is None:
            raise ValueError("nothing is known around these points")
        return self.level.pair(self.level.mags, self.taps.parity, self.taps.pairs[i], at).ravel()

    def spread(self, which: Which = ALL) -> NDArray[np.int64]:
        """How far the nearest values lie from the prediction, in 1/16 steps; flat."""
        if self.prediction is None or self.sums is None:
            return np.zeros(math.prod(self.shape), np.int64)[which]
        twice = 2 * self.prediction.ravel()[which]
        spread = np.zeros(twice.shape)
        for s in self.sums[:SPREAD]:
            spread += np.abs(s.ravel()[which] - twice)
        spread *= 8 / (self.step * min(SPREAD, len(self.sums)))
        return np.minimum(spread, 1 << 22, out=spread).astype(np.int64)


def _expected(around: Surroundings, weights: NDArray[np.int64]) -> NDArray[np.int64]:
    """In 1/256; the weights are in 1/256, the last but one belongs to the spread, the last is the constant."""
    total = np.full(math.prod(around.shape), weights[-1], np.int64)
    for i in range(around.near):
        if weights[i]:  # the magnitudes have 32 bits, their products more
            total += np.multiply(around.magnitudes(i), np.int64(weights[i]), dtype=np.int64)
    if weights[-2]:
        total += (np.int64(weights[-2]) * around.spread()) >> 4
    return total


def sampled(size: int, valid: NDArray[np.bool_] | None, count: int) -> Which:
    """Evenly spaced places among those that are valid: about `count`, all when there are fewer than twice as many."""
    if valid is None:
        return slice(None, None, max(1, size // count))
    which = np.flatnonzero(valid)
    return which[:: max(1, len(which) // count)]


def _fit(around: Surroundings, target: NDArray[np.int64], which: Which) -> NDArray[np.int64]:
    """Non-negative weights by least squares on errors relative to what is expected."""
    from scipy.optimize import nnls

    at = np.unravel_index(np.arange(target.size)[which], around.shape)
    near = [around.magnitudes(i, at) for i in range(around.near)]
    spread = around.spread(which) / 16
    a = np.stack([*near, spread, np.ones(spread.shape)], axis=1)
    y = np.abs(target[which])
    w = np.full(a.shape[1], 1 / a.shape[1])
    for _ in range(2):
        scale = 1 / np.maximum(a @ w, 0.03)
        w = nnls(a * scale[:, None], y * scale)[0]
    weights = np.zeros(FACTORS, np.int64)
    fixed = np.clip(np.rint(256 * w), 0, 30_000).astype(np.int64)
    weights[: len(near)], weights[-2:] = fixed[:-2], fixed[-2:]
    return weights


def _default() -> NDArray[np.int64]:
    weights = np.full(FACTORS, 20, np.int64)
    weights[-2:] = 60, 30
    return weights


class ResidualEncoder:
    """Collects the residuals of all classes, then codes them."""

    def __init__(self) -> None:
        self._batches: list[tuple[NDArray[np.int64], NDArray[np.uint8]]] = []
        self._weights: list[NDArray[np.int64]] = []

    def add(self, around: Surroundings, q: NDArray[np.int64], valid: NDArray[np.bool_] | None) -> None:
        """Takes the residuals of a class; those that are not valid are not coded."""
        flat = q.ravel()
        where = None if valid is None else np.flatnonzero(valid)
        count = flat.size if where is None else len(where)
        if not around.known:
            classes = np.full(flat.size, 25, np.uint8)
        elif count < FITTED:
            classes = classes_of(_expected(around, _default()))
        else:
            self._weights.append(_fit(around, flat, sampled(flat.size, valid, SAMPLE)))
            classes = classes_of(_expected(around, self._weights[-1]))
        self._batches.append((flat, classes) if where is None else (flat[where], classes[where]))

    def finish(self) -> Sections:
        """Returns the sections "residuals" and "factors"."""
        largest = max((int(np.abs(q).max()) for q, _ in self._batches if len(q)), default=0)
        encoder = ContextEncoder(largest)
        for q, classes in self._batches:
            encoder.encode(q, classes)
        factors = np.concatenate([*self._weights, np.zeros(0, np.int64)]).astype("<i2").tobytes()
        return {"residuals": largest.to_bytes(8, "little") + encoder.finish(), "factors": factors}


class ResidualDecoder:
    """Decodes what `ResidualEncoder` coded, class by class.

    Raises:
        ValueError: when the sections are damaged.
    """

    def __init__(self, sections: Sections) -> None:
        data = sections["residuals"]
        self._decoder = ContextDecoder(data[8:], int.from_bytes(data[:8], "little"))
        self._weights = np.frombuffer(sections["factors"], "<i2").astype(np.int64).reshape(-1, FACTORS)
        self._next = 0

    def next(self, around: Surroundings, valid: NDArray[np.bool_] | None) -> NDArray[np.int64]:
        """The residuals of the next class; 0 where not valid."""
        size = math.prod(around.shape)
        which = None if valid is None else np.flatnonzero(valid)
        count = size if which is None else len(which)
        if not around.known:
            classes = np.full(size, 25, np.uint8)
        elif count < FITTED:
            classes = classes_of(_expected(around, _default()))
        else:
            if self._next >= len(self._weights):
                raise ValueError("the factors of the contexts are cut off: the file is damaged")
            classes = classes_of(_expected(around, self._weights[self._next]))
            self._next += 1
        if which is None:
            return self._decoder.decode(classes).reshape(around.shape)
        q = np.zeros(size, np.int64)
        q[which] = self._decoder.decode(classes[which])
        return q.reshape(around.shape)
