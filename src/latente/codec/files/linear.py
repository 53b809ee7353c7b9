"""Linear prediction of sound in integers, as in FLAC and Shorten (Robinson 1994), undone for many stretches at once.

Each frame of a channel has weights of its own, from least squares, as integers. What is left is coded by the array
codec. All arithmetic is on integers, so that what is restored is exact everywhere. The samples are cut into lanes of a
few frames, each of which starts anew: that costs little and lets all lanes be restored side by side.
"""

from __future__ import annotations

__all__ = ["from_residuals", "to_residuals"]

import numpy as np
from numpy.typing import NDArray

from latente.codec.errors import AlteredError
from latente.codec.files.exact import pack_bytes, unpack_bytes

FRAME, TAPS = 1024, 16
BITS = (10, 13)  # of a weight below the point, for samples of up to 16 bits and of more
LANE = 8 * FRAME
Integers = NDArray[np.int64]


def to_residuals(samples: NDArray[np.integer]) -> tuple[bytes, NDArray[np.int32]] | None:
    """Returns what is needed to undo the prediction, and what it left; None where that does not fit into 32 bits.

    Args:
        samples: (n, channels).
    """
    wide, bits = samples.astype(np.int64), BITS[samples.dtype.itemsize > 2]
    against = [c > 0 and _rough(wide[:, c] - wide[:, 0]) < _rough(wide[:, c]) for c in range(wide.shape[1])]
    residuals, weights = [], []
    for c, difference in enumerate(against):
        channel = wide[:, c] - wide[:, 0] if difference else wide[:, c]
        left, found = _predicted(channel, bits)
        residuals.append(left)
        weights.append(found)
    all_left = np.stack(residuals, axis=1)
    if np.abs(all_left).max(initial=0) >= 1 << 31:
        return None
    flags = np.array([bits, *against], np.uint8).tobytes()
    return flags + pack_bytes(np.stack(weights).astype("<i2").tobytes(), 2), all_left.astype(np.int32)


def _rough(channel: Integers) -> float:
    """Returns how rough a channel is: the mean magnitude of its second differences."""
    return float(np.abs(np.diff(channel, 2)).mean()) if len(channel) > 2 else float(np.abs(channel).sum())


def _lanes(channel: Integers) -> Integers:
    """Returns a channel cut into lanes, (lanes, steps), the last one filled up with zeros."""
    count = max(-(-len(channel) // LANE), 1)
    return np.concatenate([channel, np.zeros(count * LANE - len(channel), np.int64)]).reshape(count, LANE)


def _predicted(channel: Integers, bits: int) -> tuple[Integers, Integers]:
    """Returns what prediction leaves of a channel, and the weights, (frames, taps)."""
    lanes = _lanes(channel)
    padded = np.concatenate([np.zeros((len(lanes), TAPS), np.int64), lanes], axis=1)
    before = np.lib.stride_tricks.sliding_window_view(padded, TAPS, axis=1)[:, :-1, ::-1]
    frames = before.reshape(-1, FRAME, TAPS)
    weights = _fit(frames.astype(np.float64), lanes.reshape(-1, FRAME).astype(np.float64), bits)
    guess = ((frames @ weights[..., None])[..., 0] + (1 << (bits - 1))) >> bits
    return (lanes.reshape(-1, FRAME) - guess).ravel()[: len(channel)], weights


def _fit(frames: NDArray[np.float64], targets: NDArray[np.float64], bits: int) -> Integers:
    """Returns least-squares weights times 2^bits, a little towards zero."""
    turned = frames.transpose(0, 2, 1)
    products = turned @ frames
    ridge = 1 + 1e-9 * np.trace(products, axis1=1, axis2=2) / TAPS
    products += ridge[:, None, None] * np.eye(TAPS)
    weights = np.linalg.solve(products, turned @ targets[..., None])[..., 0]
    return np.clip(np.rint(weights * (1 << bits)), -(1 << 15), (1 << 15) - 1).astype(np.int64)


def from_residuals(needed: bytes, residuals: NDArray[np.int32]) -> Integers:
    """Returns the samples, (n, channels), of which `to_residuals` returned these.

    Args:
        needed: as it returned it.
        residuals: (n, channels).

    Raises:
        AlteredError: when the first is of another size.
    """
    n, channels = residuals.shape
    frames = max(-(-n // LANE), 1) * (LANE // FRAME)
    raw = unpack_bytes(needed[1 + channels :], channels * frames * TAPS * 2)
    weights = np.frombuffer(raw, "<i2").astype(np.int64).reshape(channels, frames, TAPS)
    bits, against = needed[0], needed[1 : 1 + channels]
    if bits not in BITS or max(against) > 1:
        raise AlteredError("a block of sound names a way to predict that there is not")
    out = np.empty((n, channels), np.int64)
    for c in range(channels):
        out[:, c] = _restored(residuals[:, c].astype(np.int64), weights[c], bits)
        if c and against[c]:
            out[:, c] += out[:, 0]
    return out


def _restored(left: Integers, weights: Integers, bits: int) -> Integers:
    """Returns a channel from what prediction left of it; one step of all lanes at a time."""
    lanes = _lanes(left)
    steps = np.zeros((TAPS + LANE, len(lanes)), np.int64)
    by_frame = weights.reshape(len(lanes), LANE // FRAME, TAPS)[:, :, ::-1].transpose(1, 2, 0)  # (frame, tap, lane)
    rest = np.ascontiguousarray(lanes.T)
    for step in range(LANE):
        guess = (by_frame[step // FRAME] * steps[step : step + TAPS]).sum(0)
        steps[step + TAPS] = rest[step] + ((guess + (1 << (bits - 1))) >> bits)
    return steps[TAPS:].T.ravel()[: len(left)]
