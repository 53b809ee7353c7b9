"""Scores as the windows of tokens that the module is trained on and asked about."""

from __future__ import annotations

__all__ = ["Window", "tokens_of", "training_windows", "whole_window"]

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latente.audio.music.alphabet import Alphabet
from latente.audio.music.network import Sizes
from latente.audio.music.score import Score


@dataclass(frozen=True)
class Window:
    """A whole score as one window.

    Attributes:
        tokens: (1, 1 + segments * steps, voices).
        steps: of the score, without what fills the last segment.
    """

    tokens: Tensor
    steps: int

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the tokens."""
        return tuple(self.tokens.shape)


def tokens_of(score: Score, alphabet: Alphabet) -> NDArray[np.int64]:
    """Returns tokens (steps, voices); notes that are struck again have their own where the alphabet tells them.

    Args:
        score: the music.
        alphabet: of the model.
    """
    tokens = alphabet.encode(score.pitches)
    if alphabet.repeats and score.strikes is not None:
        same = np.zeros(tokens.shape, bool)
        same[:, 1:] = tokens[:, 1:] == tokens[:, :-1]
        tokens = tokens + alphabet.size * (same & score.strikes & (tokens > 0))
    return tokens.T


def whole_window(score: Score, alphabet: Alphabet, sizes: Sizes) -> Window:
    """Returns a score as one window, from its beginning, the last segment filled up with marks that count for nothing.

    Args:
        score: the music.
        alphabet: of the model.
        sizes: of the model.
    """
    tokens = tokens_of(score, alphabet)
    segments = -(-len(tokens) // sizes.length)
    return Window(torch.from_numpy(_window(tokens, 0, segments * sizes.length, alphabet))[None], len(tokens))


def training_windows(scores: Sequence[Score], alphabet: Alphabet, sizes: Sizes, segments: int) -> Tensor:
    """Returns windows (n, 1 + segments * steps, voices) int16 that begin at every beat.

    Args:
        scores: the music.
        alphabet: of the model.
        sizes: of the model.
        segments: in a window.
    """
    found = []
    for score in scores:
        tokens = tokens_of(score, alphabet)
        last = max(0, len(tokens) - sizes.length)
        starts = range(0, last + 1, sizes.steps)
        found += [_window(tokens, start, segments * sizes.length, alphabet) for start in starts]
    return torch.from_numpy(np.stack(found).astype(np.int16))


def _window(tokens: NDArray[np.int64], start: int, length: int, alphabet: Alphabet) -> NDArray[np.int64]:
    """Returns (1 + length, voices): what came before, then the steps, then marks."""
    window = np.full((1 + length, tokens.shape[1]), alphabet.end)
    window[0] = alphabet.beginning if start == 0 else tokens[start - 1]
    part = tokens[start : start + length]
    window[1 : 1 + len(part)] = part
    return window
