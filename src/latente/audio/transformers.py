"""STFT, log-mel and MFCC as scikit-learn transformers, with inverses."""

from __future__ import annotations

__all__ = ["MFCC", "STFT", "LogMel"]

import abc
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.fft import dct, idct
from sklearn.base import BaseEstimator, TransformerMixin

from latente.audio.clips import load_clips
from latente.audio.signals import Signal, check_rate
from latente.audio.spectra import check_frames, griffin_lim, istft, mel_filters, stft
from latente.parts import is_integer, is_number

Array = NDArray[Any]
Lengths = Sequence[int] | None
UPDATES = 100
TINY = 1e-30


class _Frames(TransformerMixin, BaseEstimator, abc.ABC):
    """Clips to frames of features: what the three transformers share; nothing is learned."""

    sample_rate: int
    n_fft: int
    hop_length: int

    def fit(self, clips: Any = None, y: Any = None) -> Self:
        """Checks the settings and returns self; nothing is learned from the clips.

        Args:
            clips: ignored.
            y: ignored.

        Raises:
            ValueError: for settings that make no sense.
        """
        self._check()
        return self

    def transform(self, clips: Any) -> Any:
        """Returns (frames, features) for each clip: a list, or one array (clips, frames, features) for an array.

        Args:
            clips: a list of signals at `sample_rate` or of paths of sound files, or an array (clips, n).

        Raises:
            TypeError, ValueError, FileNotFoundError: for clips that cannot be used.
        """
        self._check()
        out = [self._features(clip) for clip in load_clips(clips, self.sample_rate)]
        return np.stack(out) if isinstance(clips, np.ndarray) and clips.ndim == 2 else out

    def inverse_transform(self, features: Any, lengths: Lengths = None) -> Any:
        """Returns a signal for each clip: a list, or one array (clips, n) for an array.

        Args:
            features: as `transform` returns them.
            lengths: samples of each clip; None for all that the frames reach, up to hop_length - 1 more than there
                were.

        Raises:
            ValueError: for features of another width, or lengths that do not fit.
        """
        self._check()
        wanted = [None] * len(features) if lengths is None else list(lengths)
        if len(wanted) != len(features):
            raise ValueError(f"lengths must be one for each clip, {len(features)}; got {len(wanted)}")
        out = [self._signal(self._checked(f), length) for f, length in zip(features, wanted, strict=True)]
        return np.stack(out) if isinstance(features, np.ndarray) else out

    def _checked(self, features: Any) -> Array:
        array = np.asarray(features)
        if array.ndim != 2 or array.shape[1] != self._width():
            raise ValueError(f"features of a clip must have shape (frames, {self._width()}); got {array.shape}")
        return array

    def _check(self) -> None:
        check_rate(self.sample_rate)
        check_frames(self.n_fft, self.hop_length)

    @abc.abstractmethod
    def _width(self) -> int: ...

    @abc.abstractmethod
    def _features(self, clip: Signal) -> Array: ...

    @abc.abstractmethod
    def _signal(self, features: Array, length: int | None) -> Signal: ...

    def __sklearn_is_fitted__(self) -> bool:
        return True


class STFT(_Frames):
    """The short-time Fourier transform with its phase, so that the inverse is exact; see `latente.audio.stft`.

    Args:
        n_fft: samples in a frame.
        hop_length: samples between frames.
        sample_rate: Hz; files of another rate are resampled.

    Example:
        >>> clips = [np.sin(np.arange(4000) / 7), np.ones(100)]
        >>> stft = STFT()
        >>> spectra = stft.fit_transform(clips)
        >>> [spectrum.shape for spectrum in spectra], spectra[0].dtype.name
        ([(33, 257), (2, 257)], 'complex64')
        >>> again = stft.inverse_transform(spectra, lengths=[4000, 100])
        >>> bool(np.abs(again[0] - clips[0]).max() < 1e-5)
        True
    """

    def __init__(self, n_fft: int = 512, hop_length: int = 128, *, sample_rate: int = 8000) -> None:
        self.n_fft = n_fft
        self.hop_length = hop_length
        self.sample_rate = sample_rate

    def _width(self) -> int:
        return self.n_fft // 2 + 1

    def _features(self, clip: Signal) -> Array:
        return stft(torch.from_numpy(clip), self.n_fft, self.hop_length).numpy().T

    def _signal(self, features: Array, length: int | None) -> Signal:
        spectrum = torch.from_numpy(np.ascontiguousarray(features.T.astype(np.complex64)))
        return istft(spectrum, length, self.hop_length).numpy()


