"""Integers of any size as a token of a small alphabet and a few raw bits.

A value v with |v| <= 12 is the token v + 12. A larger one has w = |v| - 5 (so w >= 8) with its highest bit at e >= 3;
its token says the sign, e and the two bits below the highest one, and the e - 2 bits below those follow as they are.
So no value needs an escape, and a table of probabilities stays small whatever the range.
"""

from __future__ import annotations

__all__ = ["DIRECT", "LARGEST", "Tokens", "alphabet_size", "from_tokens", "raw_bits", "to_tokens"]

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DIRECT = 12  # magnitudes up to this are tokens of their own
FIRST = 2 * DIRECT + 1  # the first token with raw bits
SHIFT = DIRECT + 1 - 8  # w = |v| - SHIFT starts at 8
LARGEST = 2**63 - 1  # magnitudes that are coded


@dataclass(frozen=True)
class Tokens:
    """Tokens of some values, and the raw bits of those that need them.

    Attributes:
        tokens: int32, shape (n,).
        large: int64, shape (m,): where the tokens with raw bits are.
        bits: int64, shape (m,): how many raw bits each of them has.
        raw: int64, shape (m,): the raw bits.
    """

    tokens: NDArray[np.int32]
    large: NDArray[np.int64]
    bits: NDArray[np.int64]
    raw: NDArray[np.int64]


def _highest_bit(w: NDArray[np.int64]) -> NDArray[np.int64]:
    """Position of the highest set bit of integers >= 1; exact for all of them, for no float here is above 2^32."""
    high = w >> 32
    part = np.where(high > 0, high, w & 0xFFFFFFFF)
    return np.frexp(part.astype(np.float64))[1].astype(np.int64) - 1 + np.where(high > 0, 32, 0)


def to_tokens(values: NDArray[np.int64]) -> Tokens:
    """Splits integers into tokens and raw bits.

    Args:
        values: int64, shape (n,), magnitudes up to `LARGEST`.

    Example:
        >>> to_tokens(np.array([0, -3, 12, 13, 1000])).tokens
        array([12,  9, 24, 25, 81], dtype=int32)
    """
    magnitude = np.abs(values)
    tokens = (values + DIRECT).astype(np.int32)
    large = np.flatnonzero(magnitude > DIRECT)
    w = magnitude[large] - SHIFT
    e = _highest_bit(w)
    tokens[large] = FIRST + 2 * (4 * (e - 3) + (w >> (e - 2)) - 4) + (values[large] < 0)
    return Tokens(tokens, large, e - 2, w & ((np.int64(1) << (e - 2)) - 1))


def raw_bits(tokens: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns where the tokens with raw bits are, and how many bits each of them has."""
    large = np.flatnonzero(tokens >= FIRST)
    return large, 1 + (tokens[large].astype(np.int64) - FIRST) // 8


def from_tokens(tokens: NDArray[np.int32], large: NDArray[np.int64], raw: NDArray[np.int64]) -> NDArray[np.int64]:
    """The inverse of `to_tokens`.

    Args:
        tokens: int32, shape (n,).
        large: where the tokens with raw bits are, as `raw_bits` returns it.
        raw: their raw bits.

    Example:
        >>> parts = to_tokens(np.array([0, -3, 1000, -(2**40)]))
        >>> from_tokens(parts.tokens, parts.large, parts.raw)
        array([            0,            -3,          1000, -1099511627776])
    """
    values = tokens.astype(np.int64) - DIRECT
    code = tokens[large].astype(np.int64) - FIRST
    w = ((4 + (code // 2) % 4) << (1 + code // 8)) + raw
    values[large] = np.where(code % 2 == 1, -(w + SHIFT), w + SHIFT)
    return values


def alphabet_size(largest: int) -> int:
    """Number of tokens that magnitudes up to `largest` need.

    Example:
        >>> alphabet_size(12), alphabet_size(13), alphabet_size(2**62)
        (25, 27, 505)
    """
    if largest <= DIRECT:
        return FIRST
    w = largest - SHIFT
    e = w.bit_length() - 1
    return FIRST + 2 * (4 * (e - 3) + (w >> (e - 2)) - 4) + 2
