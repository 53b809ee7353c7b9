"""A folder of recordings, and which word each of them is."""

from __future__ import annotations

__all__ = ["Recordings", "find_words"]

import re
from dataclasses import dataclass
from pathlib import Path

from latente.audio.reading import SUFFIXES

NUMBER = re.compile(r"[\s_\-.]*\(?\d+\)?$")  # of a take, at the end of a file's name


@dataclass(frozen=True)
class Recordings:
    """Sound files and what is said in them.

    Attributes:
        paths: of the files, in the order of their names.
        words: what is said in each, a word or a phrase.
        speakers: who says it, or None where the folder does not tell.

    Example:
        >>> Recordings((Path("yes/1.wav"), Path("no/1.wav")), ("yes", "no"), None).counts()
        {'no': 1, 'yes': 1}
    """

    paths: tuple[Path, ...]
    words: tuple[str, ...]
    speakers: tuple[str, ...] | None

    def counts(self) -> dict[str, int]:
        """Returns how many recordings there are of each word."""
        return {word: self.words.count(word) for word in sorted(set(self.words))}


def find_words(folder: str | Path) -> Recordings:
    """Returns the recordings in a folder.

    Three layouts are known: FOLDER/WORD/FILE, one folder for each word or phrase; FOLDER/SPEAKER/WORD/FILE, which also
    says who speaks; and files alone, FOLDER/WORD.wav or, for several takes, WORD_1.wav, WORD_2.wav. In a phrase "_"
    stands for a space. Other files and names that begin with a dot are left out.

    Args:
        folder: as above.

    Raises:
        FileNotFoundError, NotADirectoryError: when there is no such folder.
        ValueError: when it holds no sound file, or files at several depths.

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
    found = [path for path in sorted(root.rglob("*")) if path.suffix.lower() in SUFFIXES and path.is_file()]
    names = {path: path.relative_to(root).parts for path in found}
    found = [path for path in found if not any(part.startswith(".") for part in names[path])]
    depths = {len(names[path]) for path in found}
    if not found:
        raise ValueError(f"{root} holds no sound file ({', '.join(SUFFIXES)}); expected {root}/WORD/FILE.wav")
    if len(depths) > 1 or max(depths) > 3:
        raise ValueError(
            f"{root} holds sound files at depths {sorted(depths)}; put all of them into WORD/, or SPEAKER/WORD/, or "
            "directly into the folder with the word as their name"
        )
    depth = depths.pop()
    said = [NUMBER.sub("", path.stem) or path.stem if depth == 1 else names[path][-2] for path in found]
    words = tuple(word.replace("_", " ").strip() for word in said)
    return Recordings(tuple(found), words, tuple(names[path][0] for path in found) if depth == 3 else None)