class LogMel(_Frames):
    """Levels of mel bands in dB, 10 log10(max(M |STFT|^2, floor)), M the triangles of `mel_filters`.

    The inverse finds powers of the frequencies, none negative, that give these levels, and takes the phase from
    Griffin-Lim: it sounds like the clip, but is another signal.

    Args:
        n_mels: bands.
        n_fft: samples in a frame.
        hop_length: samples between frames.
        sample_rate: Hz; files of another rate are resampled.
        f_min: lower end of the lowest band, Hz.
        f_max: upper end of the highest band, Hz; None for half of the sample rate.
        floor_db: no level is below this.

    Example:
        >>> clip = np.sin(2 * np.pi * 440 * np.arange(8000) / 8000)
        >>> (levels,) = LogMel(40).fit_transform([clip])
        >>> levels.shape, int(levels.mean(0).argmax())
        ((64, 40), 9)
    """

    def __init__(
        self,
        n_mels: int = 40,
        *,
        n_fft: int = 512,
        hop_length: int = 128,
        sample_rate: int = 8000,
        f_min: float = 0.0,
        f_max: float | None = None,
        floor_db: float = -60.0,
    ) -> None:
        self.n_mels = n_mels
        self.n_fft = n_fft
        self.hop_length = hop_length
        self.sample_rate = sample_rate
        self.f_min = f_min
        self.f_max = f_max
        self.floor_db = floor_db

    def _check(self) -> None:
        super()._check()
        self._filters()
        if not is_number(self.floor_db, -200, 100):
            raise ValueError(f"floor_db must be a number from -200 to 100; got {self.floor_db!r}")

    def _filters(self) -> Array:
        return mel_filters(self.n_mels, self.n_fft, self.sample_rate, self.f_min, self.f_max)

    def _width(self) -> int:
        return self.n_mels

    def _features(self, clip: Signal) -> Array:
        power = stft(torch.from_numpy(clip), self.n_fft, self.hop_length).abs().square().numpy()
        return _decibels(self._filters() @ power, self.floor_db).T

    def _signal(self, features: Array, length: int | None) -> Signal:
        power = _unmixed(self._filters(), 10 ** (features.T / 10))
        magnitude = torch.from_numpy(np.sqrt(power).astype(np.float32))
        return griffin_lim(magnitude, length, self.hop_length).numpy()


def _decibels(power: Array, floor: float) -> Array:
    return np.maximum(10 * np.log10(np.maximum(power, np.float32(TINY))), np.float32(floor))


def _unmixed(filters: Array, bands: Array) -> Array:
    """Returns powers P >= 0 with filters @ P near bands, by multiplicative updates (Lee & Seung 2001)."""
    power = filters.T @ bands
    for _ in range(UPDATES):
        power *= (filters.T @ bands) / np.maximum(filters.T @ (filters @ power), TINY)
    return power


class MFCC(LogMel):
    """Mel-frequency cepstral coefficients: the first `n_mfcc` of the orthonormal DCT-II of the bands' levels in dB.

    The inverse fills the other coefficients with 0, which smooths the bands, and goes on as that of `LogMel`.

    Args:
        n_mfcc: coefficients; the first is sqrt(n_mels) times the mean level.
        n_mels, n_fft, hop_length, sample_rate, f_min, f_max, floor_db: as for `LogMel`.

    Source: Davis & Mermelstein (1980), "Comparison of parametric representations for monosyllabic word recognition".

    Example:
        >>> clips = np.random.default_rng(0).normal(size=(3, 4000))
        >>> MFCC(13).fit_transform(clips).shape
        (3, 33, 13)
    """

    def __init__(
        self,
        n_mfcc: int = 13,
        *,
        n_mels: int = 40,
        n_fft: int = 512,
        hop_length: int = 128,
        sample_rate: int = 8000,
        f_min: float = 0.0,
        f_max: float | None = None,
        floor_db: float = -60.0,
    ) -> None:
        super().__init__(
            n_mels,
            n_fft=n_fft,
            hop_length=hop_length,
            sample_rate=sample_rate,
            f_min=f_min,
            f_max=f_max,
            floor_db=floor_db,
        )
        self.n_mfcc = n_mfcc

    def _check(self) -> None:
        super()._check()
        if not is_integer(self.n_mfcc, 1, self.n_mels):
            raise ValueError(f"n_mfcc must be an integer from 1 to n_mels, {self.n_mels}; got {self.n_mfcc!r}")

    def _width(self) -> int:
        return self.n_mfcc

    def _features(self, clip: Signal) -> Array:
        return dct(super()._features(clip), axis=1, norm="ortho")[:, : self.n_mfcc]

    def _signal(self, features: Array, length: int | None) -> Signal:
        whole = np.pad(features, ((0, 0), (0, self.n_mels - self.n_mfcc)))
        return super()._signal(idct(whole, axis=1, norm="ortho"), length)
