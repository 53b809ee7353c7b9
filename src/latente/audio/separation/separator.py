"""Recordings taken apart into named sources."""

from __future__ import annotations

__all__ = ["RESIDUAL", "SourceSeparator"]

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from latente.audio.separation.drawing import read_recordings
from latente.audio.separation.estimating import MaskEstimator
from latente.audio.separation.mixtures import Levels, Mixtures
from latente.audio.separation.objective import SourceError
from latente.audio.signals import Signal
from latente.training import Trainer

RESIDUAL = "residual"


class SourceSeparator(MaskEstimator):
    """Takes a mixture apart into its sources, with masks on its spectrum; learns from recordings of single sources.

    Training mixes stretches of the recordings anew in every step, at random levels, speeds (tempo and pitch) and
    timbres, now and then two voices at once; see `Mixtures`. The network is an autoencoder over time whose channels are
    frequencies; see `MaskNetwork`.

    Args:
        channels: of the network.
        bottleneck: channels inside its blocks.
        sample_rate: that it works at, Hz; it hears what is below half of it.
        seconds: the length of a training mixture.
        trainer: how to train. What it leaves open is here: batches of 16, a peak rate of 2e-3 and 10,000 steps. With a
            patience, the loss is that of mixtures of recordings that are held out: whole groups where there are
            several, else whole recordings, else the end of each.
        random_state: None, an integer or a numpy generator; decides everything random.

    Attributes:
        sources_: the names.
        network_: the trained network.
        history_: a table of the epochs, of 1,600 mixtures each.

    Source: Grais & Plumbley (2017), "Single channel audio source separation using convolutional denoising
    autoencoders"; Luo & Mesgarani (2019), "Conv-TasNet".

    Example:
        >>> rng, t = np.random.default_rng(0), np.arange(16000) / 8000
        >>> tones = [np.sin(2 * np.pi * f * t) for f in (300, 400, 500)]
        >>> hiss = [rng.normal(size=16000)]
        >>> model = SourceSeparator(16, 8, seconds=0.1, trainer=Trainer(epochs=1, verbose=False), random_state=0)
        >>> parts = model.fit({"tone": tones, "hiss": hiss}).separate(0.1 * (tones[0] + hiss[0]), 8000)
        >>> sorted(parts), parts["tone"].shape
        (['hiss', 'residual', 'tone'], (16000,))
    """

    shipped: ClassVar[str] = "separator"

    def __init__(
        self,
        channels: int = 192,
        bottleneck: int = 96,
        *,
        sample_rate: int = 8000,
        seconds: float = 3.0,
        trainer: Trainer | None = None,
        random_state: Any = None,
    ) -> None:
        self.channels, self.bottleneck, self.sample_rate, self.seconds = channels, bottleneck, sample_rate, seconds
        self.trainer, self.random_state = trainer, random_state

    def fit(self, X: Mapping[str, Any], y: Any = None, *, resume: bool = False) -> Self:
        """Trains and returns self.

        Args:
            X: for each source's name a folder of recordings, or a list of paths and arrays (n,) or (channels, n) at
                the separator's sample rate; see `read_recordings`.
            y: ignored.
            resume: whether to go on from the newest checkpoint in the trainer's folder.

        Raises:
            TypeError: for anything but a mapping.
            ValueError, FileNotFoundError: for fewer than two sources, a name that cannot be one, or nothing to hear.

        Warns:
            LeftOutWarning: when some recordings cannot be used; the others are.
        """
        self._check()
        names = _names(X)
        seed, rate = self._seed(), int(self.sample_rate)
        drawn = {name: read_recordings(X[name], rate, name) for name in names}
        mixtures = Mixtures(drawn, self._samples, self._count(), seed, Levels(), device=self._device())
        return self._learn(names, mixtures, SourceError(), seed, resume)

    def separate(self, mixture: Any, sample_rate: int) -> dict[str, Signal]:
        """Returns a signal for each source, and under "residual" what is left, all of the mixture's shape.

        They add up to the mixture: exactly where its samples lie on a grid of 16 or 24 bits, as those of integers and
        of PCM files do, and for other floats to rounding, 1e-7 of full scale. The residual holds what lies above the
        network's band. Channels are taken apart each by itself.

        Args:
            mixture: (n,) or (channels, n); floats with full scale +-1, or integers.
            sample_rate: Hz; another one than the network's is resampled and back.

        Raises:
            TypeError, ValueError: for what is no signal.
            ImportError: where rates differ and the extra `audio` is not installed.
        """
        return self._named(self._divided(mixture, sample_rate, "the mixture"))

    def separate_pieces(
        self, pieces: Iterable[Signal], sample_rate: int, bits: int = 24
    ) -> Iterator[dict[str, Signal]]:
        """Yields what `separate` returns, piece by piece, with bounded memory; pieces may come out longer.

        Args:
            pieces: (n,) or (channels, n), e.g. of `stream_sound`.
            sample_rate: of the pieces, Hz.
            bits: the sources are multiples of 2^(1 - bits); those of the file make the sum exact.
        """
        for parts in self._pieces(iter(pieces), sample_rate, bits):
            yield self._named(parts)

    def _named(self, parts: NDArray[np.float32]) -> dict[str, Signal]:
        return dict(zip((*self.sources_, RESIDUAL), parts, strict=True))


def _names(sources: Any) -> tuple[str, ...]:
    if not isinstance(sources, Mapping):
        raise TypeError(
            f'fit takes a mapping such as {{"speech": folder, "music": folder}}; got {type(sources).__name__}'
        )
    names = tuple(sources)
    if len(names) < 2:
        raise ValueError(f"a separator needs at least two sources; got {len(names)}: {', '.join(map(str, names))}")
    for name in names:
        if not isinstance(name, str) or not name.strip() or name == RESIDUAL or set(name) & set("/\\:"):
            raise ValueError(
                f"a source's name must be a word that can be part of a file's name, not {RESIDUAL!r}; got {name!r}"
            )
    return names
