"""`latente transform`, `inverse`, `reconstruct`, `denoise` and `interpolate`: a fitted model at work."""

from __future__ import annotations

__all__ = ["denoise", "interpolate", "inverse", "open_for", "reconstruct", "transform", "write_samples"]

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from latente.cli import options
from latente.cli.inputs import Samples, open_any, open_model, read_samples
from latente.cli.outputs import ARRAYS, SAMPLES, check_file, check_samples, write_array
from latente.cli.printing import wrote
from latente.cli.problems import naming, note
from latente.cli.restoring import check_restored, read_noisy, write_restored

if TYPE_CHECKING:
    from latente.estimators import Autoencoder


def transform(
    model: options.Model,
    data: options.Data,
    output: options.Output,
    refine: Annotated[
        int,
        typer.Option(min=0, metavar="N", help="Steps that lower each sample's error; 0: the encoder's own codes."),
    ] = 0,
    resize: options.Resize = None,
    force: options.Force = False,
    as_json: options.Json = False,
) -> None:
    """Turn samples into codes."""
    check_file(output, ARRAYS, force)
    fitted = open_model(model)
    code = partial(fitted.refine, steps=refine) if refine else fitted.transform
    codes = _result(output, code, read_samples(data, resize=resize))
    if not isinstance(codes, np.memmap):
        write_array(output, codes, columns=[str(name) for name in fitted.get_feature_names_out()])
    wrote(output, codes, as_json)


def inverse(
    model: options.Model,
    codes: Annotated[
        Path,
        typer.Argument(metavar="CODES", help=".npy, .npz, .csv, .tsv or .parquet of codes.", show_default=False),
    ],
    output: options.Output,
    force: options.Force = False,
    as_json: options.Json = False,
) -> None:
    """Turn codes back into samples, in the data's own units."""
    fitted = open_for(model, output, force)
    write_samples(fitted, output, _result(output, fitted.inverse_transform, Samples(codes, str(codes))), as_json)


def reconstruct(
    model: options.Model,
    data: options.Data,
    output: options.Output,
    corrupt: Annotated[bool, typer.Option("--corrupt", help="Apply the model's own corruption first.")] = False,
    seed: options.Seed = 0,
    resize: options.Resize = None,
    force: options.Force = False,
    as_json: options.Json = False,
) -> None:
    """Send samples through the code and back."""
    fitted = open_for(model, output, force)
    samples = read_samples(data, resize=resize)
    rebuilt = _result(output, fitted.reconstruct, samples, corrupt=corrupt, random_state=seed)
    write_samples(fitted, output, rebuilt, as_json)


def denoise(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="The folder of a fitted model, or none: NOISY alone is learned from, without anything clean.",
            show_default=False,
        ),
    ],
    noisy: Annotated[
        str,
        typer.Argument(
            metavar="NOISY",
            help="Noisy samples or a table with missing cells: an input like that of fit; denoisers also take one "
            "image, and images of any sizes.",
            show_default=False,
        ),
    ],
    output: options.Output,
    kind: Annotated[
        str, typer.Option("--kind", help="What NOISY is, where MODEL is none: table, image or signal.")
    ] = "auto",
    seed: options.Seed = 0,
    resize: options.Resize = None,
    force: options.Force = False,
    as_json: options.Json = False,
) -> None:
    """Remove noise, or fill in missing cells, with a model that was trained to."""
    from latente.denoising import denoise as restore
    from latente.estimators import Autoencoder

    fitted = None if model == "none" else open_any(Path(model))
    if isinstance(fitted, Autoencoder):
        _denoise_by_reconstruction(fitted, noisy, output, resize, force, as_json)
        return
    samples = read_noisy(noisy, resize)
    check_restored(output, samples, force)
    with naming(X=noisy):
        restored = restore(fitted, samples.X, kind=kind, random_state=seed)
    write_restored(output, restored, samples, as_json)


def _denoise_by_reconstruction(
    fitted: Autoencoder, noisy: str, output: Path, resize: str | None, force: bool, as_json: bool
) -> None:
    check_file(output, SAMPLES, force)
    check_samples(output, fitted.schema_)
    samples = read_samples(noisy, resize=resize)
    if fitted.recipe_.corruption is None:
        note("note: this model was trained without --corruption; only if it had --target did it learn to remove noise")
    write_samples(fitted, output, _result(output, fitted.reconstruct, samples), as_json)


def interpolate(
    model: options.Model,
    data: options.Data,
    output: options.Output,
    start: Annotated[int, typer.Option("--from", help="Which sample of DATA the way starts at, from 0.")],
    end: Annotated[int, typer.Option("--to", help="Which sample it ends at.")],
    steps: Annotated[int, typer.Option("--steps", help="Samples on the way, both ends included.")] = 9,
    path: Annotated[options.Way, typer.Option("--path", help="How the way runs.")] = options.Way.linear,
    resize: options.Resize = None,
    force: options.Force = False,
    as_json: options.Json = False,
) -> None:
    """Walk from one sample to another through the latent space."""
    from latente.data import as_rows

    fitted = open_for(model, output, force)
    rows = as_rows(read_samples(data, resize=resize).X)
    for name, index in (("--from", start), ("--to", end)):
        if not 0 <= index < len(rows):
            raise ValueError(f"{name} must name one of the {len(rows)} samples, 0 to {len(rows) - 1}; got {index}")
    a, b = (rows.read(index, index + 1)[0] for index in (start, end))
    with naming(X=f"a chosen sample of {data}"):
        way = fitted.interpolate(a, b, steps, path=path.value)
    write_samples(fitted, output, way, as_json, across=len(way))


def open_for(model: Path, output: Path, force: bool) -> Autoencoder:
    """Returns the model once it is clear that its samples can be written."""
    check_file(output, SAMPLES, force)
    fitted = open_model(model)
    check_samples(output, fitted.schema_)
    return fitted


def _result(output: Path, method: Callable[..., NDArray], samples: Samples, **settings: Any) -> NDArray:
    """Returns what a method makes of samples; a .npy is written while it is made, and a map of it is returned."""
    if output.suffix.lower() == ".npy":
        output.parent.mkdir(parents=True, exist_ok=True)
        settings["out"] = output
    with naming(X=samples.name, Z=samples.name):
        return method(samples.X, **settings)


def write_samples(
    fitted: Autoencoder, output: Path, samples: NDArray, as_json: bool, across: int | None = None
) -> None:
    """Writes samples in the model's own units, unless they are a map of the file already, and says so.

    Args:
        fitted: the model that they come from.
        output: the file.
        samples: (n, ...).
        as_json: whether to say it as one JSON object.
        across: pictures in a row of a grid; None for a square.
    """
    schema = fitted.schema_
    if not isinstance(samples, np.memmap):
        write_array(output, samples, columns=schema.columns, schema=schema, across=across)
    wrote(output, samples, as_json)
