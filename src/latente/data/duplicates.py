"""Rows that are there more than once."""

from __future__ import annotations

__all__ = ["count_distinct"]

import numpy as np
from numpy.typing import NDArray

from latente.data.rows import Rows


def count_distinct(rows: Rows) -> int:
    """Returns how many different samples there are, from one pass over them.

    A row's bytes, as words of 64 bits, are multiplied by fixed random odd numbers and summed modulo 2^64; different
    rows have the same sum only by a rare chance.

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
    words = padded.view(np.uint64)
    words = words ^ (words >> np.uint64(32))  # low bits of floats are often zero, and products only carry upwards
    factors = np.random.default_rng(0).integers(0, 2**63, words.shape[1], dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    return (words * factors).sum(axis=1, dtype=np.uint64)
