"""What tells the mean and the class of each pixel: a trained network, or the four nearest pixels alone."""

from __future__ import annotations

__all__ = ["Guess", "NetworkPredictor", "PlainPredictor", "Predictor"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from latente.codec.entropy.coder import classes_of
from latente.codec.entropy.tables import laplace_counts
from latente.codec.entropy.tokens import alphabet_size
from latente.codec.images.lossless.classes import CLASSES, FIRST, FLAGS, LARGEST, class_of, split
from latente.codec.images.lossless.integers import StepIntegers
from latente.codec.images.lossless.lattice import STEPS

Integers = NDArray[np.int64]
Known = Sequence[NDArray[np.int16]]  # (n, colours, rows, columns) of each window's phase


@dataclass(frozen=True)
class Guess:
    """Of pixels of one step and colour, each (positions,).

    Attributes:
        whole: the nearest whole number to the mean.
        negative: whether what is left of it is coded with the other sign.
        classes: of what is left.
        flags: classes of whether a pixel is the spike; None where there is no spike.
    """

    whole: Integers
    negative: NDArray[np.bool_]
    classes: NDArray[np.uint16]
    flags: NDArray[np.uint16] | None = None


class StepGuesses(Protocol):
    """Guesses of a step, colour by colour."""

    def colour(self, colour: int, left: Sequence[Integers]) -> Guess:
        """Returns the guess of a colour.

        Args:
            colour: 0 is the brightness.
            left: of the colours before: pixel less its guess.
        """


class Predictor(Protocol):
    """Counts to begin with, the classes of the first pixels, and guesses.

    Attributes:
        counts: (classes, tokens).
        firsts: the classes of the first pixels: of their brightness, of their colours.
        spike: a value of the brightness that is told by a flag, or None.
    """

    counts: Integers
    firsts: tuple[int, int]
    spike: int | None

    def step(self, level: int, k: int, known: Known, rows: int, columns: int) -> StepGuesses:
        """Returns what is guessed from known pixels.

        Args:
            level: 0 is the finest.
            k: index of the step.
            known: of each window's phase, at least rows x columns.
            rows: of pixels to be coded.
            columns: of pixels to be coded.
        """


class PlainPredictor:
    """The average of the four nearest pixels; classes by how much they differ."""

    firsts: tuple[int, int] = (39, 79)
    spike: int | None = None

    def __init__(self) -> None:
        table = laplace_counts(alphabet_size(LARGEST))
        self.counts = np.concatenate([table, table])

    def step(self, level: int, k: int, known: Known, rows: int, columns: int) -> StepGuesses:
        step = STEPS[k]
        near = []
        for window, i, j in step.nearest:
            (top, bottom), (left, right) = step.windows[window].rows, step.windows[window].columns
            around = (0, 0), (0, 0), (-top, bottom), (-left, right)
            padded = np.pad(known[window].astype(np.int64), around, mode="edge")
            near.append(padded[..., i : i + rows, j : j + columns].swapaxes(0, 1).reshape(known[0].shape[1], -1))
        return _PlainStep(np.stack(near))


class _PlainStep:
    """Guesses from the four nearest pixels (4, colours, positions)."""

    def __init__(self, near: Integers) -> None:
        self.average = (near.sum(0) + 2) >> 2
        self.spread = np.abs(near - self.average).sum(0)

    def colour(self, colour: int, left: Sequence[Integers]) -> Guess:
        whole = self.average[colour]
        expected = 40 * self.spread[colour] + 64
        if left:
            expected = expected + 48 * np.abs(left[0])
        classes = classes_of(expected).astype(np.uint16) + np.uint16(40 * (colour > 0))
        return Guess(whole, np.zeros(len(whole), np.bool_), classes)


class NetworkPredictor:
    """The networks of a model.

    Args:
        tensors: of the model, see `model.exported`.

    Raises:
        KeyError: when one is missing.
        ValueError: when they make no sense.
    """

    firsts: tuple[int, int] = (FIRST, FIRST + 1)

    def __init__(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        settings = tensors["lossless.settings"]
        if settings.shape != (5,) or settings.dtype != np.int32:
            raise ValueError("the model's settings of the lossless mode make no sense")
        colours, sets, spike, *size = (int(v) for v in settings)
        self.colours, self.sets, self.spike = colours, sets, None if spike < 0 else spike
        self.size = tuple(size) if size[0] else None
        if colours not in (1, 3) or not 1 <= sets <= 5:
            raise ValueError("the model's settings of the lossless mode make no sense")
        if not all(np.isfinite(tensor).all() for tensor in tensors.values()):
            raise ValueError("the model of the lossless mode has numbers that are not finite")
        counts = tensors["lossless.counts"]
        self.counts = counts.astype(np.int64)
        if counts.dtype != np.int32 or self.counts.shape != (CLASSES, alphabet_size(LARGEST)) or self.counts.min() < 1:
            raise ValueError("the model's counts of the lossless mode have another shape than is wanted")
        self._networks = [
            StepIntegers(STEPS[k], tensors, f"lossless.{level}.{k}.", colours)
            for level in range(sets)
            for k in range(len(STEPS))
        ]

    def step(self, level: int, k: int, known: Known, rows: int, columns: int) -> StepGuesses:
        network = self._networks[min(level, self.sets - 1) * len(STEPS) + k]
        return _NetworkStep(network, *network.seen(known, rows, columns))


class _NetworkStep:
    """Guesses from what a network has seen."""

    def __init__(self, network: StepIntegers, hidden: NDArray[np.uint8], linear: Integers) -> None:
        self.network, self.hidden, self.linear = network, hidden, linear

    def colour(self, colour: int, left: Sequence[Integers]) -> Guess:
        mean, scale, *spike = self.network.told(colour, self.hidden, self.linear[colour], left)
        whole, distance, negative = split(mean)
        flags = (spike[0] + FLAGS).astype(np.uint16) if spike else None
        return Guess(whole, negative, class_of(scale, distance, colour), flags)
