"""`latente evaluate`, `info` and `report`: what a model is and how good it is."""

from __future__ import annotations

__all__ = ["evaluate", "info", "report"]

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from latente.cli import options
from latente.cli.compressing import describe_lat, is_lat
from latente.cli.inputs import open_any, open_model, read_samples, reference_for
from latente.cli.outputs import check_file, new_file
from latente.cli.printing import (
    code_size_record,
    code_size_text,
    judgement_record,
    judgement_text,
    lines,
    show,
    training_record,
    training_text,
)
from latente.cli.problems import naming

if TYPE_CHECKING:
    from latente.estimators import Autoencoder

Reference = Annotated[
    str | None,
    typer.Option(
        "--reference",
        metavar="TRAIN",
        help="What mean and PCA are fitted on: an input like DATA.",
        show_default="the training split of a data set, else DATA",
    ),
]


def evaluate(
    model: options.Model,
    data: options.Data,
    reference: Reference = None,
    resize: options.Resize = None,
    as_json: options.Json = False,
) -> None:
    """Measure the error beside those of the mean and PCA, and name what is wrong."""
    from latente.diagnostics import Evidence

    fitted = open_model(model)
    samples = read_samples(data, resize=resize)
    base, against = reference_for(samples, reference, resize)
    names = (samples.name, against)
    with naming(X=samples.name, reference=against):
        evidence = Evidence.of(fitted, samples.X, base)
    show(judgement_record(evidence, *names), lines(judgement_text(evidence, *names)), as_json)


def info(
    model: Annotated[
        Path,
        typer.Argument(metavar="MODEL", help="The folder of a fitted model, or a .lat file.", show_default=False),
    ],
    as_json: options.Json = False,
) -> None:
    """Say what a model is and how its training went, or what is in a .lat file."""
    if is_lat(model):
        describe_lat(model, as_json)
        return
    from latente.estimators import Autoencoder

    fitted = open_any(model)
    if not isinstance(fitted, Autoencoder):
        record = _describe_restorer(fitted, model)
        settings = {name: str(value) for name, value in record["settings"].items()}
        size = f"{record['parameters']:,} parameters"
        rows = {"model": record["estimator"], **settings, "training": training_text(fitted.history_), "size": size}
        show(record, lines(rows), as_json)
        return
    record = _describe(fitted, model)
    training = training_text(fitted.history_) if hasattr(fitted, "history_") else "by partial_fit; no history"
    size = f"{record['latent_dim']} values{' (auto)' if fitted.latent_dim == 'auto' else ''}"
    rows = {
        "model": f"{record['estimator']}, {size} for each sample of {fitted.schema_.size}",
        **{name: part or "none" for name, part in record["parts"].items()},
        **code_size_text(fitted),
        **_learned(fitted),
        "data": fitted.schema_.describe(),
        "training": f"{training}, seed {fitted.random_state}",
        **_found(fitted),
        "size": f"{record['parameters']:,} parameters, {record['bytes'] / 1e6:.2f} MB",
        "versions": ", ".join(f"{name} {version}" for name, version in record["versions"].items()),
    }
    show(record, lines(rows), as_json)


def _learned(fitted: Autoencoder) -> dict[str, str]:
    """Returns the line on the standard deviation that a Gaussian likelihood has reached, where there is one."""
    sigma = _sigma(fitted)
    if sigma is None:
        return {}
    floor = getattr(fitted.recipe_.distortion, "smallest_std", 0)
    reached = " to ".join(dict.fromkeys(f"{value:.4g}" for value in sigma))
    least = f"; its floor is {floor:.4g}" if floor else ""
    return {"sigma": f"{reached}, the learned standard deviation of the likelihood in units of scaled data{least}"}


def _sigma(fitted: Autoencoder) -> tuple[float, float] | None:
    """Returns the smallest and the largest standard deviation that the distortion has learned, or None."""
    sigma = fitted.module_.distortion.sigma
    return None if sigma is None else (float(sigma.min()), float(sigma.max()))


def _found(fitted: Autoencoder) -> dict[str, str]:
    """Returns the line on what training showed to be wrong, where there is something."""
    found = fitted.history_.findings if hasattr(fitted, "history_") else []
    return {"found": "\n".join(str(finding) for finding in found)} if found else {}


def _describe_restorer(fitted: Any, folder: Path) -> dict[str, Any]:
    """Returns the JSON of a denoiser or an imputer."""
    return {
        "model": str(folder),
        "estimator": type(fitted).__name__,
        "settings": {
            name: value if isinstance(value, (int, float, str)) else repr(value)
            for name, value in fitted.get_params(deep=False).items()
            if name not in ("trainer", "random_state")
        },
        "training": training_record(fitted.history_),
        "parameters": sum(parameter.numel() for parameter in fitted.module_.parameters()),
    }


def _describe(fitted: Autoencoder, folder: Path) -> dict[str, Any]:
    """Returns the JSON of a model."""
    from latente.persistence import read_model

    _, stored = read_model(folder)
    return {
        "model": str(folder),
        "estimator": stored.estimator,
        "params": stored.params,
        "latent_dim": fitted.latent_dim_,
        "latent_size": code_size_record(fitted),
        "parts": _parts(fitted),
        "sigma": _sigma(fitted),
        "data": stored.data,
        "training": training_record(fitted.history_) if hasattr(fitted, "history_") else None,
        "format": stored.format,
        "versions": stored.versions,
        "parameters": sum(parameter.numel() for parameter in fitted.module_.parameters()),
        "bytes": sum(file.stat().st_size for file in folder.iterdir() if file.is_file()),
    }


def _parts(fitted: Autoencoder) -> dict[str, str | None]:
    """Returns the reprs of the model's parts; in the place of an automatic network the one that it chose."""
    from latente.networks import Auto

    parts = vars(fitted.recipe_).copy()
    if isinstance(parts["network"], Auto):
        parts["network"] = parts["network"].choose(fitted.schema_.sample_shape)
    return {name: None if part is None else repr(part) for name, part in parts.items()}


def report(
    model: options.Model,
    data: options.Data,
    output: options.Output,
    reference: Reference = None,
    resize: options.Resize = None,
    seed: options.Seed = 0,
    force: options.Force = False,
    as_json: options.Json = False,
) -> None:
    """Write a report, one HTML file that opens in any browser."""
    check_file(output, (".html",), force)
    from latente.report import write_report

    fitted = open_model(model)
    samples = read_samples(data, resize=resize)
    base, against = reference_for(samples, reference, resize)
    labels = {"labels": samples.labels, "label_names": samples.label_names}
    with new_file(output) as part, naming(X=samples.name, reference=against):
        write_report(fitted, part, samples.X, **labels, reference=base, random_state=seed)
    show({"report": str(output.absolute())}, f"wrote {output.absolute()}", as_json)
