"""Where pieces of music go: one file, or a folder with MIDI, sound and a picture of each."""

from __future__ import annotations

__all__ = ["FORMATS", "check_pieces", "write_pieces"]

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latente.cli.outputs import check_file, check_folder, new_file, new_folder
from latente.cli.printing import show

if TYPE_CHECKING:
    from latente.audio.music import Score

FORMATS = (".mid", ".wav", ".png")


def check_pieces(output: Path, force: bool) -> None:
    """Raises when pieces cannot be written to a path: a file of one of three formats, or a folder.

    Args:
        output: with an extension it is a file, else a folder.
        force: whether what is there may be overwritten.
    """
    if output.suffix:
        check_file(output, FORMATS, force)
    else:
        check_folder(output, force)


def write_pieces(
    output: Path,
    pieces: Sequence[Score],
    names: Sequence[str],
    program: int,
    as_json: bool,
    page: Callable[[], dict[str, str]],
) -> None:
    """Writes pieces and says so: all or nothing.

    In a file pieces follow each other, a beat apart; a picture has them below each other. A folder gets a MIDI file and
    a WAV file of each, and a picture of all.

    Args:
        output: as checked.
        pieces: at least one.
        names: of each.
        program: the General MIDI instrument.
        as_json: whether a machine reads what is said.
        page: writes the page, and returns what is said of it.
    """
    from latente.audio.music import joined

    if output.suffix:
        with new_file(output) as part:
            if output.suffix.lower() == ".png":
                _draw(part, pieces, names)
            else:
                _write(part, joined(pieces), program)
    else:
        with new_folder(output) as folder:
            for name, piece in zip(names, pieces, strict=True):
                for suffix in (".mid", ".wav"):
                    _write(folder / f"{name}{suffix}", piece, program)
            _draw(folder / "pieces.png", pieces, names)
    seconds = sum(piece.seconds for piece in pieces)
    said = page()
    record: dict[str, Any] = {"output": str(output), "pieces": len(pieces), "seconds": seconds, **said}
    count = f"{len(pieces)} piece{'s' if len(pieces) > 1 else ''}"
    also = "".join(f"; {path}" for path in said.values())
    show(record, f"wrote {output}: {count}, {seconds:.0f} s of music{also}", as_json)


def _write(path: Path, piece: Score, program: int) -> None:
    from latente.audio.music import write_midi, write_wav

    if path.suffix.lower() == ".mid":
        write_midi(piece, path, program=program)
    else:
        write_wav(piece, path, program=program)


def _draw(path: Path, pieces: Sequence[Score], names: Sequence[str]) -> None:
    from latente.audio.music import draw_piano_roll

    draw_piano_roll(pieces, list(names)).savefig(path, dpi=110)
