"""`latente audio music`: train, sample, interpolate, vary."""

from __future__ import annotations

__all__ = ["music_app"]

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from latente.cli import options
from latente.cli.audio.reporting import Report, check_report, music_page
from latente.cli.audio.results import check_pieces, write_pieces
from latente.cli.keeping import checkpoint_folder, keep
from latente.cli.outputs import check_folder
from latente.cli.printing import lines, show, training_record, training_text
from latente.cli.problems import note

if TYPE_CHECKING:
    from latente.audio.music import MusicAutoencoder, Score

music_app = typer.Typer(help="Music in voices: written anew, between two pieces, around one.", no_args_is_help=True)

Model = Annotated[
    Path | None,
    typer.Option("--model", metavar="MODEL", help="A model's folder.", show_default="the chorales that come along"),
]
Output = Annotated[
    Path,
    typer.Option("--output", "-o", metavar="OUT", help=".mid, .wav, .png, or a folder for all.", show_default=False),
]
Temperature = Annotated[float, typer.Option("--temperature", help="Below 1: more usual notes.", min=0)]
Program = Annotated[int, typer.Option("--program", help="General MIDI instrument, 0 to 127.", min=0, max=127)]
Piece = Annotated[Path, typer.Argument(help="A MIDI file.", show_default=False)]


@music_app.command(epilog="Example: latente audio music train my-midi-files -o model")
def train(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="MIDI files, also inside it.", show_default=False)],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="MODEL", help="The model's folder.", show_default=False)
    ],
    voices: Annotated[int | None, typer.Option("--voices", help="Voices.", show_default="as most files have")] = None,
    steps_per_beat: Annotated[int, typer.Option("--steps-per-beat", help="Steps in a quarter note.")] = 4,
    latent_dim: Annotated[int, typer.Option("--latent-dim", help="Numbers that describe two bars.")] = 96,
    beta: Annotated[float, typer.Option("--beta", help="Weight of the rate.", min=0)] = 0.5,
    epochs: Annotated[int | None, typer.Option("--epochs", help="Passes.", show_default="about 3,000 steps")] = None,
    checkpoint: Annotated[
        Path | None, typer.Option("--checkpoint", help="Keep checkpoints in this folder.", show_default=False)
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from MODEL.checkpoints, or the folder of --checkpoint.")
    ] = False,
    seed: options.Seed = 0,
    force: options.Force = False,
    as_json: options.Json = False,
) -> None:
    """Train on a folder of MIDI files; what of them is not used is said."""
    from latente.audio.music import MusicAutoencoder, read_midi_folder
    from latente.training import Trainer

    check_folder(output, force)
    kept = checkpoint_folder(output, checkpoint, resume)
    found = read_midi_folder(folder, voices=voices, steps_per_beat=steps_per_beat, say=note)
    trainer = Trainer(epochs="auto" if epochs is None else epochs, checkpoint=kept)
    model = MusicAutoencoder(latent_dim, beta=beta, trainer=trainer, random_state=seed)
    model.fit(found.scores, resume=resume)
    history = model.history_
    keep(model, output, kept)
    lost = sum(reading.dropped + reading.percussion for reading in found.readings)
    counts = {"files": len(found.readings), "skipped": len(found.skipped), "notes_dropped": lost}
    read = f"{counts['files']} files, {counts['skipped']} skipped, {lost} notes dropped"
    text = lines({"read": read, "training": training_text(history), "model": str(output)})
    show({"model": str(output), **counts, "training": training_record(history)}, text, as_json)


