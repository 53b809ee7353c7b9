"""The options of `latente detect`."""

from __future__ import annotations

__all__ = [
    "Contamination", "FalseAlarmRate", "Fdr", "IdColumn", "Model", "Output", "Report", "Save", "Series", "Train",
    "Window",
]  # fmt: skip

from pathlib import Path
from typing import Annotated

import typer

Output = Annotated[
    Path,
    typer.Option("--output", "-o", metavar="OUT", help=".csv, .tsv or .parquet of scores.", show_default=False),
]
Train = Annotated[
    str | None,
    typer.Option("--train", help="Normal data to learn from; without, DATA itself, which may hold anomalies."),
]
Model = Annotated[Path | None, typer.Option("--model", help="A detector that was saved, in place of learning one.")]
FalseAlarmRate = Annotated[
    float | None,
    typer.Option(
        "--false-alarm-rate",
        help="Fraction of normal samples that may be flagged.",
        show_default="0.05; series 0.01",
    ),
]
Contamination = Annotated[
    str | None,
    typer.Option(
        "--contamination",
        help="Of the data to learn from: auto, or the fraction of anomalies, which is then flagged.",
        show_default="none with --train, else auto; series none",
    ),
]
Fdr = Annotated[
    float | None,
    typer.Option("--fdr", help="Flag at a false-discovery rate for the whole of DATA instead."),
]
IdColumn = Annotated[
    str | None,
    typer.Option(
        "--id", help="Column of DATA that names the rows or time steps.", show_default="the only column of words"
    ),
]
Report = Annotated[Path | None, typer.Option("--report", help="Write a page about the anomalies, .html.")]
Save = Annotated[Path | None, typer.Option("--save", help="Keep the detector in this folder.")]
Series = Annotated[
    bool,
    typer.Option("--series", help="DATA is a series: rows are time steps in order, columns its channels."),
]
Window = Annotated[
    int | None,
    typer.Option("--window", help="Steps of a series that are looked at together.", show_default="from its period"),
]
