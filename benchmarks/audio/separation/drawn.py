"""What training draws from the recordings that prepare.py made, and what is held out of it to choose by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.signal import oaconvolve

from latente.audio.separation.drawing import Draw, Recordings, Rng, read_recordings
from latente.audio.separation.mixtures import Levels, Mixtures

RATE = 8000
HELD_VOICES = (
    "prompt-fr",
    "fillets-nl-big",
    "hedgewars-Mobster",
    "hedgewars-Default_uk",
    "hedgewars-HillBilly",
)
HELD_ALBUMS = ("ardentryst", "lincity", "zaz", "titanion")
CHECKED, SECONDS = 64, 4  # mixtures of the held-out voices and albums
ECHO = 0.15  # of the stretches of speech are in a room
REVERBERATION = (0.1, 0.5)  # seconds until it is 60 dB down
DIRECT = (0.0, 12.0)  # dB of the voice above its echo

Groups = tuple[tuple[np.ndarray, ...], ...]


@dataclass(frozen=True)
class Room:
    """Now and then with the echo of a random room: noise that dies away exponentially."""

    draws: Draw
    share: float = ECHO

    def draw(self, rng: Rng, n: int) -> np.ndarray:
        """Returns (n,)."""
        out = self.draws.draw(rng, n)
        if rng.random() >= self.share:
            return out
        seconds = rng.uniform(*REVERBERATION)
        t = np.arange(int(seconds * RATE / 2), dtype=np.float32) / RATE
        answer = rng.standard_normal(len(t), dtype=np.float32) * 10 ** (-3 * t / np.float32(seconds))
        answer *= np.float32(10 ** (-rng.uniform(*DIRECT) / 20) / np.linalg.norm(answer))
        answer[0] += 1
        return oaconvolve(out, answer)[:n].astype(np.float32)

    def split(self, fraction: float, seed: int) -> tuple[Room, Room]:
        """Returns the rooms of the voices to train on, and of those that are held out."""
        kept, held = self.draws.split(fraction, seed)
        return Room(kept, self.share), Room(held, self.share)


def groups(folders: Iterable[Path]) -> dict[str, tuple[np.ndarray, ...]]:
    """Returns the recordings in each folder, by its name."""
    return {
        folder.name: tuple(x for group in read_recordings(folder, RATE, folder.name).groups for x in group)
        for folder in folders
    }


def read(recordings: Path, kind: str, held: tuple[str, ...]) -> tuple[dict[str, tuple[np.ndarray, ...]], ...]:
    """Returns what is trained on, and what is held out."""
    folders = sorted(path for path in (recordings / "train" / kind).iterdir() if path.is_dir())
    return groups(path for path in folders if path.name not in held), groups(
        path for path in folders if path.name in held
    )


def voices(found: dict[str, tuple[np.ndarray, ...]]) -> Groups:
    """Returns the voices, those of which there is more several times: up to 8, by the root of the minutes."""
    out: list[tuple[np.ndarray, ...]] = []
    for name, clips in found.items():
        most = 1 if name.startswith("espeak") else 3 if name.startswith("hedgewars") else 8
        quarters = sum(map(len, clips)) / RATE / 15
        out += [clips] * min(most, max(min(2, most), round(quarters**0.5)))
    return tuple(out)


def tracks(found: dict[str, tuple[np.ndarray, ...]]) -> Groups:
    """Returns the tracks, those of small albums several times: an album counts by the root of its tracks."""
    return tuple((track,) for album in found.values() for track in album * max(1, round(8 / len(album) ** 0.5)))


@dataclass(frozen=True)
class Drawn:
    """Speech and music to draw from, and mixtures of others.

    Attributes:
        speech: one voice at a time.
        music: tracks, now and then two at once.
        held: plain mixtures at 0 dB of voices and albums that are not in the others.
    """

    speech: Recordings
    music: Recordings
    held: Mixtures

    @classmethod
    def read(cls, recordings: Path) -> Drawn:
        """Returns what there is in the folder that prepare.py made; its test part is not looked at."""
        spoken, other = read(recordings, "speech", HELD_VOICES)
        played, unheard = read(recordings, "music", HELD_ALBUMS)
        plain = {"speed": 1.0, "several": 0.0, "equalised": 0.0}
        pair = {
            "speech": Recordings(tuple(other.values()), RATE, **plain),
            "music": Recordings(tuple((track,) for album in unheard.values() for track in album), RATE, **plain),
        }
        print(f"{len(spoken)} voices and {len(other)} held out, {len(played)} albums and {len(unheard)} held out")
        return cls(
            Recordings(voices(spoken), RATE, speed=1.3, several=0.0),
            Recordings(tracks(played), RATE, speed=1.3, several=0.3),
            Mixtures(pair, SECONDS * RATE, CHECKED, 7, Levels(deviation=0.0, absent=0.0)),
        )
