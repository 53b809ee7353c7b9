"""Short-time spectra, mel bands, cepstra: functions of one signal."""

from __future__ import annotations

__all__ = ["griffin_lim", "hz_to_mel", "istft", "mel_filters", "mel_to_hz", "stft"]

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latente.parts import is_integer, is_number

Array = NDArray[Any]
SQUEEZE = 0.99  # momentum of the fast Griffin-Lim algorithm


def stft(signal: Tensor, n_fft: int = 512, hop_length: int = 128) -> Tensor:
    """Returns (..., n_fft // 2 + 1, frames) complex: the short-time Fourier transform with a periodic Hann window.

    Frame t is centred on sample t hop_length; the ends are padded with zeros, so that frames = 1 + ceil(n / hop_length)
    and `istft` returns every sample.

    Args:
        signal: (..., n) real, n at least 1.
        n_fft: samples in a frame.
        hop_length: samples between frames, at most n_fft / 2.

    Raises:
        ValueError: for sizes that make no sense.

    Example:
        >>> stft(torch.zeros(2, 8000)).shape
        torch.Size([2, 257, 64])
    """
    check_frames(n_fft, hop_length)
    flat = signal.reshape(-1, signal.shape[-1])
    flat = torch.nn.functional.pad(flat, (0, -flat.shape[-1] % hop_length))
    spectrum = torch.stft(
        flat, n_fft, hop_length, window=_window(n_fft, flat), center=True, pad_mode="constant", return_complex=True
    )
    return spectrum.reshape(*signal.shape[:-1], *spectrum.shape[-2:])


def istft(spectrum: Tensor, length: int | None = None, hop_length: int = 128) -> Tensor:
    """Returns (..., length) real: the signal whose short-time Fourier transform is nearest; exact for one of `stft`.

    Args:
        spectrum: (..., n_fft // 2 + 1, frames) complex.
        length: samples; None for all that the frames reach, (frames - 1) hop_length.
        hop_length: as for `stft`.

    Source: Griffin & Lim (1984), "Signal estimation from modified short-time Fourier transform".

    Example:
        >>> x = torch.randn(8000, generator=torch.Generator().manual_seed(0))
        >>> bool((istft(stft(x), 8000) - x).abs().max() < 1e-5)
        True
    """
    n_fft, frames = 2 * (spectrum.shape[-2] - 1), spectrum.shape[-1]
    whole = (frames - 1) * hop_length
    wanted = whole if length is None else length
    if wanted > whole:
        raise ValueError(f"{frames} frames reach {whole} samples; length must be at most that, got {length}")
    if whole == 0:
        raise ValueError("one frame is no signal; give at least two frames")
    flat = spectrum.reshape(-1, *spectrum.shape[-2:])
    signal = torch.istft(flat, n_fft, hop_length, window=_window(n_fft, flat.real), center=True, length=whole)
    return signal.reshape(*spectrum.shape[:-2], whole)[..., :wanted]


def _window(n_fft: int, like: Tensor) -> Tensor:
    return torch.hann_window(n_fft, dtype=like.dtype, device=like.device)


def griffin_lim(
    magnitude: Tensor, length: int | None = None, hop_length: int = 128, *, steps: int = 60, seed: int = 0
) -> Tensor:
    """Returns (..., length): a signal whose short-time magnitudes are near these; its phase is found by iteration.

    Args:
        magnitude: (..., n_fft // 2 + 1, frames), not negative.
        length: samples; None for all that the frames reach.
        hop_length: as for `stft`.
        steps: iterations.
        seed: of the random phase at the start.

    Source: Perraudin, Balazs, Sondergaard (2013), "A fast Griffin-Lim algorithm".

    Example:
        >>> x = torch.sin(torch.arange(8000) / 5)
        >>> y = griffin_lim(stft(x).abs(), 8000)
        >>> error = (stft(y).abs() - stft(x).abs()).norm() / stft(x).norm()
        >>> bool(error < 0.1)
        True
    """
    generator = torch.Generator(magnitude.device).manual_seed(seed)
    phase = 2 * torch.pi * torch.rand(magnitude.shape, generator=generator, device=magnitude.device)
    n_fft = 2 * (magnitude.shape[-2] - 1)
    spectrum = torch.polar(magnitude, phase.to(magnitude.dtype))
    before = torch.zeros_like(spectrum)
    for _ in range(steps):
        rebuilt = stft(istft(spectrum, None, hop_length), n_fft, hop_length)
        ahead = rebuilt + SQUEEZE * (rebuilt - before)
        spectrum = magnitude * ahead / ahead.abs().clamp_min(torch.finfo(magnitude.dtype).tiny)
        before = rebuilt
    return istft(spectrum, length, hop_length)


