"""Linear predictions that are fitted to the pictures at hand; their weights are integers and part of the stream.

At the two finest levels each step and colour has weights of its own, by least squares: of known pixels of the same
colour around, less the average of the nearest, and of what was left of the colours before. Further weights tell from
how much those pixels differ which error to expect; classes of it choose the tables.
"""

from __future__ import annotations

__all__ = ["LinearPredictor", "fit_linear"]

import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from latente.codec.entropy.coder import classes_of
from latente.codec.images.lossless.lattice import STEPS, Step, filled, phase_slices
from latente.codec.images.lossless.predictors import Guess, Known, PlainPredictor, StepGuesses

LEVELS = 2  # that have weights
REACH = 3
SEEN = tuple(Step(step.phase, step.known, REACH) for step in STEPS)
UNIT = 8  # bits behind the point of weights
FRACTIONS = 3  # classes of how far a mean is from a whole number
MOST = 1023  # magnitude of a weight
FEATURES = 5  # of a colour's surroundings that tell the error, and one for each other colour and each one before
PASSES = 2  # of the least squares, each relative to the errors that the one before expects
SAMPLES = 1 << 16  # positions on which weights are fitted, at most
Integers = NDArray[np.int32]
Weights = NDArray[np.int16]


def _sizes(colours: int) -> list[int]:
    """How many weights each level, step and colour has."""
    taps = [sum(w.shape[0] * w.shape[1] for w in step.windows) for step in SEEN]
    return [t + FEATURES + colours - 1 + 2 * c for _ in range(LEVELS) for t in taps for c in range(colours)]


class _Surroundings:
    """Known pixels around those of a step, less the average of the nearest four."""

    def __init__(self, step: Step, known: Known, rows: int, columns: int) -> None:
        parts = []
        for window, plane in zip(step.windows, known, strict=True):
            (top, bottom), (left, right) = window.rows, window.columns
            around = (0, 0), (0, 0), (-top, bottom), (-left, right)
            padded = np.pad(plane.astype(np.int32), around, mode="edge").swapaxes(0, 1)
            parts.append([[padded[..., i : i + rows, j : j + columns] for j in range(window.shape[1])]
                          for i in range(window.shape[0])])  # fmt: skip
        self.near = near = [parts[k][i][j] for k, i, j in step.nearest]
        self.average = (near[0] + near[1] + near[2] + near[3] + 2) >> 2  # (colours, n, rows, columns)
        self.spread: Integers = np.abs(np.stack(near) - self.average).sum(0, dtype=np.int32)
        self.taps = [part for window in parts for row in window for part in row]

    def inputs(self, colour: int, left: Sequence[Integers]) -> list[Integers]:
        """What the mean is a sum of."""
        return [(tap[colour] - self.average[colour]).reshape(-1) for tap in self.taps] + list(left)

    def features(self, colour: int, inputs: Sequence[Integers], left: Sequence[Integers]) -> list[Integers]:
        """What the expected error is a sum of."""
        wide: Integers = np.zeros(len(inputs[0]), np.int32)
        for x in inputs[: len(self.taps)]:
            wide += np.abs(x)
        found = [np.ones(len(wide), np.int32), self.spread[colour].reshape(-1), wide >> 3]
        near = [part[colour] for part in self.near]
        straight = np.abs(near[0] - near[3]) + np.abs(near[1] - near[2])
        found += [straight.reshape(-1), np.minimum(self.spread[colour].reshape(-1), 12)]
        others = [self.spread[c].reshape(-1) for c in range(len(self.average)) if c != colour]
        return [*found, *others, *(np.abs(error) for error in left)]


def _sum(weights: Weights, parts: Sequence[Integers]) -> Integers:
    """Sums of products, exact: at most 64 weights below 2^10 by numbers below 2^15."""
    total = np.zeros(len(parts[0]), np.int32)
    for weight, part in zip(weights.tolist(), parts, strict=True):
        if weight:
            total += np.int32(weight) * part
    return total


