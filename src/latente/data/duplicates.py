"""Rows that are there more than once."""

from __future__ import annotations

__all__ = ["count_distinct"]

import numpy as np
from numpy.typing import NDArray

from latente.data.rows import Rows


def count_distinct(rows: Rows) -> int:
    """Returns how many different samples there are, from one pass over them.

    A row's bytes are read as words of 64 bits; each is mixed with a number of its place (the finaliser of Steele, Lea &
    Flood, 2014, "Fast splittable pseudorandom number generators") and their sum modulo 2^64 is the row's hash. Two
    different rows have the same one by a chance of about 2^-64.

    Args:
        rows: (n, ...).

    Example:
        >>> from latente.data import as_rows
        >>> count_distinct(as_rows(np.array([[1.0, 2.0], [3.0, 4.0], [1.0, 2.0]])))
        2
    """
    hashes = [_hashes(np.asarray(chunk)) for _, chunk in rows.chunks()]
    return len(np.unique(np.concatenate(hashes)))


def _hashes(chunk: NDArray[np.generic]) -> NDArray[np.uint64]:
    """Returns a hash of each row (n,)."""
    flat = np.ascontiguousarray(chunk.reshape(len(chunk), -1))
    if flat.dtype.kind == "f":
        flat = flat + flat.dtype.type(0)  # -0.0 and 0.0 are equal
    bytes_ = flat.view(np.uint8).reshape(len(flat), -1)
    padded = np.zeros((len(bytes_), -(-bytes_.shape[1] // 8) * 8), np.uint8)
    padded[:, : bytes_.shape[1]] = bytes_
    places = np.random.default_rng(0).integers(0, 2**64, padded.shape[1] // 8, dtype=np.uint64, endpoint=False)
    return _mixed(padded.view(np.uint64) ^ places).sum(axis=1, dtype=np.uint64)


def _mixed(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Returns words in which every bit depends on every bit of the given ones."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))
