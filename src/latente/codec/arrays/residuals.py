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

    def features(self) -> list[NDArray[np.int64]]:
        """Magnitudes of the nearest residuals pair by pair, then the spread in 1/16 steps; int64, flat."""
        if self.level is None or self.taps is None:
            return []
        found = [self.level.pair(self.level.mags, self.taps.parity, o).ravel() for o in self.taps.pairs[:NEAR]]
        spread = np.zeros(self.shape)
        if self.prediction is not None and self.sums is not None:
            twice = 2 * self.prediction
            for s in self.sums[:SPREAD]:
                spread += np.abs(s - twice)
            spread *= 8 / (self.step * min(SPREAD, len(self.sums)))
            np.minimum(spread, 1 << 22, out=spread)
        return [*found, spread.ravel().astype(np.int64)]


def _expected(features: list[NDArray[np.int64]], weights: NDArray[np.int64]) -> NDArray[np.int64]:
    """In 1/256; the weights are in 1/256, the last but one belongs to the spread, the last is the constant."""
    total = np.full(features[0].shape, weights[-1], np.int64)
    for f, w in zip(features[:-1], weights.astype(np.int64), strict=False):  # a Python int would keep int32
        if w:
            total += np.multiply(f, w, dtype=np.int64)  # the magnitudes have 32 bits, their products more
    if weights[-2]:
        total += (np.int64(weights[-2]) * features[-1]) >> 4
    return total


def sampled(size: int, valid: NDArray[np.bool_] | None, count: int) -> slice | NDArray[np.int64]:
    """Evenly spaced places among those that are valid: about `count`, all when there are fewer than twice as many."""
    if valid is None:
        return slice(None, None, max(1, size // count))
    which = np.flatnonzero(valid)
    return which[:: max(1, len(which) // count)]


def _fit(
    features: list[NDArray[np.int64]], target: NDArray[np.int64], which: slice | NDArray[np.int64]
) -> NDArray[np.int64]:
    """Non-negative weights by least squares on errors relative to what is expected."""
    from scipy.optimize import nnls

    a = np.stack(
        [*(f[which] for f in features[:-1]), features[-1][which] / 16, np.ones(features[-1][which].shape)], axis=1
    )
    y = np.abs(target[which])
    w = np.full(a.shape[1], 1 / a.shape[1])
    for _ in range(2):
        scale = 1 / np.maximum(a @ w, 0.03)
        w = nnls(a * scale[:, None], y * scale)[0]
    weights = np.zeros(FACTORS, np.int64)
    fixed = np.clip(np.rint(256 * w), 0, 30_000).astype(np.int64)
    weights[: len(features) - 1], weights[-2:] = fixed[:-2], fixed[-2:]
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
        features, count = around.features(), flat.size if where is None else len(where)
        if not features:
            classes = np.full(flat.size, 25, np.uint8)
        elif count < FITTED:
            classes = classes_of(_expected(features, _default()))
        else:
            self._weights.append(_fit(features, flat, sampled(flat.size, valid, SAMPLE)))
            classes = classes_of(_expected(features, self._weights[-1]))
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
        features = around.features()
        if not features:
            classes = np.full(size, 25, np.uint8)
        elif count < FITTED:
            classes = classes_of(_expected(features, _default()))
        else:
            if self._next >= len(self._weights):
                raise ValueError("the factors of the contexts are cut off: the file is damaged")
            classes = classes_of(_expected(features, self._weights[self._next]))
            self._next += 1
        if which is None:
            return self._decoder.decode(classes).reshape(around.shape)
        q = np.zeros(size, np.int64)
        q[which] = self._decoder.decode(classes[which])
        return q.reshape(around.shape)