def _solved(parts: Sequence[Integers], target: Integers, expected: NDArray[np.float64]) -> Weights:
    """Least squares of errors relative to what is expected, rounded: bits grow with the logarithm of an error."""
    every = max(1, len(target) // SAMPLES)
    a, b = np.stack([part[::every] for part in parts]).astype(np.float64), target[::every].astype(np.float64)
    a, b = a / expected[::every], b / expected[::every]
    ridge = np.eye(len(a)) * (len(b) ** 0.5 + 1)
    return np.clip(np.rint(np.linalg.solve(a @ a.T + ridge, a @ b) * 2**UNIT), -MOST, MOST).astype(np.int16)


class _LinearStep:
    """Guesses of a step."""

    def __init__(self, around: _Surroundings, weights: Sequence[Weights]) -> None:
        self.around, self.weights = around, weights

    def colour(self, colour: int, left: Sequence[NDArray[np.int64]]) -> Guess:
        before = [np.clip(error, -1023, 1023).astype(np.int32) for error in left]
        inputs, weights = self.around.inputs(colour, before), self.weights[colour]
        mean = _sum(weights[: len(inputs)], inputs).astype(np.int64)
        rounded = (mean + (1 << (UNIT - 1))) >> UNIT
        negative = mean < rounded << UNIT
        whole = np.clip(rounded + self.around.average[colour].reshape(-1), -255 if colour else 0, 255)
        expected = _sum(weights[len(inputs) :], self.around.features(colour, inputs, before))
        classes = classes_of(np.maximum(expected, 0).astype(np.int64)).astype(np.uint16)
        distance = np.abs(mean - (rounded << UNIT)) * (2 * FRACTIONS) >> UNIT
        distance = np.minimum(distance, FRACTIONS - 1).astype(np.uint16)
        return Guess(whole, negative, classes + np.uint16(40 * (colour > 0)) + 80 * distance)


class LinearPredictor(PlainPredictor):
    """Predictions with given weights; coarser levels have none and are predicted plainly.

    Args:
        weights: of all levels, steps and colours.
        colours: 1 or 3.

    Raises:
        ValueError: for another number of weights than is wanted, or too large ones.
    """

    def __init__(self, weights: Weights, colours: int) -> None:
        super().__init__()
        self.counts = np.concatenate([self.counts] * FRACTIONS)
        sizes = _sizes(colours)
        if weights.shape != (sum(sizes),) or np.abs(weights.astype(int)).max() > MOST:
            raise ValueError("the weights of the linear predictions are damaged")
        parts = np.split(weights, np.cumsum(sizes)[:-1])
        self._weights = [parts[i : i + colours] for i in range(0, len(parts), colours)]
        self.all = weights

    def step(self, level: int, k: int, known: Known, rows: int, columns: int) -> StepGuesses:
        if level >= LEVELS:
            return super().step(level, k, known, rows, columns)
        return _LinearStep(_Surroundings(SEEN[k], known, rows, columns), self._weights[level * len(STEPS) + k])

    def to_bytes(self) -> bytes:
        """Returns the weights, packed."""
        return zlib.compress(self.all.astype("<i2").view(np.uint8).reshape(-1, 2).T.tobytes(), 9)

    @classmethod
    def from_bytes(cls, data: bytes, colours: int) -> LinearPredictor:
        """Returns the predictor that `to_bytes` packed; raises ValueError for anything else."""
        wanted = 2 * sum(_sizes(colours))
        try:
            raw = zlib.decompressobj().decompress(data, wanted + 1)
        except zlib.error as error:
            raise ValueError(f"the weights of the linear predictions are damaged: {error}") from error
        if len(raw) != wanted:
            raise ValueError("the weights of the linear predictions are damaged")
        return cls(np.ascontiguousarray(np.frombuffer(raw, np.uint8).reshape(2, -1).T).view("<i2").ravel(), colours)


def fit_linear(planes: NDArray[np.int16]) -> LinearPredictor:
    """Returns the predictor that suits planes best.

    Args:
        planes: (n, colours, height, width).
    """
    found = []
    for level in range(LEVELS):
        base = planes[(..., *phase_slices((0, 0), 2 << level))]
        for step in SEEN:
            target = planes[(..., *phase_slices(step.phase, 2 << level))]
            known = [filled(planes[(..., *phase_slices(p, 2 << level))], base) for p in step.known]
            found += _fitted(_Surroundings(step, known, target.shape[-2], target.shape[-1]), target)
    return LinearPredictor(np.concatenate(found), planes.shape[1])


def _fitted(around: _Surroundings, target: NDArray[np.int16]) -> list[Weights]:
    """The weights of each colour of a step."""
    found: list[Weights] = []
    left: list[Integers] = []
    for colour in range(target.shape[1]):
        inputs = around.inputs(colour, left)
        average = around.average[colour].reshape(-1)
        actual = target[:, colour].reshape(-1).astype(np.int32)
        rough = 1.0 + around.spread[colour].reshape(-1) + sum(np.abs(e) for e in left)
        features = around.features(colour, inputs, left)
        for _ in range(PASSES):
            mean = _solved(inputs, actual - average, rough)
            error = actual - average - ((_sum(mean, inputs) + (1 << (UNIT - 1))) >> UNIT)
            expected = _solved(features, np.abs(error), rough)
            rough = np.maximum(_sum(expected, features) / 2.0**UNIT, 0.3)
        found.append(np.concatenate([mean, expected]))
        left.append(error)
    return found
