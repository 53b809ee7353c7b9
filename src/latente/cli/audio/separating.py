"""`latente audio separate`: recordings taken apart, and separators trained."""

from __future__ import annotations

__all__ = ["separate"]

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latente.cli import options
from latente.cli.audio import mask_options
from latente.cli.audio.parts import (
    check_given,
    check_inputs,
    encoding_of,
    lost_depth,
    save_trained,
    training_settings,
)
from latente.cli.audio.reporting import Report, SoundPage, check_report
from latente.cli.outputs import check_folder, new_folder
from latente.cli.printing import lines, show
from latente.cli.problems import note

if TYPE_CHECKING:
    from latente.audio import SoundInfo, SourceSeparator


def separate(
    files: mask_options.Files = None,
    output: mask_options.Parts = Path("parts"),
    model: mask_options.Model = None,
    train: mask_options.Train = False,
    source: mask_options.Source = None,
    sample_rate: mask_options.SampleRate = None,
    epochs: mask_options.Epochs = None,
    patience: mask_options.Patience = None,
    checkpoint: mask_options.Checkpoint = None,
    resume: mask_options.Resume = False,
    device: mask_options.Device = None,
    report: Report = None,
    seed: mask_options.Seed = None,
    force: options.Force = False,
    as_json: options.Json = False,
) -> None:
    """Take recordings apart: one file for each source, and the residual; together they are the recording."""
    given = dict(locals())
    check_given(given, train, only=("source",), never=("model", "report"))
    _check(files, train, source)
    check_folder(output, force)
    check_report(report, force)
    if not train:
        _separate(files or [], output, model, report, as_json)
        return
    from latente.audio import SourceSeparator

    settings, folder = training_settings(given)
    fitted = SourceSeparator(**settings).fit(_sources(source or ()), resume=resume)
    save_trained(fitted, output, folder, as_json)


def _check(files: Sequence[Path] | None, train: bool, source: Sequence[str] | None) -> None:
    if train and files:
        raise ValueError("--train learns from --source NAME=DIR; take the files apart afterwards, with --model")
    if train and not source:
        raise ValueError("--train needs recordings: --source speech=DIR --source music=DIR")
    if not train and not files:
        raise ValueError("give sound files to take apart, or --train and --source NAME=DIR to learn")
    names = [path.stem for path in files or ()]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(
            f"two files are named {twice!r}; their parts would overwrite each other: separate one at a time"
        )


def _sources(given: Sequence[str]) -> dict[str, Path]:
    out: dict[str, Path] = {}
    for text in given:
        name, equals, folder = text.partition("=")
        if not (equals and name and folder):
            raise ValueError(f"--source must be NAME=DIR, e.g. speech=recordings/voices; got {text!r}")
        if name in out:
            raise ValueError(f"--source {name} is given twice; put its recordings into one folder")
        out[name] = Path(folder)
    return out


def _opened(model: Path | None) -> SourceSeparator:
    from latente.audio import SourceSeparator

    return SourceSeparator.pretrained() if model is None else SourceSeparator.load(model)


def _separate(files: Sequence[Path], output: Path, model: Path | None, report: Path | None, as_json: bool) -> None:
    infos = check_inputs(files)
    fitted = _opened(model)
    page = SoundPage(report, "Recordings taken apart", infos, (*fitted.sources_, "residual"))
    with new_folder(output) as folder:
        records = [_take_apart(info, fitted, folder, output, page) for info in infos]
    said = page.write()
    rows = {record["file"]: ", ".join(record["parts"].values()) for record in records} | said
    show({"output": str(output), "files": records, **said}, lines(rows), as_json)


def _take_apart(info: SoundInfo, model: SourceSeparator, folder: Path, output: Path, page: SoundPage) -> dict[str, Any]:
    """Writes the parts of a file, and returns what is said about it."""
    from latente.audio import open_sound, stream_sound

    encoding, bits = encoding_of(info)
    if lost := lost_depth(info):
        note(lost)
    notes = []
    if info.sample_rate != model.sample_rate:
        notes.append(f"{info.path}: {info.sample_rate} Hz; the model works at {model.sample_rate} Hz, what is above "
                     "its band goes to the residual")  # fmt: skip
        note(notes[0])
    with ExitStack() as stack:
        names = {name: f"{info.path.stem}-{name}.wav" for name in (*model.sources_, "residual")}
        writers = {
            name: stack.enter_context(open_sound(folder / file, info.sample_rate, info.channels, encoding=encoding))
            for name, file in names.items()
        }
        pieces = model.separate_pieces(stream_sound(info.path), info.sample_rate, bits)
        for parts in page.listen(info, pieces, notes):
            for name, part in parts.items():
                writers[name].write(part)
    return {
        "file": str(info.path),
        "seconds": info.seconds,
        "encoding": encoding,
        "exact": encoding != "FLOAT",
        "parts": {name: str(output / file) for name, file in names.items()},
    }
