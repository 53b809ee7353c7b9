"""`latente export`, `datasets` and `demo`."""

from __future__ import annotations

__all__ = ["datasets", "demo", "export"]

import time
from pathlib import Path
from typing import Annotated

import typer

from latente.cli import options
from latente.cli.inputs import open_model
from latente.cli.outputs import check_folder, new_folder
from latente.cli.printing import lines, show
from latente.cli.problems import note


def export(
    model: options.Model,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="Where the files go.", show_default=False)
    ],
    force: options.Force = False,
    as_json: options.Json = False,
) -> None:
    """Write encoder and decoder as ONNX files."""
    check_folder(output, force)
    fitted = open_model(model)
    with new_folder(output) as folder:
        fitted.export_onnx(folder)
        names = sorted(file.name for file in folder.iterdir())
    show({"output": str(output), "files": names}, f"wrote {', '.join(str(output / name) for name in names)}", as_json)


def datasets(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="One to describe.", show_default=False)] = None,
    as_json: options.Json = False,
) -> None:
    """List the data sets that come by name, or describe one."""
    from latente import datasets as library

    if name is None:
        names = library.names()
        show({"datasets": names}, "\n".join(names), as_json)
        return
    data = library.load(name)
    record = {
        "name": data.name,
        "description": data.description,
        "train": f"{data.x_train.shape} {data.x_train.dtype}",
        "test": f"{data.x_test.shape} {data.x_test.dtype}",
        "labels": ", ".join(data.label_names),
        "source": data.source,
        "licence": data.licence,
    }
    show(record, lines(record), as_json)


def demo(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="Where the report and the models go.")],
    epochs: Annotated[
        int | None, typer.Option("--epochs", min=1, help="Passes over the data.", show_default="enough")
    ] = None,
    seed: options.Seed = 0,
    force: options.Force = False,
    as_json: options.Json = False,
) -> None:
    """Train five autoencoders on photographs and report on them."""
    check_folder(out, force)
    from latente.report import run_demo

    start = time.perf_counter()
    with new_folder(out) as folder:
        made = run_demo(folder, random_state=seed, epochs=epochs, progress=note).absolute()
        where = out.absolute() / made.relative_to(folder.absolute())
    seconds = time.perf_counter() - start
    show({"report": str(where), "seconds": seconds}, f"{where}  ({seconds:.0f} s; open it in a browser)", as_json)
