"""Pictures of sound: the waveform and the spectrogram."""

from __future__ import annotations

__all__ = ["draw_spectrogram", "draw_waveform"]

from typing import TYPE_CHECKING, Any

import numpy as np

from latente.audio.overviews import extremes, loudest_power, sound_pieces
from latente.audio.signals import as_mono
from latente.audio.spectra import check_frames

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = 2000  # of a picture; a longer signal is drawn by the extremes of what falls into each


def draw_waveform(samples: Any, sample_rate: int | None = None) -> Figure:
    """Returns a figure of a signal over time, one row for each channel.

    Args:
        samples: (n,) or (channels, n), or the path of a sound file, which is read in pieces; long ones are drawn by
            their extremes.
        sample_rate: Hz; None takes a file's own.

    Raises:
        TypeError, ValueError, OSError: for what is no signal, or no sound file.

    Example:
        >>> figure = draw_waveform(np.zeros((2, 8000)), 8000)
        >>> len(figure.axes)
        2
    """
    from matplotlib.figure import Figure

    sound = sound_pieces(samples, sample_rate)
    lows, highs, width = extremes(sound.pieces, sound.length, COLUMNS)
    figure = Figure(figsize=(7, 0.6 + 1.4 * len(lows)), layout="constrained")
    time = np.arange(lows.shape[1]) * width / sound.sample_rate
    axes = np.atleast_1d(figure.subplots(len(lows), 1, sharex=True))
    for low, high, ax in zip(lows, highs, axes, strict=True):
        if width == 1:
            ax.plot(time, low, lw=0.8)
        else:
            ax.fill_between(time, low, high, lw=0.4)
        ax.set(ylabel="level", ylim=(-1.05, 1.05) if max(-low.min(), high.max()) <= 1 else None)
        ax.margins(x=0)
    ax.set_xlabel("seconds")
    return figure


def draw_spectrogram(
    samples: Any,
    sample_rate: int | None = None,
    *,
    n_fft: int = 512,
    hop_length: int | None = None,
    range_db: float = 80.0,
) -> Figure:
    """Returns a figure of a signal's spectrum over time, in dB below its loudest part; channels are averaged.

    Args:
        samples: (n,) or (channels, n), or the path of a sound file, which is read in pieces. Of a long one each of at
            most 2,000 columns shows the loudest of its frames.
        sample_rate: Hz; None takes a file's own.
        n_fft: samples in a frame.
        hop_length: samples between frames; None for a quarter of a frame, or half of one in long signals.
        range_db: what is that far below the loudest is drawn in the darkest colour.

    Raises:
        TypeError, ValueError, OSError: for what is no signal or no sound file, or sizes that make no sense.

    Example:
        >>> figure = draw_spectrogram(np.sin(np.arange(8000)), 8000)
        >>> figure.axes[0].get_ylabel()
        'kHz'
    """
    from matplotlib.figure import Figure

    sound = sound_pieces(samples, sample_rate)
    if hop_length is None:
        hop_length = n_fft // (4 if sound.length < COLUMNS * n_fft else 2)
    check_frames(n_fft, hop_length)
    power = loudest_power(map(as_mono, sound.pieces), sound.length, n_fft, hop_length, COLUMNS)
    level = 10 * np.log10(np.maximum(power / max(float(power.max()), 1e-12), 10 ** (-range_db / 10)))
    figure = Figure(figsize=(7, 3), layout="constrained")
    ax = figure.add_subplot()
    extent = (0.0, sound.length / sound.sample_rate, 0.0, sound.sample_rate / 2000)
    image = ax.imshow(level, origin="lower", aspect="auto", extent=extent, cmap="magma", vmin=-range_db, vmax=0.0)
    ax.set(xlabel="seconds", ylabel="kHz")
    figure.colorbar(image, label="dB")
    return figure
