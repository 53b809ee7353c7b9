"""What magnitude to expect of a coefficient: from its band, its parents and its neighbours.

    expected = w_0 s + sum_a w_a r_a S(parent_a) + sum_a v_a (|k_before| + |k_after|) / 2

s is the mean magnitude of the band, a product of one factor per axis and part; r_a is how much smaller a band is than
its parent along axis a; S smooths the parents' magnitudes over their neighbours; the last sum exists for the second
colour alone. The encoder fits the factors and weights, in floating point; they are sent as integers and applied as
integers.
"""

from __future__ import annotations

__all__ = ["BandModel", "fit"]

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latente.codec.arrays.layout import Layout

CLIP = 1 << 15  # larger magnitudes say no more
SAMPLE = 8_000  # coefficients of which the weights are fitted
QUARTERS = (256, 304, 362, 431)  # 2^(i/4) in 1/256
LOW, HIGH = -48, 80  # quarter powers of two
Magnitudes = NDArray[np.int64]


def _power(quarters: NDArray[np.int64]) -> NDArray[np.int64]:
    """2^(q/4) in 1/256, by integers alone."""
    q = np.clip(quarters, LOW, HIGH)
    return (np.array(QUARTERS, np.int64)[q % 4] << (q // 4 + 12)) >> 12


@dataclass(frozen=True)
class BandModel:
    """Integers that say what magnitude to expect; `to_bytes` and `from_bytes` keep them.

    Attributes:
        factors: for each axis, int64 per part: logarithms of the factors of the bands' means, in quarter powers of 2.
        first: weights w_0, w_1, ... of the first colour, in 1/256.
        second: weights w_0, w_1, ..., v_1, ... of the second colour, in 1/256.
    """

    factors: tuple[NDArray[np.int64], ...]
    first: NDArray[np.int64]
    second: NDArray[np.int64]

    def to_bytes(self) -> bytes:
        return np.concatenate([*self.factors, self.first, self.second]).astype("<i2").tobytes()

    @classmethod
    def from_bytes(cls, data: bytes, levels: tuple[int, ...]) -> BandModel:
        """Raises ValueError when the bytes are not as many as the levels ask for."""
        ndim, parts = len(levels), sum(levels)
        if len(data) != 2 * (parts + 3 * ndim + 2):
            raise ValueError(f"the model of the bands has {len(data)} bytes; {2 * (parts + 3 * ndim + 2)} are needed")
        values = np.frombuffer(data, "<i2").astype(np.int64)
        factors = np.split(values[:parts], np.cumsum(levels)[:-1])
        return cls(tuple(factors), values[parts : parts + ndim + 1], values[parts + ndim + 1 :])

    def tables(self) -> tuple[list[NDArray[np.int64]], list[NDArray[np.int64]]]:
        """For both colours the tables w_a r_a per axis and part, in 1/65536."""
        ratios = [_power(np.diff(f, prepend=f[:1])) for f in self.factors]
        return ([w * r for w, r in zip(self.first[1:], ratios, strict=True)],
                [w * r for w, r in zip(self.second[1:], ratios, strict=False)])  # fmt: skip

    def means(self) -> NDArray[np.int64]:
        """Mean magnitude of every band, in 1/256."""
        total = np.zeros(1, np.int64)
        for f in self.factors:
            total = (total[:, None] + f).ravel()
        return _power(total)


def _factors(mags: Magnitudes, at: Layout) -> tuple[list[NDArray[np.int64]], NDArray[np.bool_]]:
    """Factors per axis and part whose products have the magnitudes' sums, and which bands are not all zero."""
    ndim, levels = len(at.levels), at.levels
    count = np.bincount(at.bands, minlength=int(np.prod(levels))).reshape(levels).astype(float)
    total = np.bincount(at.bands, weights=mags, minlength=count.size).reshape(levels)
    factors = [np.ones(n) for n in levels]
    for _ in range(20):
        for a in range(ndim):
            fitted = count
            for b in range(ndim):
                if b != a:
                    fitted = fitted * factors[b].reshape([-1 if c == b else 1 for c in range(ndim)])
            others = tuple(b for b in range(ndim) if b != a)
            factors[a] = (total.sum(others) + 1e-3) / (fitted.sum(others) + 1e-9)
    logs = [np.clip(np.rint(4 * np.log2(np.clip(f, 1e-12, 1e12))), -150, 150).astype(np.int64) for f in factors]
    return logs, (total.ravel() > 0)


def smoothed(mags: Magnitudes, at: Layout, which: NDArray[np.int64] | slice) -> Magnitudes:
    """2 |k| + the magnitudes of all neighbours in the band."""
    result = 2 * mags[which]
    for before, after in at.neighbours:
        result += mags[before[which]]
        result += mags[after[which]]
    return result


def _weights(features: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.int64]:
    """Non-negative weights in 1/256 by reweighted least squares: errors count relative to what is expected."""
    from scipy.optimize import nnls

    if not len(target):
        return np.full(features.shape[1], 32)
    weights = np.full(features.shape[1], 1 / features.shape[1])
    for _ in range(3):
        scale = 1 / np.maximum(features @ weights + 0.01, 0.02)
        weights = nnls(features * scale[:, None], target * scale)[0]
    return np.clip(np.rint(256 * weights), 0, 8191).astype(np.int64)


def fit(values: NDArray[np.int64], at: Layout) -> tuple[BandModel, NDArray[np.bool_]]:
    """Fits the model to coefficients in coding order.

    Returns:
        the model, and for every band whether it holds anything but zeros.
    """
    mags = np.append(np.minimum(np.abs(values), CLIP), 0)
    factors, live = _factors(mags[:-1], at)
    ndim = len(at.levels)
    rough = BandModel(tuple(factors), np.full(ndim + 1, 256), np.full(2 * ndim + 1, 256))
    chosen = np.flatnonzero(live[at.bands])
    chosen = chosen[:: max(1, len(chosen) // SAMPLE)] if len(chosen) else chosen
    colour = np.zeros(at.size, bool)
    for _, second, end in at.passes:
        colour[second:end] = True
    means = rough.means()[at.bands[chosen]] / 256
    columns = [means]
    for parent, part, table in zip(at.parents, at.parts, rough.tables()[0], strict=True):
        up = parent[chosen]
        inside = up < at.size
        smooth = np.where(inside, smoothed(mags, at, np.where(inside, up, 0)), 0)
        columns.append(smooth * table[part[chosen]] / (4 * 65536))
    for before, after in at.neighbours:
        columns.append((mags[before[chosen]] + mags[after[chosen]]) / 2)
    features, target, late = np.stack(columns, axis=1), mags[chosen].astype(float), colour[chosen]
    first = _weights(features[~late, : ndim + 1], target[~late])
    return BandModel(tuple(factors), first, _weights(features[late], target[late])), live
