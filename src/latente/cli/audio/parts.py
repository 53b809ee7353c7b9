"""Sound files that become other sound files, in pieces, complete or not there at all."""

from __future__ import annotations

__all__ = ["check_inputs", "encoding_of", "keep", "save_trained", "training"]

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latente.cli.outputs import new_folder
from latente.cli.printing import lines, show, training_record, training_text
from latente.cli.problems import Interrupted

if TYPE_CHECKING:
    from latente.audio import SoundInfo

LOSSLESS = {"PCM_S8": 16, "PCM_U8": 16, "PCM_16": 16, "PCM_24": 24}  # bits that hold the file's samples


def check_inputs(files: Sequence[Path]) -> tuple[SoundInfo, ...]:
    """Returns what the files say of themselves; raises before any work when one is no sound."""
    from latente.audio import sound_info

    return tuple(sound_info(path) for path in files)


def encoding_of(info: SoundInfo) -> tuple[str, int]:
    """Returns the encoding in which parts of a file are written, and the bits of its grid.

    Files of 8, 16 and 24 bits have parts that add up to them exactly; others have parts in floats, which add up to what
    was decoded to rounding.

    Args:
        info: of the file.
    """
    bits = LOSSLESS.get(info.encoding)
    return ("FLOAT", 24) if bits is None else (f"PCM_{bits}", bits)


def training(epochs: int | None, checkpoints: Path | None, device: str) -> Any:
    """Returns the Trainer of the options.

    Args:
        epochs: of 1,600 mixtures each; None for the usual ones.
        checkpoints: a folder, or None.
        device: where it computes.
    """
    from latente.training import Trainer

    return Trainer(epochs="auto" if epochs is None else epochs, checkpoint=checkpoints, device=device)


def keep(model: Any, output: Path, checkpoints: Path | None) -> None:
    """Saves a model; not one whose interrupted training goes on from checkpoints, nor one that learned for no epoch.

    Args:
        model: fitted.
        output: the folder where it goes; an older one is replaced.
        checkpoints: the folder of the training's checkpoints, or None.

    Raises:
        Interrupted: when the training was interrupted: before anything is saved where it can go on.
        KeyboardInterrupt: when it was interrupted in its first epoch.
    """
    history = model.history_
    interrupted = history.stopped == "interrupted"
    if interrupted and checkpoints is not None:
        raise Interrupted(f"interrupted; the same command with --resume goes on from {checkpoints}")
    if not history.records:
        raise KeyboardInterrupt
    with new_folder(output) as folder:
        model.save(folder)
    if interrupted:
        raise Interrupted(f"interrupted after {len(history)} epochs; the model so far is in {output}")


def save_trained(model: Any, output: Path, checkpoints: Path | None, as_json: bool) -> None:
    """Saves a model and says what its training did; see `keep` for one that was interrupted.

    Args:
        model: fitted.
        output: the folder where it goes.
        checkpoints: the folder of the training's checkpoints, or None.
        as_json: whether for machines.
    """
    keep(model, output, checkpoints)
    history, names = model.history_, list(model.sources_)
    rows = {"sources": ", ".join(names), "training": training_text(history), "model": str(output)}
    record = {"model": str(output), "sources": names, "training": training_record(history)}
    show(record, lines(rows), as_json)
