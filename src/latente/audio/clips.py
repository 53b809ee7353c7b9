"""Clips as the transformers take them: arrays or files."""

from __future__ import annotations

__all__ = ["load_clips"]

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from latente.audio.reading import read_sound
from latente.audio.signals import Signal, as_mono, as_signal


def load_clips(clips: Any, sample_rate: int) -> list[Signal]:
    """Returns mono signals at one sample rate.

    Args:
        clips: a list of (n,) or (channels, n) arrays at that rate, of paths of sound files of any rate, or of both; or
            one (clips, n) array.
        sample_rate: Hz; files of another rate are resampled.

    Raises:
        TypeError: for a single path or signal in place of a list.
        ValueError, FileNotFoundError: for a clip that is no signal or no sound file; the message says which.

    Example:
        >>> [clip.shape for clip in load_clips([np.zeros(5), np.zeros((2, 8))], 8000)]
        [(5,), (8,)]
    """
    return list(_each(clips, sample_rate))


def _each(clips: Any, sample_rate: int) -> Iterator[Signal]:
    if isinstance(clips, (str, Path)):
        raise TypeError(f"clips must be a list of signals or paths; got the single path {str(clips)!r}: write [it]")
    if isinstance(clips, np.ndarray) and clips.ndim == 1 and clips.dtype != object and clips.dtype.kind not in "U":
        raise TypeError("clips must be a list of signals; got a single signal: write [it]")
    if not isinstance(clips, Iterable):
        raise TypeError(f"clips must be a list of signals or paths; got {type(clips).__name__}")
    count = 0
    for count, clip in enumerate(clips, 1):
        if isinstance(clip, (str, Path)):
            yield read_sound(clip, sample_rate, mono=True).samples
        else:
            yield as_mono(as_signal(clip, f"clip {count - 1}"))
    if not count:
        raise ValueError("clips must hold at least one clip; got none")
