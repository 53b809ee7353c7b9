"""The commands put together, and the one place where they are run."""

from __future__ import annotations

__all__ = ["app", "main"]

import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Annotated

import typer

from latente.cli.audio.app import audio_app
from latente.cli.compressing import compress, decompress
from latente.cli.detecting import detect
from latente.cli.fitting import fit
from latente.cli.judging import evaluate, info, report
from latente.cli.problems import one_line_warnings, report_problem
from latente.cli.sampling import sample
from latente.cli.sharing import datasets, demo, export
from latente.cli.using import denoise, interpolate, inverse, reconstruct, transform

EXAMPLES: dict[Callable[..., None], str] = {
    fit: "latente fit fashion-mnist-10k -o clothes --latent-dim 16 --epochs 20",
    transform: "latente transform clothes fashion-mnist-10k -o codes.npy",
    inverse: "latente inverse clothes codes.npy -o images.npy",
    reconstruct: "latente reconstruct clothes fashion-mnist-10k -o images.png",
    denoise: "latente denoise cleaner noisy.npy -o clean.npy",
    detect: "latente detect today.csv --train normal.csv -o flags.csv --false-alarm-rate 0.01 --report today.html",
    compress: "latente compress field.npy --max-error 1e-3 --report",
    decompress: "latente decompress field.npy.lat -o again.npy",
    interpolate: "latente interpolate clothes fashion-mnist-10k --from 3 --to 17 --steps 9 -o way.png",
    sample: "latente sample vae -n 64 -o new.png --seed 0",
    evaluate: "latente evaluate clothes fashion-mnist-10k",
    info: "latente info clothes",
    report: "latente report clothes fashion-mnist-10k -o report.html",
    export: "latente export clothes -o clothes-onnx",
    datasets: "latente datasets fashion-mnist-10k",
    demo: "latente demo --out demo-report",
}

app = typer.Typer(
    name="latente",
    help="Autoencoders for tables, images and signals: train one, use it, and see what it learned.",
    epilog="Example: latente fit digits -o model (latente fit --help says more)",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command, example in EXAMPLES.items():
    app.command(epilog=f"Example: {example}")(command)
app.add_typer(audio_app, name="audio")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"latente {version('latente')}")
        raise typer.Exit


@app.callback()
def _root(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error; allowed anywhere on the line.")
    ] = False,
) -> None:
    """Declares the options of every command; `main` reads --debug itself, so that it may stand anywhere."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code: 0, 2 for a mistake, 130 when interrupted, 1 for a bug.

    Args:
        argv: the arguments; None takes those of the process.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"] or ["--help"]
    try:
        with one_line_warnings():
            result = typer.main.get_command(app).main(arguments, prog_name="latente", standalone_mode=False)
            sys.stdout.flush()
        if result == 130:  # what typer makes of an interruption
            raise KeyboardInterrupt
        return int(result or 0)
    except (Exception, KeyboardInterrupt) as error:
        if debug and not isinstance(error, KeyboardInterrupt):
            raise
        return report_problem(error, arguments)
