"""What can be counted in music: chords, order of the voices, changes, copies."""

from __future__ import annotations

__all__ = ["MusicMeasures", "agreement", "measure_music", "onset_accuracy"]

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latente.audio.music.score import as_score

CHORDS = ((0, 4, 7), (0, 3, 7), (0, 3, 6), (0, 4, 7, 10), (0, 3, 7, 10), (0, 4, 7, 11))
MOST = 6  # semitones up and down, in which copies are looked for


@dataclass(frozen=True)
class MusicMeasures:
    """Shares over the steps of all scores.

    Attributes:
        triadic: of the steps at which a voice sounds, those whose pitch classes fit a major, minor or diminished triad,
            a dominant seventh, a minor seventh or a major seventh chord; 0 where all steps are silent.
        ordered: of the same steps, those at which no voice is above the one before it; silent voices do not count.
        changing: of the tokens (a voice at a step) that differ from the step before.

    Example:
        >>> MusicMeasures(triadic=0.85, ordered=0.98, changing=0.22).triadic
        0.85
    """

    triadic: float
    ordered: float
    changing: float


def measure_music(scores: Sequence[Any]) -> MusicMeasures:
    """Returns measures of scores.

    Args:
        scores: Score objects or arrays (voices, steps), at least one.

    Example:
        >>> chord = np.array([[67, 67], [64, 64], [60, 60]])
        >>> measure_music([chord])
        MusicMeasures(triadic=1.0, ordered=1.0, changing=0.0)
    """
    pitches = [as_score(score).pitches.astype(int) for score in scores]
    if not pitches:
        raise ValueError("there are no scores to measure")
    steps = np.concatenate([_classes(each) for each in pitches])
    masks = [sum(1 << (root + interval) % 12 for interval in chord) for root in range(12) for chord in CHORDS]
    sounding, fits = steps != 0, np.zeros(len(steps), bool)
    for mask in masks:
        fits |= (steps & ~mask) == 0
    ordered = np.concatenate([_ordered(each) for each in pitches])
    changed = np.concatenate([(each[:, 1:] != each[:, :-1]).ravel() for each in pitches])
    return MusicMeasures(_share(fits[sounding]), _share(ordered[sounding]), _share(changed))


def _share(values: NDArray[np.bool_]) -> float:
    return float(values.mean()) if values.size else 0.0


def _classes(pitches: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns the pitch classes of each step as bits (steps,)."""
    bits = np.where(pitches >= 0, 1 << (pitches % 12), 0)
    return np.bitwise_or.reduce(bits, axis=0)


def _ordered(pitches: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Returns whether no voice is above one before it (steps,)."""
    above = np.minimum.accumulate(np.where(pitches >= 0, pitches, 128), axis=0)
    below = (pitches[1:] <= above[:-1]) | (pitches[1:] < 0)
    return np.asarray(below.all(0))


def onset_accuracy(truth: Any, rebuilt: Any) -> float:
    """Returns the share of the truth's changes of pitch, after the first step, at which the other has the same pitch.

    What repeats the step before gets none of them right, while it gets about three of four tokens right.

    Args:
        truth: a Score or an array (voices, steps).
        rebuilt: of the same shape.

    Raises:
        ValueError: for another shape, or a truth in which nothing changes.

    Example:
        >>> truth = np.array([[60, 60, 62, 64]])
        >>> onset_accuracy(truth, np.array([[60, 60, 60, 64]])), onset_accuracy(truth, np.array([[60, 60, 60, 62]]))
        (0.5, 0.0)
    """
    a, b = (as_score(score).pitches for score in (truth, rebuilt))
    if a.shape != b.shape:
        raise ValueError(f"scores of shapes {a.shape} and {b.shape} cannot be compared")
    onsets = a[:, 1:] != a[:, :-1]
    if not onsets.any():
        raise ValueError("nothing changes in the truth")
    return float((a[:, 1:] == b[:, 1:])[onsets].mean())


def agreement(segments: Any, others: Any, most: int = MOST) -> NDArray[np.float64]:
    """Returns how much of each segment agrees with the nearest of others in any transposition (n,).

    agreement_i = max_j max_k share of tokens at which segment_i = other_j + k: 1 is a copy.

    Args:
        segments: (n, voices, steps) MIDI numbers, -1 is silence.
        others: (m, voices, steps), for example all segments of the training music.
        most: semitones that others are moved, up and down.

    Example:
        >>> music = np.array([[[60, 62, 64, 60]]])
        >>> agreement(music, music + 3), agreement(music, np.array([[[60, 62, 63, 61]]]))
        (array([1.]), array([0.5]))
    """
    ours, theirs = (np.asarray(each, np.int16).reshape(len(each), -1) for each in (segments, others))
    if ours.shape[1] != theirs.shape[1]:
        raise ValueError(f"segments of {ours.shape[1]} tokens cannot be compared with those of {theirs.shape[1]}")
    nearest = np.zeros(len(ours))
    for shift in range(-most, most + 1):
        moved = np.where(theirs < 0, -1, theirs + shift).astype(np.int16)
        for i, segment in enumerate(ours):
            nearest[i] = max(nearest[i], float((moved == segment).mean(1).max()))
    return nearest
