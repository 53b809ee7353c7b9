"""Speech, or whatever else was trained on, without the noise under it."""

from __future__ import annotations

__all__ = ["AudioDenoiser"]

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Self

import numpy as np

from latente.audio.separation.drawing import Draw, Recordings, read_recordings
from latente.audio.separation.estimating import MaskEstimator
from latente.audio.separation.mixtures import Levels, Mixtures
from latente.audio.separation.noises import NOISES, Noise
from latente.audio.separation.objective import SourceError
from latente.audio.separation.pairs import Pairs, read_pairs
from latente.audio.signals import Signal
from latente.parts import did_you_mean, is_number
from latente.training import Trainer

KINDS = ("white", "pink", "coloured", "babble", "clicks")
LEVEL = 5.0  # dB of the signal above the noise, in the middle


class AudioDenoiser(MaskEstimator):
    """Removes noise of unknown kind and level from sound, with a mask on its spectrum.

    Trained on clean recordings, to which it adds noise of its own in every step, or without any clean data on pairs of
    noisy recordings of one thing. The engine is that of `SourceSeparator`.

    Args:
        noises: what is added to clean recordings: "white", "pink", "coloured" (other slopes, with a random curve on
            top), "babble" (three to eight of the clean recordings at once), "clicks", "music" (needs `fit(music=...)`).
            A name that stands there twice is drawn twice as often.
        channels: of the network.
        bottleneck: channels inside its blocks.
        sample_rate: that it works at, Hz; it hears what is below half of it.
        seconds: the length of a training mixture.
        trainer: how to train. What it leaves open is here: batches of 16, a peak rate of 2e-3 and 10,000 steps. With a
            patience, the loss is that of mixtures of recordings that are held out: whole groups where there are
            several, else whole recordings, else the end of each.
        random_state: None, an integer or a numpy generator; decides everything random.

    Attributes:
        sources_: ("signal", "noise").
        network_: the trained network.
        history_: a table of the epochs, of 1,600 mixtures each.

    Source: Lu, Tsao, Matsuda, Hori (2013), "Speech enhancement based on deep denoising autoencoder"; Lehtinen et al.
    (2018), "Noise2Noise".

    Example:
        >>> t = np.arange(16000) / 8000
        >>> tones = [np.sin(2 * np.pi * f * t) for f in (300, 400, 500)]
        >>> settings = {"seconds": 0.1, "trainer": Trainer(epochs=1, verbose=False), "random_state": 0}
        >>> model = AudioDenoiser(("white",), 16, 8, **settings).fit(tones)
        >>> noisy = 0.1 * (tones[0] + np.random.default_rng(0).normal(size=16000))
        >>> model.denoise(noisy, 8000).shape
        (16000,)
    """

    shipped: ClassVar[str] = "denoiser"

    def __init__(
        self,
        noises: tuple[str, ...] = KINDS,
        channels: int = 192,
        bottleneck: int = 96,
        *,
        sample_rate: int = 8000,
        seconds: float = 3.0,
        trainer: Trainer | None = None,
        random_state: Any = None,
    ) -> None:
        self.noises, self.channels, self.bottleneck = noises, channels, bottleneck
        self.sample_rate, self.seconds = sample_rate, seconds
        self.trainer, self.random_state = trainer, random_state

    def fit(self, X: Any, y: Any = None, *, music: Any = None, resume: bool = False) -> Self:
        """Trains and returns self.

        Args:
            X: clean recordings: a folder, or a list of paths and arrays (n,) or (channels, n) at the denoiser's sample
                rate. With y, a list of noisy ones.
            y: a list of second noisy recordings of the same things, sample by sample as long, whose noise is another
                one and has mean 0 (noise2noise); None where X is clean.
            music: recordings that serve as noise too, as X.
            resume: whether to go on from the newest checkpoint in the trainer's folder.

        Raises:
            ValueError, TypeError, FileNotFoundError: for settings or recordings that cannot be trained on.

        Warns:
            LeftOutWarning: when some recordings cannot be used; the others are.
        """
        self._check()
        seed, rate = self._seed(), int(self.sample_rate)
        if y is not None:
            pairs = Pairs.of(*read_pairs(X, y, rate), self._samples, self._count(), seed, self._device())
            return self._learn(("signal", "noise"), pairs, SourceError(pairs=True), seed, resume)
        if "music" in self.noises and music is None:
            raise ValueError("noises has 'music', but fit got none; give music=FOLDER, or leave it out of noises")
        clean = read_recordings(X, rate, "the clean recordings")
        alone = Recordings(clean.groups, rate, several=0.0)
        noise = Noise(tuple(self.noises), alone, None if music is None else read_recordings(music, rate, "music"))
        levels = Levels(mean=LEVEL)
        drawn: dict[str, Draw] = {"signal": alone, "noise": noise}
        mixtures = Mixtures(drawn, self._samples, self._count(), seed, levels, device=self._device())
        return self._learn(("signal", "noise"), mixtures, SourceError(), seed, resume)

    def denoise(self, signal: Any, sample_rate: int, *, amount: float = 1.0) -> Signal:
        """Returns the signal without its noise, of the same shape, float32 with full scale +-1.

        What lies above the network's band (4 kHz for a model of 8 kHz) is taken away with the noise.

        Args:
            signal: (n,) or (channels, n); floats with full scale +-1, or integers.
            sample_rate: Hz; another one than the network's is resampled and back.
            amount: of the noise that goes, from 0 to 1; a little noise that stays hides what the mask has damaged.

        Raises:
            TypeError, ValueError: for what is no signal, or an amount out of range.
            ImportError: where rates differ and the extra `audio` is not installed.
        """
        _check_amount(amount)
        return _remixed(self._divided(signal, sample_rate, "the signal"), amount)

    def denoise_pieces(
        self, pieces: Iterable[Signal], sample_rate: int, *, amount: float = 1.0, bits: int = 24
    ) -> Iterator[Signal]:
        """Yields what `denoise` returns, piece by piece, with bounded memory.

        Args:
            pieces: (n,) or (channels, n), e.g. of `stream_sound`.
            sample_rate: of the pieces, Hz.
            amount: as for `denoise`.
            bits: the result is rounded to multiples of 2^(1 - bits).
        """
        _check_amount(amount)
        for parts in self._pieces(iter(pieces), sample_rate, bits):
            yield _remixed(parts, amount)

    def _check(self) -> None:
        super()._check()
        if isinstance(self.noises, str) or not self.noises:
            raise ValueError(f'noises must be names, e.g. ("white", "babble"); got {self.noises!r}')
        known = (*NOISES, "coloured")
        for name in self.noises:
            if name not in known:
                hint = did_you_mean(str(name), known)
                raise ValueError(f"noises must be some of {', '.join(known)}; got {name!r}.{hint}")


def _check_amount(amount: Any) -> None:
    if not is_number(amount, 0, 1):
        raise ValueError(f"amount must be a number from 0 to 1; got {amount!r}")


def _remixed(parts: np.ndarray, amount: float) -> Signal:
    """Returns the first part and what is to stay of the others."""
    return parts[0] if amount == 1 else parts[0] + np.float32(1 - amount) * parts[1:].sum(0)
