"""Goes through the pixels of pictures from coarse to fine; a coder writes them, or reads them."""

from __future__ import annotations

__all__ = ["Coder", "Counter", "walk"]

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from latente.codec.images.lossless.classes import CLASSES
from latente.codec.images.lossless.lattice import DISTANCE, LEVELS, STEPS, filled, phase_slices
from latente.codec.images.lossless.predictors import Predictor, StepGuesses

Planes = NDArray[np.int16]
Integers = NDArray[np.int64]


class Coder(Protocol):
    """Writes values, or reads them."""

    def code(self, values: Integers, classes: NDArray[np.uint16]) -> Integers:
        """Returns the values: those given when writing, those read when reading.

        Args:
            values: (n,); when reading, whatever.
            classes: (n,).
        """


class Counter:
    """Counts tokens by class, to start a model's tables with.

    Attributes:
        counts: (CLASSES, tokens).
    """

    def __init__(self, tokens: int) -> None:
        self.counts = np.zeros((CLASSES, tokens), np.int64)

    def code(self, values: Integers, classes: NDArray[np.uint16]) -> Integers:
        from latente.codec.entropy.tokens import to_tokens

        key = classes.astype(np.int64) * self.counts.shape[1] + to_tokens(values).tokens
        self.counts += np.bincount(key, minlength=self.counts.size).reshape(self.counts.shape)
        return values


def walk(planes: Planes, predictor: Predictor, coder: Coder) -> None:
    """Codes all pixels; when reading, planes are filled.

    Args:
        planes: (n, colours, height, width).
        predictor: of mean and class.
        coder: a writer or a reader.

    Raises:
        ValueError: for values that no picture has, or, from the coder, for bytes that cannot be read.
    """
    if not planes.size:
        return
    _first(planes, predictor, coder)
    for level in reversed(range(LEVELS)):
        distance = 2 << level
        base = planes[(..., *phase_slices((0, 0), distance))]
        for k, step in enumerate(STEPS):
            target = planes[(..., *phase_slices(step.phase, distance))]
            if target.size:
                known = [filled(planes[(..., *phase_slices(p, distance))], base) for p in step.known]
                guesses = predictor.step(level, k, known, target.shape[-2], target.shape[-1])
                _step(target, guesses, predictor.spike, coder)


def _first(planes: Planes, predictor: Predictor, coder: Coder) -> None:
    """Every 32nd pixel of every 32nd row: differences of neighbours, the first one's from 0."""
    for colour in range(planes.shape[1]):
        view = planes[:, colour, ::DISTANCE, ::DISTANCE]
        values = view.reshape(-1).astype(np.int64)
        classes = np.full(len(values), predictor.firsts[colour > 0], np.uint16)
        view[...] = _checked(np.cumsum(coder.code(np.diff(values, prepend=0), classes)), colour).reshape(view.shape)


def _step(target: Planes, guesses: StepGuesses, spike: int | None, coder: Coder) -> None:
    """All pixels of a step, colour by colour; target is a view of planes."""
    left: list[Integers] = []
    for colour in range(target.shape[1]):
        guess = guesses.colour(colour, left)
        values = target[:, colour].reshape(-1).astype(np.int64)
        if colour or spike is None or guess.flags is None:
            found = _rest(values, guess.whole, guess.negative, guess.classes, coder)
        else:
            is_spike = coder.code((values == spike).astype(np.int64), guess.flags) != 0
            rest = np.flatnonzero(~is_spike)
            found = np.full(len(values), spike, np.int64)
            found[rest] = _rest(values[rest], guess.whole[rest], guess.negative[rest], guess.classes[rest], coder)
        target[:, colour] = _checked(found, colour).reshape(target[:, colour].shape)
        left.append(found - guess.whole)


def _rest(
    values: Integers, whole: Integers, negative: NDArray[np.bool_], classes: NDArray[np.uint16], coder: Coder
) -> Integers:
    """Values by what guesses leave of them."""
    sign: Integers = np.where(negative, -1, 1).astype(np.int64)
    found: Integers = whole + sign * coder.code(sign * (values - whole), classes)
    return found


def _checked(values: Integers, colour: int) -> Integers:
    """Values, when a picture can have them."""
    if values.size and (values.max() > 255 or values.min() < (-255 if colour else 0)):
        raise ValueError("decoded pixels are outside of what a picture can have: the stream is damaged")
    return values
