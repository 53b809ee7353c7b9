"""Pitches as the small integers that networks read."""

from __future__ import annotations

__all__ = ["Alphabet"]

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SPECIAL = 3  # hidden, the beginning of a piece, after its end


@dataclass(frozen=True)
class Alphabet:
    """The tokens of one voice at one step: 0 is silence, then the pitches from `low` to `high`, then three marks.

    Where repeated notes are told from held ones, a token is doubled: token + size says that the note is struck again
    though its pitch is that of the step before.

    Attributes:
        low: the lowest MIDI number.
        high: the highest.
        repeats: whether notes that are struck again have tokens of their own.

    Example:
        >>> alphabet = Alphabet(60, 62)
        >>> alphabet.encode(np.array([[-1, 60, 62]])), alphabet.hidden, alphabet.size
        (array([[0, 1, 3]]), 4, 7)
    """

    low: int
    high: int
    repeats: bool = False

    @property
    def symbols(self) -> int:
        """How many tokens can be predicted: silence and the pitches."""
        return self.high - self.low + 2

    @property
    def hidden(self) -> int:
        """The token of what must not be seen."""
        return self.symbols

    @property
    def beginning(self) -> int:
        """The token of the step before the first one."""
        return self.symbols + 1

    @property
    def end(self) -> int:
        """The token of steps after the last one, which count for nothing."""
        return self.symbols + 2

    @property
    def size(self) -> int:
        """How many tokens there are, repeats left aside."""
        return self.symbols + SPECIAL

    @property
    def total(self) -> int:
        """How many tokens there are with repeats."""
        return self.size * (2 if self.repeats else 1)

    def encode(self, pitches: NDArray[np.integer]) -> NDArray[np.int64]:
        """Returns tokens of pitches of any shape; -1 is silence.

        Raises:
            ValueError: for a pitch outside the alphabet.

        Args:
            pitches: MIDI numbers.
        """
        sounding = pitches[pitches >= 0]
        if sounding.size and (sounding.min() < self.low or sounding.max() > self.high):
            raise ValueError(
                f"pitches from {sounding.min()} to {sounding.max()} do not fit a model of {self.low} to {self.high}; "
                "transpose the score, or train on music of that range"
            )
        return np.where(pitches < 0, 0, pitches.astype(np.int64) - self.low + 1)

    def decode(self, tokens: NDArray[np.integer]) -> NDArray[np.int16]:
        """Returns MIDI numbers, -1 for silence, of tokens that can be predicted; repeats are dropped.

        Args:
            tokens: of any shape.
        """
        plain = tokens % self.size
        return np.where(plain == 0, -1, plain + self.low - 1).astype(np.int16)
