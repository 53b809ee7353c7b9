"""Sound files that become other sound files, in pieces, complete or not there at all."""

from __future__ import annotations

__all__ = ["check_given", "check_inputs", "encoding_of", "lost_depth", "save_trained", "training_settings"]

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latente.cli.keeping import checkpoint_folder, keep
from latente.cli.printing import lines, show, training_record, training_text

if TYPE_CHECKING:
    from latente.audio import SoundInfo

LOSSLESS = {"PCM_S8": 16, "PCM_U8": 16, "PCM_16": 16, "PCM_24": 24}  # bits that hold the file's samples
DEEP = {"PCM_24": "24 bits", "PCM_32": "32 bits", "FLOAT": "floats of 32 bits", "DOUBLE": "floats of 64 bits"}
LOSSY = (".ogg", ".mp3")
TRAINING = ("sample_rate", "epochs", "patience", "checkpoint", "resume", "device", "seed")


def check_given(given: Mapping[str, Any], train: bool, only: Sequence[str], never: Sequence[str]) -> None:
    """Raises ValueError for options that would be ignored.

    Args:
        given: all options by the names of their parameters; None, False or an empty list stands for one not given.
        train: whether --train is there.
        only: options that are for training only, besides those that all trainings have.
        never: options that are not for training.

    Raises:
        ValueError: naming the first.

    Example:
        >>> check_given({"epochs": 3}, False, (), ())
        Traceback (most recent call last):
        ValueError: --epochs is for --train; add it, or leave --epochs out
    """
    for name in never if train else (*only, *TRAINING):
        value, option = given.get(name), f"--{name.replace('_', '-')}"
        if value is not None and value is not False and value != []:
            hint = "is not for --train; leave it out" if train else f"is for --train; add it, or leave {option} out"
            raise ValueError(f"{option} {hint}")


def check_inputs(files: Sequence[Path]) -> tuple[SoundInfo, ...]:
    """Returns what the files say of themselves; raises before any work when one is no sound."""
    from latente.audio import sound_info

    return tuple(sound_info(path) for path in files)


def encoding_of(info: SoundInfo, suffix: str = ".wav") -> tuple[str | None, int]:
    """Returns the encoding in which results of a file are written, and the bits of their grid.

    Files of 8, 16 and 24 bits have parts that add up to them exactly; others have parts in floats, which add up to what
    was decoded to rounding. FLAC holds 24 bits at most, and lossy formats have no depth.

    Args:
        info: of the file.
        suffix: of the result.
    """
    bits = LOSSLESS.get(info.encoding, 0)
    if suffix in LOSSY:
        return None, bits or 24
    if suffix == ".flac":
        return f"PCM_{bits or 24}", bits or 24
    return (f"PCM_{bits}", bits) if bits else ("FLOAT", 24)


def lost_depth(info: SoundInfo, suffix: str = ".wav") -> str | None:
    """Returns what is to be said where a result cannot have the depth of the file.

    Args:
        info: of the file.
        suffix: of the result.
    """
    depth = DEEP.get(info.encoding)
    if depth is None or (suffix not in LOSSY and depth == "24 bits") or (suffix == ".wav" and info.encoding == "FLOAT"):
        return None
    kept = {".flac": "FLAC holds 24 bits, to which they are rounded", ".wav": "24 of them are kept"}
    return f"{info.path}: samples are {depth}; {kept.get(suffix, f'{suffix} is lossy and keeps no depth')}"


def training_settings(given: Mapping[str, Any]) -> tuple[dict[str, Any], Path | None]:
    """Returns the arguments of a separator or denoiser that is trained, and the folder of its checkpoints.

    Args:
        given: all options by the names of their parameters; None stands for one that was not given.
    """
    from latente.training import Trainer

    folder = checkpoint_folder(given["output"], given["checkpoint"], given["resume"])
    trainer = Trainer(
        epochs="auto" if given["epochs"] is None else given["epochs"],
        patience=given["patience"],
        checkpoint=folder,
        device=given["device"] or "auto",
    )
    return {
        "sample_rate": 8000 if given["sample_rate"] is None else given["sample_rate"],
        "trainer": trainer,
        "random_state": given["seed"] or 0,
    }, folder


def save_trained(model: Any, output: Path, checkpoints: Path | None, as_json: bool) -> None:
    """Saves a model and says what its training did; see `latente.cli.keeping.keep` for one that was interrupted.

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
