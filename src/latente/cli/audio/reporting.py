"""`--report` of the commands for sound: what they say on a page beside their files."""

from __future__ import annotations

__all__ = ["Report", "SoundPage", "beside", "check_report", "music_page"]

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from latente.cli.outputs import check_file, new_file

if TYPE_CHECKING:
    from latente.audio import SoundInfo
    from latente.audio.music import Score
    from latente.report import Heard, Listening

Report = Annotated[
    Path | None,
    typer.Option("--report", metavar="PAGE", help="Write a page to hear and see, .html.", show_default=False),
]


def check_report(report: Path | None, force: bool) -> None:
    """Raises before any work when a page cannot be written.

    Args:
        report: where it goes; None for no page.
        force: whether what is there may be overwritten.
    """
    if report is not None:
        check_file(report, (".html",), force)


class SoundPage:
    """A page on recordings and their parts that fills while they are written; without a path it does nothing.

    Args:
        path: where it goes, or None.
        title: of the page.
        infos: of the files.
        names: of the parts.
    """

    def __init__(self, path: Path | None, title: str, infos: Sequence[SoundInfo], names: Sequence[str]) -> None:
        self.path, self.title, self.names = path, title, tuple(names)
        self._heard: dict[str, Heard] = {}
        self._notes: dict[str, list[str]] = {}
        if path is not None:
            from latente.report.sound_report import stretches_of

            self._stretches = dict(zip([i.path for i in infos], stretches_of(len(infos), len(names)), strict=True))

    def listen(
        self, info: SoundInfo, pieces: Iterable[dict[str, Any]], notes: Sequence[str]
    ) -> Iterator[dict[str, Any]]:
        """Yields pieces of parts as they are, and hears them.

        Args:
            info: of their file.
            pieces: parts by name.
            notes: what the page says of the file.
        """
        if self.path is None:
            yield from pieces
            return
        from latente.report import Listening

        listening: Listening = Listening(self.names, info.sample_rate, self._stretches[info.path])
        for parts in pieces:
            listening.add(parts)
            yield parts
        self._heard[str(info.path)], self._notes[str(info.path)] = listening.heard(), list(notes)

    def write(self) -> dict[str, str]:
        """Writes the page, and returns what is said of it: nothing where there is none."""
        if self.path is None:
            return {}
        from latente.report import write_sound_report

        with new_file(self.path) as part:
            write_sound_report(part, self._heard, title=self.title, notes=self._notes)
        return {"report": str(self.path)}


def beside(pieces: Iterable[Any], made: Any) -> Iterator[tuple[Any, Any]]:
    """Yields what goes into a stream and what comes out of it, in pieces of equal length.

    Args:
        pieces: (n,) or (channels, n).
        made: takes an iterator of pieces and returns one of as many samples in all, later.
    """
    held: list[Any] = []

    def remembered() -> Iterator[Any]:
        for piece in pieces:
            held.append(piece)
            yield piece

    for out in made(remembered()):
        whole = held[0] if len(held) == 1 else np.concatenate(held, axis=-1)
        held[:] = [whole[..., out.shape[-1] :]]
        yield whole[..., : out.shape[-1]], out


def music_page(
    path: Path | None, title: str, pieces: Mapping[str, Score], model: Any, program: int, **settings: Any
) -> Callable[[], dict[str, str]]:
    """Returns what writes a page on pieces and says where it is; without a path it does nothing.

    Args:
        path: where the page goes, or None.
        title: of the page.
        pieces: by name.
        model: that wrote them.
        program: the General MIDI instrument.
        settings: for `write_music_report`.
    """

    def write() -> dict[str, str]:
        if path is None:
            return {}
        from latente.report import write_music_report

        with new_file(path) as part:
            write_music_report(part, pieces, title=title, program=program, training=model.measures_, **settings)
        return {"report": str(path)}

    return write
