"""Sound of any length in a bounded number of columns, read piece by piece."""

from __future__ import annotations

__all__ = ["SoundPieces", "extremes", "loudest_power", "sound_pieces"]

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from latente.audio.blocks import cut_blocks
from latente.audio.reading import sound_info, stream_sound
from latente.audio.signals import Signal, as_samples, as_signal, check_rate

AT_ONCE = 1 << 18  # samples of an array that are looked at at once
FRAMES = 4096  # of a spectrum, likewise


@dataclass(frozen=True)
class SoundPieces:
    """A sound that is looked at in pieces.

    Attributes:
        pieces: (channels, n) each, in their order; to be read once.
        length: of all, in samples.
        channels: 1 for mono.
        sample_rate: Hz.
    """

    pieces: Iterator[Signal]
    length: int
    channels: int
    sample_rate: int


def sound_pieces(samples: Any, sample_rate: int | None) -> SoundPieces:
    """Returns a sound in pieces; no copy of the whole is made.

    Args:
        samples: (n,) or (channels, n), or the path of a sound file.
        sample_rate: Hz; None takes a file's own.

    Raises:
        TypeError, ValueError, OSError: for what is no signal, or no sound file.
    """
    if isinstance(samples, (str, Path)):
        info = sound_info(samples)
        rate = info.sample_rate if sample_rate is None else check_rate(sample_rate)
        streamed = (np.atleast_2d(piece) for piece in stream_sound(samples, rate))
        return SoundPieces(streamed, -(-info.frames * rate // info.sample_rate), info.channels, rate)
    array = np.asarray(samples)
    first = as_signal(array[..., :AT_ONCE] if array.ndim else array)
    length = array.shape[-1]
    starts = range(0, length, AT_ONCE)
    parts = (as_samples(array[..., i : i + AT_ONCE], f"the signal (from sample {i})") for i in starts)
    channels = 1 if first.ndim == 1 else len(first)
    return SoundPieces((np.atleast_2d(part) for part in parts), length, channels, check_rate(sample_rate))


def extremes(pieces: Iterable[Signal], length: int, columns: int) -> tuple[Signal, Signal, int]:
    """Returns the smallest and the largest samples of each column (channels, m), and how many samples make a column.

    Args:
        pieces: (channels, n) each.
        length: of all.
        columns: at most.

    Example:
        >>> low, high, width = extremes([np.arange(3)[None], np.arange(3, 5)[None]], 5, 2)
        >>> low.tolist(), high.tolist(), width
        ([[0, 3]], [[2, 4]], 3)
    """
    width = -(-length // columns)
    block = width * -(-AT_ONCE // width)
    found = []
    for samples, _ in cut_blocks(pieces, block, block):
        starts = np.arange(0, samples.shape[-1], width)
        found.append([each.reduceat(samples, starts, axis=-1) for each in (np.minimum, np.maximum)])
    low, high = (np.concatenate(parts, axis=-1) for parts in zip(*found, strict=True))
    return low, high, width


def loudest_power(pieces: Iterable[Signal], length: int, n_fft: int, hop_length: int, columns: int) -> NDArray[Any]:
    """Returns (n_fft // 2 + 1, m): the squared magnitudes of `stft`, of each column's frames the largest.

    So a short sound in an hour is still seen.

    Args:
        pieces: (n,) each, mono.
        length: of all.
        n_fft: samples in a frame.
        hop_length: samples between frames.
        columns: at most.

    Example:
        >>> from latente.audio import stft
        >>> x = np.random.default_rng(0).normal(size=1000).astype(np.float32)
        >>> power = loudest_power([x[:300], x[300:]], 1000, 64, 16, columns=100)
        >>> bool(np.allclose(power, stft(torch.from_numpy(x), 64, 16).abs().square(), rtol=1e-4, atol=1e-4))
        True
    """
    frames = 1 + -(-length // hop_length)
    width = -(-frames // columns)
    step = width * -(-FRAMES // width)  # frames of a block
    ends = (np.zeros(n, np.float32) for n in (n_fft // 2, n_fft // 2 + -length % hop_length))
    padded = chain([next(ends)], pieces, [next(ends)])
    window, found = torch.hann_window(n_fft), []
    for samples, _ in cut_blocks(padded, n_fft + (step - 1) * hop_length, step * hop_length):
        if len(samples) < n_fft:
            continue
        spectrum = torch.stft(
            torch.from_numpy(samples), n_fft, hop_length, window=window, center=False, return_complex=True
        )
        power = spectrum.abs().square().numpy()
        found.append(np.maximum.reduceat(power, np.arange(0, power.shape[1], width), axis=1))
    return np.concatenate(found, axis=1)
