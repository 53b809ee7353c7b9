"""Parts of a recording as they stream by: their levels, and a few short stretches that are kept to be heard."""

from __future__ import annotations

__all__ = ["Heard", "Listening", "Stretch"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latente.audio import clipped_samples
from latente.parts import is_integer

Samples = NDArray[np.float32]
FRAMES, PER_SECOND = 128, 16  # frames of a stretch, and of a second
SPARE = 2  # stretches of each kind that are kept, as the best may be another kind's too
LOWEST = 1e-12  # mean square that counts as silence: -120 dB of full scale


@dataclass(frozen=True, eq=False)
class Stretch:
    """Some seconds of a recording.

    Attributes:
        title: why they were kept.
        start: seconds from the beginning.
        sounds: (1 + parts, n): the recording and its parts, the mean of the channels.

    Example:
        >>> Stretch("speech stands out", 8.0, np.zeros((3, 64000), np.float32)).sounds.shape
        (3, 64000)
    """

    title: str
    start: float
    sounds: Samples


@dataclass(frozen=True, eq=False)
class Heard:
    """What was heard of a recording and its parts.

    Attributes:
        names: of the parts.
        sample_rate: Hz.
        channels: of the recording.
        samples: in each channel.
        energies: (1 + parts, frames): mean squares of the recording and its parts in sixteenths of a second.
        peaks: (1 + parts,): the largest magnitudes.
        clipped: samples of the recording at full scale in runs of three or more.
        stretches: to hear; none of a recording without samples.

    Example:
        >>> listening = Listening(("tone", "rest"), 8000)
        >>> tone = np.sin(np.arange(16000) / 5).astype(np.float32)
        >>> listening.add({"tone": tone, "rest": 0 * tone})
        >>> heard = listening.heard()
        >>> heard.seconds, round(heard.level(0), 1), heard.stretches[0].title
        (2.0, -3.0, 'the whole recording')
    """

    names: tuple[str, ...]
    sample_rate: int
    channels: int
    samples: int
    energies: NDArray[np.float64]
    peaks: NDArray[np.float64]
    clipped: int
    stretches: tuple[Stretch, ...]

    @property
    def seconds(self) -> float:
        """The duration."""
        return self.samples / self.sample_rate

    def level(self, part: int) -> float:
        """Returns the level in dB of full scale, 10 log10 of the mean square.

        Args:
            part: 0 for the recording, 1 for the first part, ...
        """
        return float(decibels(self.energies[part].mean()))

    def background(self, part: int) -> float:
        """Returns the level in dB that a tenth of the frames stay below.

        Args:
            part: 0 for the recording, 1 for the first part, ...
        """
        return float(decibels(np.quantile(self.energies[part], 0.1)))

    def share(self, part: int) -> float:
        """Returns the energy of a part over the energies of all parts; 0 where all are silent.

        Args:
            part: 1 for the first part, ...
        """
        total = float(self.energies[1:].sum())
        return float(self.energies[part].sum()) / total if total > 0 else 0.0


def decibels(mean_square: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Returns 10 log10 of mean squares, at least -120."""
    return np.asarray(10 * np.log10(np.maximum(mean_square, LOWEST)))


class Listening:
    """Listens to the parts of a recording piece by piece; memory holds some stretches of eight seconds.

    The recording is the sum of its parts. The stretches are the one in which all parts are heard together, the one for
    each part in which it is alone the most, and no stretch twice.

    Args:
        names: of the parts; the last of three or more is what is left, and no stretch is chosen for it.
        sample_rate: Hz.
        stretches: that are kept, at most.

    Example:
        >>> listening = Listening(("speech", "residual"), 8000, stretches=1)
        >>> for _ in range(3):
        ...     listening.add({"speech": np.ones(80_000, np.float32) / 4, "residual": np.zeros(80_000, np.float32)})
        >>> listening.heard().seconds, len(listening.heard().stretches)
        (30.0, 1)
    """

    def __init__(self, names: Sequence[str], sample_rate: int, stretches: int = 3) -> None:
        if not names or len(set(names)) < len(names):
            raise ValueError(f"parts need names that differ, at least one; got {tuple(names)!r}")
        if not is_integer(stretches, low=0):
            raise ValueError(f"stretches must be an integer of at least 0; got {stretches!r}")
        self.names, self.sample_rate, self.stretches = tuple(names), int(sample_rate), int(stretches)
        self._frame = max(1, round(self.sample_rate / PER_SECOND))
        self._held: Samples | None = None  # (1 + parts, channels, n)
        self._energies: list[NDArray[np.float64]] = []
        self._kept: dict[str, list[tuple[float, Stretch]]] = {}
        self._peaks = np.zeros(1 + len(self.names))
        self._samples = self._clipped = self._channels = 0

    def add(self, parts: Mapping[str, Samples]) -> None:
        """Hears the next piece.

        Args:
            parts: (n,) or (channels, n) by name, all alike.

        Raises:
            ValueError: for other names, or parts that differ in shape.
        """
        if tuple(parts) != self.names or len({part.shape for part in parts.values()}) > 1:
            shapes = {name: part.shape for name, part in parts.items()}
            raise ValueError(f"pieces must have the parts {', '.join(self.names)}, all of one shape; got {shapes}")
        rows = np.stack([np.atleast_2d(part) for part in parts.values()]).astype(np.float32, copy=False)
        if not rows.size:
            return
        rows = np.concatenate([rows.sum(0, dtype=np.float64)[None].astype(np.float32), rows])
        self._channels = rows.shape[1]
        self._clipped += clipped_samples(rows[0])
        self._peaks = np.maximum(self._peaks, np.abs(rows).max((1, 2)))
        held = rows if self._held is None else np.concatenate([self._held, rows], axis=2)
        length = FRAMES * self._frame
        while held.shape[2] >= length:
            self._hear(held[..., :length])
            held = held[..., length:]
        self._held = held

    def heard(self) -> Heard:
        """Returns what was heard; the end, shorter than a stretch, counts too."""
        rest, kept, energies, samples = self._held, self._kept, list(self._energies), self._samples
        if rest is not None and rest.shape[2]:
            energies.append(self._framed(rest))
            samples += rest.shape[2]
            if not kept and self.stretches:
                kept = {"": [(0.0, Stretch("the whole recording", 0.0, rest.mean(1)))]}
            elif rest.shape[2] >= FRAMES * self._frame / 2:
                kept = self._better(energies[-1].mean(1), rest)
        none = np.zeros((1 + len(self.names), 1))
        return Heard(
            self.names,
            self.sample_rate,
            self._channels,
            samples,
            np.concatenate(energies, axis=1) if energies else none,
            self._peaks,
            self._clipped,
            self._chosen(kept),
        )

    def _hear(self, rows: Samples) -> None:
        """Keeps the levels of one stretch, and its sounds where it is one of the best of its kind."""
        energies = self._framed(rows)
        self._energies.append(energies)
        self._kept = self._better(energies.mean(1), rows)
        self._samples += rows.shape[2]

    def _better(self, energies: NDArray[np.float64], rows: Samples) -> dict[str, list[tuple[float, Stretch]]]:
        """Returns the best stretches of each kind, this one among them where it is."""
        if not self.stretches:
            return {}
        found, start, sounds = {}, self._samples / self.sample_rate, rows.mean(1)
        for title, score in self._scores(energies).items():
            best = [*self._kept.get(title, []), (score, Stretch(title, start, sounds))]
            found[title] = sorted(best, key=lambda each: -each[0])[:SPARE]
        return found

    def _scores(self, energies: NDArray[np.float64]) -> dict[str, float]:
        """Returns how good an example a stretch is, by kind: the weaker sound of several, or one that is alone."""
        wanted = energies[1:-1] if len(self.names) > 2 else energies[1:]
        names, total = self.names[: len(wanted)], max(float(energies[1:].sum()), LOWEST)
        together = {" and ".join(names) + " together": float(wanted.min())} if len(names) > 1 else {}
        alone = {f"{name} stands out": float(e * (e / total) ** 2) for name, e in zip(names, wanted, strict=True)}
        return together | alone

    def _chosen(self, kept: Mapping[str, list[tuple[float, Stretch]]]) -> tuple[Stretch, ...]:
        """Returns the best stretch of each kind that no kind before it has taken, in time."""
        found: dict[float, Stretch] = {}
        for best in kept.values():
            free = [stretch for _, stretch in best if stretch.start not in found]
            if free and len(found) < self.stretches:
                found[free[0].start] = free[0]
        return tuple(found[start] for start in sorted(found))

    def _framed(self, rows: Samples) -> NDArray[np.float64]:
        """Returns mean squares (1 + parts, frames); the last frame may be shorter."""
        starts = np.arange(0, rows.shape[2], self._frame)
        squares = np.square(rows, dtype=np.float64).mean(1)
        return np.add.reduceat(squares, starts, axis=1) / np.diff(np.append(starts, rows.shape[2]))
