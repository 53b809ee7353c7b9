"""Clips as the transformers take them: arrays or files."""

from __future__ import annotations

__all__ = ["listed", "load_clips", "packed_clip", "read_clip"]

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.audio.reading import stream_sound
from latente.audio.signals import Signal, as_mono, as_signal

FULL = 32767
QUIET = 1e-4  # full scale 1: below it is silence


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
    return [read_clip(clip, sample_rate, f"clip {i}") for i, clip in enumerate(listed(clips))]


def listed(clips: Any) -> list[Any]:
    """Returns clips as a list, unread.

    Args:
        clips: as for `load_clips`.

    Raises:
        TypeError: for a single path or signal in place of a list.
        ValueError: for none.
    """
    if isinstance(clips, (str, Path)):
        raise TypeError(f"clips must be a list of signals or paths; got the single path {str(clips)!r}: write [it]")
    if isinstance(clips, np.ndarray) and clips.ndim == 1 and clips.dtype != object and clips.dtype.kind not in "U":
        raise TypeError("clips must be a list of signals; got a single signal: write [it]")
    if not isinstance(clips, Iterable):
        raise TypeError(f"clips must be a list of signals or paths; got {type(clips).__name__}")
    out = list(clips)
    if not out:
        raise ValueError("clips must hold at least one clip; got none")
    return out


def read_clip(clip: Any, sample_rate: int, name: str = "the clip") -> Signal:
    """Returns one mono signal (n,); a file is read in pieces, so that memory holds it at this rate alone.

    Args:
        clip: an array (n,) or (channels, n) at that rate, or the path of a sound file.
        sample_rate: Hz.
        name: what messages call an array.

    Raises:
        TypeError, ValueError, OSError: for what is no signal or no sound file.
    """
    pieces = list(_pieces(clip, sample_rate, name))
    return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)


def packed_clip(clip: Any, sample_rate: int, name: str = "the clip") -> NDArray[np.int16]:
    """Returns a clip as (n,) int16 from its first sound to its last, its largest sample 32767; none of silence.

    A file is read in pieces; memory holds two bytes for each sample at this rate, four for a moment at the end.

    Args:
        clip: as for `read_clip`.
        sample_rate: Hz.
        name: what messages call an array.

    Raises:
        TypeError, ValueError, OSError: for what is no signal or no sound file.

    Example:
        >>> packed_clip(np.array([0, 0.25, 0, -0.5, 0]), 8000)
        array([ 16384,      0, -32767], dtype=int16)
    """
    packed, peaks = [], []
    first, last, done = -1, 0, 0
    for piece in _pieces(clip, sample_rate, name):
        peak = float(np.abs(piece).max())
        if peak > QUIET:
            loud = np.flatnonzero(np.abs(piece) > QUIET)
            first, last = done + int(loud[0]) if first < 0 else first, done + int(loud[-1]) + 1
        packed.append(np.rint(piece * (FULL / max(peak, QUIET))).astype(np.int16))
        peaks.append(max(peak, QUIET))
        done += len(piece)
    top = max(peaks)
    for piece, peak in zip(packed, peaks, strict=True):
        if peak < top:
            piece[:] = np.rint(piece * np.float32(peak / top))
    return np.concatenate(packed)[max(first, 0) : last]


def _pieces(clip: Any, sample_rate: int, name: str) -> Iterator[Signal]:
    if isinstance(clip, (str, Path)):
        return stream_sound(clip, sample_rate, mono=True)
    return iter([as_mono(as_signal(clip, name))])
