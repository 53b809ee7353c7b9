"""Multilevel prediction on integers: every point from known points around it, coarse to fine.

Values live on a grid of integers, `Lattice.step` apart after quantisation, and every prediction is

    p = floor(sum_i w_i (x[+o_i] + x[-o_i]) / 4096 + 1/2),    q = round((x - p) / step),    x' = p + step q

with integer weights w_i that the encoder fits to each large class by least squares. The integers are held in float64
below 2^53, so all sums are exact and encoder and decoder agree to the last bit.

Sources: multilevel interpolation as in SZ3 (Zhao et al. 2021) and HPEZ (Liu et al. 2024), with fitted weights.
"""

from __future__ import annotations

__all__ = ["Lattice", "decode_multilevel", "encode_multilevel"]

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latente.codec.arrays.levels import Taps, walk
from latente.codec.arrays.residuals import ResidualDecoder, ResidualEncoder, Surroundings, sampled

ONE = 4096  # weights are in 1/4096
FITTED = 1536  # points of a class from which on its weights are fitted
SAMPLE = 6_000  # points of which they are fitted
Field = NDArray[np.float64]
Sections = dict[str, bytes]


@dataclass(frozen=True)
class Lattice:
    """The integers on which the prediction works.

    Attributes:
        step: distance of the values that a point can get, given its prediction.
        grain: predictions are rounded to multiples of this.
        phase: what is added to a rounded prediction.
    """

    step: int
    grain: int = 1
    phase: int = 0


def _default(taps: Taps) -> NDArray[np.int64]:
    weights = np.zeros(len(taps.pairs), np.int64)
    weights[: taps.nearest] = ONE // (2 * taps.nearest)
    return weights


def _fitted(sums: list[Field], target: Field, valid: NDArray[np.bool_] | None, taps: Taps) -> NDArray[np.int64]:
    """Weights by least squares over a sample, held a little towards those of plain interpolation."""
    which = sampled(target.size, valid, SAMPLE)
    a = np.stack([s.ravel()[which] for s in sums], axis=1)
    start = _default(taps) / ONE
    left = target.ravel()[which] - a @ start
    gram = a.T @ a
    ridge = 1e-7 * np.trace(gram) / len(gram) + 1e-9
    change = np.linalg.solve(gram + ridge * np.eye(len(gram)), a.T @ left)
    return np.clip(np.rint(ONE * (start + change)), -32767, 32767).astype(np.int64)


def _prediction(sums: list[Field], weights: NDArray[np.int64], lattice: Lattice) -> Field:
    total = np.zeros(sums[0].shape)
    for s, w in zip(sums, weights.tolist(), strict=True):
        if w:
            total += w * s
    total *= 1 / (ONE * lattice.grain)
    total += 0.5
    np.floor(total, out=total)
    if (lattice.grain, lattice.phase) != (1, 0):
        total *= lattice.grain
        total += lattice.phase
    return total


def _run(
    shape: tuple[int, ...],
    split: tuple[bool, ...],
    lattice: Lattice,
    weights_of: Callable[[list[Field], Taps, tuple[slice, ...]], NDArray[np.int64]],
    residuals_of: Callable[[Surroundings, Field, tuple[slice, ...]], NDArray[np.int64]],
) -> Field:
    """Predicts class after class; the two callbacks give the weights and the residuals."""
    for level, taps, where, target in walk(shape, split):
        if taps is None:
            prediction, around = np.full(level.shape, float(lattice.phase)), Surroundings(level.shape)
        else:
            sums = [level.pair(level.values, taps.parity, o) for o in taps.pairs]
            prediction = _prediction(sums, weights_of(sums, taps, where), lattice)
            around = Surroundings(prediction.shape, level, taps, prediction, lattice.step, sums)
        q = residuals_of(around, prediction, where)
        level.mags[target] = np.minimum(np.abs(q), 1 << 18)
        prediction += lattice.step * q
        level.values[target] = prediction
    return level.values.inside(np.empty(shape))


def encode_multilevel(
    x: Field, split: tuple[bool, ...], lattice: Lattice, valid: NDArray[np.bool_] | None = None
) -> tuple[Sections, Field]:
    """Codes an array by multilevel prediction.

    Args:
        x: float64, in units of the lattice; magnitudes below 2^36.
        split: the axes along which levels are formed; along the others every slice is predicted alike, and at once.
        lattice: the integers.
        valid: points that count; the others get what is predicted. None: all.

    Returns:
        the sections "residuals" and "weights", and the values as the decoder will have them.
    """
    written: list[NDArray[np.int64]] = []
    encoder = ResidualEncoder()

    def weights_of(sums: list[Field], taps: Taps, where: tuple[slice, ...]) -> NDArray[np.int64]:
        if sums[0].size < FITTED:
            return _default(taps)
        weights = _fitted(sums, x[where], None if valid is None else valid[where], taps)
        written.append(weights)
        return weights

    def residuals_of(around: Surroundings, prediction: Field, where: tuple[slice, ...]) -> NDArray[np.int64]:
        left = x[where] - prediction
        left *= 1 / lattice.step
        q = np.rint(left, out=left).astype(np.int64)
        if valid is not None:
            q *= valid[where]
        encoder.add(around, q, None if valid is None else valid[where])
        return q

    result = _run(x.shape, split, lattice, weights_of, residuals_of)
    weights = np.concatenate([*written, np.zeros(0, np.int64)]).astype("<i2").tobytes()
    return {**encoder.finish(), "weights": weights}, result


def decode_multilevel(
    sections: Sections,
    shape: tuple[int, ...],
    split: tuple[bool, ...],
    lattice: Lattice,
    valid: NDArray[np.bool_] | None = None,
) -> Field:
    """The inverse of `encode_multilevel`: float64 integers, in units of the lattice.

    Raises:
        ValueError: when the sections are damaged.
    """
    decoder = ResidualDecoder(sections)
    left = np.frombuffer(sections["weights"], "<i2").astype(np.int64)
    position = 0

    def weights_of(sums: list[Field], taps: Taps, where: tuple[slice, ...]) -> NDArray[np.int64]:
        nonlocal position
        if sums[0].size < FITTED:
            return _default(taps)
        weights = left[position : position + len(taps.pairs)]
        if len(weights) < len(taps.pairs):
            raise ValueError("the weights of the prediction are cut off: the file is damaged")
        position += len(taps.pairs)
        return weights

    def residuals_of(around: Surroundings, prediction: Field, where: tuple[slice, ...]) -> NDArray[np.int64]:
        return decoder.next(around, None if valid is None else valid[where])

    return _run(shape, split, lattice, weights_of, residuals_of)
