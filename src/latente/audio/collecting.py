"""Folders of files that are read as a whole: what is in them, and what of it cannot be used."""

from __future__ import annotations

__all__ = ["LeftOutWarning", "files_in", "warn_left_out"]

import warnings
from collections.abc import Sequence
from pathlib import Path

from latente.audio.reading import SUFFIXES

NAMED = 3  # of the files that are left out


class LeftOutWarning(UserWarning):
    """Warned when some files of many cannot be used: how many, and why the first ones.

    Example:
        >>> issubclass(LeftOutWarning, UserWarning)
        True
    """


def files_in(folder: Path, suffixes: Sequence[str] = SUFFIXES) -> list[Path]:
    """Returns the files of a folder and of those inside it, in the order of their names.

    What begins with a dot, or lies in a folder that does, is left aside.

    Args:
        folder: where to look.
        suffixes: of the files, in small letters; those of sound without.
    """
    found = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in suffixes and path.is_file()]
    return [path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts)]


def warn_left_out(
    where: str, reasons: Sequence[str], total: int, *, what: str = "recordings", error: type[ValueError] = ValueError
) -> None:
    """Warns that some files are left out, or raises when none is left; says nothing where there is no reason.

    Args:
        where: they are, as messages begin.
        reasons: one for each file that cannot be used, with its name.
        total: of all files.
        what: they are.
        error: that is raised.

    Raises:
        ValueError: of the type `error`, when all files are left out.

    Warns:
        LeftOutWarning: when some are.

    Example:
        >>> warn_left_out("speech", ["a.wav is silent"], 1)
        Traceback (most recent call last):
        ValueError: speech: none of the 1 recordings can be used: a.wav is silent
    """
    if not reasons:
        return
    more = f"; and {len(reasons) - NAMED} more" if len(reasons) > NAMED else ""
    shown = "; ".join(reasons[:NAMED]) + more
    if len(reasons) >= total:
        raise error(f"{where}: none of the {total} {what} can be used: {shown}")
    warnings.warn(f"{where}: {len(reasons)} of {total} {what} left out: {shown}", LeftOutWarning, stacklevel=3)
