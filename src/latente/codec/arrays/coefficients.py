"""Coding of the transform's quantised coefficients."""

from __future__ import annotations

__all__ = ["decode_coefficients", "encode_coefficients"]

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from latente.codec.arrays.bands import CLIP, BandModel, fit, smoothed
from latente.codec.arrays.layout import Layout, layout
from latente.codec.deflate import deflated, inflated
from latente.codec.entropy import ContextDecoder, ContextEncoder, classes_of

Values = NDArray[np.int64]
Sections = dict[str, bytes]


class _Walk:
    """Goes through the passes; for every batch it says which coefficients come and what class they have."""

    def __init__(self, at: Layout, model: BandModel, live: NDArray[np.bool_]) -> None:
        self.at, self.model, self.live = at, model, live
        self.mags = np.zeros(at.size + 1, np.int64)
        self.smooth = np.zeros(at.size + 1, np.int64)
        self.tables = model.tables()
        self.base = 4 * model.means()

    def batches(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.uint8]]]:
        """Yields (numbers, classes); before it goes on, `set` must have been called with the batch's values."""
        for start, second, end in self.at.passes:
            done = []
            for late, (first, last) in enumerate(((start, second), (second, end))):
                which = first + np.flatnonzero(self.live[self.at.bands[first:last]])
                if len(which):
                    yield which, self._classes(which, late)
                    done.append(which)
            for which in done:
                self.smooth[which] = smoothed(self.mags, self.at, which)

    def set(self, which: NDArray[np.int64], values: Values) -> None:
        self.mags[which] = np.minimum(np.abs(values), CLIP)

    def _classes(self, which: NDArray[np.int64], late: int) -> NDArray[np.uint8]:
        weights = self.model.second if late else self.model.first
        expected = weights[0] * self.base[self.at.bands[which]]
        for parent, part, table in zip(self.at.parents, self.at.parts, self.tables[late], strict=True):
            expected += table[part[which]] * self.smooth[parent[which]]
        if late:
            for v, (before, after) in zip(weights[1 + len(self.at.parents) :], self.at.neighbours, strict=True):
                if v:
                    expected += 512 * v * (self.mags[before[which]] + self.mags[after[which]])
        return classes_of(expected >> 10)


def encode_coefficients(coefficients: Values) -> Sections:
    """Codes integer coefficients of the transform.

    Args:
        coefficients: int64, in the order of `wavelet.analysis`, any shape with at least one element.

    Returns:
        the sections "coefficients" and "bands".
    """
    at = layout(coefficients.shape)
    values = coefficients.ravel()[at.order]
    model, live = fit(values, at)
    largest = int(np.abs(values).max())
    encoder = ContextEncoder(largest)
    walk = _Walk(at, model, live)
    for which, classes in walk.batches():
        encoder.encode(values[which], classes)
        walk.set(which, values[which])
    told = model.to_bytes() + largest.to_bytes(8, "little") + np.packbits(live).tobytes()
    return {"coefficients": encoder.finish(), "bands": deflated(told)}


def decode_coefficients(sections: Sections, shape: tuple[int, ...]) -> Values:
    """The inverse of `encode_coefficients`.

    Raises:
        ValueError: when the sections are damaged.
    """
    at = layout(shape)
    n_bands = int(np.prod(at.levels))
    tail = 8 + (n_bands + 7) // 8
    size = BandModel.length(at.levels) + tail
    data = inflated(sections["bands"], size)
    if len(data) != size:
        raise ValueError(f"the bands have another size than {size} bytes: the file is damaged")
    model = BandModel.from_bytes(data[:-tail], at.levels)
    largest = int.from_bytes(data[-tail : -tail + 8], "little")
    live = np.unpackbits(np.frombuffer(data[-tail + 8 :], np.uint8), count=n_bands).astype(bool)
    decoder = ContextDecoder(sections["coefficients"], largest)
    values = np.zeros(at.size, np.int64)
    walk = _Walk(at, model, live)
    for which, classes in walk.batches():
        values[which] = decoder.decode(classes)
        walk.set(which, values[which])
    result = np.empty(at.size, np.int64)
    result[at.order] = values
    return result.reshape(shape)
