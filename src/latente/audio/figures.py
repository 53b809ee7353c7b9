"""Pictures of sound: the waveform and the spectrogram."""

from __future__ import annotations

__all__ = ["draw_spectrogram", "draw_waveform"]

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from latente.audio.signals import as_mono, as_signal, check_rate
from latente.audio.spectra import stft

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = 2000  # of a picture; a longer signal is drawn by the extremes of what falls into each


def draw_waveform(samples: Any, sample_rate: int) -> Figure:
    """Returns a figure of a signal over time, one row for each channel.

    Args:
        samples: (n,) or (channels, n); long ones are drawn by their extremes.
        sample_rate: Hz.

    Raises:
        TypeError, ValueError: for what is no signal.

    Example:
        >>> figure = draw_waveform(np.zeros((2, 8000)), 8000)
        >>> len(figure.axes)
        2
    """
    from matplotlib.figure import Figure

    rows, rate = np.atleast_2d(as_signal(samples)), check_rate(sample_rate)
    figure = Figure(figsize=(7, 0.6 + 1.4 * len(rows)), layout="constrained")
    width = -(-rows.shape[1] // COLUMNS)
    for row, ax in zip(rows, np.atleast_1d(figure.subplots(len(rows), 1, sharex=True)), strict=True):
        padded = np.pad(row, (0, -len(row) % width), mode="edge").reshape(-1, width)
        time = np.arange(len(padded)) * width / rate
        if width == 1:
            ax.plot(time, row, lw=0.8)
        else:
            ax.fill_between(time, padded.min(1), padded.max(1), lw=0.4)
        ax.set(ylabel="level", ylim=(-1.05, 1.05) if np.abs(row).max() <= 1 else None)
        ax.margins(x=0)
    ax.set_xlabel("seconds")
    return figure


def draw_spectrogram(
    samples: Any, sample_rate: int, *, n_fft: int = 512, hop_length: int | None = None, range_db: float = 80.0
) -> Figure:
    """Returns a figure of a signal's spectrum over time, in dB below its loudest part; channels are averaged.

    Args:
        samples: (n,) or (channels, n).
        sample_rate: Hz.
        n_fft: samples in a frame.
        hop_length: samples between frames; None for a quarter of a frame, more for long signals.
        range_db: what is that far below the loudest is drawn in the darkest colour.

    Raises:
        TypeError, ValueError: for what is no signal, or sizes that make no sense.

    Example:
        >>> figure = draw_spectrogram(np.sin(np.arange(8000)), 8000)
        >>> figure.axes[0].get_ylabel()
        'kHz'
    """
    from matplotlib.figure import Figure

    signal, rate = as_mono(as_signal(samples)), check_rate(sample_rate)
    least = n_fft // 4 if hop_length is None else hop_length
    power = stft(torch.from_numpy(signal), n_fft, least).abs().square().numpy()
    width = -(-power.shape[1] // COLUMNS)
    starts = np.arange(0, power.shape[1], width)
    power = np.maximum.reduceat(power, starts, axis=1)  # so that a short sound in an hour is still seen
    level = 10 * np.log10(np.maximum(power / max(float(power.max()), 1e-12), 10 ** (-range_db / 10)))
    figure = Figure(figsize=(7, 3), layout="constrained")
    ax = figure.add_subplot()
    extent = (0.0, len(signal) / rate, 0.0, rate / 2000)
    image = ax.imshow(level, origin="lower", aspect="auto", extent=extent, cmap="magma", vmin=-range_db, vmax=0.0)
    ax.set(xlabel="seconds", ylabel="kHz")
    figure.colorbar(image, label="dB")
    return figure
