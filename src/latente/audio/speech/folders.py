"""A folder of recordings, and which word each of them is."""

from __future__ import annotations

__all__ = ["WordRecordings", "find_words"]

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from latente.audio.collecting import files_in, warn_left_out
from latente.audio.reading import SUFFIXES, Sound, read_sound

NUMBER = re.compile(r"(?<=.)([\s_\-.]+\d+|[\s_\-.]*\(\d+\))$")  # of a take, at the end of a file's name
GLUED = re.compile(r"(?<=\D)\d+$")


@dataclass(frozen=True)
class WordRecordings:
    """Sound files and what is said in them.

    Attributes:
        paths: of the files, in the order of their names.
        words: what is said in each, a word or a phrase.
        speakers: who says it, or None where the folder does not tell.

    Example:
        >>> WordRecordings((Path("yes/1.wav"), Path("no/1.wav")), ("yes", "no"), None).counts()
        {'no': 1, 'yes': 1}
    """

    paths: tuple[Path, ...]
    words: tuple[str, ...]
    speakers: tuple[str, ...] | None

    def counts(self) -> dict[str, int]:
        """Returns how many recordings there are of each word."""
        return {word: self.words.count(word) for word in sorted(set(self.words))}

    def read(self, sample_rate: int) -> tuple[WordRecordings, list[Sound]]:
        """Returns the recordings that can be read and hold sound, and their sounds, mono.

        Args:
            sample_rate: Hz; files of another rate are resampled.

        Raises:
            ValueError: when none can be used.
            ImportError: without the extra `audio`.

        Warns:
            LeftOutWarning: when some cannot be read or are silent.
        """
        kept, sounds, reasons = [], [], []
        for i, path in enumerate(self.paths):
            try:
                sound = read_sound(path, sample_rate, mono=True)
            except (ValueError, OSError) as error:
                reasons.append(str(error))
                continue
            if sound.silent:
                reasons.append(f"{path} is silent")
                continue
            kept.append(i)
            sounds.append(sound)
        warn_left_out("words", reasons, len(self.paths))
        return self._some(kept), sounds

    def _some(self, which: Sequence[int]) -> WordRecordings:
        speakers = None if self.speakers is None else tuple(self.speakers[i] for i in which)
        paths, words = tuple(self.paths[i] for i in which), tuple(self.words[i] for i in which)
        return WordRecordings(paths, words, speakers)


def find_words(folder: str | Path) -> WordRecordings:
    """Returns the recordings in a folder.

    Three layouts are known: FOLDER/WORD/FILE, one folder for each word or phrase; FOLDER/SPEAKER/WORD/FILE, which also
    says who speaks; and files alone, FOLDER/WORD.wav or, for several takes, WORD_1.wav, WORD_2.wav. In a phrase "_"
    stands for a space. The number of a take is set off by a space, "_", "-" or ".", or stands in brackets; digits right
    after a letter are one where they begin at 0 or 1 (yes1, yes2), else part of the word (mp3, mp4). Other files and
    names that begin with a dot are left out.

    Args:
        folder: as above.

    Raises:
        FileNotFoundError, NotADirectoryError: when there is no such folder.
        ValueError: when it holds no sound file, or files at several depths.

    Warns:
        UserWarning: for names that may mean something else: mp3 beside mp4 are two words, 1.wav beside 1.mp3 two
            recordings.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name in ("good_morning_1.wav", "good_morning_2.wav", "stop.wav", "notes.txt"):
        ...         (Path(folder) / name).touch()
        ...     find_words(folder).words
        ('good morning', 'good morning', 'stop')
    """
    root = Path(folder)
    if not root.exists():
        raise FileNotFoundError(f"no such folder of recordings: {root}")
    if not root.is_dir():
        raise NotADirectoryError(f"{root} is a file; give a folder of recordings")
    found = files_in(root)
    names = [path.relative_to(root).parts for path in found]
    depths = {len(name) for name in names}
    if not found:
        raise ValueError(f"{root} holds no sound file ({', '.join(SUFFIXES)}); expected {root}/WORD/FILE.wav")
    if len(depths) > 1 or max(depths) > 3:
        raise ValueError(
            f"{root} holds sound files at depths {sorted(depths)}; put all of them into WORD/, or SPEAKER/WORD/, or "
            "directly into the folder with the word as their name"
        )
    depth = depths.pop()
    said = _without_numbers([path.stem for path in found]) if depth == 1 else [name[-2] for name in names]
    words = tuple(word.replace("_", " ").strip() for word in said)
    _warn_of_twins(found)
    return WordRecordings(tuple(found), words, tuple(name[0] for name in names) if depth == 3 else None)


def _without_numbers(names: Sequence[str]) -> list[str]:
    """Returns names without the numbers of takes."""
    said = [NUMBER.sub("", name) for name in names]
    glued: dict[str, set[int]] = {}
    for word in said:
        if digits := GLUED.search(word):
            glued.setdefault(word[: digits.start()], set()).add(int(digits[0]))
    takes = {base for base, numbers in glued.items() if min(numbers) <= (2 if base in said else 1)}
    for base, numbers in glued.items():
        if base not in takes and len(numbers) > 1:
            first, second, *_ = sorted(numbers)
            warnings.warn(
                f"{base}{first} and {base}{second} are taken for two words; if they are takes of one, name the files "
                f"{base}_1, {base}_2",
                stacklevel=4,
            )
    return [short if (short := GLUED.sub("", word)) in takes else word for word in said]


def _warn_of_twins(paths: Sequence[Path]) -> None:
    """Warns of files of one folder whose names differ by the suffix alone."""
    seen: dict[Path, Path] = {}
    for path in paths:
        twin = seen.setdefault(path.with_suffix(""), path)
        if twin != path:
            warnings.warn(
                f"{twin} and {path.name} count as two recordings; if they are one in two formats, remove one of them",
                stacklevel=3,
            )
            return