@music_app.command(epilog="Example: latente audio music sample -o new -n 4 --segments 4 --seed 1")
def sample(
    output: Output,
    n: Annotated[int, typer.Option("-n", help="How many pieces.", min=1)] = 1,
    segments: Annotated[int, typer.Option("--segments", help="Of two bars each.", min=1)] = 4,
    before: Annotated[
        Path | None, typer.Option("--continue", metavar="MIDI", help="A file that they continue.", show_default=False)
    ] = None,
    model: Model = None,
    temperature: Temperature = 0.8,
    spread: Annotated[
        float | None,
        typer.Option(
            "--spread", help="Of codes: 0 none, 1 all that the prior allows.", min=0, show_default="0.5; 0.3 if trained"
        ),
    ] = None,
    program: Program = 19,
    report: Report = None,
    seed: options.Seed = 0,
    force: options.Force = False,
    as_json: options.Json = False,
) -> None:
    """Write new pieces."""
    check_pieces(output, force)
    check_report(report, force)
    fitted = _opened(model)
    given = None if before is None else _read(before, fitted)
    settings: dict[str, Any] = {"temperature": temperature, "spread": spread, "random_state": seed}
    pieces = fitted.sample(n, segments=segments, before=given, **settings)
    new = {f"piece-{i + 1}": piece for i, piece in enumerate(pieces)}
    real = {} if given is None else {"given": given}
    page = music_page(report, "New music", new, fitted, program, given=real)
    written = real | new
    write_pieces(output, list(written.values()), list(written), program, as_json, page)


@music_app.command(epilog="Example: latente audio music interpolate a.mid b.mid -o way --steps 7")
def interpolate(
    a: Piece,
    b: Piece,
    output: Output,
    steps: Annotated[int, typer.Option("--steps", help="Pieces, with both ends.", min=2)] = 7,
    model: Model = None,
    temperature: Temperature = 0.5,
    program: Program = 19,
    report: Report = None,
    seed: options.Seed = 0,
    force: options.Force = False,
    as_json: options.Json = False,
) -> None:
    """Write pieces between two."""
    check_pieces(output, force)
    check_report(report, force)
    fitted = _opened(model)
    first, last = (_read(path, fitted) for path in (a, b))
    pieces = fitted.interpolate(first, last, steps, temperature=temperature, random_state=seed)
    new = {f"step-{i + 1}": piece for i, piece in enumerate(pieces)}
    real = {f"{a.name}, from": first.part(0, min(first.steps, pieces[0].steps)),
            f"{b.name}, to": last.part(0, min(last.steps, pieces[0].steps))}  # fmt: skip
    page = music_page(report, "From one piece to another", new, fitted, program, given=real, way=True)
    write_pieces(output, pieces, list(new), program, as_json, page)


@music_app.command(epilog="Example: latente audio music vary a.mid -o variations -n 4 --amount 0.3")
def vary(
    piece: Piece,
    output: Output,
    n: Annotated[int, typer.Option("-n", help="How many variations.", min=1)] = 4,
    amount: Annotated[float, typer.Option("--amount", help="0: the piece's code; 1: a new one.", min=0, max=1)] = 0.5,
    model: Model = None,
    temperature: Temperature = 0.8,
    program: Program = 19,
    report: Report = None,
    seed: options.Seed = 0,
    force: options.Force = False,
    as_json: options.Json = False,
) -> None:
    """Write variations of a piece."""
    check_pieces(output, force)
    check_report(report, force)
    fitted = _opened(model)
    given = _read(piece, fitted)
    found = fitted.vary(given, n, amount=amount, temperature=temperature, random_state=seed)
    new = {f"variation-{i + 1}": piece for i, piece in enumerate(found)}
    page = music_page(report, "Variations", new, fitted, program, given={"given": given})
    write_pieces(output, [given, *found], ["given", *new], program, as_json, page)


def _opened(model: Path | None) -> MusicAutoencoder:
    from latente.audio.music import MusicAutoencoder

    return MusicAutoencoder.pretrained() if model is None else MusicAutoencoder.load(model)


def _read(path: Path, model: MusicAutoencoder) -> Score:
    """Returns a file as a score that the model can read, and says what of it was lost."""
    from latente.audio.music import read_midi

    reading = read_midi(path, voices=model.voices_, steps_per_beat=model.steps_per_beat_)
    if reading.percussion or reading.dropped or reading.shortened or reading.off_grid > 0.05:
        note(reading.describe())
    return reading.score
