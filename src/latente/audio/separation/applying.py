"""A network applied to signals of any length, rate and number of channels; its parts add up to what came in."""

from __future__ import annotations

__all__ = ["FLOAT_BITS", "divide", "divided_pieces"]

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from latente.audio.blocks import overlap_blocks
from latente.audio.separation.network import HOP, MaskNetwork
from latente.audio.signals import Signal, resample

BLOCK = 30.0  # seconds that are looked at at once
SHIFTS = (0, HOP // 2)  # samples by which the frames are moved; the mean of the results is taken
FLOAT_BITS = 24  # the grid of what floats come out


def divide(network: MaskNetwork, signal: Signal, sample_rate: int, model_rate: int, bits: int) -> NDArray[np.float32]:
    """Returns (sources + 1, ...): the sources and the residual of a whole signal; see `divided_pieces`.

    Args:
        network: that was trained.
        signal: (n,) or (channels, n).
        sample_rate: of the signal, Hz.
        model_rate: of the network, Hz.
        bits: of the grid.
    """
    return np.concatenate(list(divided_pieces(network, [signal], sample_rate, model_rate, bits)), axis=-1)


def divided_pieces(
    network: MaskNetwork, pieces: Iterable[Signal], sample_rate: int, model_rate: int, bits: int
) -> Iterator[NDArray[np.float32]]:
    """Yields (sources + 1, ..., m): the sources and the residual, piece by piece; memory holds about 30 s.

    The sources are rounded to multiples of 2^(1 - bits) within [-1, 1), the residual is what is left of the input. When
    the input's samples are multiples of that too, as those of a file of `bits` bits are, all differences are exact, and
    so is the sum: in floats, and in integers of that many bits. Each channel is divided by itself.

    Args:
        network: that was trained.
        pieces: (n,) or (channels, n) in their order.
        sample_rate: of the pieces, Hz; the network gets them resampled, and its results are resampled back, so that
            what lies above its band is in the residual.
        model_rate: of the network, Hz.
        bits: of the grid, at most 24.
    """
    ratio = sample_rate / model_rate
    reach = int(np.ceil(network.reach * ratio)) + sample_rate // 20  # the resampler looks around as well
    frame = HOP * sample_rate // math.gcd(HOP * sample_rate, model_rate)  # samples of a whole number of frames
    frame = frame if frame <= sample_rate else 1
    overlap = -(-(2 * reach + sample_rate // 2) // frame) * frame
    block = -(-max(int(BLOCK * sample_rate), 2 * overlap) // frame) * frame  # every block's frames lie alike

    def process(samples: Signal) -> NDArray[np.float32]:
        estimates = _estimated(network, np.atleast_2d(samples), sample_rate, model_rate)
        out = np.concatenate([estimates, np.atleast_2d(samples)[None]])
        return out if samples.ndim == 2 else out[:, 0]

    for out in overlap_blocks(process, pieces, block, overlap, reach):
        yield _exact(out[:-1], out[-1], bits)


def _estimated(network: MaskNetwork, samples: Signal, sample_rate: int, model_rate: int) -> NDArray[np.float32]:
    """Returns (sources, channels, m)."""
    device = next(network.parameters()).device
    low = torch.from_numpy(resample(samples, sample_rate, model_rate)).to(device)
    with torch.inference_mode():
        found = [network(torch.nn.functional.pad(low, (shift, 0)))[..., shift:] for shift in SHIFTS]
    mean = torch.stack(found).mean(0).transpose(0, 1).cpu().numpy()
    if sample_rate == model_rate:
        return mean
    back = resample(mean.reshape(-1, mean.shape[-1]), model_rate, sample_rate)[:, : samples.shape[1]]
    back = np.pad(back, ((0, 0), (0, samples.shape[1] - back.shape[1])))
    return back.reshape(*mean.shape[:2], -1)


def _exact(estimates: NDArray[Any], whole: Signal, bits: int) -> NDArray[np.float32]:
    """Returns (sources + 1, ..., m): estimates on the grid, and what is left."""
    steps = 2.0 ** (bits - 1)
    top = np.ceil(max(1.0, float(np.abs(whole).max(initial=0.0))))  # floats may be louder than full scale
    sources = np.rint(estimates.astype(np.float64) * steps).clip(-top * steps, top * steps - 1) / steps
    left = whole.astype(np.float64) - sources.sum(0)
    over = (left < -top) | (left > top - 1 / steps)  # more than can be written: there the input is left as it is
    if over.any():
        sources[:, over] = 0.0
        left = whole.astype(np.float64) - sources.sum(0)
    return np.concatenate([sources, left[None]]).astype(np.float32)
