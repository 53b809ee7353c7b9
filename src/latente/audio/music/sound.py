"""Scores made audible."""

from __future__ import annotations

__all__ = ["render", "write_wav"]

import os
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latente.audio.music.libraries import fluidsynth_works
from latente.audio.music.midi import as_midi
from latente.audio.music.score import Score
from latente.audio.writing import wav_bytes
from latente.files import write_atomically
from latente.parts import is_integer

LOUDEST = 0.9
OVERTONES = (1.0, 0.5, 0.25, 0.12)  # of an organ's flue pipe, roughly
SYNTHS = ("auto", "sine", "fluidsynth")


def render(score: Score, sample_rate: int = 22_050, *, synth: str = "auto", program: int = 19) -> NDArray[np.float32]:
    """Returns the sound of a score, mono, in [-0.9, 0.9].

    Args:
        score: the music.
        sample_rate: Hz.
        synth: "fluidsynth" plays instruments of the soundfont that comes with pretty_midi; "sine" adds sines, and needs
            nothing else; "auto" takes the first where fluidsynth and pyfluidsynth are installed.
        program: the General MIDI instrument, for fluidsynth; 19 is a church organ.

    Raises:
        ImportError: without the extra `midi`, or for synth="fluidsynth" without fluidsynth.
        ValueError: for another synth, or a rate below 1,000 Hz.

    Example:
        >>> sound = render(Score(np.array([[69, 69, 69, 69]]), tempo=60.0), 8_000, synth="sine")
        >>> spectrum = np.abs(np.fft.rfft(sound[:8_000]))
        >>> int(spectrum.argmax())  # Hz: a' is 440
        440
    """
    if synth not in SYNTHS:
        raise ValueError(f"synth must be one of {', '.join(SYNTHS)}; got {synth!r}")
    if not is_integer(sample_rate, low=1000):
        raise ValueError(f"sample_rate must be an integer of at least 1000 Hz; got {sample_rate!r}")
    works = synth != "sine" and fluidsynth_works()
    if synth == "fluidsynth" and not works:
        raise ImportError(
            "synth='fluidsynth' needs the library fluidsynth (apt install libfluidsynth3, or brew install fluid-synth) "
            "and its Python package: pip install pyfluidsynth"
        )
    midi = as_midi(score, program)
    if not score.notes():
        return np.zeros(round(score.seconds * sample_rate), np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pretty_midi's, about packaging
        sound = midi.fluidsynth(fs=float(sample_rate)) if works else midi.synthesize(fs=sample_rate, wave=_organ)
    sound = np.asarray(sound, np.float32)
    return sound * np.float32(LOUDEST / np.abs(sound).max())


def _organ(phase: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns a periodic wave of phases in radians."""
    return sum(weight * np.sin((i + 1) * phase) for i, weight in enumerate(OVERTONES))  # type: ignore[return-value]


def write_wav(
    score: Score,
    path: str | os.PathLike[str],
    sample_rate: int = 22_050,
    *,
    synth: str = "auto",
    program: int = 19,
) -> Path:
    """Writes the sound of a score as a 16-bit mono WAV file and returns its path; all of it or nothing.

    Args:
        score: the music.
        path: of the file.
        sample_rate: Hz.
        synth: see `render`.
        program: see `render`.

    Raises:
        OSError: when it cannot be written; others as `render`.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_wav(Score(np.array([[60, 62]])), Path(folder) / "a.wav", synth="sine").read_bytes()[:4]
        b'RIFF'
    """
    path = Path(path)
    write_atomically(path, wav_bytes(render(score, sample_rate, synth=synth, program=program), sample_rate))
    return path
