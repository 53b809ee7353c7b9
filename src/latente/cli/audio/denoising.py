"""`latente audio denoise`: noise taken from recordings, and denoisers trained."""

from __future__ import annotations

__all__ = ["denoise"]

from collections.abc import Sequence
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
from latente.cli.audio.reporting import Report, SoundPage, beside, check_report
from latente.cli.outputs import check_file, check_folder, new_file
from latente.cli.printing import show
from latente.cli.problems import note

if TYPE_CHECKING:
    from latente.audio import AudioDenoiser, SoundInfo

WRITES = (".wav", ".flac", ".ogg", ".mp3")
PARTS = ("denoised sound", "removed noise")


def denoise(
    file: mask_options.File = None,
    output: mask_options.Clean = None,
    model: mask_options.CleanModel = None,
    amount: mask_options.Amount = None,
    train: mask_options.Recordings = None,
    again: mask_options.Again = None,
    music: mask_options.Music = None,
    noises: mask_options.Noises = None,
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
    """Remove noise from a recording, or learn to."""
    given = dict(locals())
    check_given(given, train is not None, only=("again", "music", "noises"), never=("model", "amount", "report"))
    check_report(report, force)
    if train is None:
        _denoise(file, output, model, 1.0 if amount is None else amount, report, force, as_json)
        return
    if file is not None or output is None:
        raise ValueError("--train DIR takes no FILE and needs -o MODEL; denoise files afterwards, with --model")
    check_folder(output, force)
    settings, folder = training_settings(given)
    fitted = _fitted(train, again, music, noises, settings, resume)
    save_trained(fitted, output, folder, as_json)


def _fitted(
    train: Path, again: Path | None, music: Path | None, noises: str | None, settings: dict[str, Any], resume: bool
) -> AudioDenoiser:
    from latente.audio import AudioDenoiser

    if again is not None:
        if music is not None or noises is not None:
            raise ValueError("--again learns the noise from the recordings; leave --music and --noises out")
        return AudioDenoiser(**settings).fit(*_pairs(train, again), resume=resume)
    model = AudioDenoiser(**settings)
    names = model.noises if noises is None else tuple(name.strip() for name in noises.split(","))
    names = (*names, "music") if music is not None and "music" not in names else names
    return model.set_params(noises=names).fit(train, music=music, resume=resume)


def _pairs(first: Path, second: Path) -> tuple[list[Path], list[Path]]:
    """Returns the files of two folders that have the same names."""
    from latente.audio.collecting import files_in

    for folder in (first, second):
        if not folder.is_dir():
            raise FileNotFoundError(f"there is no folder {folder}")
    named = [{path.relative_to(folder): path for path in files_in(folder)} for folder in (first, second)]
    odd: Sequence[Path] = sorted(named[0].keys() ^ named[1].keys())
    if odd:
        raise ValueError(
            f"{odd[0]} is in one of {first} and {second} only; every recording needs a second one of its name"
        )
    if not named[0]:
        raise ValueError(f"no sound files in {first}")
    order = sorted(named[0])
    return [named[0][name] for name in order], [named[1][name] for name in order]


def _denoise(
    file: Path | None,
    output: Path | None,
    model: Path | None,
    amount: float,
    report: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    from latente.audio import AudioDenoiser

    if file is None:
        raise ValueError("give a sound file, or --train DIR and -o MODEL to learn from clean recordings")
    (info,) = check_inputs([file])
    output = file.with_name(f"{file.stem}-denoised.wav") if output is None else output
    check_file(output, WRITES, force)
    fitted = AudioDenoiser.pretrained() if model is None else AudioDenoiser.load(model)
    page = SoundPage(report, "Noise removed", [info], PARTS)
    _write(info, output, fitted, amount, page)
    said = page.write()
    record = {"file": str(file), "output": str(output), "seconds": info.seconds, "sample_rate": info.sample_rate}
    text = f"wrote {output}: {info.seconds:.1f} s, {info.sample_rate} Hz" + "".join(f"; {p}" for p in said.values())
    show(record | said, text, as_json)


def _write(info: SoundInfo, output: Path, model: AudioDenoiser, amount: float, page: SoundPage) -> None:
    from latente.audio import open_sound, stream_sound

    notes = []
    if info.sample_rate > model.sample_rate and amount > 0:
        notes.append(f"{info.path}: {info.sample_rate} Hz; the model works at {model.sample_rate} Hz, what is above "
                     "its band goes with the noise")  # fmt: skip
        note(notes[0])
    encoding, bits = encoding_of(info, output.suffix.lower())
    if lost := lost_depth(info, output.suffix.lower()):
        note(lost)
    settings: dict[str, Any] = {"amount": amount, "bits": bits}
    made = beside(stream_sound(info.path), lambda pieces: model.denoise_pieces(pieces, info.sample_rate, **settings))
    parts = (dict(zip(PARTS, (out, before - out), strict=True)) for before, out in made)
    with new_file(output) as part, open_sound(part, info.sample_rate, info.channels, encoding=encoding) as writer:
        for piece in page.listen(info, parts, notes):
            writer.write(piece[PARTS[0]])
