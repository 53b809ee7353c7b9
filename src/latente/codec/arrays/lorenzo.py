"""Integer Lorenzo prediction: differences along every axis, exact and undone by running sums."""

from __future__ import annotations

__all__ = ["decode_lorenzo", "encode_lorenzo"]

import numpy as np
from numpy.typing import NDArray

from latente.codec.arrays.levels import walk
from latente.codec.arrays.residuals import ResidualDecoder, ResidualEncoder, Surroundings

Values = NDArray[np.int64]
Sections = dict[str, bytes]


def encode_lorenzo(values: Values) -> Sections:
    """Codes integers by their differences along every axis.

    Args:
        values: int64; differences wrap around.

    Returns:
        the sections "residuals" and "factors".

    Raises:
        OverflowError: when a difference is -2^63, which has no magnitude.
    """
    x = values
    for axis in range(values.ndim):
        x = np.diff(x, axis=axis, prepend=0)
    if x.min() == np.iinfo(np.int64).min:
        raise OverflowError("a difference of -2^63 cannot be coded")
    encoder = ResidualEncoder()
    for level, taps, where, target in walk(x.shape, (True,) * x.ndim, values=False):
        q = x[where]
        encoder.add(Surroundings(q.shape, level, taps), q, None)
        level.mags[target] = np.minimum(np.abs(q), 1 << 18)
    return encoder.finish()


def decode_lorenzo(sections: Sections, shape: tuple[int, ...]) -> Values:
    """The inverse of `encode_lorenzo`.

    Raises:
        ValueError: when the sections are damaged.
    """
    decoder = ResidualDecoder(sections)
    x = np.zeros(shape, np.int64)
    for level, taps, where, target in walk(shape, (True,) * len(shape), values=False):
        q = decoder.next(Surroundings(x[where].shape, level, taps), None)
        x[where] = q
        level.mags[target] = np.minimum(np.abs(q), 1 << 18)
    for axis in range(len(shape)):
        x = np.cumsum(x, axis=axis)
    return x
