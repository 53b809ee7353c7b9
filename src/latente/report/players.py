"""Sounds in a page: to hear and to see."""

from __future__ import annotations

__all__ = ["player", "spectrogram"]

import base64
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from latente.audio import as_mono, as_signal, stft, wav_bytes
from latente.report.html import Html, tag

LONGEST = 15.0  # seconds that a page holds of one sound
RANGE_DB = 60.0
TALL, WIDE = 96, 220  # pixels


def player(samples: Any, sample_rate: int, name: str) -> Html:
    """Returns an <audio> element whose sound is in the page: a WAV file of 16 bits, one channel.

    Args:
        samples: (n,) or (channels, n); what is longer than 15 seconds is cut, what is beyond full scale made softer.
        sample_rate: Hz.
        name: what is heard.

    Example:
        >>> player(np.zeros(100), 8000, "silence")[:51]
        '<audio src="data:audio/wav;base64,UklGRuwAAABXQVZFZ'
    """
    signal = as_mono(as_signal(samples))[: round(LONGEST * sample_rate)]
    peak = max(1.0, float(np.abs(signal).max()))
    data = base64.b64encode(wav_bytes(signal / peak, sample_rate)).decode()
    return tag("audio", src=f"data:audio/wav;base64,{data}", controls=True, preload="metadata", aria_label=name)


def spectrogram(
    samples: Any, sample_rate: int, beside: Any = None, size: tuple[int, int] = (TALL, WIDE)
) -> NDArray[np.uint8]:
    """Returns (height, width, 3) bytes: the spectrum over time, low frequencies below, 60 dB from black to white.

    Args:
        samples: (n,) or (channels, n).
        sample_rate: Hz.
        beside: a sound whose loudest part is white, so that pictures of a recording's parts can be compared; None takes
            the samples themselves.
        size: height and width in pixels.

    Example:
        >>> spectrogram(np.sin(np.arange(8000)), 8000).shape
        (96, 220, 3)
    """
    from matplotlib import colormaps
    from PIL import Image

    power = _power(samples, sample_rate)
    loudest = float((power if beside is None else _power(beside, sample_rate)).max())
    level = 10 * np.log10(np.maximum(power / max(loudest, 1e-12), 10 ** (-RANGE_DB / 10)))
    grey = Image.fromarray((1 + level / RANGE_DB).astype(np.float32)[::-1]).resize(size[::-1])
    return (colormaps["magma"](np.clip(np.asarray(grey), 0, 1))[..., :3] * 255).astype(np.uint8)


def _power(samples: Any, sample_rate: int) -> NDArray[np.float32]:
    signal = as_mono(as_signal(samples))[: round(LONGEST * sample_rate)]
    n_fft = 2 ** max(5, round(float(np.log2(0.032 * sample_rate))))
    power: NDArray[np.float32] = stft(torch.from_numpy(signal), n_fft, max(1, n_fft // 4)).abs().square().numpy()
    return power