def hz_to_mel(frequency: Array | float) -> Array:
    """Returns mels, 2595 log10(1 + f / 700).

    Args:
        frequency: Hz.

    Source: O'Shaughnessy (1987), "Speech communication".

    Example:
        >>> float(hz_to_mel(1000.0).round(2))
        999.99
    """
    return np.asarray(2595.0 * np.log10(1.0 + np.asarray(frequency, dtype=np.float64) / 700.0))


def mel_to_hz(mel: Array | float) -> Array:
    """Returns Hz, the inverse of `hz_to_mel`.

    Args:
        mel: mels.

    Example:
        >>> float(mel_to_hz(hz_to_mel(440.0)).round(6))
        440.0
    """
    return np.asarray(700.0 * (10.0 ** (np.asarray(mel, dtype=np.float64) / 2595.0) - 1.0))


def mel_filters(n_mels: int, n_fft: int, sample_rate: int, f_min: float = 0.0, f_max: float | None = None) -> Array:
    """Returns (n_mels, n_fft // 2 + 1) float32: triangles of height 1, evenly spaced in mels, each from one neighbour's
    peak to the other's.

    Args:
        n_mels: how many.
        n_fft: samples in a frame.
        sample_rate: Hz.
        f_min: the lower end of the lowest, Hz.
        f_max: the upper end of the highest, Hz; None for half of the sample rate.

    Raises:
        ValueError: for frequencies out of order or beyond half of the sample rate, or so many bands that one falls
            between two frequencies and would be empty.

    Source: Davis & Mermelstein (1980), "Comparison of parametric representations for monosyllabic word recognition".

    Example:
        >>> filters = mel_filters(40, 512, 16000)
        >>> filters.shape, bool((filters.sum(0)[10:200] > 0.99).all())
        ((40, 257), True)
    """
    top = sample_rate / 2 if f_max is None else f_max
    if not is_integer(n_mels, low=1) or not (is_number(f_min, 0) and is_number(top) and f_min < top <= sample_rate / 2):
        raise ValueError(
            f"mel bands need n_mels of at least 1 and 0 <= f_min < f_max <= {sample_rate / 2:g} Hz; got "
            f"n_mels={n_mels!r}, f_min={f_min!r}, f_max={f_max!r}"
        )
    edges = mel_to_hz(np.linspace(hz_to_mel(float(f_min)), hz_to_mel(float(top)), n_mels + 2))
    filters = triangles(edges, n_fft, sample_rate)
    empty = np.flatnonzero(filters.sum(1) == 0)
    if len(empty):
        raise ValueError(
            f"{n_mels} mel bands are too many for frames of {n_fft} samples at {sample_rate} Hz: band {empty[0]} falls "
            "between two frequencies; use fewer bands or longer frames"
        )
    return filters


def triangles(edges: Array, n_fft: int, sample_rate: int) -> Array:
    """Returns (bands, n_fft // 2 + 1) float32: triangles of height 1, each from one edge over the next to the third.

    Args:
        edges: (bands + 2,) Hz, rising.
        n_fft: samples in a frame.
        sample_rate: Hz.
    """
    frequencies = np.arange(n_fft // 2 + 1) * sample_rate / n_fft
    rising = (frequencies - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - frequencies) / np.diff(edges)[1:, None]
    return np.maximum(0.0, np.minimum(rising, falling)).astype(np.float32)


def check_frames(n_fft: Any, hop_length: Any) -> None:
    """Raises ValueError for sizes of frames that make no sense.

    Args:
        n_fft: samples in a frame.
        hop_length: samples between frames.
    """
    if not is_integer(n_fft, low=16) or n_fft % 2:
        raise ValueError(f"n_fft must be an even integer of at least 16; got {n_fft!r}")
    if not is_integer(hop_length, low=1, high=n_fft // 2):
        raise ValueError(f"hop_length must be an integer from 1 to half of n_fft, {n_fft // 2}; got {hop_length!r}")
