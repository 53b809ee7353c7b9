"""Cepstra standardised speaker by speaker, also of speakers of whom little was heard."""

from __future__ import annotations

__all__ = ["Speakers"]

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
STRENGTHS = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
HEARD = (1, 3, 10, 30)  # clips of a held-out speaker, by which the strength is chosen
LEAST = 1e-3  # of the largest deviation; a coefficient that varies less is not divided


@dataclass(frozen=True)
class Speakers:
    """Means and deviations of speakers, and those of the average speaker that new ones are drawn to.

    Of n clips of a speaker with mean m, and k = `strength`:
    mean' = (n m + k mean) / (n + k), scale'^2 = (sum (x - mean')^2 + k scale^2) / (n + k).

    Attributes:
        mean: (d,) the mean of the speakers' means.
        scale: (d,) the root mean square of their deviations.
        strength: how many clips the average speaker counts for.
        names: of the speakers of `of`.
        means, scales: (speakers, d) of each of them.

    Source: Viikki & Laurila (1998), "Cepstral domain segmental feature vector normalization for noise robust speech
    recognition"; here the segment is all that is heard of a speaker.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> x = np.concatenate([rng.normal(voice, 1, (200, 2)) for voice in (-3, 0, 3)])
        >>> known = Speakers.of(x, ["a"] * 200 + ["b"] * 200 + ["c"] * 200)
        >>> known.names, known.strength
        (('a', 'b', 'c'), 1.0)
        >>> new = rng.normal(7, 1, (50, 2))  # without the speaker, 7 from all that is known
        >>> bool(known.standardised(new, ["new"] * 50).mean() < 0.2 < 6 < known.standardised(new, None).mean())
        True
    """

    mean: Array
    scale: Array
    strength: float
    names: tuple[str, ...]
    means: Array
    scales: Array

    @classmethod
    def of(cls, cepstra: Array, speakers: Sequence[Any]) -> Speakers:
        """Returns the statistics of speakers; the strength by which few clips are believed is chosen among them.

        Each speaker in turn is taken for new: of `HEARD` clips the statistics are estimated, and the strength is taken
        under which the rest of the speaker's clips have the highest mean likelihood, as Gaussian in each coefficient.

        Args:
            cepstra: (n, d).
            speakers: (n,) labels.

        Raises:
            ValueError: for fewer than two speakers.
        """
        who = np.asarray([str(speaker) for speaker in speakers])
        names = tuple(sorted(set(who.tolist())))
        if len(names) < 2:
            raise ValueError(f"standardize='speaker' needs two speakers at least, to know how they differ; got {names}")
        parts = [cepstra[who == name].astype(np.float64) for name in names]
        strength = _chosen(parts)
        mean, scale = _average(parts)
        own = [_drawn(part, mean, scale, strength) for part in parts]
        means, scales = (np.stack([pair[i] for pair in own]).astype(np.float32) for i in (0, 1))
        return cls(mean.astype(np.float32), scale.astype(np.float32), strength, names, means, scales)

    def standardised(self, cepstra: Array, speakers: Sequence[Any] | None, *, anew: bool = False) -> Array:
        """Returns (n, d) float32: less their speaker's mean, over the speaker's deviation.

        Speakers of `of` have the statistics from there, others those of the clips given here.

        Args:
            cepstra: (n, d).
            speakers: (n,) labels; None takes the average speaker for all.
            anew: whether all speakers are measured by the clips given here.
        """
        if speakers is None:
            return ((cepstra - self.mean) / self.scale).astype(np.float32)
        who = np.asarray([str(speaker) for speaker in speakers])
        out = np.empty(cepstra.shape, dtype=np.float32)
        for name in np.unique(who):
            own = cepstra[who == name]
            mean, scale = self.of_new(own) if anew else self.statistics(str(name), own)
            out[who == name] = (own - mean) / scale
        return out

    def statistics(self, name: str, cepstra: Array) -> tuple[Array, Array]:
        """Returns the mean and the deviation of a speaker, (d,) each.

        Args:
            name: of the speaker.
            cepstra: (n, d) of the speaker's clips, not used for a speaker of `of`.
        """
        if name in self.names:
            at = self.names.index(name)
            return self.means[at], self.scales[at]
        return self.of_new(cepstra)

    def of_new(self, cepstra: Array) -> tuple[Array, Array]:
        """Returns the mean and the deviation of a new speaker, (d,) each.

        Args:
            cepstra: (n, d) of the speaker's clips.
        """
        return _drawn(cepstra.astype(np.float64), self.mean, self.scale, self.strength)


def _average(parts: Sequence[Array]) -> tuple[Array, Array]:
    """Returns the mean and the deviation of the average speaker."""
    mean = np.mean([part.mean(0) for part in parts], axis=0)
    scale = np.sqrt(np.mean([part.var(0) for part in parts], axis=0))
    return mean, np.where(scale > LEAST * scale.max(), scale, 1.0)


def _drawn(part: Array, mean: Array, scale: Array, strength: float) -> tuple[Array, Array]:
    """Returns the mean and the deviation of a speaker's clips, drawn to those of the average speaker."""
    n = len(part)
    own = (part.sum(0) + strength * mean) / (n + strength)
    return own, np.sqrt((np.square(part - own).sum(0) + strength * scale**2) / (n + strength))


def _chosen(parts: Sequence[Array]) -> float:
    """Returns the strength under which the rest of a new speaker's clips is likeliest, after a few of them."""
    cost = np.zeros(len(STRENGTHS))
    for held, part in enumerate(parts):
        average = _average([other for i, other in enumerate(parts) if i != held])
        order = np.random.default_rng(held).permutation(len(part))
        for heard in (count for count in HEARD if count < len(part)):
            few, rest = part[order[:heard]], part[order[heard:]]
            cost += [_unlikely(rest, *_drawn(few, *average, strength)) for strength in STRENGTHS]
    return STRENGTHS[int(np.argmin(cost))]


def _unlikely(x: Array, mean: Array, scale: Array) -> float:
    """Returns the mean negative logarithm of a Gaussian's density, but for a constant."""
    return float(np.mean(np.square((x - mean) / scale)) / 2 + np.mean(np.log(scale)))
