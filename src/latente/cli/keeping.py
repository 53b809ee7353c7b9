"""Trained models on their way to a folder, also of trainings that were interrupted."""

from __future__ import annotations

__all__ = ["checkpoint_folder", "keep"]

from pathlib import Path
from typing import Any

from latente.cli.outputs import new_folder
from latente.cli.problems import Interrupted


def checkpoint_folder(output: Path, checkpoint: Path | None, resume: bool) -> Path | None:
    """Returns the folder of --checkpoint; with --resume alone it is MODEL.checkpoints.

    Args:
        output: the model's folder.
        checkpoint: what was given, or None.
        resume: whether to go on.

    Example:
        >>> checkpoint_folder(Path("runs/model"), None, True).as_posix()
        'runs/model.checkpoints'
    """
    return output.with_name(output.name + ".checkpoints") if resume and checkpoint is None else checkpoint


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
